package irc

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The limits of an IRC line.
const (
	maxWire = 510 // bytes of a line without tags and without its CR LF
	maxText = 380 // bytes of text in one line of ours, however short our prefix is
	minText = 60  // below this a target is too long to be talked to
	more    = "... "
)

// clean makes a text safe to be part of a line: valid UTF-8, and no character
// that ends a line, changes how the line is shown, or cannot be seen. Nothing is
// dropped without a mark: space-like characters become a space, all others
// become U+FFFD, so that two texts that differ are not shown as the same.
func clean(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	var b strings.Builder
	b.Grow(len(text))
	var last rune
	for i, r := range text {
		switch {
		case r == '\t' || r == '\n' || r == '\v' || r == '\f' || r == '\r' || r == 0x85 || r == 0x2028 || r == 0x2029:
			r = ' '
		case r == zwj && joins(last, text[i+utf8.RuneLen(r):]):
			// The joiner of a family or flag emoji is kept: it shows.
		case hidden(r):
			r = '\uFFFD'
		}
		b.WriteRune(r)
		last = r
	}
	return b.String()
}

const zwj = '\u200D'

// joins says whether a zero-width joiner stands between two emoji.
func joins(before rune, after string) bool {
	next, _ := utf8.DecodeRuneInString(after)
	return (unicode.Is(unicode.So, before) || before == 0xFE0F || skin(before)) && unicode.Is(unicode.So, next)
}

// skin says whether r is one of the five skin tones that change an emoji.
func skin(r rune) bool { return r >= 0x1F3FB && r <= 0x1F3FF }

// hidden says whether a rune is a control, a formatting code of IRC (they are all
// C0), a direction control, or takes no room on the screen.
func hidden(r rune) bool {
	switch {
	case unicode.Is(unicode.Cc, r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
		return true
	case r == 0x034F, r == 0x115F, r == 0x1160, r == 0x17B4, r == 0x17B5, r == 0x3164, r == 0xFFA0, r == 0x2800:
		return true // fillers and joiners that are shown as nothing
	case r >= 0xE0000 && r <= 0xE0FFF, r >= 0xFFF0 && r <= 0xFFFB:
		return true // tags and interlinear marks
	}
	return false
}

// cleanName makes a nick, account or channel name fit for a sentence.
func cleanName(s string) string {
	s = strings.ReplaceAll(clean(s), " ", "_")
	if len(s) > 64 {
		s = strings.ToValidUTF8(s[:64], "")
	}
	return s
}

// blankLine stands between paragraphs. IRC has no empty line, and a line of a plain blank
// is dropped by some clients; this blank is shown as nothing, also where it is copied to.
const blankLine = "\u00a0"

// cleanLines cuts a text into the lines that are said, before any is split for
// length. Of blank lines, one is left between two paragraphs.
func cleanLines(text string) []string {
	var lines []string
	blank := false
	for raw := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		line := strings.TrimRight(clean(raw), " ")
		if strings.TrimLeft(line, " ") == "" {
			blank = len(lines) > 0
			continue
		}
		if blank {
			lines, blank = append(lines, blankLine), false
		}
		if line[0] == '!' || line[0] == '/' {
			// Other bots listen for "!", and some clients run a pasted "/".
			line = "> " + line
		}
		lines = append(lines, line)
	}
	return lines
}

// budget is how many bytes of text fit in a line that others get with our prefix
// (nick!user@host) in front of it.
func budget(prefix, command, target string) int {
	return min(maxText, maxWire-len(":"+prefix+" "+command+" "+target+" :"))
}

// split cuts a clean line into parts of at most size bytes; all but the first
// start with "... ". It cuts at a space, which goes; where there is none it cuts
// between characters, and never inside one. A word that fits in a line of its
// own is never cut.
func split(line string, size int) []string {
	var parts []string
	room, lead := size, ""
	for len(line) > room {
		end, skip := cut(line, room, size-len(more))
		parts = append(parts, lead+line[:end])
		line = line[end+skip:]
		room, lead = size-len(more), more
	}
	if line != "" || len(parts) == 0 {
		parts = append(parts, lead+line)
	}
	return parts
}

// cut finds where a line of more than room bytes ends its first part, and how
// many bytes (a space) to leave out after it. whole is the room of a later part.
func cut(line string, room, whole int) (end, skip int) {
	space := strings.LastIndexByte(line[:room+1], ' ')
	if space > 0 {
		word := strings.IndexByte(line[space+1:], ' ')
		if word < 0 {
			word = len(line) - space - 1
		}
		if word <= whole {
			return space, 1
		}
	}
	// The word is longer than any line, so it has to be cut anyway: fill this one.
	end = boundary(line, room)
	if end > 0 && line[end] == ' ' {
		return end, 1
	}
	return end, 0
}

// boundary is the last place at or before room where one seen character ends and
// the next begins. A character longer than room (a heap of combining marks) is
// cut between its runes, since it has to be cut somewhere.
func boundary(line string, room int) int {
	end := room
	for end > 0 && !utf8.RuneStart(line[end]) {
		end--
	}
	fallback := end
	for end > 0 {
		next, _ := utf8.DecodeRuneInString(line[end:])
		last, size := utf8.DecodeLastRuneInString(line[:end])
		if !clings(next) && last != zwj && (!flagHalf(next) || flags(line[:end])%2 == 0) {
			return end
		}
		end -= size
	}
	if fallback == 0 { // room is smaller than one rune; callers never ask for that
		_, fallback = utf8.DecodeRuneInString(line)
	}
	return fallback
}

// clings says whether a rune is shown as part of the one before it.
func clings(r rune) bool {
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Mc) || r == zwj || skin(r)
}

// flagHalf says whether r is one half of a flag.
func flagHalf(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }

// flags counts the flag halves at the end of s.
func flags(s string) int {
	n := 0
	for s != "" {
		r, size := utf8.DecodeLastRuneInString(s)
		if !flagHalf(r) {
			break
		}
		s = s[:len(s)-size]
		n++
	}
	return n
}

// checkWire is the last look at a line before it leaves. What it refuses is a
// mistake of ours, whoever chose the text. The line comes without tags and CR LF.
func checkWire(line, prefix string) error {
	if line == "" || len(line) > maxWire {
		return fmt.Errorf("irc: a line of %d bytes", len(line))
	}
	if !utf8.ValidString(line) {
		return fmt.Errorf("irc: a line that is not UTF-8")
	}
	for _, r := range line {
		if unicode.Is(unicode.Cc, r) {
			return fmt.Errorf("irc: a line with the control character %U", r)
		}
	}
	command, rest, _ := strings.Cut(line, " ")
	if command != "PRIVMSG" && command != "NOTICE" {
		return nil
	}
	target, text, ok := strings.Cut(rest, " :")
	if !ok || text == "" || !plainTarget(target) {
		return fmt.Errorf("irc: a %s that is not for one target", command)
	}
	if len(":")+len(prefix)+len(" ")+len(line) > maxWire {
		return fmt.Errorf("irc: a line that is too long with our prefix")
	}
	return nil
}

// plainTarget says whether a nick or channel can be a line's only target.
func plainTarget(s string) bool {
	return s != "" && s[0] != ':' && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r == ',' || r == 0x7F || r == utf8.RuneError
	})
}
