package mastodon

import (
	"html"
	"regexp"
	"strings"
)

// Plain gives the words of a status's HTML as they were typed: paragraphs and line
// breaks as line breaks, and every link whole, also the part of it that is made
// invisible. Markup that does not end is text. It takes time in proportion to the
// text's length, whatever stands in it.
// https://docs.joinmastodon.org/spec/activitypub/#sanitization
func Plain(content string) string {
	p := &page{}
	for content != "" {
		text, rest, ok := strings.Cut(content, "<")
		p.write(html.UnescapeString(text))
		if !ok {
			break
		}
		if rest == "" || !tagBegins(rest[0]) {
			p.write("<")
			content = rest
			continue
		}
		tag, after, ok := cutTag(rest)
		if !ok { // it does not end, and nothing behind it is looked at twice
			p.write(html.UnescapeString("<" + rest))
			break
		}
		p.tag(tag)
		content = after
	}
	p.endLink()
	return strings.Trim(p.out.String(), "\n")
}

func tagBegins(c byte) bool {
	return c == '/' || c == '!' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// cutTag splits behind the tag's end; a > between quotes is not one.
func cutTag(s string) (tag, after string, ok bool) {
	if strings.HasPrefix(s, "!--") {
		return strings.Cut(s, "-->")
	}
	quote := byte(0)
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case (c == '"' || c == '\'') && i > 0 && (s[i-1] == '=' || s[i-1] == ' '):
			quote = c
		case c == '>':
			return s[:i], s[i+1:], true
		}
	}
	return "", "", false
}

// page is the text that is being made.
type page struct {
	out  strings.Builder
	gap  bool // a paragraph ended, and nothing was said since
	href string
	link *strings.Builder // the words of the link that is open, or nil
}

func (p *page) write(s string) {
	if s == "" {
		return
	}
	if p.link != nil {
		p.link.WriteString(s)
		return
	}
	if p.gap && p.out.Len() > 0 {
		p.out.WriteString("\n\n")
	}
	p.gap = false
	p.out.WriteString(s)
}

func (p *page) tag(tag string) {
	name, attributes := tag, ""
	if i := strings.IndexAny(tag, " \t\r\n/"); i > 0 {
		name, attributes = tag[:i], tag[i:]
	}
	switch strings.ToLower(name) {
	case "br":
		p.write("\n")
	case "p", "div", "ul", "ol", "li", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6",
		"/p", "/div", "/ul", "/ol", "/li", "/blockquote", "/pre", "/h1", "/h2", "/h3", "/h4", "/h5", "/h6":
		p.endLink()
		p.gap = true
	case "a":
		p.endLink()
		p.link, p.href = &strings.Builder{}, attribute(attributes, "href")
		if strings.Contains(" "+attribute(attributes, "class")+" ", " mention ") {
			p.href = "" // the words are the name, and the address is the profile's
		}
	case "/a":
		p.endLink()
	case "img": // an emoji of the instance's own, where a server draws it by itself
		p.write(attribute(attributes, "alt"))
	}
}

// endLink says the link's words, or its address where a server has cut those short.
func (p *page) endLink() {
	if p.link == nil {
		return
	}
	text := p.link.String()
	p.link = nil
	if p.href != "" && (strings.HasSuffix(text, "…") || strings.HasSuffix(text, "...")) {
		text = p.href
	}
	p.write(text)
}

// attribute finds a tag's attribute; "" when it has none.
func attribute(s, name string) string {
	for s != "" {
		s = strings.TrimLeft(s, " \t\r\n/")
		key, rest, _ := cutAny(s, "= \t\r\n")
		var value string
		if len(key) < len(s) && s[len(key)] == '=' {
			if rest != "" && (rest[0] == '"' || rest[0] == '\'') {
				value, rest, _ = strings.Cut(rest[1:], rest[:1])
			} else {
				value, rest, _ = cutAny(rest, " \t\r\n")
			}
		}
		if strings.EqualFold(key, name) {
			return html.UnescapeString(value)
		}
		s = rest
	}
	return ""
}

func cutAny(s, chars string) (before, after string, ok bool) {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

// folder gives a function that makes equal what Mastodon makes equal: blanks and
// lines are set anew, and the domain of a mention is not shown, nor is a name's
// case kept.
func folder() func(string) string {
	mention := regexp.MustCompile(`@([\pL\pN_][\pL\pN_.-]*)(@[\pL\pN_.:-]*[\pL\pN_])?`)
	return func(s string) string {
		s = mention.ReplaceAllStringFunc(s, func(m string) string {
			name, _, _ := strings.Cut(m[1:], "@")
			return "@" + strings.ToLower(name)
		})
		return strings.Join(strings.Fields(s), " ")
	}
}
