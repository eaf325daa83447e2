package templates

import (
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tocsin/incidents"
)

// elements are those that may be in HTML. All are on the list of the Matrix
// specification, client-server API, "m.room.message msgtypes".
func elements() []string { return []string{"b", "br", "code", "li", "ul"} }

// wellFormed reads HTML as strictly as XML and gives what it says, line by line,
// twice: with everything, and without what is in code.
func wellFormed(html string) (all, bare string, err error) {
	var say, dull strings.Builder
	var open []string
	d := xml.NewDecoder(strings.NewReader("<p>" + html + "</p>"))
	for {
		token, err := d.Token()
		if err == io.EOF {
			return say.String(), dull.String(), nil
		}
		if err != nil {
			return "", "", err
		}
		switch x := token.(type) {
		case xml.StartElement:
			name := x.Name.Local
			if len(x.Attr) > 0 || x.Name.Space != "" || len(open) > 0 && !slices.Contains(elements(), name) {
				return "", "", fmt.Errorf("the element %v", x)
			}
			if in := slices.Contains(open, "ul") && open[len(open)-1] == "ul"; in != (name == "li") {
				return "", "", fmt.Errorf("%s in %v", name, open)
			}
			if slices.Contains(open, name) || slices.Contains(open, "code") {
				return "", "", fmt.Errorf("%s is in %v", name, open)
			}
			if name == "br" || name == "li" {
				say.WriteByte('\n')
				dull.WriteByte('\n')
			}
			open = append(open, name)
		case xml.EndElement:
			if x.Name.Local == "ul" {
				say.WriteByte('\n')
				dull.WriteByte('\n')
			}
			if x.Name.Local == "code" {
				dull.WriteByte(' ')
			}
			open = open[:len(open)-1]
		case xml.CharData:
			say.Write(x)
			if open[len(open)-1] != "code" {
				dull.Write(x)
			}
		default:
			return "", "", fmt.Errorf("%T", x)
		}
	}
}

// linkers are what clients look for in text to make links and mentions of.
type linkers []*regexp.Regexp

func newLinkers() linkers {
	return linkers{
		regexp.MustCompile(`(?i)[a-z][a-z0-9+.-]*:\??[/\pL\pN@#%]`), // an address with a scheme
		regexp.MustCompile(`[\pL\pN_-][.。．｡]\pL[\pL\pM]`),           // the name of a host
		regexp.MustCompile(`[0-9]{1,3}(\.[0-9]{1,3}){3}`),           // its number
		regexp.MustCompile(`(?i)localhost`),                         //
		regexp.MustCompile(`@`),                                     // a mention, an address of mail
		regexp.MustCompile(`[@#!$+][^\s\pZ:]*:[\pL\pN\[]`),          // an identifier of Matrix
		regexp.MustCompile(`![\pL0-9]`),                             // a room's, without a server; a command
		regexp.MustCompile(`(?i)matrix\.to|\bwww\.`),                //
	}
}

// check holds a Document to what its HTML promises.
func (ls linkers) check(doc Document) error {
	all, bare, err := wellFormed(doc.HTML)
	if err != nil {
		return fmt.Errorf("%w in %s", err, doc.HTML)
	}
	if one, two := lines(all), lines(doc.Text); !slices.Equal(one, two) {
		return fmt.Errorf("the HTML says\n%q, the text\n%q", one, two)
	}
	for _, l := range ls {
		if found := l.FindString(bare); found != "" {
			return fmt.Errorf("%q is live in %s", found, doc.HTML)
		}
	}
	if strings.ContainsAny(doc.Text+doc.HTML, marks) {
		return fmt.Errorf("a mark is left in %q", doc.HTML)
	}
	return nil
}

