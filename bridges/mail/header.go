package mail

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// foldAt is the length that lines of a header are kept to where there is a place
// to fold: RFC 5322 section 2.1.1 wants 78, and 76 where there are encoded words
// (RFC 2047 section 2).
const foldAt = 76

// field is one header field. Its tokens are joined by one space, and only there
// a line may be folded (RFC 5322 section 2.2.3).
type field struct {
	name   string
	tokens []string
}

func newField(name string, tokens ...string) field { return field{name, tokens} }

// write writes the field folded. The first token stays on the name's line: a line
// of white space alone would be obsolete syntax (RFC 5322 section 4.2).
func (f field) write(b *bytes.Buffer) {
	b.WriteString(f.name + ":")
	length := len(f.name) + 1
	for i, t := range f.tokens {
		if i > 0 && length+1+len(t) > foldAt {
			b.WriteString("\r\n")
			length = 0
		}
		b.WriteString(" " + t)
		length += 1 + len(t)
	}
	b.WriteString("\r\n")
}

// checkLine says why s cannot be a header's text. A line break is refused, not
// taken out: it would start a header of its own, and who sends one means harm.
func checkLine(s string, most int) error {
	switch {
	case strings.TrimSpace(s) == "":
		return errors.New("it is empty")
	case !utf8.ValidString(s):
		return errors.New("it is not UTF-8")
	case strings.ContainsFunc(s, forbidden):
		return errors.New("it holds a line break or another control character")
	case utf8.RuneCountInString(s) > most:
		return fmt.Errorf("it is longer than %d characters", most)
	}
	return nil
}

// forbidden are control characters, and the two that Unicode has for line breaks.
func forbidden(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }

// textTokens is unstructured text (RFC 5322 section 2.2.1) in the pieces that it
// may be folded between: its words, where it is plain, else encoded words.
func textTokens(s string) []string {
	if tokens, ok := plainTokens(s); ok {
		return tokens
	}
	return encodedWords(s)
}

// plainTokens are the words of s when they can stand as they are: ASCII, single
// spaces, nothing that a reader would take for an encoded word (RFC 2047 section
// 6.2), and nothing too long for a line.
func plainTokens(s string) ([]string, bool) {
	const longest = 60
	tokens := strings.Split(s, " ")
	for _, t := range tokens {
		if t == "" || len(t) > longest || strings.Contains(t, "=?") || strings.Contains(t, "?=") ||
			strings.ContainsFunc(t, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return nil, false
		}
	}
	return tokens, true
}

// encodedWords is s in encoded words, each with whole characters and short enough
// to stand behind a field's name (RFC 2047 sections 2 and 5). White space between two of them is not
// part of the text (section 6.2).
func encodedWords(s string) []string {
	const most = 39 // octets that base64 makes 52 of
	var out []string
	for s != "" {
		n := 0
		for n < len(s) {
			_, size := utf8.DecodeRuneInString(s[n:])
			if n+size > most {
				break
			}
			n += size
		}
		out = append(out, "=?utf-8?B?"+base64.StdEncoding.EncodeToString([]byte(s[:n]))+"?=")
		s = s[n:]
	}
	return out
}

// isMessageID is strict about what could end a line or a header.
func isMessageID(s string) bool {
	const most = 250
	in, ok := strings.CutPrefix(s, "<")
	in, ok2 := strings.CutSuffix(in, ">")
	at := strings.LastIndexByte(in, '@')
	return ok && ok2 && len(s) <= most && at > 0 && at < len(in)-1 &&
		!strings.ContainsFunc(in, func(r rune) bool { return r <= ' ' || r > '~' || r == '<' || r == '>' })
}
