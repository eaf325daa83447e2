package templates

import (
	"slices"
	"strings"
	"text/template/parse"
	"unicode"
	"unicode/utf8"

	"tocsin/incidents"
)

// The marks that the words of a template carry until shape makes a Document of
// them. They are control characters, which Neutral would replace, and plain
// takes them out of the facts: so only a template can set one.
const (
	markCode = "\x01" // code begins, or ends
	markBold = "\x02" // bold begins, or ends
	markItem = "\x03" // the line is an item of a list
	marks    = markCode + markBold + markItem
)

// signs gives what turns the signs of a template's own words into marks.
func signs(code, bold string) *strings.Replacer { return strings.NewReplacer("`", code, "*", bold) }

// mark replaces the signs in a template's own words. What stands between braces
// is not touched.
func mark(n parse.Node, with *strings.Replacer) {
	branch := func(b *parse.BranchNode) {
		mark(b.List, with)
		mark(b.ElseList, with)
	}
	switch n := n.(type) {
	case *parse.TextNode:
		n.Text = []byte(with.Replace(string(n.Text)))
	case *parse.ListNode:
		if n == nil { // there is no else
			return
		}
		for _, child := range n.Nodes {
			mark(child, with)
		}
	case *parse.IfNode:
		branch(&n.BranchNode)
	case *parse.RangeNode:
		branch(&n.BranchNode)
	case *parse.WithNode:
		branch(&n.BranchNode)
	}
}

func holdsMark(text string) bool {
	for i := range len(text) {
		if strings.IndexByte(marks, text[i]) >= 0 {
			return true
		}
	}
	return false
}

// unmarked gives a text without marks, which people may have typed. Neutral
// would put the same in their place.
func unmarked(text string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(marks, r) {
			return utf8.RuneError
		}
		return r
	}, text)
}

// neutral is incidents.Neutral for text with marks.
func neutral(raw string) string {
	var b strings.Builder
	b.Grow(len(raw))
	for raw != "" {
		n := strings.IndexAny(raw, marks)
		if n < 0 {
			b.WriteString(incidents.Neutral(raw))
			break
		}
		piece := raw[:n]
		if strings.HasSuffix(piece, "\r") && strings.HasPrefix(strings.TrimLeft(raw[n:], marks), "\n") {
			piece = piece[:n-1] // it is CR LF
		}
		if piece != "" {
			b.WriteString(incidents.Neutral(piece))
		}
		b.WriteByte(raw[n])
		raw = raw[n+1:]
	}
	return b.String()
}

// shape makes a Document of what a template gave: neutral, without blank lines
// at the ends or two in a row, without blanks at the ends of lines.
func shape(raw string) Document {
	var p page
	p.html.Grow(2 * len(raw))
	for line := range strings.SplitSeq(neutral(raw), "\n") {
		p.line(line)
	}
	p.endList()
	text := strings.TrimRight(strings.Join(p.text, "\n"), "\n")
	return Document{Text: text, HTML: p.html.String(), Lines: strings.Count(text, "\n") + 1}
}

// page is a Document in the making.
type page struct {
	text   []string
	html   strings.Builder
	breaks int    // lines of text that have begun since the last one that is in html
	list   bool   // html is inside an item of a list
	flips  []flip // of this line, those that are not reckoned with yet

	bold, code         bool // what the marks say
	openBold, openCode bool // what is open in html
}

// flip is a mark at a place of a line.
type flip struct {
	at   int
	mark byte
}

// line takes one line, with its marks.
func (p *page) line(marked string) {
	said, item := p.strip(marked)
	said = strings.TrimRight(said, " ")
	if first := len(p.text) == 0; said != "" || !first && p.text[len(p.text)-1] != "" {
		p.text = append(p.text, said)
		if !first {
			p.breaks++
		}
	}
	if said != "" {
		p.begin(item, strings.HasPrefix(said, "  "))
		p.words(said)
	}
	p.flip(len(marked))
	p.style(false, false)
}

// strip takes the marks out of a line and keeps them as flips. It tells whether
// the line is an item of a list.
func (p *page) strip(marked string) (said string, item bool) {
	p.flips = p.flips[:0]
	n := strings.IndexAny(marked, marks)
	if n < 0 {
		return marked, false
	}
	var b strings.Builder
	b.Grow(len(marked))
	for ; n >= 0; n = strings.IndexAny(marked, marks) {
		b.WriteString(marked[:n])
		if marked[n:n+1] == markItem {
			item = item || b.Len() == 0
		} else {
			p.addFlip(flip{b.Len(), marked[n]})
		}
		marked = marked[n+1:]
	}
	b.WriteString(marked)
	return b.String(), item
}

// addFlip keeps a mark. What begins and ends at one place is nothing, and parts
// no word.
func (p *page) addFlip(f flip) {
	if k := slices.Index(p.flips[max(0, len(p.flips)-2):], f); k >= 0 {
		k += max(0, len(p.flips)-2)
		p.flips = slices.Delete(p.flips, k, k+1)
		return
	}
	p.flips = append(p.flips, f)
}

