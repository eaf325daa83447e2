package incidents

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// CleanLine takes one line that somebody typed, such as a title, a contact or a
// range of versions, of at most max bytes without the blanks around it. It
// refuses, and never mends in silence: text that is not UTF-8, line breaks,
// control characters, characters that are not seen or turn the direction of the
// text, @room, which would call everybody, and HTML elements. An accepted line
// is what Neutral gives for it.
func CleanLine(typed string, max int) (string, error) {
	text, err := clean(typed, max, false)
	if err != nil {
		return "", err
	}
	if mentions(text, "room") {
		return "", Refuse("room-mention")
	}
	if HasHTML(text) {
		return "", Refuse("html")
	}
	return text, nil
}

// PlainName takes the name of a person or of a group, of at most max bytes. It
// refuses what CleanLine refuses, and the other words that call everybody in
// some network: @everyone, @here, @channel and @all.
func PlainName(typed string, max int) (string, error) {
	text, err := CleanLine(typed, max)
	if err != nil {
		return "", err
	}
	for _, word := range []string{"everyone", "here", "channel", "all"} {
		if mentions(text, word) {
			return "", Refuse("room-mention")
		}
	}
	return text, nil
}

// CleanText takes a text of several lines that somebody typed, such as a note or
// a reason, of at most max bytes without the blanks and empty lines around it.
// Line breaks and tabs are allowed; CR LF becomes LF. It refuses text that is
// not UTF-8, every other control character, and characters that are not seen or
// turn the direction of the text.
func CleanText(typed string, max int) (string, error) {
	return clean(strings.ReplaceAll(typed, "\r\n", "\n"), max, true)
}

func clean(typed string, max int, lines bool) (string, error) {
	if !utf8.ValidString(typed) {
		return "", Refuse("not-utf8")
	}
	text := strings.Trim(typed, " \t\r\n\u00a0")
	if len(text) > max {
		return "", Refuse("too-long", "max", max, "length", len(text))
	}
	blank := true
	for r, bad := range judged(text) {
		switch {
		case lines && (r == '\n' || r == '\t'):
		case !lines && (r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029'):
			return "", Refuse("one-line")
		case bad && unicode.IsControl(r):
			return "", Refuse("control-characters")
		case bad:
			return "", Refuse("hidden-characters")
		case !unicode.IsSpace(r) && r != '\u2800': // a braille pattern without dots
			blank = false
		}
	}
	if blank {
		return "", Refuse("empty")
	}
	return text, nil
}

// Neutral makes any text fit to be sent: everything that could command a
// terminal or a chat client, or that is not seen, becomes U+FFFD, one for each
// character or for each byte that is not UTF-8. That is: C0 and C1 controls,
// format characters (bidirectional controls, zero-width characters, tags), line
// and paragraph separators, private use, noncharacters, and variation selectors
// but the two of emoji. A zero-width joiner between emoji stays. Line breaks
// stay, CR LF becomes LF, a tab becomes a blank. Source: The Unicode Standard,
// chapter 23; Unicode Technical Report 36.
func Neutral(text string) string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	var b strings.Builder
	b.Grow(len(text))
	for r, bad := range judged(text) {
		switch {
		case r == '\n':
			b.WriteRune(r)
		case r == '\t':
			b.WriteByte(' ')
		case bad:
			b.WriteRune(utf8.RuneError)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// judged gives every character of a text with whether it is one that Neutral
// replaces, or one of tab and line break. A byte that is not UTF-8 comes as
// U+FFFD.
func judged(text string) func(yield func(r rune, bad bool) bool) {
	return func(yield func(rune, bool) bool) {
		var before rune // the last character that is no part of an emoji's dress
		for i, r := range text {
			bad := unicode.IsControl(r) || unseen(r)
			if r == zwj {
				next, _ := utf8.DecodeRuneInString(text[i+utf8.RuneLen(r):])
				bad = !emoji(before) || !emoji(next)
			}
			if !yield(r, bad) {
				return
			}
			if r != '\ufe0f' && (r < 0x1f3fb || r > 0x1f3ff) {
				before = r
			}
		}
	}
}

const zwj = '\u200d' // zero-width joiner

// unseen reports whether a character is not seen, or changes how others are.
func unseen(r rune) bool {
	switch {
	case r < 0x80, r == '\ufe0e', r == '\ufe0f': // the last two choose text or emoji
		return false
	case unicode.Is(unicode.Prepended_Concatenation_Mark, r): // seen, though of the category Cf
		return false
	}
	return unicode.In(r, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp, unicode.Variation_Selector,
		unicode.Other_Default_Ignorable_Code_Point, unicode.Noncharacter_Code_Point)
}

// emoji reports whether a character may stand beside a zero-width joiner: a
// pictograph, or one of the symbols that are drawn as one.
func emoji(r rune) bool {
	return r >= 0x2190 && r <= 0x21ff || r >= 0x2300 && r <= 0x23ff || r >= 0x25a0 && r <= 0x27bf ||
		r >= 0x2b00 && r <= 0x2bff || r >= 0x1f000 && r <= 0x1faff
}

// mentions reports whether a text holds @word in any case, with the end of a
// word after it. What is before does not matter: Matrix finds the room in
// bob@room.example too.
func mentions(text, word string) bool {
	for rest := text; ; {
		_, after, ok := strings.Cut(rest, "@")
		if !ok {
			return false
		}
		rest = after
		if hasPrefixFold(after, word) && (len(after) == len(word) || !wordByte(after[len(word)])) {
			return true
		}
	}
}

func wordByte(b byte) bool {
	return b == '_' || digit(b) || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}
