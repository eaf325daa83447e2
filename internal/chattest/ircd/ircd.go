// Package ircd starts a real InspIRCd with Atheme services for tests, as a
// private instance on loopback, and has a small IRC client of its own (client.go)
// that shares no code with the bridge under test.
package ircd

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tocsin/internal/chattest/freeport"
)

// Options say what to start.
type Options struct {
	Leaf        bool     // a second server, linked to the first
	NoServices  bool     // services are not started (StartServices starts them)
	Accounts    []string // to register; nil: bot, alice, bob, carol, dana, mallory
	Casemapping string   // "ascii" (the default) or "rfc1459"
}

// Server is a running network.
type Server struct {
	Dir        string
	CA         string // PEM file of the authority that signed the server's certificate
	RogueCA    string // another authority
	Strict     string // host:port, TLS, with the flood limits of upstream's example
	Relaxed    string // host:port, TLS, without flood limits
	Rogue      string // host:port, TLS with a certificate of the other authority
	Leaf       string // host:port, TLS, relaxed, on the second server; "" without one
	OperName   string
	OperSecret string

	opts  Options
	ports ports
	cred  *syscall.Credential

	mu       sync.Mutex
	hub      *process
	leaf     *process
	services *process
}

type ports struct{ strict, relaxed, rogue, link, leafStrict, leafRelaxed, leafLink int }

// process is a program that we started; only its own pid is ever signalled.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// Password is the password of an account.
func Password(account string) string { return "pass-" + account }

// CertFiles are the client certificate of an account and its key. All accounts
// have one, and its fingerprint is known to services.
func (s *Server) CertFiles(account string) (cert, key string) {
	return filepath.Join(s.Dir, "certs", account+".pem"), filepath.Join(s.Dir, "certs", account+".key")
}

// Start starts the servers, or skips the test loudly where they are missing. With
// TOCSIN_REQUIRE_SERVERS=1 a missing server fails the test instead.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := Launch(o)
	if err != nil {
		if missing(err) {
			Missing(t)
		}
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// Missing skips, or fails where servers are required.
func Missing(t testing.TB) {
	t.Helper()
	if os.Getenv("TOCSIN_REQUIRE_SERVERS") == "1" {
		t.Fatal("real IRC server missing: apt-get install inspircd atheme-services")
	}
	t.Skip("SKIPPED: real IRC server missing: apt-get install inspircd atheme-services")
}

type missingError struct{ name string }

func (e missingError) Error() string { return e.name + " is not installed" }

func missing(err error) bool { _, ok := err.(missingError); return ok }

// IsMissing says whether Launch failed because a server is not installed.
func IsMissing(err error) bool { return missing(err) }

// Launch starts the servers outside of a test, for a TestMain that shares them.
// The caller ends them with Close.
func Launch(o Options) (*Server, error) {
	for _, name := range []string{"inspircd", "atheme-services"} {
		if program(name) == "" {
			return nil, missingError{name}
		}
	}
	if o.Accounts == nil {
		o.Accounts = []string{"bot", "alice", "bob", "carol", "dana", "mallory"}
	}
	if o.Casemapping == "" {
		o.Casemapping = "ascii"
	}
	dir, err := os.MkdirTemp("", "ircd")
	if err != nil {
		return nil, err
	}
	s := &Server{Dir: dir, opts: o, OperName: "rig", OperSecret: "rigoper"}
	if err := s.launch(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Server) launch() error {
	for _, d := range []string{"hub", "leaf", "atheme", "certs"} {
		if err := os.MkdirAll(filepath.Join(s.Dir, d), 0o755); err != nil {
			return err
		}
	}
	free, err := freeport.Get(7)
	if err != nil {
		return err
	}
	s.ports = ports{free[0], free[1], free[2], free[3], free[4], free[5], free[6]}
	s.Strict, s.Relaxed, s.Rogue = local(s.ports.strict), local(s.ports.relaxed), local(s.ports.rogue)
	if s.opts.Leaf {
		s.Leaf = local(s.ports.leafRelaxed)
	}
	s.CA, s.RogueCA = filepath.Join(s.Dir, "certs", "ca.pem"), filepath.Join(s.Dir, "certs", "rogue-ca.pem")
	if err := makeCerts(filepath.Join(s.Dir, "certs"), s.opts.Accounts); err != nil {
		return err
	}
	if err := s.writeConfigs(); err != nil {
		return err
	}
	if err := s.own(); err != nil {
		return err
	}
	if err := s.startHub(); err != nil {
		return err
	}
	if s.opts.Leaf {
		if err := s.StartLeaf(); err != nil {
			return err
		}
	}
	if s.opts.NoServices {
		return nil
	}
	if err := s.StartServices(); err != nil {
		return err
	}
	if err := s.Register(s.opts.Accounts...); err != nil {
		return fmt.Errorf("%w\n%s", err, s.Output())
	}
	return nil
}

func local(port int) string { return "localhost:" + strconv.Itoa(port) }

func program(name string) string {
	if p, err := exec.LookPath(name); err == nil {
		return p
	}
	if p := "/usr/sbin/" + name; exists(p) {
		return p
	}
	return ""
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

// own hands the directory to an ordinary user when we are root, since neither
// server runs as root.
func (s *Server) own() error {
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("irc")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return err
		}
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	s.cred = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	if err := os.Chmod(s.Dir, 0o755); err != nil {
		return err
	}
	return filepath.WalkDir(s.Dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, uid, gid)
	})
}

