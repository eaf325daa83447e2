package config

import (
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"tocsin/bridges"
	"tocsin/incidents"
)

// allMatrix checks the Matrix accounts.
func (c *checker) allMatrix(ts []matrixTable) []Matrix {
	var out []Matrix
	folders, users := map[string]int{}, map[string]int{}
	for i, t := range ts {
		path := item("matrix", i)
		named := c.network(path+".name", t.Name, "matrix", network{
			fold: func(id string) string { return id }, loose: strings.ToLower,
			wrong: func(id string) string { return wrongPerson(id, t.User) },
		})
		n := c.matrix(path, t, users)
		if named || c.has(path+".folder") {
			n.Folder = c.sessionFolder(path+".folder", t, folders)
		}
		out = append(out, n)
	}
	return out
}

func (c *checker) matrix(path string, t matrixTable, users map[string]int) Matrix {
	at := func(key string) string { return path + "." + key }
	n := Matrix{
		Name: t.Name, Homeserver: strings.TrimRight(t.Homeserver, "/"), User: t.User, ObeyUnsigned: t.ObeyUnsigned,
		MayApprove: t.MayApprove, Direct: t.Direct, RoomsFor: t.RoomsFor,
	}
	if c.required(at("homeserver"), t.Homeserver, `write for example homeserver = "https://matrix.example.org"`) {
		c.homeserver(at("homeserver"), t.Homeserver)
	}
	if c.required(at("user"), t.User, `write for example user = "@tocsin:example.org"`) {
		c.user(at("user"), t.User, users)
	}
	var from string
	n.PickleKey, from = c.secret(path, "pickle_key", t.PickleKeyFile, t.PickleKeyEnv, false)
	if least := 16; !n.PickleKey.Empty() && len(n.PickleKey.Reveal()) < least {
		c.add(from, "the key is shorter than %d characters; make one at random, for example with: openssl rand -hex 32", least)
	}
	c.oneOf(at("direct"), t.Direct, "none", "notice", "full")
	n.MaxAge = c.maxAge(at("max_age"), t.MaxAge)
	c.roomsFor(at("rooms_for"), t.RoomsFor)
	rooms := map[string]int{}
	for i, r := range t.Room {
		n.Rooms = append(n.Rooms, c.matrixRoom(item(at("room"), i), r, rooms))
	}
	return n
}

// homeserver checks the address. What may be a password in it is not repeated.
func (c *checker) homeserver(path, address string) {
	const hint = "write the address that clients use, such as https://matrix.example.org"
	u, err := url.Parse(address)
	switch {
	case strings.Contains(address, "@"):
		c.add(path, "an account or a password cannot stand in the address; %s", hint)
	case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(address, "?#") || !goodServer(strings.ToLower(u.Host)):
		c.add(path, "%s is not a homeserver's address; %s", quote(address), hint)
	case u.Scheme == "http" && !bridges.Loopback(u.Hostname()):
		c.add(path, "%s is not encrypted, so the bot's token could be read on the way; write https://, since http:// is for this machine only", quote(address))
	case u.Scheme != "https" && u.Scheme != "http":
		c.add(path, "%s is not a homeserver's address; %s", quote(address), hint)
	}
}

// user checks the bot's own account.
func (c *checker) user(path, user string, users map[string]int) {
	wrong := wrongMatrixID(user)
	switch first, twice := users[user]; {
	case wrong != "":
		c.add(path, "%s %s", quote(user), wrong)
	case twice:
		c.add(path, "%s is the account on line %d already, and two bots on one account would answer twice; give each network an account of its own", quote(user), first)
	default:
		users[user] = c.line(path)
	}
}

// sessionFolder finds the folder with the session, which the login makes.
func (c *checker) sessionFolder(path string, t matrixTable, folders map[string]int) string {
	name := t.Folder
	switch {
	case !c.has(path):
		name = t.Name
	case name == "" && !c.bad[path]:
		c.add(path, "is empty; name a folder, or leave the line out")
		return ""
	}
	abs, ok := c.resolve(path, name)
	if !ok {
		return ""
	}
	whole := abs
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		whole = real
	}
	info, err := os.Stat(abs)
	parent, noParent := os.Stat(filepath.Dir(abs))
	switch first, twice := folders[whole]; {
	case twice:
		c.add(path, "this is the folder of the network on line %d already; name another one", first)
	case err == nil && !info.IsDir():
		c.add(path, "%s is not a folder; name one that holds nothing but the session, or one that is not there yet", quotePath(abs))
	case whole == "/" || abs == c.dir:
		c.add(path, "%s is for other things too; name a folder that holds nothing but the session", quotePath(abs))
	case abs == c.stateFile:
		c.add(path, "this is the file of the state; name a folder that holds nothing but the session")
	case err == nil && shared(info):
		c.add(path, "others than the bot may read this folder or change what is in it; run: chmod 700 %s", shellWord(abs))
	case err != nil && (noParent != nil || !parent.IsDir()):
		c.add(path, "the folder %s is not there; make it, or name a folder in another one", quotePath(filepath.Dir(abs)))
	default:
		folders[whole] = c.line(path)
	}
	return abs
}

