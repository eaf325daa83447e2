package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/bridges"
)

// TestACrashAtEveryStepLosesAndRepeatsNothing plays one hour of an incident and
// crashes at every step of it: each time the file is taken as it is, the bot is
// started on it, the message that was under way comes again, and everything has
// to be as if nothing had happened.
func TestACrashAtEveryStepLosesAndRepeatsNothing(t *testing.T) {
	ops := anHour()
	want := playAll(t, quickDir(t), ops)
	w := newWorld(t, quickDir(t))
	defer func() { w.stop() }()
	at, forks := -1, 0
	w.fail = func(step string) {
		forks++
		f := forkOf(w, fmt.Sprint(forks))
		f.now.dead = true
		f.recover(ops, at, want, step)
		f.forgotten(ops, at)
		if forks%40 == 0 {
			for k := at + 1; k < len(ops); k++ {
				f.do(ops, k)
				f.mustBe(want[k], "after "+ops[k].String())
			}
			f.settle(ops)
		}
		f.stop()
		must(t, os.RemoveAll(f.dir))
	}
	must(t, w.start(w.newFile()))
	must(t, w.up())
	for at = 0; at < len(ops); at++ {
		w.do(ops, at)
		w.mustBe(want[at], "after "+ops[at].String())
		w.forgotten(ops, at)
	}
	t.Logf("%d crashes", forks)
	w.fail = nil
	w.settle(ops)
}

// TestCrashesInAnyOrderOfCommands plays what people may say in any order, in
// any weather of the networks, with crashes anywhere, and compares with the
// same without crashes in fair weather.
func TestCrashesInAnyOrderOfCommands(t *testing.T) {
	fewer(t, 80)
	root := quickDir(t)
	rapid.Check(t, func(r *rapid.T) {
		dir, err := os.MkdirTemp(root, "")
		must(t, err)
		defer os.RemoveAll(dir)
		ops := drawOps(r)
		want := playAll(r, dir, ops)
		w := newWorld(r, dir)
		defer func() { w.stop() }()
		crashes := rapid.SliceOfN(rapid.IntRange(1, 400), 0, 5).Draw(r, "steps between crashes")
		stormy := rapid.Bool().Draw(r, "stormy")
		if stormy {
			w.den.next, w.hall.next = drawWeather(r, w.den), drawWeather(r, w.hall)
		}
		w.fail = func(step string) {
			if len(crashes) == 0 || w.steps < crashes[0] {
				return
			}
			crashes, w.steps = crashes[1:], 0
			w.nextFile = w.newFile()
			w.copyFile(w.nextFile)
			w.now.dead = true
			r.Log("crash: " + step)
		}
		w.begin()
		w.recover(ops, -1, want, "start")
		for k := range ops {
			w.do(ops, k)
			w.recover(ops, k, want, "drawn")
			w.mustBe(want[k], "after "+ops[k].String())
		}
		w.den.next, w.hall.next, w.fail = nil, nil, nil
		w.settle(ops)
	})
}

// TestAChangedPlanIsToldWhateverCrashes starts the bot with another plan and
// crashes at every step of that start: the clocks are reckoned by the new plan,
// and the desk hears of it.
func TestAChangedPlanIsToldWhateverCrashes(t *testing.T) {
	w := newWorld(t, quickDir(t))
	defer func() { w.stop() }()
	ops := anHour()[:1]
	must(t, w.start(w.newFile()))
	w.do(ops, 0)
	path := w.now.path
	w.stop()
	other := *w.plan
	other.Hash, w.plan = strings.Repeat("ab", 32), &other
	other.Clocks = slices.Clone(other.Clocks)
	other.Clocks[0].Due += time.Hour
	other.Clocks[0].Rungs = append(slices.Clone(other.Clocks[0].Rungs), other.Clocks[0].Due)
	forks := 0
	check := func(w *world) {
		w.clocksRun()
		if said := len(w.den.arrived); said != 2 || !strings.Contains(w.den.arrived[1].Text, "The plan was changed") {
			t.Fatalf("crash %d: the desk heard %d lines: %v", forks, said, w.den.arrived)
		}
	}
	w.fail = func(string) {
		forks++
		f := forkOf(w, fmt.Sprint(forks))
		must(t, f.start(f.nextFile))
		must(t, f.up())
		check(f)
		f.stop()
	}
	must(t, w.start(path))
	must(t, w.up())
	check(w)
}

