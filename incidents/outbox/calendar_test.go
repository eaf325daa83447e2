package outbox

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

// only has the plan's calendar hold what a test is about.
func (r *rig) only(keys ...string) {
	for _, s := range r.calendar {
		for _, key := range keys {
			if s.Key == key {
				r.c.Plan().Schedules = append(r.c.Plan().Schedules, s)
			}
		}
	}
}

// digests gives after how long each digest was said, and in which room.
func digests(n *net) (out []string) {
	for _, s := range n.said() {
		if strings.Contains(s.Text, " open.") {
			out = append(out, fmt.Sprintf("%v %s", s.after, s.Room.ID))
		}
	}
	return out
}

func TestADigestIsSaidDailyWhileSomethingIsOpen(t *testing.T) {
	bubble(t, func(r *rig) {
		r.only(incidents.Digest)
		defer r.run()()
		time.Sleep(25 * time.Hour)
		synctest.Wait()
		r.is("said while nothing is open", digests(r.irc))
		i := r.open(0)
		time.Sleep(48 * time.Hour)
		synctest.Wait()
		r.is("said", digests(r.irc), "32h0m0s #desk", "56h0m0s #desk")
		for _, s := range r.irc.said() {
			if strings.Contains(s.Text, "the sealed title") || (strings.Contains(s.Text, " open.") && s.Tone != bridges.Routine) {
				t.Errorf("%+v", s)
			}
		}
		r.do(func(tx *store.Tx) error {
			now, err := tx.Incident(i.N)
			if err != nil {
				return err
			}
			now, e, err := incidents.Close(*r.c.Plan(), now, "duplicate", incidents.Sealed{}, "alice", tx.Now())
			if err == nil {
				_, err = tx.Save(now, e)
			}
			return err
		})
		time.Sleep(48 * time.Hour)
		synctest.Wait()
		r.is("said after it was closed", digests(r.irc), "32h0m0s #desk", "56h0m0s #desk")
	})
}

// TestADigestGoesToDesksOnly, with titles where everything may be heard, and never
// to a room of one incident.
func TestADigestGoesToDesksOnly(t *testing.T) {
	hosted(t, func(r *rig) {
		r.only(incidents.Digest)
		i := r.open(0)
		r.own[bridges.Room{Network: "matrix", ID: "!own"}] = i.N
		r.do(func(tx *store.Tx) error { return tx.PutRoom(store.Room{Incident: i.N, Network: "matrix", ID: "!own"}) })
		defer r.run()()
		time.Sleep(9 * time.Hour)
		synctest.Wait()
		r.is("on IRC", digests(r.irc), "8h0m0s #desk")
		r.is("on Matrix", digests(&r.matrix.net), "8h0m0s !desk")
		for _, s := range r.matrix.said() {
			if strings.Contains(s.Text, " open.") && !strings.Contains(s.Text, "the sealed title") {
				t.Errorf("%s", s.Text)
			}
		}
	})
}

// TestALongDigestIsCutOff, earlier where there are no files, with the most urgent
// first.
func TestALongDigestIsCutOff(t *testing.T) {
	for lines, want := range map[int]int{0: 10, 5: 3} {
		bubble(t, func(r *rig) {
			r.only(incidents.Digest)
			r.irc.lines = lines
			for n := range 15 {
				r.open(time.Duration((n*7)%15) * time.Hour)
			}
			defer r.run()()
			time.Sleep(8 * time.Hour)
			synctest.Wait()
			text := r.irc.texts()[len(r.irc.texts())-1]
			if got := strings.Split(text, "\n"); len(got) != want+2 || got[0] != "15 incidents are open." ||
				!strings.Contains(got[1], "Mon 2000-01-03 10:00") || got[want+1] != fmt.Sprintf("And %d more: !incident list.", 15-want) {
				t.Errorf("%d lines: %s", lines, text)
			}
		})
	}
}

func TestAfterAnOutageOnlyTheNewestDigestIsSaidMarkedLate(t *testing.T) {
	bubble(t, func(r *rig) {
		r.only(incidents.Digest)
		r.open(0)
		r.do(func(tx *store.Tx) error { return tx.Mend() }) // it was started, and then was off for days
		time.Sleep(83 * time.Hour)
		stop := r.run()
		synctest.Wait()
		stop()
		if got := r.irc.texts(); len(digests(r.irc)) != 1 || !strings.Contains(got[0], "This was due Tue 2000-01-04 08:00 UTC; I was away.") {
			t.Errorf("said %q", got)
		}
	})
}

