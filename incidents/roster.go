package incidents

import (
	"strings"
	"time"
)

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