// TestForgettingReachesWhatWaitsToBeSaid forgets a reporter while no answer that
// may name them gets through.
func TestForgettingReachesWhatWaitsToBeSaid(t *testing.T) {
	w := newWorld(t, quickDir(t))
	defer func() { w.stop() }()
	must(t, w.start(w.newFile()))
	w.den.next = func() weather { return away }
	w.hall.next = w.den.next
	var ops []*op
	for k, text := range []string{
		"!incident open", "!reporter set " + reporterName + " --contact " + reporterContact,
		"!incident list", "!incident list all", "!incident show", "!timeline", "!fact show", "!forget reporter",
	} {
		ops = append(ops, &op{id: fmt.Sprint("m", k), net: "den", who: "alice", text: text})
		w.do(ops, k)
	}
	w.forgotten(ops, len(ops)-1)
	w.den.next, w.hall.next = nil, nil
	w.settle(ops)
	if len(w.den.arrived) == 0 {
		t.Error("nothing was said at last")
	}
	for _, o := range w.den.arrived {
		if strings.Contains(o.Text, reporterName) || strings.Contains(o.Text, reporterContact) {
			t.Errorf("said after all: %s", o.Text)
		}
	}
}

// playAll plays without crashes in fair weather and gives the state after each.
func playAll(t judge, dir string, ops []*op, with ...func(*world)) []string {
	w := newWorld(t, filepath.Join(dir, "without"))
	for _, f := range with {
		f(w)
	}
	defer func() { w.stop() }()
	must(t, w.start(w.newFile()))
	must(t, w.up())
	want := make([]string, len(ops))
	for k := range ops {
		w.do(ops, k)
		want[k] = w.state()
	}
	w.settle(ops)
	return want
}

// quickDir is a directory in memory, where there is one: these tests do not ask
// whether a disk keeps what it was given, and commit many thousand times.
func quickDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "crash")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	return dir
}

// forkOf is another world, on a copy of the file as it is now.
func forkOf(w *world, name string) *world {
	f := newWorld(w.t, filepath.Join(w.dir, "fork-"+name))
	maps.Copy(f.waited, w.waited)
	maps.Copy(f.lines, w.lines)
	f.clock.at, f.den, f.hall, f.plan = w.clock.at, w.den.clone(), w.hall.clone(), w.plan
	if w.comb != nil {
		f.comb = w.comb.clone()
	}
	f.nextFile = f.newFile()
	w.copyFile(f.nextFile)
	f.now = &life{path: f.nextFile}
	return f
}

// begin starts the first life.
func (w *world) begin() {
	w.nextFile = w.newFile()
	err := w.start(w.nextFile)
	if err == nil {
		err = w.up()
	}
	if err != nil && !w.now.dead {
		w.t.Fatal(err)
	}
}

// recover starts the bot again after a crash, as often as it takes, and gives
// it again what it was told when it crashed.
func (w *world) recover(ops []*op, k int, want []string, step string) {
	w.t.Helper()
	for w.now.dead {
		answered := k >= 0 && ops[k].answered(w)
		_ = w.now.end()
		err := w.start(w.nextFile)
		if w.now.dead {
			continue
		}
		must(w.t, err)
		w.whole(step)
		w.between(k, want, answered, step)
		if err := w.up(); err != nil && !w.now.dead {
			w.t.Fatal(err)
		}
		if !w.now.dead && k >= 0 {
			w.do(ops, k)
		}
	}
	if k >= 0 {
		w.mustBe(want[k], fmt.Sprintf("after a crash (%s) in %s", step, ops[k]))
	}
}

