package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

func TestWhatIsNotSentIsTriedAfter1And2UpTo64Minutes(t *testing.T) {
	bubble(t, func(r *rig) {
		r.irc.say = func(context.Context, int, bridges.Outgoing) error { return bridges.ErrNotSent }
		r.queue("irc", "a1")
		defer r.run()()
		time.Sleep(5 * time.Hour)
		synctest.Wait()
		at := time.Duration(0)
		var want []time.Duration
		for _, gap := range []int{0, 1, 2, 4, 8, 16, 32, 64, 64, 64} {
			at += time.Duration(gap) * time.Minute
			want = append(want, at)
		}
		var got []time.Duration
		for _, s := range r.irc.said() {
			got = append(got, s.after)
			if strings.Contains(s.Text, "again") {
				r.t.Errorf("it surely was not said, and yet: %q", s.Text)
			}
		}
		if !slices.Equal(got, want) {
			r.t.Errorf("tried after %v, want %v", got, want)
		}
	})
}

func TestANetworkThatComesUpHearsAtOnceWhatWaits(t *testing.T) {
	bubble(t, func(r *rig) {
		down := true
		r.irc.say = func(context.Context, int, bridges.Outgoing) error {
			if down {
				return bridges.ErrNotSent
			}
			return nil
		}
		r.queue("irc", "a1", "a2", "a3")
		defer r.run()()
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		down = false
		before := len(r.irc.said())
		r.Up(context.Background(), "irc")
		synctest.Wait()
		r.is("said", r.irc.texts()[before:], "a1", "a2", "a3")
		r.is("waiting", r.waiting("irc"))
	})
}

func TestWhatBecomesOfATryOfUnknownOutcome(t *testing.T) {
	for name, c := range map[string]struct {
		find error
		want []string // what is said within ten minutes, the first try included
		left []string
	}{
		"found: it is not said again":                    {nil, []string{"a1"}, nil},
		"no trace: it is said again, unmarked":           {bridges.ErrNoTrace, []string{"irc: a1", "irc: a1"}, nil},
		"the network cannot tell: it is marked":          {bridges.ErrCantSay, []string{"irc: a1", "(again) irc: a1"}, nil},
		"the look-up fails: it is looked up again later": {errBroken, []string{"a1"}, []string{"5m0s"}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(r *rig) {
				r.irc.find = c.find
				r.irc.say = func(_ context.Context, n int, _ bridges.Outgoing) error {
					if n == 1 {
						return errBroken
					}
					return nil
				}
				r.queue("irc", "a1")
				defer r.run()()
				time.Sleep(10*time.Minute - time.Nanosecond)
				synctest.Wait()
				r.is("said", r.irc.texts(), c.want...)
				for k, text := range r.irc.texts() {
					if strings.HasPrefix(text, "(again)") != strings.HasPrefix(c.want[k], "(again)") {
						r.t.Errorf("try %d: %q", k+1, text)
					}
				}
				r.is("waiting", r.waiting("irc"), c.left...)
			})
		})
	}
}

// TestACrashBetweenSendAndRecord finds a row whose try was begun by a bot that
// is no more, and the network says what became of it.
func TestACrashBetweenSendAndRecord(t *testing.T) {
	for name, c := range map[string]struct {
		find error
		want []string
	}{
		"it arrived":              {nil, nil},
		"it did not arrive":       {bridges.ErrNoTrace, []string{"irc: a1"}},
		"the network cannot tell": {bridges.ErrCantSay, []string{"(again) irc: a1"}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(r *rig) {
				r.irc.find = c.find
				r.queue("irc", "a1")
				r.do(func(tx *store.Tx) error { return tx.Trying(1, tx.Now().Add(time.Minute)) })
				r.must(r.Drain(context.Background()))
				r.is("before its time", r.irc.texts())
				r.Up(context.Background(), "irc")
				r.must(r.Drain(context.Background()))
				if got := r.irc.texts(); !slices.Equal(got, c.want) {
					r.t.Errorf("said %q, want %q", got, c.want)
				}
				r.is("waiting", r.waiting("irc"))
			})
		})
	}
}

// TestARepeatStaysMarked: once nobody knows, a try that surely did not arrive
// does not make the earlier one forgotten.
func TestARepeatStaysMarked(t *testing.T) {
	bubble(t, func(r *rig) {
		r.irc.find = bridges.ErrCantSay
		r.irc.say = func(_ context.Context, n int, _ bridges.Outgoing) error {
			return []error{errBroken, bridges.ErrNotSent, nil}[n-1]
		}
		r.queue("irc", "a1")
		defer r.run()()
		time.Sleep(time.Hour)
		synctest.Wait()
		r.is("said", r.irc.texts(), "irc: a1", "(again) irc: a1", "(again) irc: a1")
	})
}

func TestARefusalIsFinalAndLoggedWithoutTheText(t *testing.T) {
	bubble(t, func(r *rig) {
		r.irc.say = func(context.Context, int, bridges.Outgoing) error {
			return fmt.Errorf("%w: no voice in #desk", bridges.ErrRefused)
		}
		r.queue("irc", "embargoed-words")
		defer r.run()()
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		r.is("said", r.irc.texts(), "embargoed-words")
		r.is("waiting", r.waiting("irc"))
		if log := r.log.String(); strings.Contains(log, "embargoed-words") || !strings.Contains(log, "refused") {
			r.t.Errorf("the log: %s", log)
		}
	})
}

