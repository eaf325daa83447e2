package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/bridges"
	"tocsin/bridges/matrix"
	"tocsin/cmd/bot/config"
	"tocsin/incidents"
)

// matrixFile is a configuration with one Matrix account.
const matrixFile = `[project]
name = "Pillow"
[[person]]
name = "alice"
zone = "Europe/Helsinki"
accounts = ["matrix:@alice:example.org"]
[[person]]
name = "bob"
zone = "UTC"
accounts = ["matrix:@bob:example.org"]
[[matrix]]
name = "matrix"
homeserver = "https://matrix.example.org"
user = "@tocsin:example.org"
max_age = "2h"
rooms_for = ["critical"]
[[matrix.room]]
room = "!desk:example.org"
desk = true
clearance = "full"
[[matrix.room]]
room = "!public:example.org"
`

// secondFile is one more account, on which bob is somebody too.
const secondFile = `[[person]]
name = "carol"
zone = "UTC"
accounts = ["work:@carol:work.example.org", "work:@bob:work.example.org"]
[[matrix]]
name = "work"
homeserver = "https://matrix.work.example.org"
user = "@tocsin:work.example.org"
`

// matrixFolder makes a folder with a configuration and files with secrets.
func matrixFolder(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	for name, f := range map[string]struct {
		text string
		mode os.FileMode
	}{
		"config.toml": {text, 0o600}, "password": {"password-9vX\nmore\n", 0o600}, "token": {"token-9vX\n", 0o600},
		"key": {"key-9vX\n", 0o600}, "open": {"password-9vX\n", 0o600},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(f.text), f.mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, "open"), 0o640); err != nil {
		t.Fatal(err)
	}
	return dir
}

