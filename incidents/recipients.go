package incidents

import (
	"slices"
	"strings"
)

// addressesIn gives the addresses of mail in a text, in small letters.
func addressesIn(text string) []string {
	var out []string
	for _, word := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return strings.ContainsRune(" \t\r\n<>()[],;\"'", r) }) {
		if word = strings.Trim(strings.TrimPrefix(word, "mailto:"), ".:"); strings.Contains(strings.Trim(word, "@"), "@") {
			out = append(out, word)
		}
	}
	return out
}

// shareAddress reports whether two texts have an address of mail in common.
func shareAddress(a, b Sealed) bool {
	if a.p == nil || b.p == nil {
		return false
	}
	have := addressesIn((*a.p)())
	return slices.ContainsFunc(addressesIn((*b.p)()), func(one string) bool { return slices.Contains(have, one) })
}

// CheckRecipient refuses an address for a text that is for the reporter, where another
// one of theirs is noted. Where none is noted it may go where it is said to go.
func CheckRecipient(i Incident, kind, address string) error {
	contact := i.Reporter.Contact
	if contact.p == nil || len(addressesIn((*contact.p)())) == 0 || shareAddress(contact, Seal(address)) {
		return nil
	}
	return Refuse("send-elsewhere", "handle", i.Handle, "draft", Seal(kind), "address", Seal(address))
}

// Reaches reports whether a text goes or went to the reporter, of whatever kind it is:
// what is on record of that is theirs, and can be erased.
func Reaches(r Reporter, s Sending) bool {
	if s.Reporter || shareAddress(r.Contact, s.To) || shareAddress(r.Contact, s.Via) || shareAddress(r.Contact, s.For) {
		return true
	}
	for _, theirs := range []Sealed{r.Name, r.Contact} {
		for _, whom := range []Sealed{s.For, s.To} {
			if names(whom, theirs) {
				return true
			}
		}
	}
	return false
}

// names reports whether a text is somebody's name, or a list of names that has it.
func names(whom, theirs Sealed) bool {
	if whom.p == nil || theirs.p == nil {
		return false
	}
	plain := func(name string) string {
		name, _, _ = strings.Cut(name, "<")
		return strings.ToLower(strings.Join(strings.Fields(strings.Trim(name, " \t\"'")), " "))
	}
	all, name := (*whom.p)(), plain((*theirs.p)())
	list := append(strings.FieldsFunc(all, func(r rune) bool { return r == ',' || r == ';' }), all)
	return name != "" && slices.ContainsFunc(list, func(one string) bool { return plain(one) == name })
}

// IsFor reports whether a text is for somebody, by the name or the address that says so.
func (s Sending) IsFor(name Sealed) bool {
	return names(s.For, name) || names(s.To, name) || shareAddress(s.For, name) || shareAddress(s.To, name)
}

// MayBeFor reports whether a text may be the one that somebody means who says whom it is
// for, to whom it goes, or neither: false where it is surely for others.
func (s Sending) MayBeFor(forWhom, to Sealed) bool {
	address := func(whom Sealed) bool { return shareAddress(whom, whom) }
	switch {
	case s.Reporter, forWhom.Empty() && to.Empty(), s.IsFor(forWhom), s.IsFor(to):
		return true
	case !s.For.Empty() && (!forWhom.Empty() || !address(to)), address(s.To) && address(to):
		return false
	}
	return true
}

// Typed writes a name as a command reads it as one word. Nothing can quote a quote: a
// name with one stands bare, and where it has blanks too, the quotes are left out.
func Typed(name string) string {
	name = strings.Join(strings.Fields(name), " ")
	quote := func(r rune) bool { return strings.ContainsRune("\"“”„‟«»", r) }
	switch {
	case !strings.ContainsFunc(name, quote):
	case !strings.Contains(name, " ") && strings.IndexFunc(name, quote) > 0:
		return name
	default:
		name = strings.Map(func(r rune) rune {
			if quote(r) {
				return -1
			}
			return r
		}, name)
	}
	return `"` + name + `"`
}
