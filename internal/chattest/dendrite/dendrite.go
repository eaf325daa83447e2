// Package dendrite starts a real Matrix homeserver, Dendrite, for tests: each one
// a private instance on loopback with a folder of its own and no federation. It
// has a proxy (proxy.go) that makes trouble between a client and the server.
package dendrite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"tocsin/internal/chattest/freeport"
)

// Version is the version that .ci/dendrite/go.mod pins.
const Version = "v0.15.2"

// Limits of waiting.
const (
	readyWithin = 60 * time.Second
	stopWithin  = 10 * time.Second
	askWithin   = 20 * time.Second
)

// Options say what to start.
type Options struct {
	RateLimit   bool   // 429 for whoever asks too much (login, join, invite, createRoom, keys/query ..., not send or sync)
	Threshold   int    // requests before that; 0: 20
	Cooloff     int    // milliseconds until a request is forgotten; 0: 500
	RoomVersion string // of new rooms; "": 10
}

// Server is a homeserver, running or stopped.
type Server struct {
	dir  string // configuration, keys, databases, media and log
	port int
	opts Options
	http *http.Client
	lock *os.File // held as long as the folder is ours

	mu   sync.Mutex
	proc *process
}

// process is a program that we started; only its own pid is ever signalled.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// ErrMissing is Launch's error where the homeserver has not been built.
var ErrMissing = errors.New("the homeserver Dendrite " + Version + " is not built: say make servers")

// Start starts a homeserver that ends with the test, or skips the test loudly
// where it is not built. With TOCSIN_REQUIRE_SERVERS=1 the test fails instead.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := Launch(o)
	if errors.Is(err, ErrMissing) {
		Missing(t)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the last lines of the homeserver's log:\n%s", s.Output())
		}
		s.Close()
	})
	return s
}

// Missing skips, or fails where servers are required.
func Missing(t testing.TB) {
	t.Helper()
	if os.Getenv("TOCSIN_REQUIRE_SERVERS") == "1" {
		t.Fatal(ErrMissing)
	}
	t.Skip("SKIPPED: ", ErrMissing)
}

// Launch starts a homeserver outside of a test, for a TestMain that shares it.
// The caller ends it with Close.
func Launch(o Options) (*Server, error) {
	if !exists(program("dendrite")) || !exists(program("generate-keys")) {
		return nil, ErrMissing
	}
	dir, lock, err := newFolder()
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, lock: lock, opts: o, http: &http.Client{Timeout: askWithin, Transport: &http.Transport{DisableKeepAlives: true}}}
	if err := s.launch(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Server) launch() error {
	for _, d := range []string{"db", "jetstream", "media"} {
		if err := os.MkdirAll(filepath.Join(s.dir, d), 0o700); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), readyWithin)
	defer cancel()
	keys := exec.CommandContext(ctx, program("generate-keys"), "-private-key", filepath.Join(s.dir, "matrix_key.pem"))
	if out, err := keys.CombinedOutput(); err != nil {
		return fmt.Errorf("making the homeserver's key: %w: %s", err, out)
	}
	free, err := freeport.Get(1)
	if err != nil {
		return err
	}
	s.port = free[0]
	if err := os.WriteFile(filepath.Join(s.dir, "dendrite.yaml"), []byte(s.config()), 0o600); err != nil {
		return err
	}
	return s.start()
}

// program is where make servers keeps what it built.
func program(name string) string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "tocsin", "dendrite-"+Version, name)
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

// URL is the homeserver's address.
func (s *Server) URL() string { return "http://127.0.0.1:" + strconv.Itoa(s.port) }

// Name is the server's name, which is in user ids.
func (s *Server) Name() string { return serverName }

// Dir is the server's folder. Clients may keep theirs in it; it goes with the server.
func (s *Server) Dir() string { return s.dir }

// PID is the process id, 0 when it does not run.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil {
		return 0
	}
	return s.proc.cmd.Process.Pid
}

// start runs the server and waits until it answers.
func (s *Server) start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc != nil {
		return errors.New("the homeserver is running already")
	}
	log, err := os.OpenFile(filepath.Join(s.dir, "dendrite.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(program("dendrite"), "-config", filepath.Join(s.dir, "dendrite.yaml"),
		"-http-bind-address", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)), "-https-bind-address", "127.0.0.1:0")
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	p := &process{cmd: cmd, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		close(p.done)
	}()
	if err := s.ready(p); err != nil {
		p.end(syscall.SIGTERM)
		return err
	}
	s.proc = p
	return nil
}

// ready waits until the server answers.
func (s *Server) ready(p *process) error {
	for end := time.Now().Add(readyWithin); time.Now().Before(end); {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		err := s.ask(ctx, http.MethodGet, "/_matrix/client/versions", nil, nil)
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return errors.New("the homeserver ended at once: " + s.Output())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return fmt.Errorf("the homeserver was not ready after %s: %s", readyWithin, s.Output())
}

// end ends one process that we started.
func (p *process) end(sig syscall.Signal) {
	_ = p.cmd.Process.Signal(sig)
	_ = p.cmd.Process.Signal(syscall.SIGCONT) // in case it is frozen
	select {
	case <-p.done:
	case <-time.After(stopWithin):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

func (s *Server) halt(sig syscall.Signal) {
	s.mu.Lock()
	p := s.proc
	s.proc = nil
	s.mu.Unlock()
	if p != nil {
		p.end(sig)
	}
}

// Stop ends the server in an orderly way and keeps its data.
func (s *Server) Stop(testing.TB) { s.halt(syscall.SIGTERM) }

// Kill ends the server as a crash would (kill -9), and keeps its data.
func (s *Server) Kill(testing.TB) { s.halt(syscall.SIGKILL) }

// Restart starts the server again, on the same port and data. One that runs is
// stopped first.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.halt(syscall.SIGTERM)
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
}

// Freeze stops the server without closing anything. None of its threads runs when
// it returns.
func (s *Server) Freeze(t testing.TB) {
	t.Helper()
	s.signal(t, syscall.SIGSTOP)
	pid := s.PID()
	for end := time.Now().Add(stopWithin); time.Now().Before(end); <-time.After(time.Millisecond) {
		if frozen(pid) {
			return
		}
	}
	t.Fatalf("the homeserver did not stop within %s", stopWithin)
}

// frozen reports whether every thread of a process is stopped.
func frozen(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, name := range threads {
		text, err := os.ReadFile(name)
		if err == nil && !bytes.Contains(text, []byte(") T ")) {
			return false
		}
	}
	return len(threads) > 0
}

// Thaw lets it go on.
func (s *Server) Thaw(t testing.TB) { t.Helper(); s.signal(t, syscall.SIGCONT) }

func (s *Server) signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil {
		t.Fatal("the homeserver does not run")
	}
	if err := s.proc.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// Output is the end of what the server has printed.
func (s *Server) Output() string {
	text, err := os.ReadFile(filepath.Join(s.dir, "dendrite.log"))
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-4000):])
}

// Close ends the server and removes its folder.
func (s *Server) Close() {
	s.halt(syscall.SIGKILL) // nothing of it is kept
	_ = os.RemoveAll(s.dir)
	_ = s.lock.Close()
}
