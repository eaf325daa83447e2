package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
	"tocsin/internal/chattest"
)

// said is how the chat of the property test is written down: by the key of what
// is said.
type saidOnce struct {
	bridges.Bridge
	keys map[string]int
}

func (b saidOnce) Say(_ context.Context, o bridges.Outgoing) (bridges.Receipt, error) {
	b.keys[o.Key]++
	return bridges.Receipt{ID: o.Key}, nil
}

// planLife is a bot whose people say anything in any order.
type planLife struct {
	t       *rapid.T
	path    string
	clock   *clock
	bridge  saidOnce
	bot     *rehearsal
	n       int
	led     map[int]bool
	over    map[int]string // embargoes that are over, and how
	looking *sql.DB
}

func (l *planLife) must(err error) {
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *planLife) start() {
	p, err := rehearsalParts(l.path, l.clock, quiet())
	l.must(err)
	a, err := newApp(context.Background(), p, l.bridge)
	l.must(err)
	a.inOrder = true
	l.bot = &rehearsal{app: a, clock: l.clock}
	l.must(a.outbox.Drain(context.Background()))
}

func (l *planLife) say(who, text string) {
	l.n++
	l.must(l.bot.Message(context.Background(), bridges.Message{
		ID: fmt.Sprintf("m%d", l.n), Room: bridges.Room{Network: "console", ID: "console"}, Name: who, Text: text,
		From: bridges.Account{Network: "console", ID: who}, At: l.clock.Now(),
	}))
}

// lines is what people say: of each command something that may fit.
func lines() []string {
	return []string{
		"!incident open --source researcher", "!incident open --type supply-chain", "!incident open --lead nobody", "!incident open --type bundled-library --source scanning",
		"!ack sent INC-%d", "!severity set INC-%d high", "!severity set INC-%d medium because", "!severity set INC-%d critical because", "!embargo propose INC-%d +9d",
		"!embargo agree INC-%d Erin", "!embargo set INC-%d", "!embargo set INC-%d +5d", "!embargo set INC-%d 2026-11-29 02:30 Europe/Paris", "!embargo move INC-%d +6d because",
		"!embargo lift INC-%d because", "!embargo broken INC-%d a commit", "!lead take INC-%d", "!lead handoff INC-%d bob", "!lead handoff INC-%d carol", "!lead accept INC-%d",
		"!lead decline INC-%d", "!role assign INC-%d lead dana", "!role assign INC-%d comms dana", "!role take INC-%d patch", "!role drop INC-%d lead", "!done INC-%d reproduce", "!done INC-%d advisory",
		"!done INC-%d request-cve", "!done INC-%d fix", "!done INC-%d test", "!done INC-%d review", "!done INC-%d notify-distros", "!skip INC-%d local-tests because", "!done INC-%d merge",
		"!done INC-%d wheels", "!done INC-%d publish", "!undo INC-%d wheels", "!undo INC-%d notify-distros", "!fact set INC-%d cve CVE-2026-25990", "!incident wild INC-%d on", "!incident public INC-%d on",
		"!incident track INC-%d standard because", "!incident reachable INC-%d no because", "!update sent INC-%d", "!reporter policy INC-%d p0", "!reporter policy INC-%d none", "!incident phase INC-%d releasing because",
		"!clock snooze INC-%d acknowledgement +20h because", "!clock snooze INC-%d embargo +2d because", "!clock snooze INC-%d roles +3d because", "!clock snooze INC-%d lead +5h because",
		"!incident close INC-%d fixed", "!incident reopen INC-%d because", "!heard INC-%d", "!next all", "!todo INC-%d all", "!lead INC-%d",
	}
}

// check looks at everything that has to hold whatever was said.
func (l *planLife) check() {
	ctx, plan := context.Background(), *l.bot.p.plan
	var all []incidents.Incident
	l.must(l.bot.store.Update(ctx, func(tx *store.Tx) (err error) {
		all, err = tx.List("all", 100)
		return err
	}))
	now := l.clock.Now()
	for _, i := range all {
		// No clock is lost, and none runs that the rule does not know.
		rows := l.rows(i.N)
		clocks := incidents.Clocks(plan, i)
		for _, c := range clocks {
			r, ok := rows[c.Key]
			if !ok || !r.due.Equal(c.Due.Truncate(time.Millisecond)) {
				l.t.Fatalf("%s: the clock %s is due %s and kept as %+v", i.Handle, c.Key, c.Due, r)
			}
			// An overdue one is never silent for longer than it says, or than it was put off.
			most := now.Add(c.Repeat)
			if c.Quiet.After(most) {
				most = c.Quiet
			}
			if !r.next.After(now.Add(-time.Second)) || (c.Repeat != 0 && !now.Before(c.Due) && r.next.After(most)) {
				l.t.Fatalf("%s: the clock %s, due %s, is said next %s; now it is %s", i.Handle, c.Key, c.Due, r.next, now)
			}
			delete(rows, c.Key)
		}
		if len(rows) > 0 {
			l.t.Fatalf("%s: these clocks run and should not: %v", i.Handle, rows)
		}
		// From the first taking on there is exactly one lead.
		lead := i.Lead(plan)
		if l.led[i.N] && lead == "" {
			l.t.Fatalf("%s: nobody leads any more", i.Handle)
		}
		l.led[i.N] = l.led[i.N] || lead != ""
		// An embargo that is over never comes back.
		if was := l.over[i.N]; was != "" && i.Embargo.State != was {
			l.t.Fatalf("%s: the embargo was %s and is %s", i.Handle, was, i.Embargo.State)
		}
		if i.Embargo.Over() {
			l.over[i.N] = i.Embargo.State
		}
	}
	for key, times := range l.bridge.keys {
		if times != 1 {
			l.t.Fatalf("%s was said %d times", key, times)
		}
	}
}

