package templates

import (
	"regexp"
	"slices"
	"strings"
)

// seen gives a text as people see it, without what Markdown, HTML and reStructuredText
// do not show: comments, tags, where a link leads, marks. Source: CommonMark 0.31.2;
// Docutils, reStructuredText Markup Specification.
func seen(text string) string {
	text = regexp.MustCompile(`(?s)<!--.*?-->|<\?.*?\?>|<!\[CDATA\[.*?\]\]>|<!?/?[A-Za-z](?:[^<>"']|"[^"]*"|'[^']*')*>|</?[A-Za-z][^<>]*>|\[\^[^\[\]]*\]`).ReplaceAllString(text, "")
	link := regexp.MustCompile(`!?\[([^\[\]]*)\](?:\((?:[^()]|\([^()]*\))*\)|\[[^\[\]]*\])?`)
	for before := ""; before != text; { // what a link shows can be another one
		before, text = text, link.ReplaceAllString(text, "$1")
	}
	return regexp.MustCompile("[*~`]|\\\\ ").ReplaceAllString(text, "")
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
