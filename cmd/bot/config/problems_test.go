package config

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// base is a file without problems. Its lines are counted from 1; the tests of
// problems change one thing in it.
const base = `[project]
name = "Pillow"
[[person]]
name = "alice"
zone = "Europe/Helsinki"
accounts = ["libera:alice"]
[[person]]
name = "bob"
zone = "Australia/Melbourne"
accounts = ["libera:bob"]
[[irc]]
name = "libera"
server = "irc.libera.chat:6697"
sasl = "plain"
password_file = "secrets/libera-password"
[[irc.room]]
channel = "#pillow-security"
desk = true
`

// env is an environment with one secret, and with some that cannot be used.
func env(name string) (string, bool) {
	v, ok := map[string]string{
		"GOOD": password, "EMPTY": " ", "BAD_KEY": "Zq7 never,shown", "ZERO": "Zq7\x00shown",
	}[name]
	return v, ok
}

// folderWith makes a folder with the configuration and what it may name.
func folderWith(t testing.TB, text string) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	cert, key := pair(t)
	_, otherKey := pair(t)
	write("config.toml", text, 0o644)
	write("plan/plan.toml", "", 0o644)
	write("secrets/libera-password", "  "+password+" \nsecond line\n", 0o600)
	write("secrets/open", password+"\n", 0o640)
	write("secrets/with blank", password+"\n", 0o604)
	write("secrets/empty", "\n"+password, 0o600)
	write("secrets/cert.pem", cert, 0o644)
	write("secrets/key.pem", key, 0o600)
	write("secrets/other-key.pem", otherKey, 0o600)
	write("secrets/open-key.pem", key, 0o644)
	write("secrets/short", "fifteen letters", 0o600)
	write("secrets/two words", "ghp_"+password+" "+password, 0o600)
	write("taken", "", 0o600)
	write("session/lock", "", 0o600)
	for name, err := range map[string]error{
		"open folder": os.Mkdir(filepath.Join(dir, "open folder"), 0o700), "link": os.Symlink("session", filepath.Join(dir, "link")),
	} {
		if err != nil {
			t.Fatal(name, err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, "open folder"), 0o750); err != nil {
		t.Fatal(err)
	}
	return dir
}

// pair makes a certificate and its key.
func pair(t testing.TB) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	signed, err := x509.CreateCertificate(rand.Reader, form, form, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(kind string, b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}))
	}
	return encode("CERTIFICATE", signed), encode("PRIVATE KEY", plain)
}

func TestProblems(t *testing.T) {
	playRows(t, base, slices.Concat(tomlRows(), tableRows(), ircRows(), secretRows(), pypiRows(), githubRows()))
}

// playRows changes one thing after the other in a file without problems.
func playRows(t *testing.T, base string, rows []row) {
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if !strings.Contains(base, row.old) {
				t.Fatalf("%q is not in the base", row.old)
			}
			text := strings.Replace(base, row.old, row.new, 1)
			if row.old == "" {
				text = base + row.new
			}
			checkProblems(t, text, row.want...)
		})
	}
}

