package commands

import (
	"strings"
	"testing"
	"time"

	"tocsin/incidents"
	"tocsin/incidents/store"
)

// TestAnOldCommandIsHeardAtItsTime, though it is refused for its age.
func TestAnOldCommandIsHeardAtItsTime(t *testing.T) {
	d := hosted(t)
	d.MaxAge = func(string) time.Duration { return time.Minute }
	l := d.mx("!desk", 0, "alice", "!here")
	l.At = d.now.Add(-time.Hour)
	d.is(l, "refusals/too-old")
	d.do(func(tx *store.Tx) error {
		all, err := tx.HeardOf()
		if got := all["alice"]; !got.Equal(l.At) {
			t.Errorf("heard at %v, want %v", got, l.At)
		}
		return err
	})
}

// TestHereInAnyRoom: also in an incident's own room, and where nothing may be heard.
func TestHereInAnyRoom(t *testing.T) {
	d := hosted(t)
	d.desk("!incident open a title", "incident/opened")
	d.hasRoom(1)
	d.desk("!readiness start", "readiness/started", "alice, bob")
	d.is(d.mx("!own1", 1, "carol", "!here"), "here", "carol is here, also for the readiness review")
	d.is(d.line("none", "bob", "!here"), "here")
	d.is(d.mx("!own1", 1, "carol", "!readiness show"), "refusals/room-one-incident")
	d.is(d.line("none", "bob", "!readiness show"), "refusals/room-hears-nothing")
	d.desk("!readiness show", "readiness/show", "Here: bob", "carol (")
}

// TestAReviewCallsEverybody but who is suspended, and says who has no account where.
func TestAReviewCallsEverybody(t *testing.T) {
	d := hosted(t)
	d.desk("!suspend dana", "suspended")
	d.Desks = append(d.Desks, Place{"zulu", "#desk"})
	r, words, others := d.hear(d.mx("!desk", 0, "alice", "!readiness start"))
	if r.Template != "readiness/started" || strings.Join(r.Mentions, " ") != "alice bob carol" {
		t.Errorf("%s calls %v", r.Template, r.Mentions)
	}
	if !strings.Contains(words, "bob has no account on zulu.") || strings.Contains(words, "dana") {
		t.Errorf("said %s", words)
	}
	for _, o := range others {
		if o.Template == "announce" && strings.Join(o.Mentions, " ") != "alice bob carol" {
			t.Errorf("%s calls %v", o.Room, o.Mentions)
		}
	}
}

// TestATokenIsNeverKept when it looks like the secret itself: in no column.
func TestATokenIsNeverKept(t *testing.T) {
	d := hosted(t)
	const secret = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
	d.desk("!readiness token "+secret+" 2027-03-01", "refusals/token-secret", "Revoke it")
	d.do(func(tx *store.Tx) error {
		all, err := tx.Tokens()
		if len(all) != 0 {
			t.Errorf("%d tokens are kept", len(all))
		}
		return err
	})
	if strings.Contains(d.dump(), secret) {
		t.Error("the file holds it")
	}
	d.desk("!readiness token upload 2027-03-01", "readiness/token", "upload expires")
	if n := len(d.kindsOf(0, "token")); n != 1 {
		t.Errorf("%d entries", n)
	}
}

// TestAPlanWithoutAText says what is missing.
func TestAPlanWithoutAText(t *testing.T) {
	d := hosted(t)
	bare := *d.Plan()
	bare.Sections, bare.Definitions, bare.Support, bare.Contacts, bare.Schedules = nil, nil, nil, nil, nil
	d.Plan = func() *incidents.Plan { return &bare }
	d.desk("!plan", "refusals/no-plan-text")
	d.desk("!plan 7", "refusals/no-plan-text")
	d.desk("!define embargo", "refusals/no-definitions")
	d.desk("!support", "refusals/no-support")
	d.desk("!readiness verify debian", "refusals/unknown-key", "The plan has no contact.")
	d.desk("!readiness start", "readiness/started", "Every contact was checked")
	d.desk("!readiness done", "readiness/done")
}