func TestANetworkThatHangsHoldsUpNoOther(t *testing.T) {
	bubble(t, func(r *rig) {
		r.irc.say = func(ctx context.Context, _ int, _ bridges.Outgoing) error {
			<-ctx.Done()
			return ctx.Err()
		}
		r.queue("irc", "a1", "a2", "a3")
		stop := r.run()
		time.Sleep(time.Minute)
		r.queue("other", "b1", "b2")
		r.Kick()
		synctest.Wait()
		r.is("the other network", r.other.texts(), "b1", "b2")
		time.Sleep(2 * time.Hour) // and nobody spins meanwhile: then the bubble's time would stand still
		synctest.Wait()
		r.is("the one that hangs", r.irc.texts(), "a1")
		stop()
	})
}

func TestWhatWasBegunWhenTheBotStoppedIsFinishedOrUnknown(t *testing.T) {
	bubble(t, func(r *rig) {
		r.irc.find = bridges.ErrCantSay
		r.irc.say = func(ctx context.Context, n int, _ bridges.Outgoing) error {
			if n == 1 {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}
		r.queue("irc", "a1")
		stop := r.run()
		synctest.Wait()
		stop()
		r.Up(context.Background(), "irc")
		r.must(r.Drain(context.Background()))
		r.is("said", r.irc.texts(), "irc: a1", "(again) irc: a1")
	})
}

func (r *rig) answer(template string, f incidents.Facts, about int) {
	r.t.Helper()
	r.do(func(tx *store.Tx) error {
		return tx.Queue(store.Row{
			Key: "answer/irc/m1", Kind: "say", Network: "irc", Room: "#desk", Asker: "bob", ReplyTo: "m1",
			Template: template, Facts: f, Incident: about,
		})
	})
}

func TestALongAnswerGoesToWhoAskedWithAPointerInTheRoom(t *testing.T) {
	bubble(t, func(r *rig) {
		r.irc.lines = 5
		var nouns []incidents.Facts
		for k := range 10 {
			nouns = append(nouns, incidents.Facts{"usage": fmt.Sprintf("!usage %d", k), "does": "something"})
		}
		r.answer("help/some", incidents.Facts{"commands": nouns}, 0)
		r.irc.say = func(_ context.Context, _ int, o bridges.Outgoing) error {
			in := 0
			for _, s := range r.irc.said() {
				if s.Room == o.Room {
					in++
				}
			}
			if !o.Room.Direct && in == 1 {
				return bridges.ErrNotSent // the pointer comes later; the answer goes once all the same
			}
			return nil
		}
		defer r.run()()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		said := r.irc.said()
		slices.SortStableFunc(said, func(a, b try) int { return strings.Compare(a.Room.ID, b.Room.ID) })
		r.is("said", []string{said[0].Text, said[1].Text, said[2].Text}, "20 lines: sent to you directly.", "20 lines: sent to you directly.", "!usage 0")
		if len(said) != 3 || !said[2].Room.Direct || said[2].Room.ID != "bob" || said[0].ReplyTo != "m1" {
			r.t.Errorf("%+v", said)
		}
	})
}

func TestARoomThatMayHearNothingIsPassedByTowardsPeople(t *testing.T) {
	bubble(t, func(r *rig) {
		i := r.open(0)
		r.asks = "none"
		card := incidents.Card(*r.c.Plan(), i, time.Now())
		r.answer("incident/noted", card, i.N)
		r.must(r.Drain(context.Background()))
		time.Sleep(24 * time.Hour)
		r.must(r.Drain(context.Background()))
		var to []string
		for _, s := range r.irc.said() {
			if !s.Room.Direct || strings.Contains(s.Text, "sealed title") {
				r.t.Errorf("said in %+v: %s", s.Room, s.Text)
			}
			to = append(to, s.Room.ID+" "+s.Text)
		}
		r.is("said", to, "bob Noted on INC-1", "alice INC-1", "bob INC-1")
		r.is("waiting", r.waiting("irc"))
	})
}

// TestASuspendedPersonIsToldNothingUntilTheyAreNot holds what is for them.
func TestASuspendedPersonIsToldNothingUntilTheyAreNot(t *testing.T) {
	bubble(t, func(r *rig) {
		i := r.open(0)
		r.asks = "none"
		r.do(func(tx *store.Tx) error { return tx.Suspend("bob", "alice") })
		r.answer("incident/noted", incidents.Card(*r.c.Plan(), i, time.Now()), i.N)
		stop := r.run()
		time.Sleep(5 * time.Hour)
		synctest.Wait()
		r.is("said", r.irc.texts())
		r.do(func(tx *store.Tx) error { return tx.Unsuspend("bob", "alice and carol") })
		time.Sleep(65 * time.Minute)
		synctest.Wait()
		r.is("said", r.irc.texts(), "Noted on INC-1")
		stop()
	})
}

func TestARowThatNobodyActsOnIsAnErrorAndNotLost(t *testing.T) {
	bubble(t, func(r *rig) {
		r.do(func(tx *store.Tx) error {
			return tx.Queue(store.Row{Key: "k", Kind: "post", Network: "irc", Room: "#desk", Template: "ping", Facts: incidents.Facts{}})
		})
		if err := r.Drain(context.Background()); err == nil {
			r.t.Error("it was dropped without a word")
		}
		r.Register("post", handFunc(func() error { return errors.Join(bridges.ErrRefused) }))
		r.must(r.Drain(context.Background()))
		r.is("waiting", r.waiting("irc"))
	})
}

type handFunc func() error

func (f handFunc) Do(context.Context, store.Row) (string, error)   { return "", f() }
func (f handFunc) Find(context.Context, store.Row) (string, error) { return "", bridges.ErrNoTrace }
