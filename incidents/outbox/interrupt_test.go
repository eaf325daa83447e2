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

// TestWhatIsBeingSaidIsJudgedAnewAfterASuspension: a long answer to somebody ends
// in the middle when they are suspended, and is not begun again.
func TestWhatIsBeingSaidIsJudgedAnewAfterASuspension(t *testing.T) {
	bubble(t, func(r *rig) {
		r.direct = "full"
		r.irc.find = bridges.ErrCantSay
		r.irc.say = func(ctx context.Context, n int, _ bridges.Outgoing) error {
			if n > 1 {
				return nil
			}
			<-ctx.Done() // it takes long
			return ctx.Err()
		}
		i := r.open(0)
		r.do(func(tx *store.Tx) error {
			return tx.Queue(store.Row{
				Key: "k", Kind: "say", Network: "irc", Room: "bob", Direct: true, Asker: "bob", Template: "incident/show",
				Facts: incidents.Card(*r.c.Plan(), i, time.Now()), Incident: i.N,
			})
		})
		stop := r.run()
		synctest.Wait()
		if got := r.irc.texts(); len(got) != 1 || !strings.Contains(got[0], "the sealed title") {
			t.Fatalf("said %q", got)
		}
		r.do(func(tx *store.Tx) error { return tx.Suspend("bob", "alice") })
		r.Interrupt()
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		if got := r.irc.texts(); len(got) != 1 {
			t.Errorf("said on to a suspended person: %q", got[1:])
		}
		stop()
	})
}

// TestAnInterruptedAnswerToOthersIsSaidAgainAtOnce, marked as a repeat.
func TestAnInterruptedAnswerToOthersIsSaidAgainAtOnce(t *testing.T) {
	bubble(t, func(r *rig) {
		r.irc.find = bridges.ErrCantSay
		r.irc.say = func(ctx context.Context, n int, _ bridges.Outgoing) error {
			if n > 1 {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}
		r.queue("irc", "a")
		stop := r.run()
		synctest.Wait()
		r.Interrupt()
		synctest.Wait()
		r.is("said", r.irc.texts(), "a", "(again) irc: a")
		stop()
	})
}

// TestARoomThatGoesToAndFroIsToldOnce in ten minutes, and each new fault at once.
func TestARoomThatGoesToAndFroIsToldOnce(t *testing.T) {
	var n notices
	room, start := bridges.Room{Network: "irc", ID: "#private"}, time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		after time.Duration
		state string
		tell  bool
	}{
		{0, "", false},
		{1, "lowered", true},
		{2, "lowered", false},
		{3, "", false},
		{4, "lowered", false},
		{5, "lowered secret", true},
		{6, "", false},
		{14, "lowered secret", false},
		{15, "", false},
		{16, "lowered secret", true},
	} {
		if _, got, _ := n.news(room, c.state, start.Add(c.after*time.Minute)); got != c.tell {
			t.Errorf("after %d min, %q: told %t", c.after, c.state, got)
		}
	}
}