// maxAge reads how old a command may be.
func (c *checker) maxAge(path, text string) time.Duration {
	const least, most = time.Minute, 24 * time.Hour
	span, err := incidents.ReadSpan(text)
	if err != nil || span < least || span > most {
		c.add(path, "%s is not a span from 1m to 24h; write for example 10m or 2h", quote(text))
	}
	return span
}

// roomsFor notes the levels, which the plan has to know.
func (c *checker) roomsFor(path string, levels []string) {
	seen := map[string]bool{}
	for i, level := range levels {
		here := item(path, i)
		switch {
		case c.bad[here]:
		case seen[level]:
			c.add(here, "%s stands twice; name each level once", quote(level))
		default:
			seen[level] = true
			c.levels = append(c.levels, namedLevel{level: level, path: here, line: c.line(here)})
		}
	}
}

func (c *checker) matrixRoom(path string, t matrixRoomTable, rooms map[string]int) MatrixRoom {
	at := func(key string) string { return path + "." + key }
	c.oneOf(at("clearance"), t.Clearance, "none", "notice", "full")
	r := MatrixRoom{ID: t.Room, Desk: t.Desk, Clearance: t.Clearance}
	if !c.required(at("room"), t.Room, `write for example room = "!id:example.org"`) {
		return r
	}
	const where = "in Element the ID is under room settings, Advanced; it begins with !"
	switch first, twice := rooms[t.Room]; {
	case strings.HasPrefix(t.Room, "#"):
		c.add(at("room"), "%s is an alias, which can be pointed at another room at any time; write the room's ID instead: %s", quote(t.Room), where)
	case !goodRoom(t.Room):
		c.add(at("room"), "%s is not a room's ID; %s", quote(t.Room), where)
	case twice:
		c.add(at("room"), "%s is the room on line %d already; name each room once", quote(t.Room), first)
	default:
		rooms[t.Room] = c.line(at("room"))
	}
	return r
}

// goodRoom reports whether a text can be a room's ID. Since room version 12 there
// is no server's name in it, so nothing is looked for behind a colon.
// https://spec.matrix.org/v1.16/appendices/#room-ids
func goodRoom(id string) bool {
	return regexp.MustCompile(`^![\x21-\x7e]{1,254}$`).MatchString(id)
}

// wrongMatrixID says what is wrong with a full Matrix ID. Old accounts may hold
// more than small letters before the colon, and which capitals they have matters.
// Letters beyond ASCII are refused: two that look the same are two accounts.
// https://spec.matrix.org/v1.16/appendices/#user-identifiers
func wrongMatrixID(id string) string {
	const hint = "write the full one, such as @alice:example.org"
	const most = 255 // bytes
	name, server, _ := strings.Cut(id, ":")
	switch {
	case !strings.HasPrefix(id, "@"):
		return "is not a Matrix ID, and a display name can be anybody's; " + hint
	case len(id) > most:
		return "is longer than a Matrix ID can be; " + hint
	case !regexp.MustCompile(`^@[\x21-\x39\x3b-\x7e]+$`).MatchString(name):
		return "is not a Matrix ID; " + hint
	case server != strings.ToLower(server) && goodServer(strings.ToLower(server)):
		return "has capital letters in the server's name; write those small"
	case !goodServer(server):
		return "is not a Matrix ID, which ends in a colon and a server's name; " + hint
	}
	return ""
}

// wrongPerson says what is wrong with a person's Matrix ID, where bot is the
// account that the bot itself has.
func wrongPerson(id, bot string) string {
	if id == bot {
		return "is the bot's own account; write the person's"
	}
	return wrongMatrixID(id)
}

// goodServer reports whether a text is a host with or without a port, in small
// letters.
func goodServer(name string) bool {
	m := regexp.MustCompile(`^([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(:[0-9]{1,5})?$`).FindStringSubmatch(name)
	if m == nil {
		return false
	}
	if inner, v6 := strings.CutPrefix(m[1], "["); v6 && net.ParseIP(strings.TrimSuffix(inner, "]")) == nil {
		return false
	}
	port, err := strconv.ParseUint(strings.TrimPrefix(m[2], ":"), 10, 16)
	return m[2] == "" || err == nil && port > 0
}
