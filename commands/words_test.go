package commands

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSplit(t *testing.T) {
	for line, want := range map[string][]string{
		"":                    nil,
		"  \t ":               nil,
		"a b":                 {"a", "b"},
		"  a\u00a0b\u2003c\n": {"a", "b", "c"}, // a telephone's blanks
		`"a b" c`:             {"a b", "c"},
		"“a b” c":             {"a b", "c"},
		"„a b“ «c d»":         {"a b", "c d"},
		`“a b" c`:             {"a b", "c"},
		`"" x`:                {"", "x"},
		"it's bob’s":          {"it's", "bob’s"},
		`5" disk`:             {`5"`, "disk"},
		`"open`:               {`"open`},
		`a "open b`:           {"a", `"open b`},
		"—type ci":            {"--type", "ci"},
		"–-type ―type":        {"--type", "--type"},
		"a — b":               {"a", "—", "b"},
		"--type":              {"--type"},
		`"--type"`:            {"--type"},
		"\xff\xfe x":          {"\xff\xfe", "x"},
		`"a"b`:                {"a", "b"},
	} {
		var got []string
		for _, w := range split(line) {
			got = append(got, w.text)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

// FuzzSplit: words stand in order, do not overlap, and nothing but blanks is
// left out; what is open has its quote.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{"", `a "b c" d`, "“x”y", "—type “", "\u00a0\u3000", "\"\"\"", "it's \xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		at := 0
		for _, w := range split(line) {
			if w.start < at || w.end <= w.start || w.end > len(line) {
				t.Fatalf("%q: the word %+v is out of place after %d", line, w, at)
			}
			if strings.TrimSpace(line[at:w.start]) != "" {
				t.Fatalf("%q: %q was left out", line, line[at:w.start])
			}
			if w.quoted && w.open() {
				t.Fatalf("%q: %+v is quoted, and open", line, w)
			}
			if !w.quoted && !w.open() && !strings.HasPrefix(w.text, "--") && w.text != line[w.start:w.end] {
				t.Fatalf("%q: %+v is not what stands there", line, w)
			}
			at = w.end
		}
		if strings.TrimSpace(line[at:]) != "" {
			t.Fatalf("%q: %q was left out at the end", line, line[at:])
		}
	})
}

func TestFind(t *testing.T) {
	for line, want := range map[string][2]string{
		"help":                           {"help", ""},
		"HELP Incident Open":             {"help", "Incident Open"},
		"incident open Heap overflow":    {"incident open", "Heap overflow"},
		"Incident  OPEN\tHeap":           {"incident open", "Heap"},
		"incident\u00a0open x":           {"incident open", "x"},
		"incident":                       {"", ""},
		"incident opening":               {"", ""},
		"ping pong":                      {"ping", "pong"},
		"forget reporter":                {"forget reporter", ""},
		"severity score  CVSS:4.0/AV:N ": {"severity score", "CVSS:4.0/AV:N"},
		"incident note a\nb":             {"incident note", "a\nb"},
		"":                               {"", ""},
	} {
		c, rest, ok := find(Table(), line)
		if c.Words != want[0] || rest != want[1] || ok != (want[0] != "") {
			t.Errorf("%q: %q with %q, want %q", line, c.Words, rest, want)
		}
	}
	longer := append(Table(), Command{Words: "incident open now"}, Command{Words: "incident"})
	if c, rest, _ := find(longer, "incident open now x"); c.Words != "incident open now" || rest != "x" {
		t.Errorf("the longest match is %q with %q", c.Words, rest)
	}
	if c, rest, _ := find(longer, "incident opens"); c.Words != "incident" || rest != "opens" {
		t.Errorf("the only match is %q with %q", c.Words, rest)
	}
}

func TestNearest(t *testing.T) {
	for typed, want := range map[string]string{
		"pign": "ping", "hlep": "help", "incdent lst": "incident list", "incident opne": "incident open", "severty set": "severity set",
		"who am i": "whoami", "frobnicate": "help", "": "help", strings.Repeat("x", 1<<14): "help", "акула": "help", "\xff\xff": "help",
		"INCIDENT SHWO": "incident show", "role asign": "role assign", "unsupend": "unsuspend",
	} {
		if got := nearest(Table(), typed); got != want {
			t.Errorf("%.40q: %q, want %q", typed, got, want)
		}
	}
}

// FuzzFind: what is found is a command of the table, and what is left of the
// line stands at its end; the nearest one is in the table too.
func FuzzFind(f *testing.F) {
	f.Add("incident open x")
	f.Add("“incident” —open")
	f.Add("\xff incident\u2028open")
	f.Fuzz(func(t *testing.T, line string) {
		c, rest, ok := find(Table(), line)
		if ok && (c.Run == nil || !strings.Contains(line, rest)) {
			t.Fatalf("%q: %q with %q", line, c.Words, rest)
		}
		near := nearest(Table(), line)
		if !slices.ContainsFunc(Table(), func(c Command) bool { return c.Words == near }) {
			t.Fatalf("%q: the nearest is %q, which is no command", line, near)
		}
		if text, ok := command(line); ok && (text == "" || !utf8.ValidString(text[:1]) && text[0] < 0x80) {
			t.Fatalf("%q: a command without text", line)
		}
	})
}

func TestUsage(t *testing.T) {
	want := map[string]string{
		"help":          "!help [command]",
		"incident open": "!incident open [--type TYPE] [--source SOURCE] [--severity LEVEL] [--reported WHEN] [--lead me|nobody] [title]",
		"incident list": "!incident list [open|closed|all]",
		"incident show": "!incident show [INC-n]",
		"severity set":  "!severity set [INC-n] <level or vector> [reason]",
		"role assign":   "!role assign [INC-n] <role> <person>",
		"reporter set":  "!reporter set [INC-n] [--contact C] [--credit CREDIT] <name>",
		"fact set":      "!fact set [INC-n] <summary|details|affected|fixed|cwe|cve|ghsa|library|workaround|poc|period|files|advice> <value>",
		"ack sent":      "!ack sent [INC-n] [--via HOW] [--at WHEN]",
		"timeline":      "!timeline [INC-n] [n]",
		"release live":  "!release live [--at WHEN] <version> [--by-hand reason]",
		"approve":       "!approve [code]",
	}
	for _, c := range Table() {
		usage := c.Usage()
		if want[c.Words] != "" && usage != want[c.Words] {
			t.Errorf("%s\nwant %s", usage, want[c.Words])
		}
		delete(want, c.Words)
		for _, a := range c.Args {
			if !strings.Contains(usage, a.Name) && a.OneOf == nil && !a.Frozen {
				t.Errorf("%s does not show %s", usage, a.Name)
			}
			if (a.Kind == OneLine || a.Kind == Text) && a.Max == 0 {
				t.Errorf("!%s: %s has no length", c.Words, a.Name)
			}
			looksUp := slices.Contains([]string{"help", "plan", "define", "away"}, c.Words) // what is typed there is neither kept nor repeated
			if (a.Kind == OneLine || a.Kind == Text || a.Kind == Vector) && !a.Sealed && !looksUp {
				t.Errorf("!%s: %s is text that people type, and not sealed", c.Words, a.Name)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("no command has the usage %v", want)
	}
	if got := (&Desk{Prefix: "PIL"}).usage(incidentShow()); got != "!incident show [PIL-n]" {
		t.Errorf("another prefix: %s", got)
	}
}
