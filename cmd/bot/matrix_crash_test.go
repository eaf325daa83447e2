package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tocsin/bridges/matrix"
	"tocsin/cmd/bot/config"
	"tocsin/internal/chattest/dendrite"
)

// fuseFolder names, in the environment of a process of TestMatrixFuse, the folder
// of its bot.
const fuseFolder = "TOCSIN_TEST_FUSE"

// fuse ends its process at a step. It counts from when the file "fuse" is there,
// which says at which: "matrix: put/2" is the second time there, "*/7" the seventh
// step of any kind, and with "all" and a number every step is written down. The statements of
// a transaction are no steps: a crash undoes them all alike.
type fuse struct {
	dir string
	mu  sync.Mutex
	at  string         // what the file said when counting began
	n   map[string]int // by name
}

func (f *fuse) step(name string) {
	if strings.HasSuffix(name, ": statement") {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	text, err := os.ReadFile(filepath.Join(f.dir, "fuse"))
	if err != nil {
		return
	}
	if string(text) != f.at {
		f.at, f.n = string(text), map[string]int{}
	}
	f.n[name]++
	f.n["*"]++
	point := fmt.Sprintf("%s/%d", name, f.n[name])
	if strings.HasPrefix(f.at, "all ") {
		err = add(filepath.Join(f.dir, "steps"), point)
	}
	if f.at == point || f.at == fmt.Sprintf("*/%d", f.n["*"]) {
		if err = add(filepath.Join(f.dir, "died"), point); err == nil {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // nothing more is done here
		}
	}
	if err != nil {
		panic(err)
	}
}

// add adds a line to a file.
func add(path, line string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = fmt.Fprintln(f, line)
		err = errors.Join(err, f.Close())
	}
	return err
}

// TestMatrixFuse is no test by itself: TestMatrixCrash starts it as a process of its own.
// It is the bot as bot -config makes it, with a fuse in the store, the outbox and
// the bridge.
func TestMatrixFuse(t *testing.T) {
	dir := os.Getenv(fuseFolder)
	if dir == "" {
		return
	}
	f := &fuse{dir: dir}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	c, err := config.Load(filepath.Join(dir, "config.toml"), os.LookupEnv)
	must(t, err)
	plan, err := planOf(c)
	must(t, err)
	log, err := program{err: os.Stderr}.logger("info")
	must(t, err)
	n, err := matrixNetwork(c, c.Matrix[0], log)
	must(t, err)
	cfg := matrixConfig(c, c.Matrix[0], log)
	cfg.Failpoint = func(step string) { f.step("matrix: " + step) }
	b, err := matrix.New(cfg)
	must(t, err)
	n.bridge = b
	p := serveParts(c, plan, []network{n}, log)
	p.failpoint = func(step string) { f.step("bot: " + step) }
	a, err := newApp(ctx, p, b)
	must(t, err)
	must(t, errors.Join(a.serve(ctx), a.close()))
}

// crash is a bot with a fuse, and who talks to it.
type crash struct {
	t      *testing.T
	srv    *dendrite.Server
	bot    *matrixChild
	alice  *typist
	desk   string
	random *rand.Rand
	notes  []string
	traces int
	died   map[string]int // how often it ended at a step
}

func newCrash(t *testing.T, url func(*dendrite.Server) string) *crash {
	t.Helper()
	srv := dendrite.Start(t, dendrite.Options{})
	alice, _, _, desk := team(t, srv)
	at := srv.URL()
	if url != nil {
		at = url(srv)
	}
	self, err := os.Executable()
	must(t, err)
	c := &crash{t: t, srv: srv, desk: desk, bot: newMatrixChild(t, srv, at, self, desk), died: map[string]int{}}
	c.bot.args = []string{"-test.run=^TestMatrixFuse$"}
	c.bot.env = []string{fuseFolder + "=" + c.bot.dir}
	c.alice = &typist{Person: alice, sent: map[string]string{}}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	c.random = rand.New(rand.NewPCG(seed, 0))
	c.bot.start()
	alice.WaitMember(desk, botID, "join")
	wants(t, says(alice, desk, "!incident open Heap overflow"), "INC-1")
	return c
}

