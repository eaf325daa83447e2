package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"tocsin/incidents"
	"tocsin/incidents/store"
)

// whole checks what holds at any moment: the record verifies, and every
// incident has a lead.
func (w *world) whole(when string) {
	w.t.Helper()
	if _, err := w.now.app.store.Verify(context.Background()); err != nil {
		w.t.Fatalf("%s: %v", when, err)
	}
	if bad := w.rows(`SELECT n FROM incident WHERE n NOT IN (SELECT incident FROM role WHERE role = 'lead')`); len(bad) > 0 {
		w.t.Fatalf("%s: these incidents have no lead: %v", when, bad)
	}
	unanswered := w.rows(`SELECT network, id FROM heard
		WHERE person <> '' AND 'answer/' || network || '/' || id NOT IN (SELECT key FROM outbox)`)
	if len(unanswered) > 0 {
		w.t.Fatalf("%s: these were obeyed and have no answer: %v", when, unanswered)
	}
}

// settle lets time pass on healthy networks until everything was said, and
// checks what was said and done in all against what people said.
func (w *world) settle(ops []*op) {
	w.t.Helper()
	must(w.t, w.up())
	for range 3 {
		w.clock.at = w.clock.at.Add(65 * time.Minute)
		must(w.t, w.now.app.outbox.Drain(context.Background()))
	}
	w.whole("at the end")
	w.clocksRun()
	w.nothingWaits()
	w.saidOnce()
	w.doneOnce(ops)
	w.roomsOnce()
}

// clocksRun checks that each clock that the plan asks for runs, no other, and
// that its next rung lies ahead.
func (w *world) clocksRun() {
	w.t.Helper()
	var want []string
	must(w.t, w.now.app.store.Update(context.Background(), func(tx *store.Tx) error {
		all, err := tx.List("all", 1000)
		for _, i := range all {
			for _, c := range incidents.Clocks(*w.plan, i) {
				want = append(want, fmt.Sprint(i.N, " ", c.Key, " ", c.Due.UnixMilli(), " ahead"))
			}
		}
		return err
	}))
	got := w.rows(fmt.Sprintf(`SELECT incident, key, due, iif(next_rung > %d, 'ahead', 'past') FROM clock WHERE runs = 1`,
		w.clock.at.UnixMilli()))
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		w.t.Fatalf("clocks: want %v, got %v", want, got)
	}
}

// nothingWaits checks that nothing is left to say, but for what is held because
// it is for somebody who is suspended.
func (w *world) nothingWaits() {
	w.t.Helper()
	left := w.rows(`SELECT key, state, tries, error FROM outbox WHERE state IN ('due', 'unknown')
		AND NOT (direct = 1 AND room IN (SELECT person FROM suspension WHERE lifted_at IS NULL))`)
	if len(left) > 0 {
		w.t.Fatalf("rows that are never said:\n%s", strings.Join(left, "\n"))
	}
}

// saidOnce checks that what is recorded as sent arrived, that what arrived twice
// is marked, and that a network that can tell heard everything once, unmarked.
func (w *world) saidOnce() {
	w.t.Helper()
	for _, n := range w.nets() {
		for _, key := range w.rows(`SELECT key FROM outbox WHERE state = 'sent' AND kind IN ('say', 'board') AND network = '` + n.name + `'`) {
			if len(n.texts(key)) == 0 {
				w.t.Fatalf("%s: %s is recorded as sent and never arrived", n.name, key)
			}
		}
		for _, key := range w.rows(`SELECT key FROM outbox WHERE state = 'refused' AND kind IN ('say', 'board') AND network = '` + n.name + `'`) {
			if !n.refused[key] {
				w.t.Fatalf("%s: %s is recorded as refused and never was", n.name, key)
			}
		}
		for _, o := range n.arrived {
			texts := n.texts(o.Key)
			plain := slices.DeleteFunc(slices.Clone(texts), func(s string) bool { return strings.HasPrefix(s, "(again) ") })
			if len(plain) > 1 || n.tells && (len(texts) != 1 || len(plain) != 1) {
				w.t.Fatalf("%s: %s was said %d times: %q", n.name, o.Key, len(texts), texts)
			}
		}
	}
}

// doneOnce checks, from what people were answered, that each thing was done
// once: a note stands in the record once, an incident is there for each opening.
func (w *world) doneOnce(ops []*op) {
	w.t.Helper()
	opened, erased, seen := 0, 0, map[string]bool{}
	for _, o := range ops {
		if o.wait > 0 || o.deed != "" || seen[o.id] {
			continue
		}
		seen[o.id] = true
		said := strings.Join(w.net(o.net).texts(o.key()), "\n")
		if strings.Contains(said, "was erased since") {
			erased++ // it waited, and !forget reporter came before it was said
		}
		if strings.Contains(said, " is open") && strings.Contains(said, "You are its lead.") {
			opened++
		}
		if at := strings.Index(o.text, "note "); at >= 0 && strings.HasPrefix(o.text, "!incident note") && strings.Contains(said, "Noted on") {
			text := o.text[strings.LastIndex(o.text, "note "):]
			if strings.Contains(o.text, "the crash") {
				text = "the crash is shared by all builds"
			}
			if n := w.rows(`SELECT count(*) FROM timeline WHERE kind = 'noted' AND text = '` + text + `'`); n[0] != "1" {
				w.t.Fatalf("%q was answered with %q and stands in the record %s times", o.text, said, n[0])
			}
		}
	}
	n := w.rows(`SELECT count(*) FROM incident`)[0]
	refused := 0
	for _, n := range w.nets() {
		refused += len(n.refused)
	}
	if refused+erased == 0 && n != fmt.Sprint(opened) {
		w.t.Fatalf("%d openings were answered and %s incidents are there", opened, n)
	}
}

// onDisk reports whether the file or its log holds a text, in any form.
func (w *world) onDisk(text string) bool {
	for _, tail := range []string{"", "-wal"} {
		b, err := os.ReadFile(w.now.path + tail)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			w.t.Fatal(err)
		}
		if strings.Contains(string(b), text) {
			return true
		}
	}
	return false
}

// forgotten checks that once a reporter was forgotten, the file and its log hold
// nothing of them any more.
func (w *world) forgotten(ops []*op, k int) {
	w.t.Helper()
	done := slices.ContainsFunc(ops[:k+1], func(o *op) bool { return strings.HasPrefix(o.text, "!forget reporter") })
	if done && (w.onDisk(reporterName) || w.onDisk(reporterContact)) {
		w.t.Fatalf("after %s the file still holds the reporter who was forgotten", ops[k])
	}
}