// checkProblems compares whole lines. The folder is written as DIR.
func checkProblems(t *testing.T, text string, want ...string) {
	t.Helper()
	_, ps, dir := load(t, text)
	got := []string{}
	for _, p := range ps {
		got = append(got, strings.ReplaceAll(strings.TrimPrefix(p.Error(), dir+"/"), dir, "DIR"))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	if ps != nil && strings.Contains(ps.Error(), password) {
		t.Error("a message shows the secret")
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	checkProblems(t, `
[project]
name = 5
prefx = "PIL"
[[person]]
name = "alice"
zone = "Mars/Olympus"
accounts = [
  "libera:alice",
  "oftc:alice",
  7,
]
[[person]]
name = "alice"
zone = true
[[irc]]
name = "libera"
server = "irc.libera.chat"
password_env = "MISSING"
[[irc.room]]
channel = "pillow"
clearance = "all"
[[irc.room]]
channel = "#pillow"
`,
		`config.toml:3:1: project.name: must be text in double quotes, not a number`,
		`config.toml:4:1: project.prefx: there is no such key; did you mean prefix?`,
		`config.toml:7: person.zone: "Mars/Olympus" is not a time zone; use a name like Europe/Helsinki`,
		`config.toml:10: person.accounts: there is no network called "oftc" in this file; what there is: libera`,
		`config.toml:11:3: person.accounts: must be text in double quotes, not a number`,
		`config.toml:13: person.accounts: is missing; write for example accounts = ["libera:alice"]`,
		`config.toml:14: person.name: "alice" is the name of the person on line 6 already; give each person a name of their own`,
		`config.toml:15:1: person.zone: must be text in double quotes, not true or false`,
		`config.toml:18: irc.server: "irc.libera.chat" is not a host and a port; write host:port, such as irc.libera.chat:6697`,
		`config.toml:19: irc.password_env: the environment variable named here is not set; set it for the bot's process`,
		`config.toml:20: irc.room.desk: no room is a desk, so incidents could be announced nowhere; write desk = true in one of them`,
		`config.toml:21: irc.room.channel: "pillow" cannot be a channel; use a # and a name without blanks, commas or control characters, 64 bytes at most`,
		`config.toml:22: irc.room.clearance: "all" is not one of the words that can stand here; use "none", "notice" or "full"`,
	)
}

func TestEmptyFile(t *testing.T) {
	want := []string{
		`config.toml:1: project.name: is missing; write for example name = "Pillow" under [project]`,
		`config.toml:1: there is no network; write [[matrix]] with name, homeserver and user, or [[irc]] with name and server, and a room for the desk`,
		`config.toml:1: person: there is nobody; write [[person]] with name, zone and accounts for each maintainer`,
	}
	checkProblems(t, "", want...)
	checkProblems(t, "# nothing\n", want...)
}

func TestNoTOMLAtAll(t *testing.T) {
	checkProblems(t, strings.Repeat("#", maxSize), `config.toml:1: project.name: is missing; write for example name = "Pillow" under [project]`,
		`config.toml:1: there is no network; write [[matrix]] with name, homeserver and user, or [[irc]] with name and server, and a room for the desk`,
		`config.toml:1: person: there is nobody; write [[person]] with name, zone and accounts for each maintainer`)
	checkProblems(t, strings.Repeat("#", maxSize+1), `config.toml:1: this file is larger than 1 MB, so it is not a configuration; name another one`)
	checkProblems(t, base+"# \xff", `config.toml:1: this file is not valid UTF-8; save it as UTF-8`)
	dir := t.TempDir()
	for name, want := range map[string]string{
		dir:                             ":1: this file cannot be read: is a directory",
		filepath.Join(dir, "none.toml"): ":1: this file cannot be read: no such file or directory",
	} {
		if _, err := Load(name, nil); err == nil || err.Error() != name+want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Nobody may have to wait for an answer, whatever the file holds.
func TestHostileFiles(t *testing.T) {
	for name, text := range map[string]string{
		"dots":      strings.Repeat("a.", maxSize/2-10) + "a=1",
		"brackets":  "a=" + strings.Repeat("[", 9000) + strings.Repeat("]", 9000),
		"too deep":  "a=" + strings.Repeat("[", 100_000),
		"long word": strings.Repeat("a", maxSize-10) + "=1",
		"many keys": strings.Repeat("[[person]]\n", 30_000),
		"same key":  strings.Repeat("a=1\n", 30_000),
	} {
		start := time.Now()
		_, ps, _ := load(t, text)
		if len(ps) == 0 || time.Since(start) > 10*time.Second {
			t.Errorf("%s: %d problems after %v", name, len(ps), time.Since(start))
		}
		t.Log(name, time.Since(start))
		for _, p := range ps {
			if len(p.Told) > 1000 || len(p.Key) > 1000 {
				t.Fatalf("%s: a problem of %d bytes", name, len(p.Error()))
			}
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(base))
	f.Add(Example())
	f.Add([]byte(strings.ReplaceAll(base, "password_file = \"secrets/libera-password\"", "password_env = \"GOOD\"")))
	for _, row := range slices.Concat(tomlRows(), tableRows(), ircRows(), secretRows()) {
		f.Add([]byte(strings.Replace(base, row.old, row.new, 1)))
	}
	f.Add([]byte(matrixBase))
	for _, row := range slices.Concat(matrixRows(), matrixFolderRows()) {
		f.Add([]byte(strings.Replace(matrixBase, row.old, row.new, 1)))
	}
	dir := folderWith(f, base)
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(dir, "config.toml")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, err := Load(path, env)
		if err == nil {
			if len(cfg.People) == 0 || len(cfg.IRC)+len(cfg.Matrix) == 0 {
				t.Error("a configuration of nobody or nowhere")
			}
			return
		}
		if !bytes.Contains(data, []byte(password)) && strings.Contains(err.Error(), password) {
			t.Errorf("a message shows the secret: %v", err)
		}
		lines := bytes.Count(data, []byte("\n")) + 1
		last := 0
		for _, p := range err.(Problems) {
			if p.Line < 1 || p.Line > lines || p.Line < last || p.Column < 0 || p.Told == "" || p.File != path {
				t.Errorf("%d lines: %+v", lines, p)
			}
			if strings.ContainsAny(p.Error(), "\n\r\x1b") {
				t.Errorf("not one clean line: %q", p.Error())
			}
			last = p.Line
		}
	})
}
