// Package gpg runs the real GnuPG for tests, with folders of its own.
package gpg

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Home is the program with a folder of its own.
type Home struct{ Dir string }

// New makes a folder that ends with the test, or skips the test loudly where the
// program is not installed. With TOCSIN_REQUIRE_SERVERS=1 the test fails instead.
func New(t testing.TB) *Home {
	t.Helper()
	if _, err := exec.LookPath("gpg"); err != nil {
		const missing = "real PGP program missing: apt-get install gnupg, or say make servers"
		if os.Getenv("TOCSIN_REQUIRE_SERVERS") == "1" {
			t.Fatal(missing)
		}
		t.Skip("SKIPPED: ", missing)
	}
	// The test's own folder may be too deep for the sockets of gpg's agent.
	dir, err := os.MkdirTemp("", "gpg")
	if err != nil {
		t.Fatal(err)
	}
	// Else the agent measures how long a passphrase may take, for seconds.
	if err := os.WriteFile(filepath.Join(dir, "gpg-agent.conf"), []byte("s2k-count 65536\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// The agents of this folder alone.
		_ = exec.Command("gpgconf", "--homedir", dir, "--kill", "all").Run()
		_ = os.RemoveAll(dir)
	})
	return &Home{dir}
}

// Run gives what the program writes, and what it says of it.
func (g *Home) Run(t testing.TB, in []byte, args ...string) (out, status string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "gpg", append([]string{
		"--homedir", g.Dir, "--batch", "--no-tty", "--pinentry-mode", "loopback", "--trust-model", "always", "--status-fd", "2",
	}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var o, e bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &o, &e
	err = cmd.Run()
	return o.String(), e.String(), err
}

// Must is Run that has to work.
func (g *Home) Must(t testing.TB, in []byte, args ...string) (out, status string) {
	t.Helper()
	out, status, err := g.Run(t, in, args...)
	if err != nil {
		t.Fatalf("gpg %v: %v\n%s", args, err, status)
	}
	return out, status
}

// Key makes a key of the kind that is quick to make.
func (g *Home) Key(t testing.TB, uid, passphrase, expire string) {
	t.Helper()
	g.Must(t, nil, "--passphrase", passphrase, "--quick-generate-key", uid, "future-default", "default", expire)
}

// Public writes people's public keys into a file.
func (g *Home) Public(t testing.TB, who ...string) string {
	t.Helper()
	out, _ := g.Must(t, nil, append([]string{"--armor", "--export"}, who...)...)
	return write(t, out)
}

// Secret writes somebody's secret key into a file that only its owner reads.
func (g *Home) Secret(t testing.TB, who, passphrase string) string {
	t.Helper()
	out, _ := g.Must(t, nil, "--passphrase", passphrase, "--armor", "--export-secret-keys", who)
	return write(t, out)
}

func write(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key.asc")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
