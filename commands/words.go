package commands

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"tocsin/incidents"
)

// word is one word of a line, with where it stood.
type word struct {
	text       string // without its quotes
	start, end int    // in bytes of the line
	quoted     bool
}

// plainQuote reports whether a letter is a double quotation mark, straight or as
// telephones set it.
func plainQuote(r rune) bool { return strings.ContainsRune("\"“”„‟«»", r) }

// split cuts a line into words at blanks. Double quotes hold words together,
// straight or curly; an apostrophe is a letter. A quote that is never closed is
// an error only for those who read that word: free text may hold one.
func split(line string) []word {
	var out []word
	for at := 0; at < len(line); {
		r, n := utf8.DecodeRuneInString(line[at:])
		switch {
		case unicode.IsSpace(r):
			at += n
		case plainQuote(r):
			w, next := quotedWord(line, at, n)
			out = append(out, w)
			at = next
		default:
			end := at
			for end < len(line) {
				r, n := utf8.DecodeRuneInString(line[end:])
				if unicode.IsSpace(r) {
					break
				}
				end += n
			}
			out = append(out, word{text: flagDash(line[at:end]), start: at, end: end})
			at = end
		}
	}
	return out
}

// quotedWord reads from a quote to the one that closes it. Without one it takes
// the rest of the line and keeps its quote, by which open() knows it.
func quotedWord(line string, at, n int) (word, int) {
	for end := at + n; end < len(line); {
		r, m := utf8.DecodeRuneInString(line[end:])
		if plainQuote(r) {
			return word{text: line[at+n : end], start: at, end: end + m, quoted: true}, end + m
		}
		end += m
	}
	return word{text: line[at:], start: at, end: len(line)}, len(line)
}

// open reports whether a word begins with a quote that is never closed.
func (w word) open() bool {
	r, _ := utf8.DecodeRuneInString(w.text)
	return !w.quoted && plainQuote(r)
}

// flagDash makes "—type", as phones write "--type", a flag again.
func flagDash(s string) string {
	for _, dash := range []string{"—", "–", "―"} {
		if rest, ok := strings.CutPrefix(s, dash); ok && rest != "" {
			return "--" + strings.TrimLeft(rest, "-–—")
		}
	}
	return s
}

// find gives the command that a line names, by the longest match, and what
// follows its words.
func find(table []Command, line string) (Command, string, bool) {
	words := split(line)
	best, bestWords, rest := -1, 0, ""
	for i, c := range table {
		have := strings.Fields(c.Words)
		if len(have) <= bestWords || len(words) < len(have) {
			continue
		}
		match := true
		for k, w := range have {
			match = match && small(words[k].text) == w
		}
		if match {
			best, bestWords, rest = i, len(have), line[words[len(have)-1].end:]
		}
	}
	if best < 0 {
		return Command{}, "", false
	}
	return table[best], strings.TrimSpace(rest), true
}

// small makes capital letters small, those of ASCII only: other alphabets have
// letters that only look like ours.
func small(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

// nearest gives the command whose words are nearest to what was typed, for a
// person who mistyped.
func nearest(table []Command, line string) string {
	words := split(line)
	best, far := "help", 1000
	for _, c := range table {
		n := len(strings.Fields(c.Words))
		var typed []string
		for k := 0; k < n && k < len(words); k++ {
			typed = append(typed, strings.ToLower(words[k].text))
		}
		_, verb, _ := strings.Cut(c.Words, " ")
		d := distance(strings.Join(typed, " "), c.Words)
		if len(words) > 0 && small(words[0].text) == verb {
			d = 1 // "!list" for "!incident list"
		}
		if d < far {
			best, far = c.Words, d
		}
	}
	alike := len(words) > 0 && words[0].text != "" && small(words[0].text)[0] == best[0]
	if far > 1+len(best)/2 || (far > 1 && !alike) {
		return "help"
	}
	return best
}

// distance counts the letters to change, add or drop to make b from a.
func distance(a, b string) int {
	if len(a) > 64 {
		a = a[:64]
	}
	x, y := []rune(a), []rune(b)
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(y)]
}

// command gives what follows the "!" of a line that is meant for the bot.
func command(text string) (string, bool) {
	text = strings.TrimSpace(text)
	rest, ok := strings.CutPrefix(text, "!")
	if !ok || rest == "" || strings.HasPrefix(rest, "!") {
		return "", false
	}
	r, _ := utf8.DecodeRuneInString(rest)
	return rest, unicode.IsLetter(r)
}

// errOpenQuote refuses a word with a quote that is never closed.
func errOpenQuote() error { return incidents.Refuse("open-quote") }
