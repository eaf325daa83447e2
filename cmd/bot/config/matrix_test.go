package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/incidents"
)

// matrixBase is a file without problems and without IRC.
const matrixBase = `[project]
name = "Pillow"
[[person]]
name = "alice"
zone = "Europe/Helsinki"
accounts = ["matrix:@alice:example.org"]
[[person]]
name = "bob"
zone = "Australia/Melbourne"
accounts = ["matrix:@bob:example.org"]
[[matrix]]
name = "matrix"
homeserver = "https://matrix.example.org"
user = "@tocsin:example.org"
max_age = "10m"
rooms_for = ["critical", "high"]
[[matrix.room]]
room = "!abc:example.org"
desk = true
`

func TestMatrixProblems(t *testing.T) {
	playRows(t, matrixBase, matrixRows())
	playRows(t, matrixBase, matrixFolderRows())
}

// matrixRows are about accounts, rooms and who is who.
func matrixRows() []row {
	const account, homeserver = `["matrix:@alice:example.org"]`, `"https://matrix.example.org"`
	const noID = ` is not a Matrix ID; write the full one, such as @alice:example.org`
	const noRoom = ` is not a room's ID; in Element the ID is under room settings, Advanced; it begins with !`
	const noAddress = ` is not a homeserver's address; write the address that clients use, such as https://matrix.example.org`
	return []row{
		{"no name of a network", "name = \"matrix\"\n", "", []string{
			`config.toml:6: person.accounts: there is no network called "matrix" in this file; there is no network in it`,
			`config.toml:10: person.accounts: there is no network called "matrix" in this file; there is no network in it`,
			`config.toml:11: matrix.name: is missing; write for example name = "matrix"`,
		}},
		one("no homeserver", "homeserver = "+homeserver+"\n", "", `11: matrix.homeserver: is missing; write for example homeserver = "https://matrix.example.org"`),
		one("homeserver without https", homeserver, `"matrix.example.org"`, `13: matrix.homeserver: "matrix.example.org"`+noAddress),
		one("homeserver by another scheme", homeserver, `"ftp://matrix.example.org"`, `13: matrix.homeserver: "ftp://matrix.example.org"`+noAddress),
		one("homeserver with a query", homeserver, `"https://matrix.example.org/?a=b"`, `13: matrix.homeserver: "https://matrix.example.org/?a=b"`+noAddress),
		one("homeserver with a wrong port", homeserver, `"https://matrix.example.org:66970"`, `13: matrix.homeserver: "https://matrix.example.org:66970"`+noAddress),
		one("homeserver in clear", homeserver, `"http://matrix.example.org"`, `13: matrix.homeserver: "http://matrix.example.org" is not encrypted, so the bot's token could be read on the way; write https://, since http:// is for this machine only`),
		one("homeserver that looks like this machine", homeserver, `"http://127.0.0.1.example.org"`, `13: matrix.homeserver: "http://127.0.0.1.example.org" is not encrypted, so the bot's token could be read on the way; write https://, since http:// is for this machine only`),
		one("password in the address", homeserver, `"https://tocsin:`+password+`@matrix.example.org"`, `13: matrix.homeserver: an account or a password cannot stand in the address; write the address that clients use, such as https://matrix.example.org`),
		one("no user", "user = \"@tocsin:example.org\"\n", "", `11: matrix.user: is missing; write for example user = "@tocsin:example.org"`),
		one("user without a server", `"@tocsin:example.org"`, `"@tocsin"`, `14: matrix.user: "@tocsin" is not a Matrix ID, which ends in a colon and a server's name; write the full one, such as @alice:example.org`),
		one("user twice", "", "[[matrix]]\nname = \"two\"\nhomeserver = "+homeserver+"\nuser = \"@tocsin:example.org\"\n", `23: matrix.user: "@tocsin:example.org" is the account on line 14 already, and two bots on one account would answer twice; give each network an account of its own`),
		one("unknown clearance of direct messages", "max_age", "direct = \"yes\"\nmax_age", `15: matrix.direct: "yes" is not one of the words that can stand here; use "none", "notice" or "full"`),
		one("age of nothing", `"10m"`, `"0m"`, `15: matrix.max_age: "0m" is not a span from 1m to 24h; write for example 10m or 2h`),
		one("age in seconds", `"10m"`, `"90s"`, `15: matrix.max_age: "90s" is not a span from 1m to 24h; write for example 10m or 2h`),
		one("too old", `"10m"`, `"24h1m"`, `15: matrix.max_age: "24h1m" is not a span from 1m to 24h; write for example 10m or 2h`),
		one("no age", `"10m"`, `""`, `15: matrix.max_age: "" is not a span from 1m to 24h; write for example 10m or 2h`),
		one("age without quotes", `"10m"`, `10`, `15:1: matrix.max_age: must be text in double quotes, not a number`),
		one("level twice", `"high"`, `"critical"`, `16: matrix.rooms_for: "critical" stands twice; name each level once`),
		one("levels as text", `["critical", "high"]`, `"high"`, `16:1: matrix.rooms_for: must be a list of texts, such as ["one", "two"], not text`),

		one("display name", account, `["matrix:Alice"]`, `6: person.accounts: "matrix:Alice" is not a Matrix ID, and a display name can be anybody's; write the full one, such as @alice:example.org`),
		one("account without its network", account, `["@alice:example.org"]`, `6: person.accounts: "@alice:example.org" lacks the network; write its name and a colon before it, such as "matrix:@alice:example.org"`),
		one("account with a blank", account, `["matrix:@al ice:example.org"]`, `6: person.accounts: "matrix:@al ice:example.org"`+noID),
		one("account with a control character", account, `["matrix:@al\u0007ice:example.org"]`, `6: person.accounts: "matrix:@al\aice:example.org"`+noID),
		one("account with a letter that looks like another", account, `["matrix:@аlice:example.org"]`, `6: person.accounts: "matrix:@аlice:example.org"`+noID),
		one("account without a name", account, `["matrix:@:example.org"]`, `6: person.accounts: "matrix:@:example.org"`+noID),
		one("account with a blank behind it", account, `["matrix:@alice:example.org "]`, `6: person.accounts: "matrix:@alice:example.org " is not a Matrix ID, which ends in a colon and a server's name; write the full one, such as @alice:example.org`),
		one("account too long", account, `["matrix:@`+strings.Repeat("a", 255)+`:example.org"]`, `6: person.accounts: "matrix:@`+strings.Repeat("a", 52)+`..." is longer than a Matrix ID can be; write the full one, such as @alice:example.org`),
		one("server with capitals", account, `["matrix:@alice:Example.org"]`, `6: person.accounts: "matrix:@alice:Example.org" has capital letters in the server's name; write those small`),
		one("account of the bot", account, `["matrix:@tocsin:example.org"]`, `6: person.accounts: "matrix:@tocsin:example.org" is the bot's own account; write the person's`),
		one("account of two persons", "@bob:", "@alice:", `10: person.accounts: "matrix:@alice:example.org" stands for "alice" on line 6 and for "bob" on line 10; an account is one person's and is named once`),
		one("account but for capitals", "@bob:", "@Alice:", `10: person.accounts: "matrix:@Alice:example.org" is the account on line 6 but for capital letters, so one of the two is a slip; look up how it is written`),

		one("no room", "[[matrix.room]]\nroom = \"!abc:example.org\"\ndesk = true\n", "", `11: matrix.room: there is no room; write [[matrix.room]] with room = "!id:server" below the network`),
		one("no desk", "desk = true\n", "", `17: matrix.room.desk: no room is a desk, so incidents could be announced nowhere; write desk = true in one of them`),
		one("no id of a room", "room = \"!abc:example.org\"\n", "", `17: matrix.room.room: is missing; write for example room = "!id:example.org"`),
		one("alias", `"!abc:example.org"`, `"#security:example.org"`, `18: matrix.room.room: "#security:example.org" is an alias, which can be pointed at another room at any time; write the room's ID instead: in Element the ID is under room settings, Advanced; it begins with !`),
		one("link to a room", `"!abc:example.org"`, `"https://matrix.to/#/!abc:example.org"`, `18: matrix.room.room: "https://matrix.to/#/!abc:example.org"`+noRoom),
		one("room with a blank", `"!abc:example.org"`, `"!a bc:example.org"`, `18: matrix.room.room: "!a bc:example.org"`+noRoom),
		one("room of one letter", `"!abc:example.org"`, `"!"`, `18: matrix.room.room: "!"`+noRoom),
		one("room twice", "", "[[matrix.room]]\nroom = \"!abc:example.org\"\n", `21: matrix.room.room: "!abc:example.org" is the room on line 18 already; name each room once`),
		one("unknown clearance", "", "clearance = \"all\"\n", `20: matrix.room.clearance: "all" is not one of the words that can stand here; use "none", "notice" or "full"`),
	}
}

