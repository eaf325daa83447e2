package incidents

import (
	"strings"
	"time"
)

// MatrixID reports whether a text is a full Matrix user ID: @local:server, at most
// 255 bytes. Source: Matrix specification, appendices, section User identifiers.
func MatrixID(text string) bool {
	rest, ok := strings.CutPrefix(text, "@")
	local, server, colon := strings.Cut(rest, ":")
	if !ok || !colon || local == "" || server == "" || len(text) > 255 {
		return false
	}
	for _, r := range text {
		if r <= ' ' || r > '~' {
			return false
		}
	}
	// A name of a server, with a port or an IPv6 address: what follows an account in
	// a sentence, or in brackets, is none of it.
	return strings.Trim(server, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]") == "" &&
		!strings.HasSuffix(server, ".") && !strings.HasSuffix(server, ":")
}

// Account is who a network says somebody is.
type Account struct{ Network, ID string }

// Person is one maintainer on the roster.
type Person struct {
	Name     string         // lower case, as people type it
	Zone     *time.Location // where they are, for local times
	Accounts []Account
}

// Roster is everybody who may command.
type Roster struct{ people []Person }

// NewRoster makes a roster; names and accounts are unique in it, which the
// configuration has checked.
func NewRoster(people ...Person) Roster { return Roster{people: people} }

// People lists everybody in the order of the configuration.
func (r Roster) People() []Person { return r.people }

// Named finds a person by name; capital letters of ASCII are as good as small ones.
func (r Roster) Named(name string) (Person, bool) {
	for _, p := range r.people {
		if p.Name == strings.Map(func(r rune) rune {
			if r >= 'A' && r <= 'Z' {
				r += 'a' - 'A'
			}
			return r
		}, name) {
			return p, true
		}
	}
	return Person{}, false
}

// ByAccount finds a person by an account. An empty ID is nobody.
func (r Roster) ByAccount(a Account) (Person, bool) {
	if a.ID == "" {
		return Person{}, false
	}
	for _, p := range r.people {
		for _, have := range p.Accounts {
			if have == a {
				return p, true
			}
		}
	}
	return Person{}, false
}

// Names lists everybody's name.
func (r Roster) Names() []string {
	out := make([]string, len(r.people))
	for i, p := range r.people {
		out[i] = p.Name
	}
	return out
}
