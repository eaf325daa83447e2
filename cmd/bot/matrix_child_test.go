package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
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
func (d *matrixDesk) look() (count func(query string, args ...any) int) {
	d.t.Helper()
	db, err := sql.Open("sqlite3", "file:"+d.path("desk.db")+"?mode=rw&_busy_timeout=5000")
	must(d.t, err)
	d.t.Cleanup(func() { db.Close() })
	return func(query string, args ...any) (n int) {
		d.t.Helper()
		must(d.t, db.QueryRow(query, args...).Scan(&n))
		return n
	}
}

// settled waits until nothing waits to be said: what failed waits for a minute.
func (d *matrixDesk) settled() {
	d.t.Helper()
	count := d.look()
	for end := time.Now().Add(90 * time.Second); count(`SELECT count(*) FROM outbox WHERE state IN ('due', 'unknown')`) > 0; <-time.After(50 * time.Millisecond) {
		if time.Now().After(end) {
			d.t.Fatal("something still waits to be said")
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