// matrixFolderRows are about the session's folder and what stands in it.
func matrixFolderRows() []row {
	const user = "user = \"@tocsin:example.org\"\n"
	const once = `: secrets never stand in the configuration, and this one is needed only once, to make the bot's device; say: bot login matrix`
	second := func(folder string) string {
		return "[[matrix]]\nname = \"two\"\nhomeserver = \"http://localhost:8008\"\nuser = \"@two:localhost\"\nfolder = \"" + folder + "\"\n"
	}
	return []row{
		one("folder is a file", user, user+"folder = \"config.toml\"\n", `15: matrix.folder: "DIR/config.toml" is not a folder; name one that holds nothing but the session, or one that is not there yet`),
		one("folder in no folder", user, user+"folder = \"nowhere/matrix\"\n", `15: matrix.folder: the folder "DIR/nowhere" is not there; make it, or name a folder in another one`),
		one("folder in a file", user, user+"folder = \"config.toml/matrix\"\n", `15: matrix.folder: the folder "DIR/config.toml" is not there; make it, or name a folder in another one`),
		one("folder without a name", user, user+"folder = \"\"\n", `15: matrix.folder: is empty; name a folder, or leave the line out`),
		one("folder at home", user, user+"folder = \"~/matrix\"\n", `15: matrix.folder: a path that begins with ~ is not understood here; write it from the root on`),
		one("folder is open to the group", user, user+"folder = \"open folder\"\n", `15: matrix.folder: others than the bot may read this folder or change what is in it; run: chmod 700 'DIR/open folder'`),
		one("default folder is a file", "", strings.NewReplacer("\"two\"", "\"taken\"", "folder = \"\"\n", "").Replace(second("")), `20: matrix.folder: "DIR/taken" is not a folder; name one that holds nothing but the session, or one that is not there yet`),
		one("folder of another network", "", second("./matrix"), `24: matrix.folder: this is the folder of the network on line 11 already; name another one`),
		{"folder of another network by another name", "", second("link") + "[[matrix]]\nname = \"three\"\nhomeserver = \"http://[::1]:8008\"\nuser = \"@three:localhost\"\nfolder = \"session\"\n", []string{
			`config.toml:29: matrix.folder: this is the folder of the network on line 24 already; name another one`,
		}},

		one("password in the file", user, user+"password = \"hunter2\"\n", `15:1: matrix.password`+once),
		one("password file", user, user+"password_file = \"secrets/libera-password\"\n", `15:1: matrix.password_file`+once),
		one("token in the file", user, user+"access_token = \"hunter2\"\n", `15:1: matrix.access_token`+once),
		one("recovery key in the file", user, user+"recovery_key = \"hunter2\"\n", `15:1: matrix.recovery_key`+once),
		one("pickle key in the file", user, user+"pickle_key = \"hunter2\"\n", `15:1: matrix.pickle_key: secrets never stand in the configuration; write it into a file of its own and name that with pickle_key_file, or name an environment variable with pickle_key_env`),
		one("short pickle key", user, user+"pickle_key_file = \"secrets/short\"\n", `15: matrix.pickle_key_file: the key is shorter than 16 characters; make one at random, for example with: openssl rand -hex 32`),
		one("open pickle key", user, user+"pickle_key_file = \"secrets/open\"\n", `15: matrix.pickle_key_file: others than the bot may read or change this file; run: chmod 600 DIR/secrets/open`),
		one("two pickle keys", user, user+"pickle_key_file = \"secrets/libera-password\"\npickle_key_env = \"GOOD\"\n", `16: matrix.pickle_key_env: pickle_key_file is there too, on line 15; keep one of the two`),
		one("pickle key is not set", user, user+"pickle_key_env = \"MISSING\"\n", `15: matrix.pickle_key_env: the environment variable named here is not set; set it for the bot's process`),
	}
}

