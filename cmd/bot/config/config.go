// Package config reads the bot's configuration: one TOML file, read strictly,
// checked as a whole, and turned into values that the rest of the bot can use
// without checking them again.
//
// The shape of the file is in schema.go, where a key and its explanation are one
// line; the commented example is made from it. A person who runs the bot sees
// every problem of the file at once, each with its line and with what would
// work. Secrets never stand in the file: it names files or environment variables
// that hold them.
//
// A new kind of network is a table in schema.go and one file like irc.go or matrix.go, which
// checks the table and registers the network's name with the checker.
//
// The package connects to nothing and knows no incidents, only who is on the
// roster.
package config

import (
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"time"
	"unicode/utf8"

	"tocsin/incidents"
)

// maxSize is far more than any configuration needs; a file above it is surely
// another file, named by mistake.
const maxSize = 1 << 20

// Config is the whole configuration, checked. Paths in it are absolute.
type Config struct {
	Project  Project
	State    State
	People   []incidents.Person
	Matrix   []Matrix
	IRC      []IRC
	Mail     Mail
	Mastodon Mastodon
	PyPI     *PyPI   // nil: releases are noted as live by hand
	GitHub   *GitHub // nil: advisories and alerts are noted by hand
	Log      Log

	file   string
	line   func(path string) int // where a key stands, see notes.line
	levels []namedLevel          // every level in a rooms_for
}

// namedLevel is a level of the plan where the file names it.
type namedLevel struct {
	level, path string
	line        int
}

// Project is whose incidents these are.
type Project struct {
	Name   string // as it stands in drafts
	Prefix string // of the handles: INC makes INC-7
	Plan   string // the folder of an own plan, or ""
}

// State is where the bot keeps what it knows.
type State struct {
	File string
}

// Log is what the bot tells the one who runs it.
type Log struct {
	Level slog.Level
}

// Matrix is one account on one homeserver.
type Matrix struct {
	Name         string // the network's name, as in accounts
	Homeserver   string // https://host; http://host on this machine only
	User         string // the bot's own Matrix ID
	Folder       string // holds session, keys and lock; it may not be there yet
	PickleKey    Secret // or the zero Secret: the key is in the folder
	ObeyUnsigned bool   // devices that their owners have not signed are obeyed
	MayApprove   bool   // !approve is obeyed on this network
	Direct       string // what a direct message may hear: "none", "notice" or "full"
	MaxAge       time.Duration
	RoomsFor     []string // levels of the plan; Fits checks them
	Rooms        []MatrixRoom
}

// MatrixRoom is one Matrix room.
type MatrixRoom struct {
	ID        string // with a server's name or without one; never cut it apart
	Desk      bool   // incidents are announced here
	Clearance string // what the room may hear at most: "none", "notice" or "full"
}

// IRC is one IRC network.
type IRC struct {
	Name       string // the network's name, as in accounts
	Server     string // host:port
	CAFile     string // certificates to trust instead of the system's, or ""
	Nick       string
	Account    string // the services account; with SASL "external" it may be ""
	SASL       string // "plain" or "external"
	Password   Secret // for plain
	CertFile   string // for external
	KeyFile    string // for external
	Profile    string // "solanum", "inspircd", "ergo", "unreal" or ""
	MayApprove bool   // !approve is obeyed on this network
	Direct     string // what a direct message may hear: "none", "notice" or "full"
	Rooms      []Room
}

// Room is one IRC channel.
type Room struct {
	Channel   string
	Key       Secret // the channel key, or the zero Secret
	Desk      bool   // incidents are announced here
	Clearance string // what the room may hear at most: "none", "notice" or "full"
	Notices   bool   // unasked-for lines go out as NOTICE
}

// Mail is how mail goes to people outside.
type Mail struct {
	Send       bool // the bot mails what two approved; else From and Keys are for the letters that people send
	Server     string
	Security   string // "starttls" or "tls"
	CAFile     string
	User       string // "": no login
	Password   Secret
	From       string
	Keys       []string // files
	AlsoToSelf bool
	SignKey    string // a file, or ""
	Passphrase Secret
}

// Mastodon is the account that posts.
type Mastodon struct {
	Send       bool
	Instance   string // https://host
	Token      Secret
	Language   string
	Visibility string // "public" or "unlisted"
}

// Roster is everybody who may command, in the order of the file.
func (c *Config) Roster() incidents.Roster { return incidents.NewRoster(c.People...) }

// Fits checks what the file says about the plan, whose levels these are: that the
// levels in rooms_for are among them. An error is Problems.
func (c *Config) Fits(levels []string) error {
	n := newNotes(c.file)
	for _, l := range c.levels {
		if !slices.Contains(levels, l.level) {
			n.tell(position{line: l.line}, shown(l.path), "%s is not a level of the plan; use %s", quote(l.level), list(levels))
		}
	}
	if len(n.problems) > 0 {
		return n.sorted()
	}
	return nil
}

// Wrong gives a problem of a value, such as that of "mail.keys[0]", which only who uses it
// can find.
func (c *Config) Wrong(path, told string) Problem {
	return Problem{File: c.file, Line: c.line(path), Key: shown(path), Told: told}
}

// Load reads and checks the file at path. The environment is asked for the
// secrets that the file says are there; a nil env is an empty one. An error is
// Problems, and then there is no Config.
func Load(path string, env func(string) (string, bool)) (*Config, error) {
	n := newNotes(path)
	data, ok := n.read(path)
	if !ok {
		return nil, n.sorted()
	}
	root, whole := n.parse(data)
	var f file
	setDefaults(reflect.ValueOf(&f).Elem())
	n.fill(root, reflect.ValueOf(&f).Elem(), "")
	if !whole {
		// Behind a line that is not TOML nothing was read, so what seems to be
		// missing may well be there.
		return nil, n.sorted()
	}
	cfg := newChecker(n, path, env).config(f)
	if len(n.problems) > 0 {
		return nil, n.sorted()
	}
	return cfg, nil
}

// read gives the text of the file, without the mark that some editors put
// before it.
func (n *notes) read(path string) (data []byte, ok bool) {
	top := position{line: 1}
	f, err := os.Open(path)
	if err == nil {
		defer f.Close()
		data, err = io.ReadAll(io.LimitReader(f, maxSize+1))
	}
	switch {
	case err != nil:
		n.tell(top, "", "this file cannot be read: %s", reason(err))
	case len(data) > maxSize:
		n.tell(top, "", "this file is larger than 1 MB, so it is not a configuration; name another one")
	case !utf8.Valid(data):
		n.tell(top, "", "this file is not valid UTF-8; save it as UTF-8")
	default:
		const mark = "\uFEFF"
		if len(data) >= len(mark) && string(data[:len(mark)]) == mark {
			data = data[len(mark):]
		}
		return data, true
	}
	return nil, false
}

// reason is an error of the file system without the path, which the line of the
// problem tells already and which may have been meant to be something else.
func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// folder is the folder that the paths in the file are relative to.
func folder(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return filepath.Dir(path)
	}
	return filepath.Dir(abs)
}
