package bridges

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes one line of what somebody else said, without what a terminal or a
// person's eye could be fooled with, and no longer than most characters.
func Clean(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r) || r == utf8.RuneError: // also what turns a line's direction, or shows nothing
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > most {
		return strings.TrimSpace(string(r[:most-1])) + "…"
	}
	return s
}

// Decode reads JSON leniently: a field of another type than we know is left empty, and
// everything else is read. The value as a whole has to be what was asked for.
func Decode(body []byte, into any) bool {
	err := json.Unmarshal(body, into)
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return kind.Field != ""
	}
	return err == nil
}

// WebAddress gives an address that somebody else said where it may be shown, or "".
func WebAddress(s string) string {
	const most = 2048
	u, err := url.Parse(s)
	if err != nil || len(s) > most || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || Clean(s, most) != s {
		return ""
	}
	return s
}
