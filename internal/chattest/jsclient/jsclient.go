// Package jsclient is a second Matrix client for tests that shares no code with
// the bot: matrix-js-sdk with its Rust encryption, in a node process that
// driver.mjs runs. It is as strict as can be: it sends keys to devices that their
// owners have signed, and reads only what comes from such ones.
package jsclient

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tocsin/internal/chattest/dendrite"
)

// files are the driver and what names its modules.
//
//go:embed driver.mjs package-lock.json
var files embed.FS

// Limits of waiting.
const (
	within    = 30 * time.Second // for what Wait waits for
	askWithin = 60 * time.Second // for one request to the driver, whose own limits are shorter
	endWithin = 5 * time.Second
)

const password = "correct horse battery"

// ErrMissing says what is not installed.
var ErrMissing = errors.New("node with the modules of the second Matrix client is not installed: say make servers")

// Client is one person with one device.
type Client struct {
	t       testing.TB
	user    string
	device  string
	version string
	in      io.WriteCloser
	cmd     *exec.Cmd
	done    chan struct{} // closed when all that the process said was read
	stderr  *tail

	mu      sync.Mutex
	next    int
	pending map[int]chan answer
	order   []string
	heard   map[string]Heard
	grew    chan struct{}
}

type answer struct {
	ID    int             `json:"id"`
	Value json.RawMessage `json:"value"`
	Error string          `json:"error"`
	Heard *Heard          `json:"heard"`
}

// modules is where make servers unpacks what package-lock.json lists.
func modules() (string, error) {
	lock, err := files.ReadFile("package-lock.json")
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(lock)
	return filepath.Join(cache, "tocsin", "jsclient-"+hex.EncodeToString(sum[:])[:16], "node_modules"), nil
}

// Missing skips, or fails where servers are required.
func Missing(t testing.TB) {
	t.Helper()
	if os.Getenv("TOCSIN_REQUIRE_SERVERS") == "1" {
		t.Fatal(ErrMissing)
	}
	t.Skip("SKIPPED: ", ErrMissing)
}

// New makes an account, logs in, bootstraps cross-signing, signs the device and
// listens. It ends with the test. Where node or its modules are missing the test
// is skipped loudly; with TOCSIN_REQUIRE_SERVERS=1 it fails.
func New(t testing.TB, s *dendrite.Server, name string) *Client {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		Missing(t)
	}
	dir, err := modules()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		Missing(t)
	}
	driver, err := files.ReadFile("driver.mjs")
	if err != nil {
		t.Fatal(err)
	}
	c := &Client{t: t, pending: map[int]chan answer{}, heard: map[string]Heard{}, grew: make(chan struct{}), done: make(chan struct{}), stderr: &tail{}}
	c.cmd = exec.Command(node, "--input-type=module", "--eval", string(driver), "--", dir)
	c.cmd.Dir = t.TempDir()
	c.cmd.Stderr = c.stderr
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go c.read(out)
	t.Cleanup(c.close)
	var me struct{ User, Device, Version string }
	c.ask(&me, "start", args{"url": s.URL(), "user": s.Register(t, name, password), "password": password})
	c.user, c.device, c.version = me.User, me.Device, me.Version
	return c
}

// close ends the process: by the end of its input, or else by force.
func (c *Client) close() {
	_ = c.in.Close()
	select {
	case <-c.done:
	case <-time.After(endWithin):
		_ = c.cmd.Process.Kill()
		<-c.done
	}
	_ = c.cmd.Wait()
	if c.t.Failed() {
		c.t.Logf("the last words of %s's client:\n%s", c.user, c.stderr)
	}
}

// read takes in what the driver says, until it ends.
func (c *Client) read(out io.Reader) {
	defer close(c.done)
	r := bufio.NewReader(out)
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return
		}
		var a answer
		if err := json.Unmarshal(line, &a); err != nil {
			continue
		}
		c.mu.Lock()
		if a.Heard != nil {
			if _, known := c.heard[a.Heard.ID]; !known {
				c.order = append(c.order, a.Heard.ID)
			}
			c.heard[a.Heard.ID] = *a.Heard
			close(c.grew)
			c.grew = make(chan struct{})
		} else if ch := c.pending[a.ID]; ch != nil {
			delete(c.pending, a.ID)
			ch <- a
		}
		c.mu.Unlock()
	}
}

type args map[string]any

// ask has the driver do something and fails the test when it cannot.
func (c *Client) ask(out any, op string, a args) {
	c.t.Helper()
	ch := make(chan answer, 1)
	c.mu.Lock()
	c.next++
	a["id"], a["op"] = c.next, op
	c.pending[c.next] = ch
	line, err := json.Marshal(a)
	if err == nil {
		_, err = c.in.Write(append(line, '\n'))
	}
	c.mu.Unlock()
	if err != nil {
		c.t.Fatalf("%s: %v\n%s", op, err, c.stderr)
	}
	limit := time.NewTimer(askWithin)
	defer limit.Stop()
	select {
	case got := <-ch:
		if got.Error != "" {
			c.t.Fatalf("%s of %s: %s", op, c.user, got.Error)
		}
		if out != nil {
			if err := json.Unmarshal(got.Value, out); err != nil {
				c.t.Fatalf("%s of %s: %v", op, c.user, err)
			}
		}
	case <-c.done:
		c.t.Fatalf("%s of %s: the process has ended\n%s", op, c.user, c.stderr)
	case <-limit.C:
		c.t.Fatalf("%s of %s took longer than %s", op, c.user, askWithin)
	}
}

// tail keeps the end of what a process prints.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (k *tail) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.text = append(k.text, p...)
	if extra := len(k.text) - 4000; extra > 0 {
		k.text = bytes.Clone(k.text[extra:])
	}
	return len(p), nil
}

func (k *tail) String() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return strings.TrimSpace(string(k.text))
}

var _ fmt.Stringer = (*tail)(nil)
