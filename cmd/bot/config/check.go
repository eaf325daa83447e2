package config

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // A container without zone files must not make every person's zone unknown.
	"unicode"
	"unicode/utf8"

	"tocsin/incidents"
)

// checker turns the tables of the file into the configuration and notes what is
// wrong with them.
type checker struct {
	*notes
	dir       string
	env       func(string) (string, bool)
	networks  map[string]network
	stateFile string // as checked, or ""
	owners    map[incidents.Account]owner
	similar   map[incidents.Account]owner // the same, by what network.loose makes of accounts
	levels    []namedLevel
}

// network is what the accounts of persons have to know of a network. A new kind
// of network makes one of these.
type network struct {
	line  int
	fold  func(id string) string // makes accounts that mean the same equal
	wrong func(id string) string // what is wrong with an account, or ""
	loose func(id string) string // makes accounts equal that only a slip would tell apart; may be nil
}

// owner is who has an account.
type owner struct {
	person string
	line   int
}

func newChecker(n *notes, path string, env func(string) (string, bool)) *checker {
	return &checker{
		notes: n, dir: folder(path), env: env,
		networks: map[string]network{}, owners: map[incidents.Account]owner{}, similar: map[incidents.Account]owner{},
	}
}

// config checks everything. Networks come before persons, whose accounts are on
// them.
func (c *checker) config(f file) *Config {
	cfg := &Config{Project: c.project(f.Project), State: c.state(f.State), Log: c.log(f.Log), file: c.file, line: c.line}
	cfg.Matrix = c.allMatrix(f.Matrix)
	cfg.IRC = c.allIRC(f.IRC)
	cfg.PyPI, cfg.GitHub = c.pypi(f.PyPI), c.github(f.GitHub)
	c.desk(f)
	cfg.Mail, cfg.Mastodon = c.mail(f.Mail), c.mastodon(f.Mastodon)
	cfg.People = c.people(f.Person, f.Project.Prefix)
	cfg.levels = c.levels
	return cfg
}

// desk checks that incidents can be announced somewhere: on any network.
func (c *checker) desk(f file) {
	first, isDesk := "", false
	see := func(path string, desk bool, clearance string) {
		if desk && clearance == "none" {
			c.add(path+".clearance", "a desk hears of incidents; write notice or full, or desk = false")
		}
		if first == "" || c.line(path) < c.line(first) {
			first = path
		}
		isDesk = isDesk || desk
	}
	for i, t := range f.Matrix {
		for k, r := range t.Room {
			see(item(item("matrix", i)+".room", k), r.Desk, r.Clearance)
		}
	}
	for i, t := range f.IRC {
		for k, r := range t.Room {
			see(item(item("irc", i)+".room", k), r.Desk, r.Clearance)
		}
	}
	switch {
	case c.bad["matrix"] || c.bad["irc"] || c.badIn("room", "desk") || isDesk:
		// There is one, or what would be said here follows from what was said already.
	case len(f.Matrix)+len(f.IRC) == 0:
		c.add("", "there is no network; write [[matrix]] with name, homeserver and user, or [[irc]] with name and server, and a room for the desk")
	case first == "" && len(f.Matrix) > 0:
		c.add(item("matrix", 0)+".room", `there is no room; write [[matrix.room]] with room = "!id:server" below the network`)
	case first == "":
		c.add(item("irc", 0)+".room", `there is no room; write [[irc.room]] with channel = "#name" below the network`)
	default:
		c.add(first+".desk", "no room is a desk, so incidents could be announced nowhere; write desk = true in one of them")
	}
}

// badIn reports whether a key of one of these names was of the wrong type.
func (c *checker) badIn(keys ...string) bool {
	for path := range c.bad {
		for _, key := range keys {
			if strings.HasSuffix(shown(path), "."+key) {
				return true
			}
		}
	}
	return false
}

func (c *checker) project(t projectTable) Project {
	if c.required("project.name", t.Name, `write for example name = "Pillow" under [project]`) {
		c.oneLine("project.name", t.Name)
	}
	if !regexp.MustCompile(`^[A-Z]{1,10}$`).MatchString(t.Prefix) {
		c.add("project.prefix", "%s cannot begin a handle; use 1 to 10 capital letters, such as INC", quote(t.Prefix))
	}
	p := Project{Name: t.Name, Prefix: t.Prefix}
	if t.Plan != "" {
		p.Plan = c.existingDir("project.plan", t.Plan)
	}
	return p
}