func (s *Server) spawn(out, name string, args ...string) (*process, error) {
	log, err := os.OpenFile(filepath.Join(s.Dir, out), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(program(name), args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.Dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.cred, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// end ends one process that we started.
func (p *process) end() {
	if p == nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGCONT)
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(3 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

func (s *Server) waitPort(p *process, port int) error {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		c, err := net.DialTimeout("tcp", "127.0.0.1:"+strconv.Itoa(port), time.Second)
		if err == nil {
			return c.Close()
		}
		select {
		case <-p.done:
			return fmt.Errorf("the server ended at once: %s", s.Output())
		case <-time.After(50 * time.Millisecond):
		}
	}
	return fmt.Errorf("the server did not come up: %s", s.Output())
}

// Output is what the programs have printed.
func (s *Server) Output() string {
	var b strings.Builder
	for _, name := range []string{"hub.out", "leaf.out", "atheme.out"} {
		if text, err := os.ReadFile(filepath.Join(s.Dir, name)); err == nil {
			fmt.Fprintf(&b, "== %s\n%s\n", name, text)
		}
	}
	return b.String()
}

func (s *Server) startHub() error {
	p, err := s.spawn("hub.out", "inspircd", "--config", filepath.Join(s.Dir, "hub", "inspircd.conf"), "--nofork", "--nopid")
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.hub = p
	s.mu.Unlock()
	return s.waitPort(p, s.ports.relaxed)
}

// StartLeaf starts the second server.
func (s *Server) StartLeaf() error {
	p, err := s.spawn("leaf.out", "inspircd", "--config", filepath.Join(s.Dir, "leaf", "inspircd.conf"), "--nofork", "--nopid")
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.leaf = p
	s.mu.Unlock()
	return s.waitPort(p, s.ports.leafRelaxed)
}

// StopLeaf ends the second server: a netsplit.
func (s *Server) StopLeaf() {
	s.mu.Lock()
	p := s.leaf
	s.leaf = nil
	s.mu.Unlock()
	p.end()
}

// StartServices starts Atheme. It returns when the process runs; its link to the
// server takes a moment longer.
func (s *Server) StartServices() error {
	dir := filepath.Join(s.Dir, "atheme")
	_ = os.Remove(filepath.Join(dir, "atheme.pid"))
	p, err := s.spawn("atheme.out", "atheme-services", "-n", "-c", filepath.Join(dir, "atheme.conf"), "-D", dir,
		"-l", filepath.Join(dir, "atheme.log"), "-p", filepath.Join(dir, "atheme.pid"))
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.services = p
	s.mu.Unlock()
	return nil
}

// StopServices ends Atheme.
func (s *Server) StopServices() {
	s.mu.Lock()
	p := s.services
	s.services = nil
	s.mu.Unlock()
	p.end()
}

// Restart ends the first server and starts it again: channels and connections
// are gone, accounts stay.
func (s *Server) Restart() error {
	s.mu.Lock()
	p := s.hub
	s.hub = nil
	s.mu.Unlock()
	p.end()
	return s.startHub()
}

// Freeze stops the first server without closing anything.
func (s *Server) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw lets it go on.
func (s *Server) Thaw() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hub != nil {
		_ = s.hub.cmd.Process.Signal(sig)
	}
}

// Close ends everything that was started and removes the directory.
func (s *Server) Close() {
	s.mu.Lock()
	all := []*process{s.services, s.leaf, s.hub}
	s.services, s.leaf, s.hub = nil, nil, nil
	s.mu.Unlock()
	for _, p := range all {
		p.end()
	}
	_ = os.RemoveAll(s.Dir)
}

// Register registers accounts, each over a connection of its own, all at once. It
// waits for services to be there.
func (s *Server) Register(accounts ...string) error {
	errs := make(chan error, len(accounts))
	for _, a := range accounts {
		go func() { errs <- s.register(a) }()
	}
	var first error
	for range accounts {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return first
}
