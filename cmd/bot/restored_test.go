package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tocsin/incidents/store"
)

// restoredTo makes a file what a restore makes of it, at the world's time.
func (w *world) restoredTo(path string, taken time.Time) {
	w.t.Helper()
	st, err := store.Open(context.Background(), path, store.Options{Prefix: "INC", Rehearsal: true, Now: w.clock.Now})
	must(w.t, err)
	err = st.Update(context.Background(), func(tx *store.Tx) error {
		_, err := tx.Restore(taken, nil)
		return err
	})
	must(w.t, errors.Join(err, st.Close()))
}

// TestAfterARestoreNothingIsSaidTwice: the bot talks, is backed up with answers on their
// way and a reminder to come, talks on, and is restored. Each desk hears of the gap
// first and once; what was said in it comes again and gets no answer; of what may have
// been said already a network that can tell hears nothing, and another one that it is a
// repeat.
func TestAfterARestoreNothingIsSaidTwice(t *testing.T) {
	w := newWorld(t, quickDir(t))
	defer func() { w.stop() }()
	must(t, w.start(w.newFile()))
	must(t, w.up())
	ops := []*op{
		{id: "m1", net: "den", who: "alice", text: `!incident open --severity high --reported "70h ago" Heap overflow`},
		{id: "m2", net: "den", who: "bob", text: "!role take lead"},
		{id: "m3", net: "den", who: "carol", text: "!incident show"},
	}
	for k := range ops[:2] {
		w.do(ops, k)
	}
	w.den.next = func() weather { return away }
	w.do(ops, 2) // its answer waits when the backup is made
	taken, from := w.clock.at, w.newFile()
	w.copyFile(from)
	w.den.next = nil
	must(t, w.up())

	// What happens after the backup: the answer arrives, a reminder rings, and people talk.
	w.clock.at = w.clock.at.Add(3 * time.Hour)
	must(t, w.now.app.outbox.Drain(context.Background()))
	after := []*op{
		{id: "m4", net: "den", who: "alice", text: "!incident note after the backup"},
		{id: "m5", net: "hall", who: "dana", text: "!help incident"},
		{id: "m6", net: "den", who: "alice", text: "!frobnicate"},
		{id: "m7", net: "den", who: "alice", text: "!suspend carol"},
	}
	for k := range after {
		w.do(after, k)
	}
	rung := 0
	for _, o := range w.den.arrived {
		if strings.HasPrefix(o.Key, "rung/") {
			rung++
		}
	}
	if rung == 0 || len(w.den.texts(ops[2].key())) != 1 {
		t.Fatalf("the desk heard %d reminders, and the answer %d times", rung, len(w.den.texts(ops[2].key())))
	}
	gap := map[string]*op{}
	for _, o := range after {
		gap[o.id] = o
	}
	w.stop()
	w.clock.at = w.clock.at.Add(time.Minute)
	w.restoredTo(from, taken)

	den, hall := len(w.den.arrived), len(w.hall.arrived)
	said := map[string]bool{}
	for _, n := range w.nets() {
		for _, o := range n.arrived {
			said[n.name+" "+o.Key] = true
		}
	}
	must(t, w.start(from))
	must(t, w.up())
	for _, n := range w.nets() {
		begin := den
		if n == w.hall {
			begin = hall
		}
		told := 0
		for k, o := range n.arrived[begin:] {
			isGap := strings.Contains(o.Text, "I was restored from a backup of")
			if isGap {
				told++
			}
			if isGap != (k == 0) {
				t.Errorf("%s hears as number %d: %s", n.name, k, o.Text)
			}
			if said[n.name+" "+o.Key] && (n.tells || !strings.HasPrefix(o.Text, "(again) ")) {
				t.Errorf("%s hears again: %s", n.name, o.Text)
			}
		}
		if told != 1 {
			t.Errorf("%s is told %d times", n.name, told)
		}
	}
	if last := w.hall.arrived[len(w.hall.arrived)-1].Text; !strings.HasPrefix(last, "(again) ") {
		t.Errorf("the hall cannot tell, and hears last: %s", last)
	}
	if rows := w.rows(`SELECT count(*) FROM outbox WHERE state IN ('due', 'unknown')`); rows[0] != "0" {
		t.Errorf("%s rows wait", rows[0])
	}

	// The networks tell again what was said in the gap.
	at := w.clock.at
	w.clock.at = taken.Add(2 * time.Hour)
	lines := []string{"m3", "m4", "m5", "m6"}
	heard := len(w.den.arrived) + len(w.hall.arrived)
	for _, id := range lines {
		o := gap[id]
		if o == nil {
			o = ops[2]
		}
		m := o.message(w)
		w.clock.at = at
		must(t, w.now.app.Message(context.Background(), m))
		w.clock.at = taken.Add(2 * time.Hour)
	}
	suspend := gap["m7"].message(w)
	w.clock.at = at
	if got := len(w.den.arrived) + len(w.hall.arrived); got != heard {
		t.Errorf("what was said before the restore was answered: %v", w.den.arrived[len(w.den.arrived)-1].Text)
	}
	must(t, w.now.app.Message(context.Background(), suspend))
	if rows := w.rows(`SELECT person FROM suspension WHERE lifted_at IS NULL`); fmt.Sprint(rows) != "[carol]" {
		t.Errorf("a suspension that was said again: suspended are %v", rows)
	}
	w.do([]*op{{id: "m8", net: "den", who: "alice", text: "!incident note after the restore"}}, 0)
	if rows := w.rows(`SELECT text FROM timeline WHERE kind = 'noted'`); fmt.Sprint(rows) != "[after the restore]" {
		t.Errorf("notes: %v", rows)
	}
	path := w.now.path
	w.stop()
	count := len(w.den.arrived)
	must(t, w.start(path))
	must(t, w.up())
	if len(w.den.arrived) != count {
		t.Errorf("at the next start it says: %s", w.den.arrived[count].Text)
	}
}

// TestARestoreTakesTheManifestsMoment: what a rehearsal's clock is ahead counts for when
// its backup was made, too.
func TestARestoreTakesTheManifestsMoment(t *testing.T) {
	dir := t.TempDir()
	wantRan(t, dir, "/wait 48h\n", 0, "", "-db", "a.db")
	wantRan(t, dir, "", 0, "Done", "backup", "-db", "a.db", "a.tar")
	wantRan(t, dir, "", 0, "Done", "restore", "-db", "a.db", "a.tar")
	st, err := store.Open(t.Context(), "a.db", store.Options{Rehearsal: true})
	must(t, err)
	defer st.Close()
	must(t, st.Update(t.Context(), func(tx *store.Tx) error {
		r, ok, err := tx.Restored()
		if ahead := time.Until(r.Taken); !ok || ahead < 47*time.Hour || r.At.Before(r.Taken) || r.At.Sub(r.Taken) > time.Minute {
			t.Errorf("%+v %v", r, ok)
		}
		return err
	}))
}
