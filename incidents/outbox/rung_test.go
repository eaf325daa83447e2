package outbox

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

func (r *rig) acknowledge(n int) {
	r.t.Helper()
	r.do(func(tx *store.Tx) error {
		i, err := tx.Incident(n)
		if err != nil {
			return err
		}
		i, e, err := incidents.Acknowledge(i, incidents.Sealed{}, tx.Now(), "alice", tx.Now())
		if err == nil {
			_, err = tx.Save(i, e)
		}
		return err
	})
}

func TestRemindersAreSaidAtTheirRungs(t *testing.T) {
	bubble(t, func(r *rig) {
		r.open(0)
		defer r.run()()
		time.Sleep(97 * time.Hour)
		synctest.Wait()
		var at []time.Duration
		for _, s := range r.irc.said() {
			at = append(at, s.after)
			if strings.Contains(s.Text, "I was away") || s.Tone != bridges.Alert {
				r.t.Errorf("%+v", s)
			}
		}
		want := []time.Duration{24 * time.Hour, 48 * time.Hour, 66 * time.Hour, 72 * time.Hour, 96 * time.Hour}
		if len(at) != len(want) {
			r.t.Fatalf("said after %v, want %v", at, want)
		}
		for k := range want {
			if at[k] != want[k] {
				r.t.Errorf("said after %v, want %v", at, want)
			}
		}
	})
}

func TestAfterTheBotWasOffOnlyTheNewestReminderIsSaidMarkedLate(t *testing.T) {
	bubble(t, func(r *rig) {
		r.open(0)
		time.Sleep(75 * time.Hour) // off, while four rungs pass
		stop := r.run()
		synctest.Wait()
		r.is("said", r.irc.texts(), "I was away.")
		time.Sleep(30 * time.Hour)
		synctest.Wait()
		if n := len(r.irc.said()); n != 2 {
			r.t.Errorf("%d reminders, want the one that was missed and the next", n)
		}
		stop()
	})
}

// TestAReminderThatCouldNotBeSaidIsOvertakenByTheNext: the network is down for
// two rungs; when it comes up, the newest is said and the older one is not.
func TestAReminderThatCouldNotBeSaidIsOvertakenByTheNext(t *testing.T) {
	bubble(t, func(r *rig) {
		down := true
		r.irc.say = func(context.Context, int, bridges.Outgoing) error {
			if down {
				return bridges.ErrNotSent
			}
			return nil
		}
		r.open(0)
		defer r.run()()
		time.Sleep(50 * time.Hour)
		synctest.Wait()
		down = false
		before := len(r.irc.said())
		r.Up(context.Background(), "irc")
		synctest.Wait()
		r.is("said", r.irc.texts()[before:], "in 22 h (alice). This reminder was due")
		r.is("waiting", r.waiting("irc"))
	})
}

func TestAReminderOfWhatIsDoneIsOvertaken(t *testing.T) {
	bubble(t, func(r *rig) {
		down := true
		r.irc.say = func(context.Context, int, bridges.Outgoing) error {
			if down {
				return bridges.ErrNotSent
			}
			return nil
		}
		i := r.open(0)
		defer r.run()()
		time.Sleep(25 * time.Hour)
		synctest.Wait()
		r.acknowledge(i.N)
		down = false
		before := len(r.irc.said())
		r.Up(context.Background(), "irc")
		time.Sleep(200 * time.Hour)
		synctest.Wait()
		for _, text := range r.irc.texts()[before:] {
			if strings.Contains(text, "Acknowledgement") {
				r.t.Errorf("what is done is reminded of: %s", text)
			}
		}
		r.is("waiting", r.waiting("irc"))
	})
}

func TestAnIncidentOverdueWhenItIsOpenedIsSaidAtOnceAndThenDaily(t *testing.T) {
	bubble(t, func(r *rig) {
		r.open(100 * time.Hour)
		defer r.run()()
		synctest.Wait()
		r.is("said", r.irc.texts(), "1 d 4 h ago")
		time.Sleep(21 * time.Hour)
		synctest.Wait()
		r.is("said", r.irc.texts(), "1 d 4 h ago", "2 d ago")
	})
}

func TestAReminderIsSaidOnceOnANetworkThatCanTell(t *testing.T) {
	bubble(t, func(r *rig) {
		r.irc.find = nil // it arrived
		r.irc.say = func(context.Context, int, bridges.Outgoing) error { return errBroken }
		r.open(0)
		defer r.run()()
		time.Sleep(47 * time.Hour)
		synctest.Wait()
		r.is("said", r.irc.texts(), "in 2 d")
		r.is("waiting", r.waiting("irc"))
	})
}

// TestWhoCameBackIsSeenAfterAFailure of the file in that moment: the clock of their next
// absence runs.
func TestWhoCameBackIsSeenAfterAFailure(t *testing.T) {
	bubble(t, func(r *rig) {
		n := r.open(0).N
		day := func(k int) time.Time { return time.Now().AddDate(0, 0, k) }
		r.do(func(tx *store.Tx) error {
			for _, k := range []int{1, 5} {
				if _, err := tx.PutAway(incidents.Absence{Person: "alice", From: day(k), Until: day(k).Add(9 * time.Hour)}, "alice"); err != nil {
					return err
				}
			}
			return nil
		})
		next := day(5)
		time.Sleep(25 * time.Hour)
		r.must(r.strike(r.t.Context()))
		time.Sleep(9 * time.Hour) // no rung of the absence that is over is due
		ctx, cancel := context.WithCancel(r.t.Context())
		r.step = func(step string) {
			if step == "before commit" {
				cancel()
			}
		}
		if err := r.strike(ctx); err == nil {
			t.Error("it did not fail")
		}
		r.step = func(string) {}
		r.must(r.strike(r.t.Context()))
		r.do(func(tx *store.Tx) error {
			c, ok, err := tx.Clock(n, "stand-in", 2)
			if !ok || !c.Due.Equal(next) {
				t.Errorf("the next absence, on %v, has no clock: %+v", next, c)
			}
			return err
		})
	})
}
