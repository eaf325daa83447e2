package main

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tocsin/bridges"
	"tocsin/commands"
	"tocsin/incidents"
	"tocsin/incidents/outbox"
)

// pouch takes letters and counts them.
type pouch struct{ took []string }

func (p *pouch) Carry(_ context.Context, l outbox.Parcel) (string, error) {
	p.took = append(p.took, l.Body)
	return "250 OK", nil
}

func (*pouch) Find(context.Context, outbox.Parcel) (string, error) { return "", bridges.ErrCantSay }

// witnessed is a bot in an IRC channel that may hear everything, where long answers go
// to who asked; a letter to the reporter is longer than that.
type witnessed struct {
	*world
	pouch *pouch
	n     int
}

func newWitnessed(t *testing.T) *witnessed {
	w := &witnessed{world: newWorld(t, t.TempDir()), pouch: &pouch{}}
	w.irc, w.den.lines = true, 5
	w.world.ways = map[string]way{incidents.ByMail: {courier: w.pouch, known: func() commands.Way {
		return commands.Way{From: func([]string) (string, error) { return "security@example.org", nil }}
	}}}
	must(t, w.start(filepath.Join(t.TempDir(), "t.db")))
	t.Cleanup(w.stop)
	w.says("alice", "!incident open --source researcher A crafted file")
	w.says("alice", "!reporter set Erin --contact erin@example.org")
	return w
}

// says has somebody say a line in the channel and gives what is said then, with
// "direct: " before what is for one person.
func (w *witnessed) says(who, text string) string {
	w.t.Helper()
	w.n++
	before := len(w.den.arrived)
	must(w.t, w.now.app.Message(context.Background(), bridges.Message{
		ID: fmt.Sprintf("s%d", w.n), Room: bridges.Room{Network: "den", ID: "desk"}, Name: who, Text: text,
		From: bridges.Account{Network: "den", ID: who}, At: w.clock.Now(),
	}))
	return w.heard(before)
}

func (w *witnessed) heard(before int) string {
	w.t.Helper()
	must(w.t, w.now.app.outbox.Drain(context.Background()))
	var out []string
	for _, o := range w.den.arrived[before:] {
		if o.Room.Direct {
			o.Text = "direct: " + o.Text
		}
		out = append(out, o.Text)
	}
	return strings.Join(out, "\n")
}

// code is the code of the newest request, whoever was told it.
func (w *witnessed) code() string {
	w.t.Helper()
	codes := w.rows(`SELECT code FROM approval ORDER BY id DESC LIMIT 1`)
	if len(codes) == 0 {
		w.t.Fatal("nobody asked for anything")
	}
	return codes[0]
}

func (w *witnessed) again() {
	path := w.now.path
	w.stop()
	must(w.t, w.start(path))
}

const (
	unseen = "Nobody here was shown all of what"
	goes   = "goes out by mail now, by word of alice and bob"
)

// TestARequestIsSaidWholeInItsRoom: however long it is, and to nobody on their own.
func TestARequestIsSaidWholeInItsRoom(t *testing.T) {
	w := newWitnessed(t)
	if got := w.says("alice", "!draft ack"); !strings.Contains(got, "lines: sent to you directly.") {
		t.Fatalf("a draft is short enough for the channel, and this test shows nothing: %s", got)
	}
	got := w.says("alice", "!send ack")
	if strings.Contains(got, "direct") || !strings.Contains(got, "Subject: Re: your security report to Pillow") || !strings.Contains(got, "!approve "+w.code()+" here") || strings.Count(got, "\n") < 20 {
		t.Errorf("the channel hears %s", got)
	}
	w.again() // what it was shown is kept
	if got := w.says("bob", "!approve "+w.code()); !strings.Contains(got, goes) || len(w.pouch.took) != 1 {
		t.Errorf("%d letters; bob hears %s", len(w.pouch.took), got)
	}
}

// TestWhatARoomWasNotShownIsNotApproved: a check fails between the question and the
// answer, and holds again when another one approves.
func TestWhatARoomWasNotShownIsNotApproved(t *testing.T) {
	w := newWitnessed(t)
	looks := 0
	w.den.lowered = func() bool { looks++; return looks > 1 }
	got := w.says("alice", "!send ack")
	w.den.lowered = nil
	if regexp.MustCompile(`!approve|`+w.code()+`|Subject`).MatchString(got) || !strings.Contains(got, "alice asks for !send on INC-1") || !strings.Contains(got, "ask for it anew where everything may be heard") {
		t.Errorf("the channel hears %s", got)
	}
	first := w.code() // it can be known all the same: by who runs the bot, or as a guess
	for range 2 {
		if got := w.says("bob", "!approve "+first); !strings.Contains(got, unseen) || len(w.pouch.took) != 0 {
			t.Errorf("%d letters; bob hears %s", len(w.pouch.took), got)
		}
		w.again()
	}
	w.says("alice", "!send ack")
	if got := w.says("bob", "!approve "+first); !strings.Contains(got, unseen) {
		t.Errorf("by the code of the first one: %s", got)
	}
	if got := w.says("bob", "!approve "+w.code()); !strings.Contains(got, goes) || len(w.pouch.took) != 1 {
		t.Errorf("%d letters; bob hears %s", len(w.pouch.took), got)
	}
}

// TestWhatARoomWasShownInAnyWeather: where nobody can say what arrived, only what was
// whole in every try counts.
func TestWhatARoomWasShownInAnyWeather(t *testing.T) {
	for name, c := range map[string]struct {
		first weather
		mute  bool // the network cannot tell what arrived
		low   bool // the first try is in a room that hears notices
		shown bool
	}{
		"whole, and surely not sent":              {first: away, shown: true},
		"whole, and it is there":                  {first: blurred, shown: true},
		"whole, and lost":                         {first: lost, shown: true},
		"whole, and nobody can look":              {first: blurred, mute: true, shown: true},
		"whole, and refused":                      {first: refusal},
		"less, and surely not sent: whole":        {first: away, low: true, shown: true},
		"less, and it is there":                   {first: blurred, low: true},
		"less, and lost: whole":                   {first: lost, low: true, shown: true},
		"less, and nobody can look: whole, again": {first: blurred, mute: true, low: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWitnessed(t)
			w.den.tells = !c.mute
			tries, looks := 0, 0
			w.den.next = func() weather {
				if tries++; tries == 1 {
					return c.first
				}
				return fair
			}
			w.den.lowered = func() bool { looks++; return c.low && looks == 2 }
			w.says("alice", "!send ack")
			w.again()
			w.clock.at = w.clock.at.Add(outbox.Backoff(1))
			w.heard(0)
			got := w.says("bob", "!approve "+w.code())
			if sent := len(w.pouch.took) == 1; sent != c.shown || strings.Contains(got, unseen) == c.shown {
				t.Errorf("shown, want %t; %d letters; bob hears %s", c.shown, len(w.pouch.took), got)
			}
		})
	}
}