type keptClock struct{ due, next time.Time }

// rows reads the clocks of an incident that run as the file has them.
func (l *planLife) rows(n int) map[string]keptClock {
	got, err := l.looking.Query(`SELECT key, due, next_rung FROM clock WHERE incident = ? AND runs = 1`, n)
	l.must(err)
	defer got.Close()
	out := map[string]keptClock{}
	for got.Next() {
		var key string
		var due, next int64
		l.must(got.Scan(&key, &due, &next))
		out[key] = keptClock{time.UnixMilli(due).UTC(), time.UnixMilli(next).UTC()}
	}
	l.must(got.Err())
	return out
}

// TestAnyOrder: whatever people say and however time passes, also while the bot is
// down: no clock is lost or said twice, an overdue one is never silent, an incident
// has exactly one lead from the first taking on, and an embargo that is over stays
// over.
func TestAnyOrder(t *testing.T) {
	fewer(t, 60)
	dir := quickDir(t)
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		console := chattest.NewStage(&chattest.Script{}, time.Now).Bridge("console")
		l := &planLife{
			t: rt, path: filepath.Join(dir, fmt.Sprintf("%d.db", runs)), clock: startClock(), bridge: saidOnce{console, map[string]int{}},
			led: map[int]bool{}, over: map[int]string{},
		}
		l.start()
		defer func() {
			if err := l.bot.close(); err != nil {
				rt.Error(err)
			}
			for _, end := range []string{"", "-wal", "-shm", ".lock"} {
				os.Remove(l.path + end)
			}
		}()
		var err error
		l.looking, err = sql.Open("sqlite3", "file:"+l.path+"?mode=ro")
		l.must(err)
		defer l.looking.Close()
		people := rapid.SampledFrom([]string{"alice", "bob", "carol", "dana"})
		words, spans := rapid.SampledFrom(lines()), rapid.SampledFrom([]string{"20m", "1h", "7h", "25h", "3d", "9d"})
		l.say("alice", "!incident open --severity high --source researcher")
		for range rapid.IntRange(5, 25).Draw(rt, "steps") {
			switch rapid.IntRange(0, 9).Draw(rt, "what") {
			case 0, 1:
				l.must(l.bot.wait(context.Background(), spans.Draw(rt, "wait")))
			case 2:
				l.must(l.bot.close())
				d, err := incidents.ReadSpan(spans.Draw(rt, "down"))
				l.must(err)
				l.clock.moveTo(l.clock.Now().Add(d))
				l.start()
			default:
				text := words.Draw(rt, "text")
				if strings.Contains(text, "%d") {
					text = fmt.Sprintf(text, rapid.IntRange(1, 3).Draw(rt, "incident"))
				}
				l.say(people.Draw(rt, "who"), text)
			}
			l.check()
		}
		if _, err := l.bot.store.Verify(context.Background()); err != nil {
			rt.Fatal(err)
		}
	})
}

// TestManyRungsAtOnce: ten thousand reminders that are due at once after an outage
// make one digest in the room, and the store keeps up.
func TestManyRungsAtOnce(t *testing.T) {
	many := 10_000
	if testing.Short() {
		many = 1_000
	}
	path, c := filepath.Join(t.TempDir(), "many.db"), startClock()
	p, err := rehearsalParts(path, c, quiet())
	if err != nil {
		t.Fatal(err)
	}
	bridge := saidOnce{chattest.NewStage(&chattest.Script{}, time.Now).Bridge("console"), map[string]int{}}
	open := func() *app {
		a, err := newApp(t.Context(), p, bridge)
		if err != nil {
			t.Fatal(err)
		}
		a.inOrder = true
		return a
	}
	a := open()
	err = a.store.Update(t.Context(), func(tx *store.Tx) error {
		for range many {
			n, handle, codename, err := tx.NextIncident()
			if err != nil {
				return err
			}
			o := incidents.Opening{N: n, Handle: handle, Codename: codename, Source: "github", Title: incidents.Seal("title")}
			i, entries, err := incidents.OpenIncident(*p.plan, o, "alice", tx.Now())
			if err == nil {
				_, err = tx.Add(i, entries...)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	c.moveTo(c.Now().Add(25 * time.Hour))
	a = open()
	defer a.close()
	began := time.Now()
	if err := a.outbox.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d reminders became %d messages in %s", many, len(bridge.keys), time.Since(began).Round(time.Millisecond))
	digests := 0
	for key := range bridge.keys {
		switch {
		case strings.HasPrefix(key, "rungs/"):
			digests++
		case !strings.HasPrefix(key, "calendar/"): // a morning passed as well
			t.Errorf("said %s", key)
		}
	}
	if digests != 1 {
		t.Errorf("%d digests, want one", digests)
	}
	next, err := a.outbox.Next(t.Context())
	if err != nil || !next.After(c.Now()) {
		t.Errorf("the next is due %s: %v", next, err)
	}
}