// between: a crash leaves all of an act or nothing of it, and all of it when it
// was answered.
func (w *world) between(k int, want []string, answered bool, step string) {
	w.t.Helper()
	if k < 0 {
		return
	}
	got, before, after := acts(w.state()), "", acts(want[k])
	if k > 0 {
		before = acts(want[k-1])
	}
	switch {
	case got == after:
	case answered:
		w.t.Fatalf("a crash (%s) in an act that was answered lost some of it:\n%s", step, diff(after, got))
	case got != before && k > 0:
		w.t.Fatalf("a crash (%s) left half of an act:\n%s", step, diff(before, got))
	}
}

// acts leaves out of a state which rungs have their rows, which rooms were made
// and what is said of that: this comes after the act, by the outbox.
func acts(state string) string {
	var out []string
	for l := range strings.SplitSeq(state, "\n") {
		if strings.HasPrefix(l, "clock ") {
			l = l[:strings.LastIndex(l, " ")]
		}
		ours := false // made after the act, by the outbox
		for _, start := range []string{"to say rung/", "to say about/", "to say board/", "to say calendar/", "room ", "schedule "} {
			ours = ours || strings.HasPrefix(l, start)
		}
		if !ours {
			out = append(out, l)
		}
	}
	return strings.Join(out, "\n")
}

func (w *world) mustBe(want, when string) {
	w.t.Helper()
	if got := w.state(); got != want {
		w.t.Fatalf("%s: the file is not as without crashes:\n%s", when, diff(want, got))
	}
}

// diff gives the lines that only one of two texts has.
func diff(want, got string) string {
	var out []string
	only := func(sign, a, b string) {
		have := map[string]bool{}
		for l := range strings.SplitSeq(b, "\n") {
			have[l] = true
		}
		for l := range strings.SplitSeq(a, "\n") {
			if !have[l] {
				out = append(out, sign+l)
			}
		}
	}
	only("-", want, got)
	only("+", got, want)
	return strings.Join(out, "\n")
}

// do does one thing: time passes, or somebody says something and everything
// that is due is said.
func (w *world) do(ops []*op, k int) {
	o := ops[k]
	w.t.Helper()
	var err error
	switch {
	case o.wait > 0:
		if !w.waited[k] {
			w.clock.at = w.clock.at.Add(o.wait)
			w.waited[k] = true
		}
		err = w.now.app.outbox.Drain(context.Background())
	case o.deed != "":
		err = w.deed(o, k)
	default:
		err = w.now.app.Message(context.Background(), o.message(w))
	}
	if err != nil && !w.now.dead {
		w.t.Fatalf("%s: %v", o, err)
	}
}

// message is what the network gives the bot: the same each time it comes.
func (o *op) message(w *world) bridges.Message {
	if w.lines[o.id] == "" {
		w.lines[o.id] = o.text
		if o.text == "!approve" {
			w.lines[o.id] = "!approve " + w.openCode()
		}
	}
	r := bridges.Room{Network: o.net, ID: "desk"}
	if own := w.net(o.net).hive.room(o.own); own != "" {
		r.ID = own
	}
	if o.direct {
		r = bridges.Room{Network: o.net, ID: o.who, Direct: true}
	}
	return bridges.Message{
		ID: o.id, Room: r, Name: o.who, From: bridges.Account{Network: o.net, ID: o.who}, Text: w.lines[o.id], At: w.clock.at,
	}
}

// openCode is the code of the newest request that is open, or one of none.
func (w *world) openCode() string {
	codes := w.rows(`SELECT code FROM approval WHERE done = '' ORDER BY id DESC LIMIT 1`)
	if len(codes) == 0 {
		return "QQQQQ"
	}
	return codes[0]
}

func (o *op) key() string { return "answer/" + o.net + "/" + o.id }

// answered reports whether the answer arrived, as far as the world can see.
func (o *op) answered(w *world) bool {
	return o.wait == 0 && o.deed == "" && len(w.net(o.net).texts(o.key())) > 0
}