// TestADigestThatCouldNotBeSaidIsOvertaken by the next one.
func TestADigestThatCouldNotBeSaidIsOvertaken(t *testing.T) {
	bubble(t, func(r *rig) {
		r.only(incidents.Digest)
		down := true
		r.irc.say = func(context.Context, int, bridges.Outgoing) error {
			if down {
				return bridges.ErrNotSent
			}
			return nil
		}
		r.open(0)
		defer r.run()()
		time.Sleep(57 * time.Hour)
		synctest.Wait()
		down = false
		before := len(digests(r.irc))
		r.Up(context.Background(), "irc")
		synctest.Wait()
		if got := digests(r.irc)[before:]; len(got) != 1 {
			t.Errorf("said %q", got)
		}
	})
}

func TestAReviewIsCalledForDailyUntilItIsBegun(t *testing.T) {
	bubble(t, func(r *rig) {
		r.only(incidents.Readiness)
		defer r.run()()
		time.Sleep(100 * time.Hour)
		synctest.Wait()
		r.is("said", r.irc.texts(), "is due: !readiness start", "was due Sun 2000-01-02 14:00 UTC, 1 d ago: !readiness start", "2 d ago")
		r.do(func(tx *store.Tx) error { return tx.StartReview("alice") })
		time.Sleep(80 * 24 * time.Hour)
		synctest.Wait()
		if n := len(r.irc.said()); n != 3 {
			t.Errorf("%d reminders, and a review was begun after the third", n)
		}
		time.Sleep(10 * 24 * time.Hour)
		synctest.Wait()
		r.is("said", r.irc.texts()[3:], "review is due", "One is open since", "One is open since")
	})
}

// TestTheCalendarOverRestarts: however often the bot is started, and whatever time
// it is off, each day has one digest.
func TestTheCalendarOverRestarts(t *testing.T) {
	bubble(t, func(r *rig) {
		r.only(incidents.Digest)
		r.open(0)
		r.acknowledge(1)
		for k := range 200 {
			r.do(func(tx *store.Tx) error { return tx.Mend() })
			r.Outbox = New(r.c)
			stop := r.run()
			time.Sleep(time.Duration(k*7%100) * time.Minute)
			synctest.Wait()
			stop()
			time.Sleep(time.Duration(k*13%90) * time.Minute)
		}
		time.Sleep(time.Minute)
		days := int(time.Since(r.irc.began)/(24*time.Hour)) + 1
		seen := map[int]bool{}
		for _, s := range r.irc.said() {
			if !strings.Contains(s.Text, " open.") {
				continue // a clock rang
			}
			day := int(s.after / (24 * time.Hour))
			if seen[day] || s.after%(24*time.Hour) < 8*time.Hour {
				t.Errorf("said after %v: %s", s.after, s.Text)
			}
			seen[day] = true
		}
		if len(seen) < days-1 || len(seen) < 8 {
			t.Errorf("%d digests in %d days", len(seen), days)
		}
	})
}

// TestNobodyIsCalledAtNight: a reminder names whose clock it is by day only, unless
// it is Critical or overdue before the morning.
func TestNobodyIsCalledAtNight(t *testing.T) {
	night := time.FixedZone("", 3*3600) // 24 hours on it is three o'clock there
	for _, c := range []struct {
		name, level string
		ago         time.Duration
		want        int
	}{
		{"what can wait", "high", 0, 0},
		{"what is Critical", "critical", 0, 1},
		{"what is overdue", "high", 60 * time.Hour, 1},
	} {
		bubbleWith(t, func(r *rig) {
			i := r.open(c.ago)
			r.do(func(tx *store.Tx) error {
				now, err := tx.Incident(i.N)
				now.Level = c.level
				if err == nil {
					_, err = tx.Save(now)
				}
				return err
			})
			time.Sleep(23 * time.Hour)
			defer r.run()()
			time.Sleep(61 * time.Minute)
			synctest.Wait()
			var last try
			for _, s := range r.irc.said() {
				if strings.Contains(s.Text, "Acknowledgement") {
					last = s
				}
			}
			if len(last.Mentions) != c.want || last.Text == "" {
				t.Errorf("%s: %d are called: %s", c.name, len(last.Mentions), last.Text)
			}
		}, func(_ *rig, cfg *Config) {
			var people []incidents.Person
			for _, p := range cfg.Roster.People() {
				p.Zone = night
				people = append(people, p)
			}
			cfg.Roster = incidents.NewRoster(people...)
		})
	}
}
