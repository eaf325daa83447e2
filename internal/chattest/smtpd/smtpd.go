// Package smtpd starts a real mail server, Exim, for tests: a private instance on
// loopback with STARTTLS and implicit TLS, which wants a login and delivers into
// mailboxes of its own. It never runs as root and relays nothing.
package smtpd

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tocsin/internal/chattest/freeport"
	"tocsin/internal/chattest/ircd"
)

// The one login that the server knows.
const (
	User     = "desk"
	Password = "pass-desk"
)

// Server is a running mail server. It has mailboxes for alice, bob, carol, dana
// and erin at any domain; later@ is refused for the moment, nobody else is known.
// Mail with a header "X-Test: refuse" or "X-Test: later" is refused after DATA.
type Server struct {
	Dir      string
	CA       string // PEM file of the authority that signed the server's certificate
	StartTLS string // host:port
	TLS      string // host:port, TLS from the first byte

	gid  int
	cred *syscall.Credential
	cmd  *exec.Cmd
	done chan struct{}
}

// ErrMissing is Launch's error where the server is not installed.
var ErrMissing = errors.New("real mail server missing: apt-get install exim4-daemon-light, or say make servers")

// Start starts a server that ends with the test, or skips the test loudly where it
// is not installed. With TOCSIN_REQUIRE_SERVERS=1 the test fails instead.
func Start(t testing.TB) *Server {
	t.Helper()
	s, err := Launch()
	if errors.Is(err, ErrMissing) {
		Missing(t)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the mail server's log:\n%s", s.Output())
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

func program() string {
	for _, name := range []string{"exim4", "/usr/sbin/exim4"} {
		if p, err := exec.LookPath(name); err == nil {
			return p
		}
	}
	return ""
}

// Launch starts a server. The caller ends it with Close.
func Launch() (*Server, error) {
	if program() == "" {
		return nil, ErrMissing
	}
	dir, err := os.MkdirTemp("", "smtpd")
	if err != nil {
		return nil, err
	}
	s := &Server{Dir: dir, CA: filepath.Join(dir, "ca.pem"), gid: os.Getgid()}
	if err := s.launch(); err != nil {
		s.Close()
		return nil, fmt.Errorf("%w\n%s", err, s.Output())
	}
	return s, nil
}

func (s *Server) launch() error {
	uid := os.Getuid()
	if uid == 0 {
		u, err := user.Lookup("nobody")
		if err != nil {
			return err
		}
		uid, _ = strconv.Atoi(u.Uid)
		s.gid, _ = strconv.Atoi(u.Gid)
		s.cred = &syscall.Credential{Uid: uint32(uid), Gid: uint32(s.gid), Groups: []uint32{uint32(s.gid)}}
	} else if groups, err := os.Getgroups(); err == nil && len(groups) > 0 && !slices.Contains(groups, s.gid) {
		s.gid = groups[0]
	}
	if err := s.files(); err != nil {
		return err
	}
	var err error
	for range 3 { // somebody may take a port between our look and the server's
		if err = s.start(uid); err == nil {
			return nil
		}
	}
	return err
}

// files are the certificate and the folders, in the hands of the server's user.
func (s *Server) files() error {
	ca, err := ircd.NewAuthority("test authority")
	if err != nil {
		return err
	}
	cert, key, err := ca.Issue("mail.example.org", "localhost", "127.0.0.1")
	if err != nil {
		return err
	}
	const open, private = 0o644, 0o600
	for _, d := range []string{"spool", "mail"} {
		if err := os.Mkdir(filepath.Join(s.Dir, d), 0o755); err != nil {
			return err
		}
	}
	if err := errors.Join(os.WriteFile(s.CA, ca.PEM, open),
		os.WriteFile(filepath.Join(s.Dir, "server.pem"), cert, open),
		os.WriteFile(filepath.Join(s.Dir, "server.key"), key, private)); err != nil || s.cred == nil {
		return err
	}
	if err := os.Chmod(s.Dir, 0o755); err != nil {
		return err
	}
	return filepath.WalkDir(s.Dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, int(s.cred.Uid), int(s.cred.Gid))
	})
}

func (s *Server) start(uid int) error {
	free, err := freeport.Get(2)
	if err != nil {
		return err
	}
	s.StartTLS, s.TLS = "localhost:"+strconv.Itoa(free[0]), "localhost:"+strconv.Itoa(free[1])
	conf := filepath.Join(s.Dir, "exim.conf")
	if err := os.WriteFile(conf, []byte(s.config(uid, free[0], free[1])), 0o644); err != nil {
		return err
	}
	out, err := os.OpenFile(filepath.Join(s.Dir, "out"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	// -bdf is a daemon in the foreground. With a configuration that is not its
	// own, Exim gives up root though its file is setuid.
	cmd := exec.Command(program(), "-C", conf, "-bdf")
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.Dir, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.cred, Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan struct{})
	s.cmd, s.done = cmd, done
	go func() {
		_ = cmd.Wait()
		close(done)
	}()
	if err := s.ready(free[1]); err != nil {
		s.stop()
		return err
	}
	return nil
}

// ready waits for the port that is listened to last.
func (s *Server) ready(port int) error {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		c, err := net.DialTimeout("tcp", "127.0.0.1:"+strconv.Itoa(port), time.Second)
		if err == nil {
			return c.Close()
		}
		select {
		case <-s.done:
			return errors.New("the mail server ended at once")
		case <-time.After(20 * time.Millisecond):
		}
	}
	return errors.New("the mail server did not come up")
}

// Wait waits until a person's mailbox holds n mails and gives them in the order
// of their names, as they were stored.
func (s *Server) Wait(t testing.TB, person string, n int) [][]byte {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		if mails := s.Mailbox(t, person); len(mails) >= n {
			return mails
		}
		<-time.After(20 * time.Millisecond)
	}
	t.Fatalf("%s has %d mails, not %d", person, len(s.Mailbox(t, person)), n)
	return nil
}

// Mailbox is what a person has got so far.
func (s *Server) Mailbox(t testing.TB, person string) [][]byte {
	t.Helper()
	// A Maildir's mail is whole as soon as it is in "new".
	names, err := filepath.Glob(filepath.Join(s.Dir, "mail", person, "new", "*"))
	if err != nil {
		t.Fatal(err)
	}
	var out [][]byte
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, data)
	}
	return out
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

// Output is what the server has logged.
func (s *Server) Output() string {
	var b bytes.Buffer
	for _, name := range []string{"out", "spool/mainlog", "spool/rejectlog", "spool/paniclog"} {
		if text, err := os.ReadFile(filepath.Join(s.Dir, name)); err == nil && len(text) > 0 {
			fmt.Fprintf(&b, "== %s\n%s\n", name, text)
		}
	}
	return strings.TrimSpace(b.String())
}

// stop ends the server and what it has forked for each connection, which would
// write into the folder for a moment longer. They are a group of their own, whose
// number is not given away before we have waited for its first.
func (s *Server) stop() {
	if s.cmd == nil {
		return
	}
	select {
	case <-s.done:
	default:
		_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
		<-s.done
	}
	s.cmd = nil
}

// Close ends the server and removes its folder.
func (s *Server) Close() {
	s.stop()
	for range 50 { // whoever was ended may be at its last write
		if os.RemoveAll(s.Dir) == nil && !exists(s.Dir) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}