// Everything that Matrix can be told, and what it can be told on one network
// beside another.
func TestMatrixEverythingSet(t *testing.T) {
	const user = "user = \"@tocsin:example.org\"\n"
	text := strings.NewReplacer(
		user, user+"folder = \"session\"\npickle_key_env = \"GOOD\"\nobey_unsigned = true\nmay_approve = false\ndirect = \"none\"\n",
		`"10m"`, `"24h"`, `"https://matrix.example.org"`, `"http://[::1]:8008/"`,
		`"!abc:example.org"`, `"!mO1Bk-q8_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"`,
		"desk = true\n", "desk = true\nclearance = \"full\"\n[[matrix.room]]\nroom = \"!Other:x:1\"\n",
		"@bob:example.org", "@Bob=/+!x:[::1]:8448",
	).Replace(matrixBase)
	cfg, ps, dir := load(t, text)
	if ps != nil {
		t.Fatal(ps)
	}
	n := cfg.Matrix[0]
	if n.PickleKey.Reveal() != password {
		t.Error("the key is not the one of the environment")
	}
	n.PickleKey = Secret{}
	want := Matrix{
		Name: "matrix", Homeserver: "http://[::1]:8008", User: "@tocsin:example.org", Folder: filepath.Join(dir, "session"),
		ObeyUnsigned: true, Direct: "none", MaxAge: 24 * time.Hour, RoomsFor: []string{"critical", "high"},
		Rooms: []MatrixRoom{
			{ID: "!mO1Bk-q8_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", Desk: true, Clearance: "full"},
			{ID: "!Other:x:1", Clearance: "notice"},
		},
	}
	if diff := cmp.Diff(want, n, cmp.Comparer(func(a, b Secret) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	for id, who := range map[string]string{"@Bob=/+!x:[::1]:8448": "bob", "@bob=/+!x:[::1]:8448": "", "@alice:example.org": "alice", "@Alice:example.org": ""} {
		if p, _ := cfg.Roster().ByAccount(incidents.Account{Network: "matrix", ID: id}); p.Name != who {
			t.Errorf("%s is %q, want %q", id, p.Name, who)
		}
	}
}

// The desk may be on either network; a network may have no room of its own.
func TestDeskOnEitherNetwork(t *testing.T) {
	const person, irc = "[[person]]\nname = \"alice\"\n", "[[irc]]\nname = \"libera\"\nserver = \"irc.libera.chat:6697\"\npassword_env = \"GOOD\"\n"
	const channel = "[[irc.room]]\nchannel = \"#pillow\"\n"
	for name, text := range map[string]string{
		"Matrix": matrixBase + irc + channel,
		"IRC":    strings.Replace(matrixBase, "desk = true\n", "", 1) + irc + channel + "desk = true\n",
		"alone":  matrixBase + irc,
	} {
		if _, ps, _ := load(t, text); ps != nil {
			t.Errorf("%s: %v", name, ps)
		}
	}
	no := strings.Replace(matrixBase, "desk = true\n", "", 1)
	checkProblems(t, no+irc+channel, `config.toml:17: matrix.room.desk: no room is a desk, so incidents could be announced nowhere; write desk = true in one of them`)
	before, after, _ := strings.Cut(no, person)
	checkProblems(t, before+irc+channel+person+after, `config.toml:7: irc.room.desk: no room is a desk, so incidents could be announced nowhere; write desk = true in one of them`)
	checkProblems(t, "matrix = 5\n"+base, `config.toml:1:1: matrix: there may be several: write [[matrix]] in double brackets above each, not a number`)
}

func TestLevelsFitThePlan(t *testing.T) {
	path := filepath.Join(folderWith(t, strings.Replace(matrixBase, `["critical", "high"]`, "[\n\"critical\",\n\"hgih\",\n\"\",\n]", 1)), "config.toml")
	cfg, err := Load(path, env)
	if err != nil {
		t.Fatal(err)
	}
	err = cfg.Fits([]string{"critical", "high", "low"})
	want := Problems{
		{File: path, Line: 18, Key: "matrix.rooms_for", Told: `"hgih" is not a level of the plan; use "critical", "high" or "low"`},
		{File: path, Line: 19, Key: "matrix.rooms_for", Told: `"" is not a level of the plan; use "critical", "high" or "low"`},
	}
	var got Problems
	if !errors.As(err, &got) {
		t.Fatalf("%v", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	cfg, ps, _ := load(t, matrixBase)
	if ps != nil {
		t.Fatal(ps)
	}
	if err := cfg.Fits([]string{"critical", "high", "low"}); err != nil {
		t.Error(err)
	}
}

// Secrets of the command line are judged like those of the file.
func TestReadSecret(t *testing.T) {
	dir := folderWith(t, matrixBase)
	t.Chdir(dir)
	s, err := ReadSecret("secrets/libera-password")
	if err != nil || s.Reveal() != password {
		t.Errorf("%d characters: %v", len(s.Reveal()), err)
	}
	real, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"secrets/open":  "secrets/open: others than the bot may read or change this file; run: chmod 600 " + real + "/secrets/open",
		"secrets/empty": `secrets/empty: the first line of "` + real + `/secrets/empty" is empty; write the secret there`,
		"none":          `none: there is no such file; a relative path begins in "` + real + `"`,
	} {
		if s, err := ReadSecret(name); err == nil || err.Error() != want || !s.Empty() {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
