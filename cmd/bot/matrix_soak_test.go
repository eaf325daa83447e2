package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/matrixclient"
)

// matrixChild is the bot as a process of its own, which can be killed.
type matrixChild struct {
	*matrixDesk
	bin  string
	args []string
	env  []string
	cmd  *exec.Cmd
	over chan struct{} // closed when the process has ended
	code error         // what it ended with
}

// buildBot compiles the real program.
func buildBot(t testing.TB) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "bot")
	if out, err := exec.Command("go", "build", "-tags", "goolm", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// newMatrixChild writes the configuration and logs the bot in; it is not started.
// A room besides the desk is one that hears everything, too.
func newMatrixChild(t testing.TB, srv *dendrite.Server, url, bin, desk string, rooms ...string) *matrixChild {
	t.Helper()
	d := &matrixDesk{t: t, srv: srv, dir: t.TempDir(), desk: desk, log: &output{}}
	text := matrixPeople + fmt.Sprintf(matrixNet, url) + fmt.Sprintf(matrixRoom, desk)
	for _, room := range rooms {
		text += strings.ReplaceAll(fmt.Sprintf(matrixRoom, room), "desk = true", "desk = false")
	}
	d.write("config.toml", text)
	d.write("password", botPassword+"\n")
	d.login()
	c := &matrixChild{matrixDesk: d, bin: bin, args: []string{"-config", d.path("config.toml"), "-log", "info"}}
	t.Cleanup(func() {
		c.kill()
		if t.Failed() {
			said := c.log.String()
			t.Logf("the end of the bot's log:\n%s\nthe end of what it has to say:\n%s", said[max(0, len(said)-12000):], c.rows())
		}
	})
	return c
}

func (c *matrixChild) start() {
	c.t.Helper()
	c.cmd = exec.Command(c.bin, c.args...)
	c.cmd.Stdout, c.cmd.Stderr = c.log, c.log
	c.cmd.Env = append(os.Environ(), c.env...)
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.over = make(chan struct{})
	go func(cmd *exec.Cmd, over chan struct{}) {
		c.code = cmd.Wait()
		close(over)
	}(c.cmd, c.over)
}

// kill ends the process as a crash would; one that has ended already is left.
func (c *matrixChild) kill() {
	if c.cmd == nil {
		return
	}
	_ = c.cmd.Process.Kill()
	<-c.over
	c.cmd = nil
}

// term ends the process in an orderly way.
func (c *matrixChild) term() {
	c.t.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		c.t.Errorf("the bot had ended: %v", err)
	}
	select {
	case <-c.over:
	case <-time.After(soon):
		c.t.Errorf("the bot does not end when it is told to")
		c.kill()
		return
	}
	if c.code != nil {
		c.t.Errorf("the bot ended with %v", c.code)
	}
	c.cmd = nil
}

// look opens the bot's file to count in it.
func (c *matrixChild) look() (count func(query string, args ...any) int) {
	c.t.Helper()
	db, err := sql.Open("sqlite3", "file:"+c.path("desk.db")+"?mode=rw&_busy_timeout=5000")
	must(c.t, err)
	c.t.Cleanup(func() { db.Close() })
	return func(query string, args ...any) (n int) {
		c.t.Helper()
		must(c.t, db.QueryRow(query, args...).Scan(&n))
		return n
	}
}

// settled waits until nothing waits to be said: what failed waits for a minute.
func (c *matrixChild) settled() {
	c.t.Helper()
	count := c.look()
	for end := time.Now().Add(90 * time.Second); count(`SELECT count(*) FROM outbox WHERE state IN ('due', 'unknown')`) > 0; <-time.After(50 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatal("something still waits to be said")
		}
	}
}