// lines are those of a text that say something.
func lines(text string) []string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.Trim(line, " "); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// nasty is what somebody may put into a title to make it live.
func nasty() string {
	return `<a href="https://evil.example/">click</a><img src="mxc://evil.example/x"/> &lt;b&gt; </li></ul><b> ` +
		`@room @bob:hs.test #desk:hs.test !abc:hs.test !4nzbcaUfm8RYeDTBdmuPGKP5XqKBgZ5RxM-pKeJmNXY matrix:u/bob:hs.test ` +
		`https://matrix.to/#/@bob:hs.test www.evil.example evil.example mallory@evil.example 192.0.2.1 localhost:80 ` +
		"[here](https://evil.example) **bold** `code` \x01c\x02d\x03e & !approve K7QFM $5 12.1.1 08:30 e.g. (see evil.example/x)."
}

// TestHTMLGolden holds the HTML of cards of each sort against testdata/html. Run
// it with -update and read the difference.
func TestHTMLGolden(t *testing.T) {
	p := *pillow(t)
	b := book(t)
	hostile := func(s string) incidents.Sealed {
		if strings.HasPrefix(s, "Heap") || strings.HasSuffix(s, "a note") {
			s += " " + nasty()
		}
		return incidents.Seal(s)
	}
	read := strings.NewReplacer("<br/>", "<br/>\n", "<ul>", "<ul>\n", "</li>", "</li>\n", "</ul>", "</ul>\n") // one line for each
	known := map[string]bool{}
	for _, name := range []string{
		"incident/opened", "incident/show", "incident/list", "incident/closed", "room", "timeline", "severity/set", "fact/show",
		"role/list", "refusals/usage", "refusals/which-incident", "help/all", "help/one", "help/some", "approval/asked", "suspended",
		"rung", "hostile/incident/show", "hostile/timeline", "hostile/approval/asked", "hostile/fact/show",
	} {
		seal := incidents.Seal
		base, bad := strings.CutPrefix(name, "hostile/")
		if bad {
			seal = hostile
		}
		var out strings.Builder
		for _, much := range []string{"much known", "little known"} {
			for _, c := range []string{"full", "notice"} {
				doc, err := b.Render(base, factsFor(p, base, much == "much known", seal), clearances()[c])
				if err != nil {
					t.Fatal(err)
				}
				if !bad || c == "full" && much == "much known" {
					fmt.Fprintf(&out, "-- %s, %s --\n%s\n", c, much, strings.TrimRight(read.Replace(doc.HTML), "\n"))
				}
			}
		}
		path := filepath.Join("testdata", "html", strings.ReplaceAll(name, "/", "_")+".html")
		known[path] = true
		if update() {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil || string(want) != out.String() {
			t.Errorf("the HTML of %s is something else than its golden file (%v):\n%s\nwant\n%s", name, err, out.String(), want)
		}
	}
	paths, err := filepath.Glob("testdata/html/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if !known[path] {
			t.Errorf("%s is of no template", path)
		}
	}
}

// TestHTML: the HTML of every template is sound, says what the text says, and
// below full tells nothing that is sealed.
func TestHTML(t *testing.T) {
	p := *pillow(t)
	b, links := book(t), newLinkers()
	joined := regexp.MustCompile(`[\pL\pN]<code>|</code>[\pL\pN]`)
	for _, name := range b.Names() {
		for _, much := range []bool{true, false} {
			for _, c := range []string{"full", "notice", "none"} {
				f := factsFor(p, name, much, incidents.Seal)
				doc, err := b.Render(name, f, clearances()[c])
				if err == nil {
					err = links.check(doc)
				}
				if err != nil {
					t.Fatalf("%s at %s: %v", name, c, err)
				}
				if found := joined.FindString(doc.HTML); found != "" {
					t.Errorf("%s: %q: a blank is missing beside code in %s", name, found, doc.HTML)
				}
				raw, _ := b.say(name, f, clearances()[c])
				for line := range strings.SplitSeq(raw, "\n") {
					if strings.Count(line, markCode)%2 != 0 || strings.Count(line, markBold)%2 != 0 {
						t.Errorf("%s: one of two signs is missing in %q", name, line)
					}
				}
				other := func(s string) incidents.Sealed { return incidents.Seal(nasty() + s) }
				if two, _ := b.Render(name, factsFor(p, name, much, other), clearances()[c]); c != "full" && two.HTML != doc.HTML {
					t.Errorf("the HTML of %s at %s tells what is sealed", name, c)
				}
			}
		}
	}
}

