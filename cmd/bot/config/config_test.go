package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pelletier/go-toml/v2"

	"tocsin/incidents"
)

// password is what the tests' secrets hold. No message may ever show it.
const password = "Zq7-never-shown-9vX"

var update = flag.Bool("update", false, "rewrite config.example.toml")

func load(t testing.TB, text string) (*Config, Problems, string) {
	t.Helper()
	dir := folderWith(t, text)
	cfg, err := Load(filepath.Join(dir, "config.toml"), env)
	var ps Problems
	switch {
	case err == nil:
		if cfg == nil {
			t.Fatal("neither a configuration nor an error")
		}
	case !errors.As(err, &ps) || len(ps) == 0:
		t.Fatalf("the error is no Problems: %v", err)
	case cfg != nil:
		t.Fatal("both a configuration and an error")
	}
	return cfg, ps, dir
}

func TestExampleIsCommitted(t *testing.T) {
	const path = "../../../config.example.toml"
	want := Example()
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("config.example.toml is not what the schema says; run the test with -update\n%s", diff)
	}
}

func TestExampleLoads(t *testing.T) {
	cfg, ps, dir := load(t, string(Example()))
	if ps != nil {
		t.Fatal(ps)
	}
	if got := cfg.IRC[0].Password.Reveal(); got != password {
		t.Errorf("the password is %d characters long, not the one of the file", len(got))
	}
	if cfg.State.File != filepath.Join(dir, "tocsin.db") || cfg.Project != (Project{Name: "Pillow", Prefix: "INC"}) || cfg.Log.Level != slog.LevelInfo {
		t.Errorf("project, state or log are not the example's: %+v", cfg)
	}
	if diff := cmp.Diff([]Matrix{{
		Name: "matrix", Homeserver: "https://matrix.example.org", User: "@tocsin:example.org", Folder: filepath.Join(dir, "matrix"),
		MayApprove: true, Direct: "full", MaxAge: 10 * time.Minute,
		Rooms: []MatrixRoom{{ID: "!hVxkqBcEXAMPLErmWJ:example.org", Desk: true, Clearance: "full"}},
	}}, cfg.Matrix, cmp.Comparer(func(a, b Secret) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	want := Room{Channel: "#pillow-security", Desk: true, Clearance: "notice"}
	if got := cfg.IRC[0].Rooms; len(got) != 1 || got[0] != want {
		t.Errorf("rooms are %+v", got)
	}
	if diff := cmp.Diff([]string{"alice", "bob", "carol", "dana"}, cfg.Roster().Names()); diff != "" {
		t.Error(diff)
	}
	dana, ok := cfg.Roster().ByAccount(incidents.Account{Network: "libera", ID: "dana"})
	if !ok || dana.Zone.String() != "Asia/Tokyo" {
		t.Errorf("dana is %+v", dana)
	}
	if same, ok := cfg.Roster().ByAccount(incidents.Account{Network: "matrix", ID: "@dana:example.org"}); !ok || same.Name != "dana" {
		t.Errorf("dana on Matrix is %+v", same)
	}
}

func TestExampleWantsOnlyItsSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, Example(), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Load(path, nil)
	var ps Problems
	if !errors.As(err, &ps) || len(ps) != 1 || ps[0].Key != "irc.password_file" {
		t.Errorf("without its secret the example says:\n%v", err)
	}
}

// Every key that the example shows behind a # is one that can be switched on.
func TestExampleShowsEveryKey(t *testing.T) {
	lines := strings.Split(string(Example()), "\n")
	for i, line := range lines {
		if bare, found := strings.CutPrefix(line, "# "); found {
			if key, _, isKey := strings.Cut(bare, " = "); isKey && !strings.Contains(key, " ") || strings.HasPrefix(bare, "[") {
				lines[i] = bare
			}
		}
	}
	_, ps, _ := load(t, strings.Join(lines, "\n"))
	for _, p := range ps {
		if strings.Contains(p.Told, "no such key") || strings.Contains(p.Told, "not TOML") {
			t.Error(p)
		}
	}
}

func TestDefaults(t *testing.T) {
	cfg, ps, dir := load(t, "\uFEFF"+`
project.name = "Pillow"
person = [{name = "bob", zone = "UTC", accounts = ["oftc:Bob"]}]
[[irc]]
name = "oftc"
server = "[2001:db8::1]:6697"
password_env = "GOOD"
[[irc.room]]
channel = "#p"
desk = true
key_env = "GOOD"
`)
	if ps != nil {
		t.Fatal(ps)
	}
	n := cfg.IRC[0]
	if n.Password.Reveal() != password || n.Rooms[0].Key.Reveal() != password {
		t.Error("the secrets are not those of the environment")
	}
	n.Password, n.Rooms[0].Key = Secret{}, Secret{}
	want := IRC{
		Name: "oftc", Server: "[2001:db8::1]:6697", Nick: "tocsin", Account: "tocsin", SASL: "plain", Direct: "notice",
		Rooms: []Room{{Channel: "#p", Desk: true, Clearance: "notice"}},
	}
	if diff := cmp.Diff(want, n, cmp.Comparer(func(a, b Secret) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	if cfg.Project.Prefix != "INC" || cfg.State.File != filepath.Join(dir, "tocsin.db") {
		t.Errorf("%+v", cfg)
	}
	if _, ok := cfg.Roster().ByAccount(incidents.Account{Network: "oftc", ID: "bob"}); !ok {
		t.Error("an account is not found in its canonical letter case")
	}
}

func TestEverythingSet(t *testing.T) {
	text := strings.NewReplacer(
		`password_file = "secrets/libera-password"`, `cert_file = "secrets/cert.pem"`+"\nkey_file = \"secrets/key.pem\"\nca_file = \"secrets/cert.pem\"",
		`sasl = "plain"`, "sasl = \"external\"\nprofile = \"ergo\"\ndirect = \"full\"\nirc_may_approve = true",
		`name = "Pillow"`, "name = \"Pillow\"\nprefix = \"PIL\"\nplan = \"plan\"\n[log]\nlevel = \"warn\"",
		`desk = true`, "desk = true\nclearance = \"full\"\nnotices = true",
	).Replace(base)
	cfg, ps, dir := load(t, text)
	if ps != nil {
		t.Fatal(ps)
	}
	secrets := filepath.Join(dir, "secrets")
	want := IRC{
		Name: "libera", Server: "irc.libera.chat:6697", CAFile: filepath.Join(secrets, "cert.pem"), Nick: "tocsin", SASL: "external",
		CertFile: filepath.Join(secrets, "cert.pem"), KeyFile: filepath.Join(secrets, "key.pem"),
		Profile: "ergo", MayApprove: true, Direct: "full",
		Rooms: []Room{{Channel: "#pillow-security", Desk: true, Clearance: "full", Notices: true}},
	}
	if diff := cmp.Diff(want, cfg.IRC[0], cmp.Comparer(func(a, b Secret) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	if want := (Project{Name: "Pillow", Prefix: "PIL", Plan: filepath.Join(dir, "plan")}); cfg.Project != want || cfg.Log.Level != slog.LevelWarn {
		t.Errorf("%+v", cfg)
	}
}

func TestSecretIsNeverShown(t *testing.T) {
	cfg, ps, _ := load(t, base)
	if ps != nil {
		t.Fatal(ps)
	}
	s := cfg.IRC[0].Password
	var out bytes.Buffer
	for _, v := range []any{s, &s, *cfg, cfg, cfg.IRC, struct{ s Secret }{s}, map[Secret]int{s: 1}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		fmt.Fprintln(&out, v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
		if b, err := json.Marshal(v); err == nil {
			out.Write(b)
		}
	}
	if b, err := toml.Marshal(map[string]any{"s": s}); err != nil || !bytes.Contains(b, []byte(concealed)) {
		t.Errorf("TOML: %s, %v", b, err)
	}
	if strings.Contains(out.String(), password) {
		t.Errorf("the secret is shown:\n%s", out.String())
	}
	if got := fmt.Sprint(s) + s.GoString(); got != "[secret][secret]" {
		t.Errorf("a secret prints as %s", got)
	}
	if !(Secret{}).Empty() || (Secret{}).Reveal() != "" || s.Empty() {
		t.Error("Empty is wrong")
	}
}

// A secret that somebody wrote into the file itself is not repeated, whatever
// else is wrong with its line.
func TestSecretInTheWrongPlace(t *testing.T) {
	for _, line := range []string{
		"password = %q", "passwd = %q", "Password = %q", "passwort = %q", "token = [%q]", "password = { x = %q }",
		"password_file = %q", "password_env = %q", "password = %s", "password = \"%s", "password = '%s", "password_env = %s",
		"password_file = [%q]", "key_file = %q", "x.password = %q", "password = \"\"\"\n%s",
	} {
		at := strings.Replace(base, `password_file = "secrets/libera-password"`, fmt.Sprintf(line, password), 1)
		if _, ps, _ := load(t, at); ps == nil || strings.Contains(ps.Error(), password) {
			t.Errorf("%s:\n%v", line, ps)
		}
		if _, ps, _ := load(t, base+fmt.Sprintf(line, password)); ps == nil || strings.Contains(ps.Error(), password) {
			t.Errorf("in a room, %s:\n%v", line, ps)
		}
	}
}