// rows tells of the last rows of the outbox, without their words.
func (c *matrixChild) rows() string {
	db, err := sql.Open("sqlite3", "file:"+c.path("desk.db")+"?mode=rw&_busy_timeout=5000")
	if err != nil {
		return err.Error()
	}
	defer db.Close()
	list, err := db.Query(`SELECT key || ' ' || state || ', tries ' || tries || ', trying ' || trying || ', next ' ||
		datetime(next_try / 1000, 'unixepoch') || ', id ' || sent_id || ' ' || error FROM outbox ORDER BY id DESC LIMIT 8`)
	if err != nil {
		return err.Error()
	}
	defer list.Close()
	var b strings.Builder
	for list.Next() {
		var line string
		if err := list.Scan(&line); err != nil {
			return err.Error()
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// whole checks that the record is whole.
func (c *matrixChild) whole() {
	c.t.Helper()
	if code, said := c.run("verify", "-config", c.path("config.toml")); code != exitOK || !strings.Contains(said, "the record is whole") {
		c.t.Errorf("verify ended with %d: %s", code, said)
	}
}

// typist is somebody who types commands without waiting for each answer.
type typist struct {
	*matrixclient.Person
	rooms  []string
	window int // commands that may be on their way

	mu   sync.Mutex
	sent map[string]string // by event id: the command
	seen map[string]int    // answers by the last whole look
}

// say types one command.
func (y *typist) say(ctx context.Context, room, text string) error {
	within, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	res, err := y.Client().SendMessageEvent(within, id.RoomID(room), event.EventMessage,
		&event.MessageEventContent{MsgType: event.MsgText, Body: text, Mentions: &event.Mentions{}})
	if err != nil {
		return err
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	y.sent[res.EventID.String()] = text
	return nil
}

// answers counts the answers to each command, as they came.
func (y *typist) answers() map[string]int {
	out := map[string]int{}
	for _, h := range y.All() {
		if h.ReplyTo != "" && h.Edits == "" {
			out[h.ReplyTo]++
		}
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	for evt, n := range y.seen {
		out[evt] = max(out[evt], n)
	}
	return out
}

// whole looks at the rooms from their beginning: a homeserver that is being
// stopped may move a client's position past something that it did not show.
func (y *typist) whole(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	res, err := y.Client().FullSyncRequest(ctx, mautrix.ReqSync{FilterID: `{"room":{"timeline":{"limit":20000}}}`})
	if err != nil {
		return err
	}
	seen := map[string]int{}
	for _, room := range res.Rooms.Join {
		if room.Timeline.Limited {
			return errors.New("a room has too long a history")
		}
		for _, evt := range room.Timeline.Events {
			var c struct { // relations stand outside of the ciphertext
				RelatesTo struct {
					Type      string `json:"rel_type"`
					Fallback  bool   `json:"is_falling_back"`
					InReplyTo struct {
						ID string `json:"event_id"`
					} `json:"m.in_reply_to"`
				} `json:"m.relates_to"`
			}
			if err := json.Unmarshal(evt.Content.VeryRaw, &c); err == nil && evt.Sender == botID && !c.RelatesTo.Fallback &&
				c.RelatesTo.Type != "m.replace" && c.RelatesTo.InReplyTo.ID != "" {
				seen[c.RelatesTo.InReplyTo.ID]++
			}
		}
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	y.seen = seen
	return nil
}

// open is how many commands have no answer yet.
func (y *typist) open() (n int) {
	got := y.answers()
	y.mu.Lock()
	defer y.mu.Unlock()
	for evt := range y.sent {
		if got[evt] == 0 {
			n++
		}
	}
	return n
}

// soak is the talk of a long week.
type soak struct {
	t       *testing.T
	srv     *dendrite.Server
	bot     *matrixChild
	typists []*typist
	random  *rand.Rand
	air     sync.RWMutex // held by who sends: the homeserver restarts between sends only

	mu     sync.Mutex
	sent   int
	notes  []string
	wanted int
}

// draw draws the next command; false when enough were said.
func (s *soak) draw(y *typist) (room, text string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sent == s.wanted {
		return "", "", false
	}
	s.sent++
	room = y.rooms[s.random.IntN(len(y.rooms))]
	incident := 1 + s.random.IntN(3)
	switch s.random.IntN(10) {
	case 0, 1, 2:
		return room, fmt.Sprintf("!incident show INC-%d", incident), true
	case 3, 4, 5, 6:
		note := fmt.Sprintf("thought number %d", s.sent)
		s.notes = append(s.notes, note)
		return room, fmt.Sprintf("!incident note INC-%d %s", incident, note), true
	case 7:
		return room, fmt.Sprintf("!severity set INC-%d %s", incident, []string{"low", "medium", "high"}[s.random.IntN(3)]), true
	case 8:
		return room, "!whoami", true
	}
	return room, "!ping", true
}

// talk has one person type until enough was said.
func (s *soak) talk(ctx context.Context, y *typist) error {
	for {
		room, text, ok := s.draw(y)
		if !ok {
			return nil
		}
		for y.open() >= y.window {
			if !wait(ctx, 50*time.Millisecond) {
				return ctx.Err()
			}
		}
		s.air.RLock()
		err := y.say(ctx, room, text)
		s.air.RUnlock()
		if err != nil {
			return fmt.Errorf("%s: %w", y.UserID(), err)
		}
	}
}

func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// strike lets something happen to the bot or to the homeserver, while commands
// are on their way.
func (s *soak) strike(kind int) string {
	server := func() {
		s.air.Lock()
		defer s.air.Unlock()
		s.srv.Kill(s.t)
		s.srv.Restart(s.t)
	}
	switch kind % 6 {
	case 0, 3:
		s.bot.kill()
		s.bot.start()
		s.mu.Lock()
		again := time.Duration(s.random.IntN(600)) * time.Millisecond
		s.mu.Unlock()
		time.Sleep(again) // somewhere in its start, or soon after
		s.bot.kill()
		s.bot.start()
		return fmt.Sprintf("the bot is killed, and again after %s", again)
	case 1:
		s.bot.term()
		s.bot.start()
		return "the bot is restarted"
	case 2:
		server()
		return "the homeserver is killed"
	case 4: // what the homeserver took from the bot it does not remember as taken
		s.bot.kill()
		server()
		s.bot.start()
		return "the bot and the homeserver are killed"
	}
	s.bot.term()
	server()
	s.bot.start()
	return "the bot is restarted and the homeserver killed"
}

// TestMatrixSoak: three people type commands into two encrypted rooms, about a
// score on their way at any time, while the bot is restarted and killed and the
// homeserver too. Each is answered exactly once, and obeyed exactly once.
func TestMatrixSoak(t *testing.T) {
	wanted, strikes := 2000, 30
	if testing.Short() {
		wanted, strikes = 200, 6
	}
	srv := dendrite.Start(t, dendrite.Options{})
	alice, bob, carol, desk := team(t, srv)
	other := alice.MakeRoom(matrixclient.RoomOptions{Invite: []string{bob.UserID(), carol.UserID(), botID}})
	bob.Join(other)
	carol.Join(other)
	s := &soak{t: t, srv: srv, wanted: wanted, bot: newMatrixChild(t, srv, srv.URL(), buildBot(t), desk, other)}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	s.random = rand.New(rand.NewPCG(seed, 0))
	s.bot.start()
	for _, room := range []string{desk, other} {
		alice.WaitMember(room, botID, "join")
	}
	for range 3 {
		wants(t, says(alice, desk, "!incident open Heap overflow"), "is open")
	}
	for _, p := range []*matrixclient.Person{alice, bob, carol} {
		s.typists = append(s.typists, &typist{Person: p, rooms: []string{desk, other}, window: 7, sent: map[string]string{}})
	}

	began := time.Now()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	talked := make(chan error, len(s.typists))
	for _, y := range s.typists {
		go func() { talked <- s.talk(ctx, y) }()
	}
	for k := range strikes {
		s.until(began, (k+1)*wanted/(strikes+1))
		t.Logf("%6.1f s: %s", time.Since(began).Seconds(), s.strike(k))
	}
	for range s.typists {
		if err := <-talked; err != nil {
			t.Fatal(err)
		}
	}
	s.answered(began)
	spent := time.Since(began)
	t.Logf("%d commands in %.1f s with %d restarts: %.1f a second", wanted, spent.Seconds(), strikes, float64(wanted)/spent.Seconds())
	s.bot.settled()
	s.bot.kill() // one more life, in which nothing is said again
	s.bot.start()
	wants(t, says(alice, desk, "!ping"), "Here")
	wants(t, says(bob, other, "!ping"), "Here")
	s.bot.settled()
	s.bot.term()
	s.check()
}

// until waits until so many commands were sent, which needs that the bot answers.
func (s *soak) until(began time.Time, n int) {
	s.t.Helper()
	for last, at := -1, time.Now(); ; time.Sleep(20 * time.Millisecond) {
		s.mu.Lock()
		sent := s.sent
		s.mu.Unlock()
		if sent >= n {
			return
		}
		if sent != last {
			last, at = sent, time.Now()
		}
		if time.Since(at) > 3*soon {
			s.t.Fatalf("%.1f s: nothing goes on after %d commands: %s", time.Since(began).Seconds(), sent, s.missing())
		}
	}
}

// answered waits until every command has an answer.
func (s *soak) answered(began time.Time) {
	s.t.Helper()
	for end := time.Now().Add(3 * soon); ; time.Sleep(20 * time.Millisecond) {
		left := 0
		for _, y := range s.typists {
			left += y.open()
		}
		if left == 0 {
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("%.1f s: %d commands have no answer: %s", time.Since(began).Seconds(), left, s.missing())
		}
	}
}

// missing names commands without an answer.
func (s *soak) missing() string {
	var b strings.Builder
	for _, y := range s.typists {
		got := y.answers()
		y.mu.Lock()
		for evt, text := range y.sent {
			if got[evt] == 0 {
				fmt.Fprintf(&b, "\n  %s %s of %s", evt, text, y.UserID())
			}
		}
		y.mu.Unlock()
	}
	return b.String()
}

// check counts: one answer to each command, one entry for each note.
func (s *soak) check() {
	s.t.Helper()
	answered := 0
	for _, y := range s.typists {
		got := y.answers()
		for evt, text := range y.sent {
			if answered++; got[evt] != 1 {
				s.t.Errorf("%s (%q of %s) was answered %d times", evt, text, y.UserID(), got[evt])
			}
		}
		for _, h := range y.All() {
			if h.Undecryptable {
				s.t.Errorf("%s cannot read %s of %s: %s", y.UserID(), h.ID, h.Sender, h.Why)
			}
		}
	}
	if answered != s.wanted {
		s.t.Errorf("%d commands were sent", answered)
	}
	count := s.bot.look()
	for _, note := range s.notes {
		if n := count(`SELECT count(*) FROM timeline WHERE kind = 'noted' AND text = ?`, note); n != 1 {
			s.t.Errorf("%q stands in the record %d times", note, n)
		}
	}
	if n := count(`SELECT count(*) FROM timeline WHERE kind = 'noted'`); n != len(s.notes) {
		s.t.Errorf("%d notes are on record, %d were said", n, len(s.notes))
	}
	s.bot.whole()
}
