package mail

import (
	"fmt"
	"strings"
)

// Mailto is a link that opens a mail to one address with a subject (RFC 6068).
// There is no body on purpose: a link lands in histories and logs, and is cut off
// by programs after some 1,600 to 2,000 characters.
func Mailto(to, subject string) (string, error) {
	a, err := parseAddress(to)
	if err != nil {
		return "", fmt.Errorf("header To: %w", err)
	}
	if err := checkLine(subject, maxSubject); err != nil {
		return "", fmt.Errorf("header Subject: %w", err)
	}
	return "mailto:" + percent(a.local) + "@" + percent(a.domain) + "?subject=" + percent(subject), nil
}

// percent encodes all but the unreserved characters of RFC 3986 section 2.3. A
// space is %20: in mailto a "+" is a plus (RFC 6068 section 5).
func percent(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; isAlnum(rune(c)) || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