// session makes what a login leaves behind, as far as anybody looks at it here.
func session(t *testing.T, dir string) {
	t.Helper()
	err := os.Mkdir(filepath.Join(dir, "matrix"), 0o700)
	if err = errors.Join(err, os.WriteFile(filepath.Join(dir, "matrix", "session.json"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
}

// account plays a homeserver's account: it answers logins and notes what it was
// asked.
type account struct {
	heard  []string // "password/token/recovery key" of each login
	asked  int
	typed  string // what somebody types; "" is Ctrl-D
	result matrix.LoginResult
	errs   []error // of each login in turn; then none
}

func (a *account) login(_ context.Context, o matrix.LoginOptions) (matrix.LoginResult, error) {
	a.heard = append(a.heard, o.Password+"/"+o.Token+"/"+o.RecoveryKey)
	if n := len(a.heard); n <= len(a.errs) && a.errs[n-1] != nil {
		return matrix.LoginResult{}, a.errs[n-1]
	}
	return a.result, nil
}

func (a *account) ask(context.Context, string) (string, error) {
	a.asked++
	return a.typed, nil
}

// logIn runs the program in a folder against an account.
func logIn(t *testing.T, dir string, a *account, atTerminal bool, args ...string) ran {
	t.Helper()
	t.Chdir(dir)
	var out, errs output
	p := program{in: strings.NewReader(""), out: &out, err: &errs, env: func(string) (string, bool) { return "", false }, login: a.login}
	if atTerminal {
		p.ask = a.ask
	}
	code := p.run(t.Context(), args)
	got := ran{code, out.String(), errs.String()}
	if strings.Contains(got.out+got.err, "9vX") {
		t.Errorf("%q shows a secret:\n%s%s", args, got.out, got.err)
	}
	return got
}

func TestLogin(t *testing.T) {
	made := matrix.LoginResult{User: "@tocsin:example.org", Device: "ABCDEF", RecoveryKey: "EsTx 1234", Made: true}
	same := matrix.LoginResult{User: "@tocsin:example.org", Device: "ABCDEF"}
	revoked := fmt.Errorf("%w: the token is not accepted", matrix.ErrLogin)
	away := errors.New("the homeserver does not answer")
	const shown = "The recovery key of the account:\n\n  EsTx 1234\n"
	for _, c := range []struct {
		name     string
		args     string
		terminal bool
		session  bool
		account  account
		heard    []string
		asked    int
		code     int
		says     []string
	}{
		{"with a password", "-password-file password", false, false, account{result: made}, []string{"password-9vX//"}, 0, 0, []string{
			"matrix: @tocsin:example.org is logged in, and its device is ABCDEF; other people see the bot as verified.", shown,
			"Keep it in the maintainers' password manager: it is not shown again.", "bot check -config config.toml", "invite @tocsin:example.org",
		}},
		{"with a token and a recovery key", "matrix -token-file token -recovery-key-file key -config ./config.toml", true, false, account{result: same}, []string{"/token-9vX/key-9vX"}, 0, 0, []string{
			"was logged in already, and its device is still ABCDEF; other people see the bot as verified.", "bot check -config ./config.toml",
		}},
		{"at a terminal", "-recovery-key-file key", true, false, account{result: made, typed: "typed-9vX"}, []string{"typed-9vX//key-9vX"}, 1, 0, []string{shown}},
		{"the same device again", "", true, true, account{result: same}, []string{"//"}, 0, 0, []string{"its device is still ABCDEF"}},
		{"the same device again, from a script", "", false, true, account{result: same}, []string{"//"}, 0, 0, []string{"its device is still ABCDEF"}},
		{"a revoked token", "", true, true, account{result: same, errs: []error{revoked}, typed: "typed-9vX"}, []string{"//", "typed-9vX//"}, 1, 0, []string{"the token is not accepted", "ABCDEF"}},
		{"a revoked token, from a script", "", false, true, account{errs: []error{revoked}}, []string{"//"}, 0, 1, []string{"the token is not accepted"}},
		{"a homeserver that is away", "", true, true, account{errs: []error{away}}, []string{"//"}, 0, 1, []string{"does not answer"}},

		{"nobody to ask", "", false, false, account{}, nil, 0, 1, []string{"There is no terminal to ask for the password at", "-password-file"}},
		{"nothing typed", "", true, false, account{}, nil, 1, 1, []string{"No password was typed, so nothing was done."}},
		{"two ways", "-password-file password -token-file token", true, false, account{}, nil, 0, 2, []string{"not both"}},
		{"a file that others may read", "-password-file open", true, false, account{}, nil, 0, 2, []string{"chmod 600"}},
		{"files that are not there", "-token-file none -recovery-key-file nor-this", true, false, account{}, nil, 0, 2, []string{"none: there is no such file", "nor-this: there is no such file"}},
		{"another database", "-db a.db", true, false, account{}, nil, 0, 2, []string{"not with -db"}},
		{"another name", "matrix home", true, false, account{}, nil, 0, 2, []string{"No Matrix network has that name; there are matrix."}},
		{"a word too many", "matrix matrix matrix", true, false, account{}, nil, 0, 2, []string{`There is nothing to do with "matrix".`}},
		{"another kind of network", "irc", true, false, account{}, nil, 0, 2, []string{"Say: bot login matrix."}},
		{"a configuration that is not there", "-config no.toml", true, false, account{}, nil, 0, 2, []string{"no.toml:1:"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := matrixFolder(t, matrixFile)
			if c.session {
				session(t, dir)
			}
			args := strings.Fields(c.args)
			if len(args) == 0 || strings.HasPrefix(args[0], "-") {
				args = append([]string{"matrix"}, args...)
			}
			got := logIn(t, dir, &c.account, c.terminal, append([]string{"login"}, args...)...)
			if got.code != c.code || c.account.asked != c.asked || !slices.Equal(c.account.heard, c.heard) {
				t.Errorf("exit %d, %d questions, logins %q:\n%s%s", got.code, c.account.asked, c.account.heard, got.out, got.err)
			}
			for _, s := range c.says {
				if !strings.Contains(got.out+got.err, s) {
					t.Errorf("it does not say %q:\n%s%s", s, got.out, got.err)
				}
			}
		})
	}
}

// TestLoginSeveral: where there are several accounts, one has to be named.
func TestLoginSeveral(t *testing.T) {
	dir := matrixFolder(t, matrixFile+secondFile)
	a := &account{typed: "typed-9vX", result: matrix.LoginResult{User: "@tocsin:work.example.org", Device: "X", Made: true}}
	if got := logIn(t, dir, a, true, "login", "matrix"); got.code != exitUsage || !strings.Contains(got.err, "Say which: bot login matrix NAME. There are matrix, work.") {
		t.Errorf("exit %d: %s", got.code, got.err)
	}
	if got := logIn(t, dir, a, true, "login", "matrix", "work"); got.code != exitOK || !strings.HasPrefix(got.out, "work: @tocsin:work") {
		t.Errorf("exit %d: %s%s", got.code, got.out, got.err)
	}
	if got := logIn(t, dir, a, true, "check"); got.code != exitOK || !strings.Contains(got.out, "work has no device yet; say: bot login matrix work\n") {
		t.Errorf("exit %d: %s%s", got.code, got.out, got.err)
	}
	// The flags are the login's own.
	if got := logIn(t, dir, a, true, "check", "-password-file", "password"); got.code != exitUsage || !strings.Contains(got.err, "not defined") {
		t.Errorf("exit %d: %s", got.code, got.err)
	}
}

// deaf cannot be written to.
type deaf struct{}

func (deaf) Write([]byte) (int, error) { return 0, errors.New("nobody reads") }

// TestRecoveryKeyIsKeptUntilShown: it goes off the disk when it was written out, and
// not before.
func TestRecoveryKeyIsKeptUntilShown(t *testing.T) {
	dir := matrixFolder(t, matrixFile)
	a := &account{result: matrix.LoginResult{User: "@tocsin:example.org", Device: "ABCDEF", RecoveryKey: "EsTx 1234", Made: true}}
	kept := filepath.Join(dir, "recovery.key") // a result of nobody has the working folder for its own
	if err := os.WriteFile(kept, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	var errs output
	p := program{out: deaf{}, err: &errs, login: a.login}
	if code := p.run(t.Context(), []string{"login", "matrix", "-password-file", "password"}); code != exitFailed || errs.String() != "nobody reads\n" {
		t.Errorf("exit %d: %s", code, errs.String())
	}
	if _, err := os.Stat(kept); err != nil {
		t.Errorf("the key is gone though nobody saw it: %v", err)
	}
	logIn(t, dir, a, false, "login", "matrix", "-password-file", "password")
	if _, err := os.Stat(kept); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the key that was shown is still there: %v", err)
	}
}

// TestLoginStops: whoever waits for a password or a homeserver can be stopped.
func TestLoginStops(t *testing.T) {
	dir := matrixFolder(t, matrixFile)
	t.Chdir(dir)
	for name, args := range map[string][]string{"asking": {"login", "matrix"}, "waiting": {"login", "matrix", "-password-file", "password"}} {
		ctx, stop := context.WithCancel(t.Context())
		var out, errs output
		p := program{
			out: &out, err: &errs,
			ask: func(ctx context.Context, _ string) (string, error) { stop(); <-ctx.Done(); return "", ctx.Err() },
			login: func(ctx context.Context, _ matrix.LoginOptions) (matrix.LoginResult, error) {
				stop()
				<-ctx.Done()
				return matrix.LoginResult{}, ctx.Err()
			},
		}
		if code := p.run(ctx, args); code != exitFailed || errs.String() != "Stopped. What was not done yet is done when you say it again.\n" || out.String() != "" {
			t.Errorf("%s: exit %d: %s%s", name, code, out.String(), errs.String())
		}
	}
}

// TestCheckTellsOfTheLogin: the check says what is still to be done, and holds the
// configuration against the plan.
func TestCheckTellsOfTheLogin(t *testing.T) {
	const still = "matrix has no device yet; say: bot login matrix\n"
	dir := matrixFolder(t, matrixFile)
	if got := logIn(t, dir, nil, false, "check"); got.code != exitOK || !strings.Contains(got.out, "Networks: 1. People: 2.\n"+still) {
		t.Errorf("exit %d: %s%s", got.code, got.out, got.err)
	}
	session(t, dir)
	if got := logIn(t, dir, nil, false, "check"); got.code != exitOK || strings.Contains(got.out, "device") {
		t.Errorf("exit %d: %s%s", got.code, got.out, got.err)
	}
	dir = matrixFolder(t, strings.Replace(matrixFile, `["critical"]`, `["urgent"]`, 1))
	const want = `config.toml:16: matrix.rooms_for: "urgent" is not a level of the plan; use "critical", "high", "medium" or "low"` + "\n"
	for _, args := range [][]string{{"check"}, {"-config", "config.toml"}} {
		if got := logIn(t, dir, nil, false, args...); got.code != exitUsage || got.err != want {
			t.Errorf("%q: exit %d: %s%s", args, got.code, got.out, got.err)
		}
	}
}

func TestTrust(t *testing.T) {
	for _, c := range []struct {
		name, file, word string
		trusts           []string
		code             int
		says             string
	}{
		{"an account", matrixFile, "@bob:example.org", []string{"@tocsin:example.org trusts @bob:example.org"}, 0, "matrix: the identity that @bob:example.org has now is accepted"},
		{"who is to be asked", matrixFile, "@bob:example.org", []string{"@tocsin:example.org trusts @bob:example.org"}, 0, "if not, say !suspend bob."},
		{"a person", matrixFile, "Bob", []string{"@tocsin:example.org trusts @bob:example.org"}, 0, "is accepted"},
		{"a guest", matrixFile, "@mallory:example.org", []string{"@tocsin:example.org trusts @mallory:example.org"}, 0, "is accepted"},
		{"a person of several accounts", matrixFile + secondFile, "carol", []string{
			"@tocsin:work.example.org trusts @carol:work.example.org", "@tocsin:work.example.org trusts @bob:work.example.org",
		}, 0, "is accepted"},
		{"a guest, by network", matrixFile + secondFile, "work:@mallory:example.org", []string{"@tocsin:work.example.org trusts @mallory:example.org"}, 0, "is accepted"},
		{"a guest without a network", matrixFile + secondFile, "@mallory:example.org", nil, 1, "say on which network, as NETWORK:@mallory:example.org."},
		{"nobody", matrixFile, "mallory", nil, 1, "Nobody on the roster has that name; there are alice, bob."},
		{"nowhere", matrixFile, "libera:bob", nil, 1, "There is no such account on a Matrix network"},
		{"not said whom", matrixFile, "", nil, 2, "Say whom"},
		{"a device that is missing", matrixFile, "alice", []string{"@tocsin:example.org trusts @alice:example.org"}, 1, "matrix: not logged in"},
	} {
		t.Chdir(matrixFolder(t, c.file))
		var out, errs output
		var trusts []string
		p := program{out: &out, err: &errs, trust: func(_ context.Context, mc matrix.Config, user string) error {
			trusts = append(trusts, mc.User+" trusts "+user)
			if user == "@alice:example.org" {
				return matrix.ErrLogin
			}
			return nil
		}}
		code := p.run(t.Context(), append([]string{"trust"}, strings.Fields(c.word)...))
		if code != c.code || !strings.Contains(out.String()+errs.String(), c.says) || !slices.Equal(trusts, c.trusts) {
			t.Errorf("%s: exit %d, %q:\n%s%s", c.name, code, trusts, out.String(), errs.String())
		}
	}
}

// TestMatrixNetwork: what the configuration says reaches the bridge and the rule.
func TestMatrixNetwork(t *testing.T) {
	dir := matrixFolder(t, strings.Replace(matrixFile, "max_age", "pickle_key_env = \"KEY\"\nobey_unsigned = true\nmax_age", 1))
	c, err := config.Load(filepath.Join(dir, "config.toml"), func(string) (string, bool) { return "sixteen letters!", true })
	if err != nil {
		t.Fatal(err)
	}
	want := matrix.Config{
		Name: "matrix", Homeserver: "https://matrix.example.org", User: "@tocsin:example.org", Folder: filepath.Join(dir, "matrix"),
		PickleKey: []byte("sixteen letters!"), ObeyUnsigned: true,
		Rooms:    []matrix.Room{{ID: "!desk:example.org", Full: true}, {ID: "!public:example.org"}},
		Speakers: []string{"@alice:example.org", "@bob:example.org"},
	}
	got := matrixConfig(c, c.Matrix[0], nil)
	if got.Uploads == nil || !got.Uploads("fix.DIFF") || got.Uploads("notes.txt") {
		t.Error("the bridge does not know what a patch is called")
	}
	got.Uploads = nil // cmp holds no function to be like another
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	ns, err := networks(c, quiet())
	if err != nil || len(ns) != 1 {
		t.Fatalf("%d networks: %v", len(ns), err)
	}
	n := ns[0]
	if n.bridge == nil || n.name != "matrix" || !n.approve || n.maxAge != 2*time.Hour || !slices.Equal(n.roomsFor, []string{"critical"}) {
		t.Errorf("%+v", n)
	}
	if want := (incidents.Grant{Network: incidents.OnMatrix, Asks: "full", Direct: true}); n.direct != want {
		t.Errorf("a direct message is granted %+v", n.direct)
	}
	grants := map[bridges.Room]incidents.Grant{
		{Network: "matrix", ID: "!desk:example.org"}:   {Network: incidents.OnMatrix, Asks: "full", Desk: true},
		{Network: "matrix", ID: "!public:example.org"}: {Network: incidents.OnMatrix, Asks: "notice"},
	}
	if diff := cmp.Diff(grants, n.rooms); diff != "" {
		t.Error(diff)
	}
	// A network on which nobody of the roster is has nobody to obey.
	c.People = nil
	if s := matrixConfig(c, c.Matrix[0], nil).Speakers; s == nil || len(s) > 0 {
		t.Errorf("speakers are %#v", s)
	}
}