func (c *checker) state(t stateTable) State {
	const path = "state.file"
	abs, ok := c.resolve(path, t.File)
	if !ok {
		return State{}
	}
	if info, err := os.Stat(filepath.Dir(abs)); err != nil || !info.IsDir() {
		c.add(path, "the folder %s is not there; make it, or name a file in another one", quotePath(filepath.Dir(abs)))
	}
	if info, err := os.Stat(abs); err == nil && !info.Mode().IsRegular() {
		c.add(path, "%s is not a file; name the file of the database", quotePath(abs))
	}
	if same, err := filepath.Abs(c.file); err == nil && same == abs {
		c.add(path, "this is the configuration itself; name another file for the database")
	}
	c.stateFile = abs
	return State{File: abs}
}

func (c *checker) log(t logTable) Log {
	var l Log
	if c.oneOf("log.level", t.Level, "debug", "info", "warn", "error") {
		// The words are those of slog, in any case.
		_ = l.Level.UnmarshalText([]byte(t.Level))
	}
	return l
}

func (c *checker) people(ts []personTable, prefix string) []incidents.Person {
	if len(ts) == 0 {
		c.add("person", "there is nobody; write [[person]] with name, zone and accounts for each maintainer")
	}
	names := map[string]int{}
	var out []incidents.Person
	for i, t := range ts {
		path := item("person", i)
		c.personName(path+".name", t.Name, prefix, names)
		out = append(out, incidents.Person{
			Name:     t.Name,
			Zone:     c.zone(path+".zone", t.Zone),
			Accounts: c.accounts(path+".accounts", t),
		})
	}
	return out
}

// reservedNames are words that commands understand in the place of a person, or
// that a reader would take for somebody else.
func reservedNames() []string {
	return []string{
		"all", "bot", "desk", "everybody", "everyone", "here", "lead", "me",
		"nobody", "none", "reporter", "room", "tocsin",
	}
}

func (c *checker) personName(path, name, prefix string, names map[string]int) {
	if !c.required(path, name, `write for example name = "alice"`) {
		return
	}
	handle := regexp.MustCompile(`^` + regexp.QuoteMeta(strings.ToLower(prefix)) + `-[0-9]+$`)
	switch first, twice := names[name]; {
	case !regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`).MatchString(name):
		c.add(path, "%s cannot be a name; use lower case letters, digits, - and _, beginning with a letter, 32 at most", quote(name))
	case slices.Contains(reservedNames(), name):
		c.add(path, "%s means something else in commands; use another name", quote(name))
	case handle.MatchString(name):
		c.add(path, "%s looks like the handle of an incident; use another name", quote(name))
	case twice:
		c.add(path, "%s is the name of the person on line %d already; give each person a name of their own", quote(name), first)
	default:
		names[name] = c.line(path)
	}
}

// zone loads a time zone. Abbreviations are refused although some would load:
// what they mean depends on who reads them, and many know no summer time.
func (c *checker) zone(path, name string) *time.Location {
	const hint = "use a name like Europe/Helsinki"
	if !c.required(path, name, hint) {
		return time.UTC
	}
	zone, err := time.LoadLocation(name)
	switch {
	case err != nil:
		c.add(path, "%s is not a time zone; %s", quote(name), hint)
	case name != "UTC" && !strings.Contains(name, "/"):
		c.add(path, "%s does not say where; %s", quote(name), hint)
	default:
		return zone
	}
	return time.UTC
}

func (c *checker) accounts(path string, t personTable) []incidents.Account {
	const hint = `write for example accounts = ["libera:alice"]`
	if len(t.Accounts) == 0 {
		if c.has(path) {
			c.add(path, "is empty, so the bot could not tell this person from a stranger; %s", hint)
		} else {
			c.add(path, "is missing; %s", hint)
		}
	}
	var out []incidents.Account
	for i, text := range t.Accounts {
		if a, ok := c.account(item(path, i), text, t.Name); ok {
			out = append(out, a)
		}
	}
	return out
}

func (c *checker) account(path, text, person string) (incidents.Account, bool) {
	none := incidents.Account{}
	name, id, found := strings.Cut(text, ":")
	if !found || name == "" || id == "" {
		c.add(path, `%s is not an account; write network:account, such as "libera:alice"`, quote(text))
		return none, false
	}
	net, ok := c.networks[name]
	if !ok && strings.HasPrefix(text, "@") {
		c.add(path, `%s lacks the network; write its name and a colon before it, such as "matrix:@alice:example.org"`, quote(text))
		return none, false
	}
	if !ok {
		c.add(path, "there is no network called %s in this file; %s", quote(name), c.knownNetworks())
		return none, false
	}
	if wrong := net.wrong(id); wrong != "" {
		c.add(path, "%s %s", quote(text), wrong)
		return none, false
	}
	a := incidents.Account{Network: name, ID: net.fold(id)}
	if have, taken := c.owners[a]; taken {
		c.add(path, "%s stands for %s on line %d and for %s on line %d; an account is one person's and is named once",
			quote(text), quote(have.person), have.line, quote(person), c.line(path))
		return none, false
	}
	me := owner{person: person, line: c.line(path)}
	c.owners[a] = me
	if net.loose != nil {
		alike := incidents.Account{Network: name, ID: net.loose(a.ID)}
		if have, taken := c.similar[alike]; taken {
			c.add(path, "%s is the account on line %d but for capital letters, so one of the two is a slip; look up how it is written", quote(text), have.line)
			return none, false
		}
		c.similar[alike] = me
	}
	return a, true
}

func (c *checker) knownNetworks() string {
	if len(c.networks) == 0 {
		return "there is no network in it"
	}
	names := make([]string, 0, len(c.networks))
	for name := range c.networks {
		names = append(names, name)
	}
	slices.Sort(names)
	return "what there is: " + strings.Join(names, ", ")
}

// network takes the name of a network into the list, for accounts to refer to.
// Every kind of network calls it with each of its tables. It reports whether the
// name can stand for that network.
func (c *checker) network(path, name, example string, n network) bool {
	if !c.required(path, name, "write for example name = "+strconv.Quote(example)) {
		return false
	}
	switch have, twice := c.networks[name]; {
	case !regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`).MatchString(name):
		c.add(path, "%s cannot be a network's name; use lower case letters, digits, - and _, beginning with a letter, 32 at most", quote(name))
	case name == "console":
		c.add(path, `"console" is the bot's own console; use another name`)
	case twice:
		c.add(path, "%s is the name of the network on line %d already; give each network a name of its own", quote(name), have.line)
	default:
		n.line = c.line(path)
		c.networks[name] = n
		return true
	}
	return false
}

