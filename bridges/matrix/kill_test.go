package matrix

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tocsin/bridges"
	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/matrixclient"
)

// killedBot is the environment variable that makes the test's program a bot.
const killedBot = "TOCSIN_TEST_KILLED_BOT"

// journal is a bot's memory in a file that outlives kill -9: what was written is in
// the kernel. It answers every command once, and looks before it says something
// again.
type journal struct {
	mu     sync.Mutex
	file   *os.File
	values map[string]string
	heard  map[string]line // commands that have no answer yet
	seen   map[string]bool
	due    chan struct{}
}

type line struct {
	Keep   map[string]string `json:"keep,omitempty"`
	Heard  string            `json:"heard,omitempty"` // id of a command
	Room   bridges.Room      `json:"room,omitzero"`
	Text   string            `json:"text,omitempty"`
	Tried  string            `json:"tried,omitempty"` // id of a command whose answer is about to be said
	At     time.Time         `json:"at,omitzero"`
	Said   string            `json:"said,omitempty"` // id of a command whose answer was said
	before bool              // it was tried by an earlier process
}

func openJournal(path string) (*journal, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	j := &journal{file: file, values: map[string]string{}, heard: map[string]line{}, seen: map[string]bool{}, due: make(chan struct{}, 1)}
	for s := bufio.NewScanner(file); s.Scan(); {
		var l line
		if err := json.Unmarshal(s.Bytes(), &l); err != nil {
			return nil, err
		}
		j.take(l, true)
	}
	return j, nil
}

// take takes a line in.
func (j *journal) take(l line, before bool) {
	for key, value := range l.Keep {
		if j.values[key] = value; value == "" {
			delete(j.values, key)
		}
	}
	switch {
	case l.Heard != "":
		j.seen[l.Heard], j.heard[l.Heard] = true, l
	case l.Tried != "":
		h := j.heard[l.Tried]
		h.before = before
		if h.At.IsZero() {
			h.At = l.At
		}
		j.heard[l.Tried] = h
	case l.Said != "":
		delete(j.heard, l.Said)
	}
}

func (j *journal) write(l line) error {
	data, err := json.Marshal(l)
	if err == nil {
		_, err = j.file.Write(append(data, '\n'))
	}
	if err == nil {
		j.take(l, false)
	}
	return err
}

func (j *journal) Message(_ context.Context, m bridges.Message) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.seen[m.ID] {
		return nil
	}
	defer ring(j.due)
	return j.write(line{Heard: m.ID, Room: m.Room, Text: m.Text})
}

func (j *journal) Touch(context.Context, bridges.Touch) error { return nil }

func (j *journal) Event(_ context.Context, e bridges.Event) { ring(j.due) }

func (j *journal) Keep(_ context.Context, _ string, values map[string]string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.write(line{Keep: values})
}

func (j *journal) Kept(_ context.Context, _, prefix string) (map[string]string, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := map[string]string{}
	for key, value := range j.values {
		if len(key) >= len(prefix) && key[:len(prefix)] == prefix {
			out[key] = value
		}
	}
	return out, nil
}

// answer says what is due, as an outbox does.
func (j *journal) answer(ctx context.Context, b *Bridge) {
	for ctx.Err() == nil {
		j.mu.Lock()
		var due []line
		for _, l := range j.heard {
			due = append(due, l)
		}
		j.mu.Unlock()
		for _, l := range due {
			j.say(ctx, b, l)
		}
		select {
		case <-j.due:
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

func (j *journal) say(ctx context.Context, b *Bridge, l line) {
	o := bridges.Outgoing{Key: "answer " + l.Heard, Room: l.Room, Text: "answer to " + l.Text, ReplyTo: l.Heard, Since: l.At}
	if l.before {
		switch _, err := b.Find(ctx, o); {
		case err == nil:
			j.said(l)
			return
		case !errors.Is(err, bridges.ErrNoTrace):
			return // not known: later
		}
	}
	j.mu.Lock()
	err := j.write(line{Tried: l.Heard, At: time.Now()})
	j.mu.Unlock()
	if err != nil {
		return
	}
	if _, err := b.Say(ctx, o); err == nil {
		j.said(l)
	}
}

func (j *journal) said(l line) {
	j.mu.Lock()
	defer j.mu.Unlock()
	_ = j.write(line{Said: l.Heard})
}

// TestBotToBeKilled is the bot's process in TestKillNine.
func TestBotToBeKilled(t *testing.T) {
	setup := os.Getenv(killedBot)
	if setup == "" {
		t.Skip("it is started by TestKillNine")
	}
	var sv saved
	if err := json.Unmarshal([]byte(setup), &sv); err != nil {
		t.Fatal(err)
	}
	cfg := Config{Name: netName, Homeserver: sv.Homeserver, User: sv.User, Folder: sv.Device}
	cfg.Tuning.BackoffMax = 500 * time.Millisecond
	b, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	j, err := openJournal(filepath.Join(cfg.Folder, "journal"))
	if err != nil {
		t.Fatal(err)
	}
	go j.answer(t.Context(), b)
	t.Fatal(b.Run(t.Context(), j))
}

// Ten times the bot is killed at a random moment while people talk to it, twice the
// homeserver too: every command is answered once, and nothing is unreadable.
func TestKillNine(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a while")
	}
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	c.settle(desk.ID, alice)
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	cfg := c.cfg
	setup, err := json.Marshal(saved{Homeserver: cfg.Homeserver, User: cfg.User, Device: cfg.Folder})
	if err != nil {
		t.Fatal(err)
	}
	j, err := openJournal(filepath.Join(cfg.Folder, "journal"))
	if err != nil {
		t.Fatal(err)
	}
	kept, _ := c.book.Kept(t.Context(), netName, "")
	if err := errors.Join(j.Keep(t.Context(), netName, kept), j.file.Close()); err != nil {
		t.Fatal(err)
	}
	start := func() (*exec.Cmd, *bytes.Buffer) {
		cmd, out := exec.Command(os.Args[0], "-test.run=^TestBotToBeKilled$"), &bytes.Buffer{}
		cmd.Env = append(os.Environ(), killedBot+"="+string(setup))
		cmd.Stdout, cmd.Stderr = out, out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd, out
	}
	n := 0
	for round := range 10 {
		cmd, _ := start()
		for range 6 {
			alice.Say(desk.ID, fmt.Sprintf("command %d", n))
			n++
			time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond) // the moment of death is a random one
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if round == 3 || round == 7 {
			alice.Shown(desk.ID)
			c.server.Kill(t)
			c.server.Restart(t)
		}
	}
	cmd, out := start()
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			for _, h := range alice.In(desk.ID) {
				t.Logf("alice heard %s %q, undecryptable %v %s", h.ID, h.Text, h.Undecryptable, h.Why)
			}
			t.Logf("the last bot said: %s", out.String())
		}
	}()
	alice.Until("an answer to each command", func() bool {
		seen := map[string]bool{}
		for _, h := range alice.In(desk.ID) {
			seen[h.Text] = true
		}
		for i := range n {
			if !seen[fmt.Sprintf("answer to command %d", i)] {
				return false
			}
		}
		return true
	})
	seen := map[string]int{}
	for _, h := range alice.In(desk.ID) {
		if seen[h.Text]++; h.Undecryptable || !h.Encrypted || seen[h.Text] > 1 {
			t.Errorf("alice heard %q, undecryptable %v, %d times", h.Text, h.Undecryptable, seen[h.Text])
		}
	}
}
