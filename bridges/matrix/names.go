package matrix

import (
	"strings"
	"unicode"
)

// longest is how much of a name that somebody else chose a sentence holds.
const longest = 100

// clean makes a name fit for a sentence: one line, nothing hidden, not too long.
func clean(name string) string {
	var b strings.Builder
	n := 0
	for _, c := range strings.ToValidUTF8(name, "\uFFFD") {
		if n++; n > longest {
			b.WriteString("…")
			break
		}
		switch {
		case unicode.IsSpace(c):
			c = ' '
		case !unicode.IsPrint(c):
			c = '\uFFFD'
		}
		b.WriteRune(c)
	}
	return strings.TrimSpace(b.String())
}