// begin goes to where the next line belongs: into an item of its own, further in
// the item that is open, or below what was said before.
func (p *page) begin(item, indented bool) {
	switch {
	case item && p.list:
		p.html.WriteString("</li><li>")
	case item:
		p.html.WriteString("<ul><li>")
		p.list = true
	case p.list && !indented:
		p.endList()
	default:
		p.html.WriteString(strings.Repeat("<br/>", p.breaks))
	}
	p.breaks = 0
}

func (p *page) endList() {
	if p.list {
		p.html.WriteString("</li></ul>")
		p.list = false
	}
}

// words writes a line, and as code those words that a client would make live.
func (p *page) words(said string) {
	at := len(said) - len(strings.TrimLeft(said, " "))
	for at < len(said) {
		p.flip(at)
		end := p.untilCode(len(said))
		if p.code {
			p.write(said, at, end, false)
			at = end
			continue
		}
		word := said[at:end]
		if n := strings.IndexFunc(word, unicode.IsSpace); n >= 0 {
			word = word[:n]
		}
		core := strings.TrimLeft(word, "([{<\"'“‘«")
		from := at + len(word) - len(core)
		core = strings.TrimRight(core, ")]}>\"'”’».,;:!?…")
		if live(core) {
			p.write(said, at, from, false)
			p.write(said, from, from+len(core), true)
			p.write(said, from+len(core), at+len(word), false)
		} else {
			p.write(said, at, at+len(word), false)
		}
		at += len(word)
		blanks := said[at:end]
		blanks = blanks[:len(blanks)-len(strings.TrimLeftFunc(blanks, unicode.IsSpace))]
		p.write(said, at, at+len(blanks), false)
		at += len(blanks)
	}
}

// untilCode gives where the next mark of code is, or end.
func (p *page) untilCode(end int) int {
	for _, f := range p.flips {
		if f.mark == markCode[0] {
			return min(f.at, end)
		}
	}
	return end
}

// flip reckons with the marks up to a place of the line.
func (p *page) flip(at int) {
	for len(p.flips) > 0 && p.flips[0].at <= at {
		switch p.flips[0].mark {
		case markCode[0]:
			p.code = !p.code
		case markBold[0]:
			p.bold = !p.bold
		}
		p.flips = p.flips[1:]
	}
}

// write writes a part of a line, in the style that the marks say, or as code.
func (p *page) write(said string, from, to int, code bool) {
	for from < to {
		p.flip(from)
		end := to
		if len(p.flips) > 0 {
			end = min(to, p.flips[0].at)
		}
		p.style(p.bold, p.code || code)
		p.escape(said[from:end])
		from = end
	}
}

// style opens and closes elements: code is always inside bold.
func (p *page) style(bold, code bool) {
	if p.openCode && (!code || bold != p.openBold) {
		p.html.WriteString("</code>")
		p.openCode = false
	}
	if p.openBold && !bold {
		p.html.WriteString("</b>")
	} else if bold && !p.openBold {
		p.html.WriteString("<b>")
	}
	p.openBold = bold
	if code && !p.openCode {
		p.html.WriteString("<code>")
		p.openCode = true
	}
}

// escape writes text. Quotation marks stay, for there are no attributes.
func (p *page) escape(text string) {
	for n := strings.IndexAny(text, "&<>"); n >= 0; n = strings.IndexAny(text, "&<>") {
		p.html.WriteString(text[:n])
		switch text[n] {
		case '&':
			p.html.WriteString("&amp;")
		case '<':
			p.html.WriteString("&lt;")
		case '>':
			p.html.WriteString("&gt;")
		}
		text = text[n+1:]
	}
	p.html.WriteString(text)
}

// live reports whether a client might make a link or a mention of a word by
// itself: an address of the web or of mail, the name or the number of a host, an
// account, a room, @room, a command. It says so rather too often: all that
// happens is that the word is shown as code. Times of day and versions are not
// live. Sources: the Matrix specification, appendices, "Identifier grammar" and
// "Matrix URI scheme"; RFC 3986, section 3; RFC 5890, section 2.3.
func live(word string) bool {
	var before rune
	letters, colon, sigil, numbers := false, false, false, 0
	for i, r := range word {
		switch r {
		case '@':
			return true
		case ':':
			next, _ := utf8.DecodeRuneInString(word[i+1:])
			if i+1 < len(word) && (letters || !digit(before) || !digit(next)) {
				return true
			}
			colon = true
		case '!':
			next, _ := utf8.DecodeRuneInString(word[i+1:])
			if unicode.IsLetter(next) || digit(next) {
				return true
			}
			sigil = true
		case '#', '$', '+':
			sigil = true
		case '.', '。', '．', '｡': // the last three stand for the first in names of hosts
			first, size := utf8.DecodeRuneInString(word[i+utf8.RuneLen(r):])
			second, _ := utf8.DecodeRuneInString(word[i+utf8.RuneLen(r)+size:])
			if before != '.' && unicode.IsLetter(first) && (unicode.IsLetter(second) || unicode.IsMark(second)) {
				return true // as the last part of every host's name begins
			}
			if digit(before) && digit(first) {
				numbers++
			}
		}
		letters = letters || unicode.IsLetter(r)
		before = r
	}
	return colon && sigil || numbers > 2 || letters && strings.Contains(strings.ToLower(word), "localhost")
}

func digit(r rune) bool { return r >= '0' && r <= '9' }
