package incidents

import "strings"

// HasHTML reports whether a text holds the tag of a known HTML element, opening
// or closing, also an unfinished one at the end. Types such as vector<int>,
// versions such as < 12.1.1 and addresses such as <alice@example.org> are none.
// Source: HTML Living Standard, section 13.2.5 (where the name of a tag ends).
func HasHTML(text string) bool {
	for rest := text; ; {
		_, after, ok := strings.Cut(rest, "<")
		if !ok {
			return false
		}
		rest = after
		name := strings.TrimPrefix(after, "/")
		if end := strings.IndexAny(name, " \t\n\r\f/>"); end >= 0 {
			name = name[:end]
		}
		if len(name) <= 12 && htmlElement(strings.ToLower(name)) {
			return true
		}
	}
}

// htmlElement reports whether a name, in small letters, is an element of HTML as
// it is or was, or Matrix's mx-reply.
func htmlElement(name string) bool {
	switch name {
	case "a", "abbr", "acronym", "address", "applet", "area", "article", "aside", "audio",
		"b", "base", "basefont", "bdi", "bdo", "bgsound", "big", "blink", "blockquote", "body", "br", "button",
		"canvas", "caption", "center", "cite", "code", "col", "colgroup",
		"data", "datalist", "dd", "del", "details", "dfn", "dialog", "dir", "div", "dl", "dt",
		"em", "embed", "fieldset", "figcaption", "figure", "font", "footer", "form", "frame", "frameset",
		"h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hgroup", "hr", "html",
		"i", "iframe", "image", "img", "input", "ins", "isindex", "kbd", "keygen",
		"label", "legend", "li", "link", "listing",
		"main", "map", "mark", "marquee", "math", "menu", "menuitem", "meta", "meter", "mx-reply",
		"nav", "nobr", "noembed", "noframes", "noscript",
		"object", "ol", "optgroup", "option", "output", "p", "param", "picture", "plaintext", "portal", "pre", "progress",
		"q", "rb", "rp", "rt", "rtc", "ruby",
		"s", "samp", "script", "search", "section", "select", "slot", "small", "source", "span", "strike", "strong",
		"style", "sub", "summary", "sup", "svg",
		"table", "tbody", "td", "template", "textarea", "tfoot", "th", "thead", "time", "title", "tr", "track", "tt",
		"u", "ul", "var", "video", "wbr", "xmp":
		return true
	}
	return false
}
