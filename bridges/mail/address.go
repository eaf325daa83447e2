package mail

import (
	"errors"
	"fmt"
	netmail "net/mail"
	"strings"
)

// address is one mailbox, checked.
type address struct{ name, local, domain string }

func (a address) bare() string { return a.local + "@" + a.domain }

// parseAddress reads one address. It takes less than RFC 5322 section 3.4 allows:
// no quoted local part, no domain literal, and ASCII only, so that the address
// means the same in a header, in an envelope and to every server on the way.
func parseAddress(s string) (address, error) {
	if strings.ContainsFunc(s, forbidden) {
		return address{}, errors.New("it holds a line break or another control character")
	}
	a, err := netmail.ParseAddress(s)
	if err != nil {
		return address{}, errors.New("it is not one address such as alice@example.org or Alice <alice@example.org>")
	}
	at := strings.LastIndexByte(a.Address, '@')
	out := address{name: strings.TrimSpace(a.Name), local: a.Address[:at], domain: a.Address[at+1:]}
	switch {
	// RFC 5321 section 4.5.3.1: 64 octets before the @, and a path of 256.
	case len(out.local) > 64, len(a.Address) > 254:
		return address{}, errors.New("it is too long for an address")
	case !isDotAtom(out.local):
		return address{}, errors.New("what stands before the @ has other characters than mail servers agree on")
	case !isHostname(out.domain):
		return address{}, errors.New("what stands after the @ is not the name of a host; write an international name as xn--")
	}
	if out.name != "" {
		if err := checkLine(out.name, maxName); err != nil {
			return address{}, fmt.Errorf("the name: %w", err)
		}
	}
	return out, nil
}

// CheckAddress says what keeps mail from being written to or from an address, with or
// without a name: the one answer for whoever types one or configures it.
func CheckAddress(s string) error {
	_, err := parseAddress(s)
	return err
}

// parseBare reads an address that comes without a name.
func parseBare(s string) (string, error) {
	a, err := parseAddress(s)
	if err == nil && a.bare() != s {
		err = errors.New("it is more than an address alone")
	}
	return s, err
}

func parseList(what string, list []string) ([]address, error) {
	var out []address
	for i, s := range list {
		a, err := parseAddress(s)
		if err != nil {
			return nil, fmt.Errorf("%s, address %d: %w", what, i+1, err)
		}
		out = append(out, a)
	}
	return out, nil
}

// bareOnce lists the addresses without names, each once. The part before the @ is
// compared as it is: only its own server knows what it means (RFC 5321 section 2.4).
func bareOnce(list []address) []string {
	var out []string
	seen := map[string]bool{}
	for _, a := range list {
		if same := a.local + "@" + strings.ToLower(a.domain); !seen[same] {
			seen[same] = true
			out = append(out, a.bare())
		}
	}
	return out
}

// sameAddress compares as people do who write an address into a key: without
// regard to case.
func sameAddress(a, b string) bool { return strings.EqualFold(a, b) }

// isDotAtom is RFC 5322 section 3.2.3.
func isDotAtom(s string) bool {
	for atom := range strings.SplitSeq(s, ".") {
		if !isAtom(atom) {
			return false
		}
	}
	return true
}

func isAtom(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !isAlnum(r) && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r) })
}

func isAlnum(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

// isHostname is RFC 1123 section 2.1.
func isHostname(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.ContainsFunc(label, func(r rune) bool { return !isAlnum(r) && r != '-' }) {
			return false
		}
	}
	return len(s) <= 253
}

// addressField lists addresses with their names.
func addressField(name string, list ...address) field {
	var tokens []string
	for i, a := range list {
		t := "<" + a.bare() + ">"
		if a.name == "" {
			t = a.bare()
		}
		if i < len(list)-1 {
			t += ","
		}
		tokens = append(append(tokens, phrase(a.name)...), t)
	}
	return newField(name, tokens...)
}

// phrase is a display name (RFC 5322 section 3.2.5): as it is where it consists of
// atoms, quoted where it is plain ASCII, else as encoded words, which must not be
// quoted (RFC 2047 section 5).
func phrase(name string) []string {
	if name == "" {
		return nil
	}
	tokens, ok := plainTokens(name)
	if !ok {
		return encodedWords(name)
	}
	for _, t := range tokens {
		if !isAtom(t) {
			quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
			return strings.Split(quoted, " ")
		}
	}
	return tokens
}