// required notes a text that is not there or empty.
func (c *checker) required(path, value, hint string) bool {
	switch {
	case c.bad[path]:
		return false
	case value != "":
		return true
	case c.has(path):
		c.add(path, "is empty; %s", hint)
	default:
		c.add(path, "is missing; %s", hint)
	}
	return false
}

func (c *checker) oneOf(path, value string, words ...string) bool {
	if slices.Contains(words, value) {
		return true
	}
	c.add(path, "%s is not one of the words that can stand here; use %s", quote(value), list(words))
	return false
}

// oneLine notes a text that would break the lines it is put into.
func (c *checker) oneLine(path, value string) {
	const most = 60
	if strings.ContainsFunc(value, unicode.IsControl) || strings.TrimSpace(value) != value || utf8.RuneCountInString(value) > most {
		c.add(path, "%s does not fit into a line; use up to %d characters without line breaks, tabs or blanks at the ends", quote(value), most)
	}
}

// resolve makes a path absolute.
func (c *checker) resolve(path, name string) (string, bool) {
	switch {
	case c.bad[path]:
		return "", false
	case name == "":
		c.add(path, "is empty; name a file, or leave the line out")
		return "", false
	case strings.HasPrefix(name, "~"):
		c.add(path, "a path that begins with ~ is not understood here; write it from the root on")
		return "", false
	case strings.ContainsFunc(name, unicode.IsControl):
		c.add(path, "a path cannot hold line breaks or other control characters; name another file")
		return "", false
	case filepath.IsAbs(name):
		return filepath.Clean(name), true
	}
	return filepath.Join(c.dir, name), true
}

func (c *checker) existingDir(path, name string) string {
	abs, ok := c.resolve(path, name)
	if !ok {
		return ""
	}
	if info, err := os.Stat(abs); err != nil || !info.IsDir() {
		c.add(path, "there is no folder %s; name the folder that holds your plan, or leave the line out for the built-in one", quotePath(abs))
		return ""
	}
	return abs
}