// arm lights the fuse: the bot ends at this step from now on.
func (c *crash) arm(point string) {
	c.bot.write("fuse.new", point)
	must(c.t, os.Rename(c.bot.path("fuse.new"), c.bot.path("fuse")))
}

func (c *crash) disarm() { _ = os.Remove(c.bot.path("fuse")) }

// command types a command and remembers it.
func (c *crash) command(text string) (event string) {
	c.t.Helper()
	event = c.alice.Say(c.desk, text)
	c.alice.mu.Lock()
	defer c.alice.mu.Unlock()
	c.alice.sent[event] = text
	return event
}

// note types a note that no other one is like.
func (c *crash) note() string {
	c.t.Helper()
	c.notes = append(c.notes, fmt.Sprintf("thought number %d", len(c.notes)+1))
	return c.command("!incident note INC-1 " + c.notes[len(c.notes)-1])
}

// calm is how long after an answer the bot has done what it does on its own: it
// keeps its position and sets the read marker.
const calm = 2500 * time.Millisecond

// trace has a command obeyed and gives the bot's steps in it.
func (c *crash) trace(ready func(), command func() string) []string {
	c.t.Helper()
	ready()
	_ = os.Remove(c.bot.path("steps"))
	c.traces++
	c.arm(fmt.Sprint("all ", c.traces)) // another text each time: it counts anew
	c.alice.WaitReply(command())
	time.Sleep(calm)
	c.disarm()
	text, err := os.ReadFile(c.bot.path("steps"))
	must(c.t, err)
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// dies waits until the bot has died at a step, or has answered and is calm.
func (c *crash) dies(event string) bool {
	c.t.Helper()
	answered := time.Time{}
	for end := time.Now().Add(soon); time.Now().Before(end); {
		select {
		case <-c.bot.over:
			text, err := os.ReadFile(c.bot.path("died"))
			must(c.t, err)
			steps := strings.Split(strings.TrimSpace(string(text)), "\n")
			c.died[steps[len(steps)-1]]++
			c.bot.cmd = nil
			return true
		case <-time.After(10 * time.Millisecond):
		}
		if answered.IsZero() && c.alice.answers()[event] > 0 {
			answered = time.Now()
		}
		if !answered.IsZero() && time.Since(answered) > calm {
			return false
		}
	}
	c.t.Fatalf("neither an answer to %s nor an end", event)
	return false
}

// again starts the bot after it died: as it is; with the homeserver restarted,
// which then has forgotten what it took; or so that it dies once more on its way.
func (c *crash) again(how int) {
	c.t.Helper()
	c.disarm()
	switch how % 3 {
	case 1:
		c.alice.Shown(c.desk) // a bot that was dead, too, cannot know what a homeserver holds back
		c.srv.Kill(c.t)
		c.srv.Restart(c.t)
	case 2:
		c.arm(fmt.Sprintf("*/%d", 1+c.random.IntN(60)))
		c.bot.start()
		select {
		case <-c.bot.over:
			c.bot.cmd = nil
		case <-time.After(calm):
			c.disarm() // it needs fewer steps
			return
		}
		c.disarm()
	}
	c.bot.start()
}

// points kills the bot at every stride-th step of a command, which has these
// steps among others. Ready is called before each one.
func (c *crash) points(name string, stride int, ready func(), command func() string, has ...string) {
	c.t.Helper()
	// Of two traces, what is in both: what a bot that was killed just before has still to
	// do is no step of the command.
	again := c.trace(ready, command)
	steps := slices.DeleteFunc(c.trace(ready, command), func(step string) bool { return !slices.Contains(again, step) })
	for _, step := range has {
		if !slices.Contains(steps, step+"/1") {
			c.t.Errorf("%s has no step %q: %q", name, step, steps)
		}
	}
	began, kills := time.Now(), 0
	for k := c.random.IntN(stride); k < len(steps); k += stride {
		ready()
		c.arm(steps[k])
		event := command()
		if !c.dies(event) {
			c.disarm()
			continue
		}
		kills++
		c.again(k / stride)
		c.alice.WaitReply(event)
	}
	c.t.Logf("%s: %d steps, %d times killed, %.1f s", name, len(steps), kills, time.Since(began).Seconds())
	if kills < len(steps)/stride/2 {
		c.t.Errorf("%s: of %d steps only %d were an end", name, len(steps), kills)
	}
}

// check counts answers and notes.
func (c *crash) check() {
	c.t.Helper()
	wants(c.t, c.alice.WaitReply(c.command("!ping")), "Here")
	c.bot.settled()
	c.bot.kill() // one more life, in which nothing is said again
	c.bot.start()
	wants(c.t, c.alice.WaitReply(c.command("!ping")), "Here")
	c.bot.settled()
	c.bot.term()
	got := c.alice.answers()
	for event, text := range c.alice.sent {
		if got[event] != 1 {
			c.t.Errorf("%s (%q) was answered %d times", event, text, got[event])
		}
	}
	for _, h := range c.alice.All() {
		if h.Undecryptable {
			c.t.Errorf("alice cannot read %s of %s: %s", h.ID, h.Sender, h.Why)
		}
	}
	count := c.bot.look()
	for _, note := range c.notes {
		if n := count(`SELECT count(*) FROM timeline WHERE kind = 'noted' AND text = ?`, note); n != 1 {
			c.t.Errorf("%q stands in the record %d times; the answer was %q", note, n, c.answer(note))
		}
	}
	c.bot.whole()
	if len(c.died) == 0 {
		return
	}
	names := make([]string, 0, len(c.died))
	for name, n := range c.died {
		names = append(names, fmt.Sprintf("%s %d", name, n))
	}
	slices.Sort(names)
	c.t.Logf("killed at %s", strings.Join(names, ", "))
}

// answer gives the answer to a note, if alice heard it.
func (c *crash) answer(note string) string {
	for _, h := range c.alice.All() {
		if h.ReplyTo != "" && strings.HasSuffix(c.alice.sent[h.ReplyTo], " "+note) {
			return h.Text
		}
	}
	return ""
}

// TestMatrixCrash kills the bot with SIGKILL at every step between a message and
// its answer's record, with the homeserver restarted or not: each command is
// obeyed once and answered once.
func TestMatrixCrash(t *testing.T) {
	stride, nothing := 1, func() {}
	if testing.Short() {
		stride = 6
	}
	c := newCrash(t, nil)
	c.points("a note", stride, nothing, c.note, "matrix: synced", "matrix: hand", "matrix: handed", "bot: begun", "bot: after commit",
		"bot: tried", "matrix: encrypted", "matrix: putting", "matrix: put", "bot: done", "matrix: keep", "matrix: kept")
	c.points("an answer that changes nothing", 3*stride, nothing, func() string { return c.command("!incident show INC-1") })
	for len(c.notes) < 15 { // what a room is not troubled with
		c.alice.WaitReply(c.note())
	}
	c.points("a file", 2*stride, nothing, func() string { return c.command("!timeline INC-1 50") }, "matrix: uploaded")
	c.check()
}

// TestMatrixCrashRoom kills the bot on the way from a command to the room that it
// makes: there is one room for each incident, and everybody is asked in once.
func TestMatrixCrashRoom(t *testing.T) {
	stride := 3
	if testing.Short() {
		stride = 20
	}
	c := newCrash(t, nil)
	rooms := 0
	c.points("a room", stride, func() {
		rooms++
		wants(t, says(c.alice.Person, c.desk, "!incident open --severity low A crash on an empty file"), fmt.Sprintf("INC-%d", rooms+1))
	}, func() string {
		return c.command(fmt.Sprintf("!incident room INC-%d", rooms+1))
	}, "matrix: room made")
	// A homeserver that is killed over an event shows it half a minute after it is back.
	c.alice.UntilIn(3*time.Minute/2, "an invitation to each room", func() bool { return len(c.alice.Invites()) >= rooms })
	c.check()
	if got := c.alice.Invites(); len(got) != rooms {
		t.Errorf("%d rooms were made for %d incidents", len(got), rooms)
	}
	for room := range c.alice.Invites() {
		c.alice.Join(room)
		if got := c.alice.Pinned(room); len(got) != 1 {
			t.Errorf("in %s is pinned %q", room, got)
		}
	}
}