// TestShape is how marks become HTML.
func TestShape(t *testing.T) {
	for _, c := range []struct{ raw, text, html string }{
		{"", "", ""},
		{"one\ntwo", "one\ntwo", "one<br/>two"},
		{"\n\none  \n\n\n two\n\n", "one\n\n two", "one<br/><br/>two"},
		{"\x02INC-7\x02 & <co>", "INC-7 & <co>", "<b>INC-7</b> &amp; &lt;co&gt;"},
		{"say \x01!help <x>\x01.", "say !help <x>.", "say <code>!help &lt;x&gt;</code>."},
		{"\x02a \x01b\x02 c\x01", "a b c", "<b>a <code>b</code></b><code> c</code>"},
		{"\x01a\nb\x01 c", "a\nb c", "<code>a</code><br/><code>b</code> c"},
		{"\x01\x01\x02\x02", "", ""},
		{"two:\n\x03one\n  more\n\n  of it\n\x03two\nend", "two:\none\n  more\n\n  of it\ntwo\nend", "two:<ul><li>one<br/>more<br/><br/>of it</li><li>two</li></ul>end"},
		{"\x03one\n\nend", "one\n\nend", "<ul><li>one</li></ul>end"},
		{"not \x03here", "not here", "not here"},
		{"see evil.example, (@bob:hs.test).", "see evil.example, (@bob:hs.test).", "see <code>evil.example</code>, (<code>@bob:hs.test</code>)."},
		{"ev\x02il.exa\x02mple", "evil.example", "<code>ev</code><b><code>il.exa</code></b><code>mple</code>"},
		{"ev\x01\x02\x01il.exa\x02mple", "evil.example", "<code>ev</code><b><code>il.exa</code></b><code>mple</code>"},
		{"<https://evil.example>", "<https://evil.example>", "&lt;<code>https://evil.example</code>&gt;"},
		{"\x01a\r\x01\nb", "a\nb", "<code>a</code><br/>b"},
	} {
		if doc := shape(c.raw); doc.Text != c.text || doc.HTML != c.html {
			t.Errorf("%q: %q and\n%s, want\n%s", c.raw, doc.Text, doc.HTML, c.html)
		}
	}
}

// TestLive: what a client may make live, and what is only text.
func TestLive(t *testing.T) {
	for _, word := range strings.Fields(`https://evil.example http://x mailto:bob matrix:r/desk:hs.test tel:112 x:y @bob @room @bob:hs.test bob@hs.test
		#desk:hs.test #1:2 +g:hs.test $e:1 !abc:hs.test !abcDEF !help evil.example EVIL.EXAMPLE evil.py пример.рф भारत.भारत 例。例え 例．com 例｡com a.xn--p1ai www.evil
		192.0.2.1 192.0.2.1/x 10.0.0.1:80 localhost LOCALHOST:80 x/localhost [::1] a1:80 CVSS:4.0/AV:N/AC:L INC-7.py`) {
		if !live(word) {
			t.Errorf("%s is live, and may be made a link", word)
		}
	}
	for _, word := range strings.Fields(`overflow 08:30 10:30:15 2026-11-25 12.1.1 4.0 e.g. i.e. wait...what end. ... INC-7 CWE-787 CVE-2026-25990 #desk #123 $5 50% and/or a_b <b> quiet-harbour naïve it's note: ! 25h`) {
		if live(word) {
			t.Errorf("%s is only text", word)
		}
	}
}

// TestCommandsAreCode: a template that names a command shows it as code.
func TestCommandsAreCode(t *testing.T) {
	command := regexp.MustCompile(`![a-z]|!\{\{`)
	paths, err := filepath.Glob("replies/*.tmpl")
	if err != nil || len(paths) < 4 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for n, line := range strings.Split(string(text), "\n") {
			for _, at := range command.FindAllStringIndex(line, -1) {
				if strings.Count(line[:at[0]], "`")%2 == 0 {
					t.Errorf("%s:%d: put `signs` around the command at %q", path, n+1, line[at[0]:])
				}
			}
		}
	}
}
