package templates

import (
	"regexp"
	"slices"
	"strings"
)

// seen gives a text as people see it, without what Markdown, HTML and reStructuredText
// do not show: comments, tags, where a link leads, marks. Each step goes through it
// once, however it is nested. Source: CommonMark 0.31.2; Docutils, reStructuredText
// Markup Specification.
func seen(text string) string {
	return regexp.MustCompile("[*~`]|\\\\ ").ReplaceAllString(unlinked(untagged(text)), "")
}

// untagged gives a text without its comments, its tags and the marks of its footnotes.
func untagged(text string) string {
	var out strings.Builder
	open := map[string]bool{} // what nothing ends any more
	for k := 0; k < len(text); {
		if step := untag(text[k:], open); step > 0 {
			k += step
			continue
		}
		out.WriteByte(text[k])
		k++
	}
	return out.String()
}

// untag gives the length of what is not seen at the beginning of a text.
func untag(text string, open map[string]bool) int {
	if strings.HasPrefix(text, "[^") {
		if k := strings.IndexAny(text[2:], "[]"); k >= 0 && text[k+2] == ']' {
			return k + 3
		}
		return 0
	}
	if text[0] != '<' {
		return 0
	}
	for _, short := range []string{"<!-->", "<!--->"} {
		if strings.HasPrefix(text, short) {
			return len(short)
		}
	}
	for _, c := range [][2]string{{"<!--", "-->"}, {"<?", "?>"}, {"<![CDATA[", "]]>"}} {
		if strings.HasPrefix(text, c[0]) && !open[c[0]] {
			if k := strings.Index(text[len(c[0]):], c[1]); k >= 0 {
				return len(c[0]) + k + len(c[1])
			}
			open[c[0]] = true
		}
	}
	name := strings.TrimPrefix(strings.TrimPrefix(text[1:], "!"), "/")
	if name == "" || !(name[0] >= 'a' && name[0] <= 'z' || name[0] >= 'A' && name[0] <= 'Z') {
		return 0
	}
	quote := byte(0)
	for k := 1; k < len(text); k++ {
		switch c := text[k]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"', c == '\'':
			quote = c
		case c == '>':
			return k + 1
		case c == '<':
			k = len(text)
		}
	}
	if k := strings.IndexAny(text[1:], "<>"); k >= 0 && text[k+1] == '>' && text[1] != '!' {
		return k + 2
	}
	return 0
}

// unlinked gives a text with what its links show in their place. Links may stand in
// one another.
func unlinked(text string) string {
	gone := make([]bool, len(text))
	var open []int // brackets that nothing has closed yet
	for k := 0; k < len(text); k++ {
		switch {
		case text[k] == '[':
			open = append(open, k)
		case text[k] == ']' && len(open) > 0:
			at := open[len(open)-1]
			open = open[:len(open)-1]
			gone[at], gone[k] = true, true
			if at > 0 && text[at-1] == '!' {
				gone[at-1] = true
			}
			for range target(text[k+1:]) {
				k++
				gone[k] = true
			}
		}
	}
	var out strings.Builder
	for k := range len(text) {
		if !gone[k] {
			out.WriteByte(text[k])
		}
	}
	return out.String()
}

// target gives the length of where a link leads, at the beginning of a text. No more
// parentheses stand in one another there than other programs take.
func target(text string) int {
	if strings.HasPrefix(text, "[") {
		if k := strings.IndexAny(text[1:], "[]"); k >= 0 && text[k+1] == ']' {
			return k + 2
		}
		return 0
	}
	const most = 32
	depth := 0
	for k := range len(text) {
		switch text[k] {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth == 0 && k > 0 {
			return k + 1
		}
		if depth <= 0 || depth > most {
			return 0
		}
	}
	return 0
}

// spelled gives the normal form of a text twice where what is not seen may stand inside
// of a word, as in **al**ice and [al](x)ice: with it, and without it.
func spelled(text string) string {
	one, other := folded(text), folded(seen(text))
	if one == other {
		return one
	}
	return one + "\n" + other
}

// unjoined gives a text without the names that code gives to things, with underscores
// between letters as in carol_init: a part of one is no person's name, unless it is
// written as one, as in Carol_Smith. Underscores around a word are marks of Markdown,
// and stay.
func unjoined(text string) string {
	name := regexp.MustCompile(`^\p{Lu}\p{Ll}+$`)
	return regexp.MustCompile(`[\pL\pN]+(?:(?:\\?_)+[\pL\pN]+)+`).ReplaceAllStringFunc(text, func(joined string) string {
		parts := strings.FieldsFunc(joined, func(r rune) bool { return r == '_' || r == '\\' })
		return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return !name.MatchString(p) }), " ") + " "
	})
}

// unpathed gives a text without the paths and the dotted names of its code, but for
// addresses.
func unpathed(text string) string {
	path := regexp.MustCompile(`(?:[a-z]+://|@)?[\pL\pN_]+(?:(?:[./@-]|::|->)[\pL\pN_]+)+`)
	host := regexp.MustCompile(`^[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|io|dev|social)/`)
	return inCode(text, func(code string) string {
		return path.ReplaceAllStringFunc(code, func(p string) string {
			if strings.Contains(p, "://") || strings.Contains(p, "@") || host.MatchString(p) {
				return p
			}
			return " "
		})
	})
}

// inCode changes the code of a text: what is between marks of Markdown, and lines that
// are set in.
func inCode(text string, change func(code string) string) string {
	span := regexp.MustCompile("(?s)``.+?``|`[^`]+`")
	var out, prose strings.Builder
	end := func() {
		out.WriteString(span.ReplaceAllStringFunc(prose.String(), change))
		prose.Reset()
	}
	fenced := false
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(strings.TrimLeft(line, " "), fence):
			fenced = !fenced
			end()
			out.WriteString(line)
		case fenced, strings.HasPrefix(line, "    "), strings.HasPrefix(line, "\t"):
			end()
			out.WriteString(change(line))
		default:
			prose.WriteString(line)
		}
	}
	end()
	return out.String()
}
