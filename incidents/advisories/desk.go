// Package advisories is what the advisories on GitHub and the incidents have to tell
// each other: it looks what changed there and takes it into the incident, and does what
// people ask for there. It acts when the outbox hands it a row, and decides nothing:
// what may be done, and who wanted it, is settled before.
package advisories

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"tocsin/bridges/github"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

// Desk is what both hands work with.
type Desk struct {
	Client     *github.Client
	Store      *store.Store
	Plan       func() *incidents.Plan
	Roster     incidents.Roster
	Now        func() time.Time // UTC
	Ecosystem  string           // of our package: "pip"
	Package    string
	Repository string        // "python-pillow/Pillow"
	Every      time.Duration // how often GitHub is looked at, at most
	Publish    bool          // the configuration lets advisories be published
	Alerts     string        // the lowest level of alerts that are shown; "": none are
	Log        *slog.Logger  // is given no word of an advisory

	// Tell says something in the desks and in an incident's own room, in the
	// transaction of what happened; the key makes it one row.
	Tell func(tx *store.Tx, n News) error
	Kick func() // something was queued
	// Failpoint is called between any two steps; tests only.
	Failpoint func(step string)
}

// News is what is told.
type News struct {
	Key, Template string
	Incident      int
	Facts         incidents.Facts
	Call          []string // people
	But           store.Row
}

// update is a transaction that is kept also when the bot is being stopped: what
// happened outside has happened.
func (h *Desk) update(fn func(tx *store.Tx) error) error {
	return h.Store.Update(context.Background(), fn)
}

// everybody lists who is obeyed.
func (h *Desk) everybody(tx *store.Tx) ([]string, error) {
	suspended, err := tx.Suspended()
	var out []string
	for _, name := range h.Roster.Names() {
		if !suspended[name] {
			out = append(out, name)
		}
	}
	return out, err
}

// kept reads the notes about GitHub that outlive a restart.
func (h *Desk) kept(tx *store.Tx) (notes, error) {
	values, err := tx.Kept(store.GitHub, "")
	return values, err
}

// notes are texts by key; instants are RFC 3339.
type notes map[string]string

func (n notes) at(key string) time.Time {
	t, _ := time.Parse(time.RFC3339, n[key]) // what is not there, or broken, is never
	return t
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// said gives what GitHub said of an error, for those who may hear everything, and
// whether it asks to wait and until when.
func said(err error) (told incidents.Sealed, e *github.Error) {
	if e, ok := errors.AsType[*github.Error](err); ok {
		return incidents.Seal(incidents.Neutral(e.Told())), e
	}
	return incidents.Sealed{}, &github.Error{Kind: github.Silent}
}

// trouble names what went wrong by the keys that templates have words for.
func trouble(e *github.Error) string {
	switch e.Kind {
	case github.Revoked:
		return "revoked"
	case github.Forbidden, github.NotFound:
		return "rights"
	case github.Limited:
		return "limited"
	case github.Unreachable, github.Silent:
		return "unreachable"
	case github.Moved:
		return "moved"
	case github.Invalid, github.Unusable:
		return "refused"
	}
	return "failing"
}
