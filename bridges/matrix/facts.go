package matrix

import (
	"encoding/json"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// piece is one state event.
type piece struct {
	kind, key string
	sender    id.UserID
	content   []byte // valid JSON
}

// facts is what a room's state says, as far as we care.
type facts struct {
	settings
	made     creation
	name     string
	next     id.RoomID // where it was moved to
	nextFrom id.UserID // who moved it
}

// settings is what a proof rests on: when it changes, a proof is stale.
type settings struct {
	encryption string // the algorithm, "?" for what cannot be read
	rule       string // who may join
	allow      []id.RoomID
	other      bool // there are more who may join than allow says
	history    string
	guests     string
	people     map[id.UserID]string // joined and invited, with how; "?" for what cannot be read
	mailed     map[string]bool      // invitations by e-mail, by token
	redeemed   map[id.UserID]string // tokens that were used
	extras     map[[2]string]id.UserID
	power      power
	unclear    bool // some of it can be read in more than one way
}

// creation is the room's first event.
type creation struct {
	by        id.UserID
	with      []id.UserID // further creators
	version   string
	kind      string
	before    id.RoomID // the room that it replaces
	key       string    // org.tocsin.key
	direct    id.UserID // org.tocsin.direct
	unbounded bool      // creators have more power than any number
}

// power is who may do what.
type power struct {
	set     bool
	users   map[id.UserID]int
	events  map[string]int
	normal  int // of a user who is not named
	state   int // for a state event that is not named
	invite  int
	kick    int
	unclear bool // it could not be read: nobody has any
}

func newFacts() *facts {
	return &facts{settings: settings{
		people: map[id.UserID]string{}, mailed: map[string]bool{}, redeemed: map[id.UserID]string{}, extras: map[[2]string]id.UserID{},
	}}
}

// read makes facts from what GET /rooms/{id}/state answered, and tells what we are
// there. ok is false for what is no room's state.
func read(body []byte, own id.UserID, room id.RoomID) (f *facts, mine string, ok bool) {
	if !json.Valid(body) {
		return nil, "", false
	}
	all, ok := elements(body)
	if !ok {
		return nil, "", false
	}
	f = newFacts()
	for _, raw := range all {
		p, clear := readPiece(raw)
		f.unclear = f.unclear || !clear
		if p.kind == "m.room.member" && p.key == own.String() {
			mine = membership(p.content)
		}
		f.take(p, own, room)
	}
	return f, mine, f.made.by != ""
}

// readPiece reads one state event; false when it can be read in more than one way,
// or not at all.
func readPiece(raw []byte) (p piece, clear bool) {
	if v, ok := pick(raw, "type", "state_key", "sender", "content"); ok && v[3] != nil {
		var one, two, three bool
		var sender string
		p.kind, one = str(v[0])
		p.key, two = str(v[1])
		sender, three = str(v[2])
		if p.sender, p.content = id.UserID(sender), v[3]; one && two && three {
			return p, true
		}
	}
	var e struct {
		Type    string          `json:"type"`
		Key     string          `json:"state_key"`
		Sender  id.UserID       `json:"sender"`
		Content json.RawMessage `json:"content"`
	}
	_ = json.Unmarshal(raw, &e) // as far as it goes: proven it is not
	return piece{kind: e.Type, key: e.Key, sender: e.Sender, content: e.Content}, false
}

// stateOf makes a piece of an event from a sync; false when it is none.
func stateOf(e *event.Event) (piece, bool) {
	if e == nil || e.StateKey == nil {
		return piece{}, false
	}
	content := []byte(e.Content.VeryRaw)
	if !json.Valid(content) {
		content = []byte("null")
	}
	return piece{kind: e.Type.Type, key: *e.StateKey, sender: e.Sender, content: content}, true
}

// membership is what a member event says; "?" when it cannot be read.
func membership(content []byte) string {
	if v, ok := pick(content, "membership"); ok {
		if m, ok := str(v[0]); ok && m != "" {
			return m
		}
	}
	return "?"
}

// field reads one string of a content: "" when it is not there, "?" when it cannot
// be read.
func field(content []byte, name string) string {
	v, ok := pick(content, name)
	if !ok {
		return "?"
	}
	if v[0] == nil {
		return ""
	}
	if s, ok := str(v[0]); ok {
		return s
	}
	return "?"
}

// take takes a piece of state over.
func (f *facts) take(p piece, own id.UserID, room id.RoomID) {
	if p.kind == "m.room.member" {
		f.member(p, own)
		return
	}
	if p.kind == "m.room.third_party_invite" {
		delete(f.mailed, p.key)
		if !empty(p.content) {
			f.mailed[p.key] = true
		}
		return
	}
	if integration(p.kind) {
		delete(f.extras, [2]string{p.kind, p.key})
		if !empty(p.content) && p.sender != own {
			f.extras[[2]string{p.kind, p.key}] = p.sender
		}
		return
	}
	if p.key != "" {
		return
	}
	switch p.kind {
	case "m.room.create":
		f.made = readCreation(p, room)
	case "m.room.name":
		f.name = field(p.content, "name")
	case "m.room.tombstone":
		f.next, f.nextFrom = id.RoomID(field(p.content, "replacement_room")), p.sender
	case "m.room.encryption":
		f.encryption = field(p.content, "algorithm")
	case "m.room.history_visibility":
		f.history = field(p.content, "history_visibility")
	case "m.room.guest_access":
		f.guests = field(p.content, "guest_access")
	case "m.room.join_rules":
		f.joining(p.content)
	case "m.room.power_levels":
		f.power = readPower(p.content)
	}
}

func (f *facts) member(p piece, own id.UserID) {
	user := id.UserID(p.key)
	if user == own {
		return // what we are there is the room's, not the facts'
	}
	delete(f.people, user)
	delete(f.redeemed, user)
	switch m := membership(p.content); m {
	case "leave", "ban", "knock":
		return
	case "join", "invite":
		f.people[user] = m
	default:
		f.people[user] = "?" // to be on the safe side they can read
	}
	if v, ok := pick(p.content, "third_party_invite"); ok && v[0] != nil {
		if v, ok = pick(v[0], "signed"); ok && v[0] != nil {
			f.redeemed[user] = field(v[0], "token")
		}
	}
}

// joining reads who may join.
func (f *facts) joining(content []byte) {
	f.rule, f.allow, f.other = field(content, "join_rule"), nil, false
	v, ok := pick(content, "allow")
	if !ok {
		f.other = true
		return
	}
	if v[0] == nil {
		return
	}
	all, ok := elements(v[0])
	if !ok {
		f.other = true
	}
	for _, one := range all {
		if room := field(one, "room_id"); field(one, "type") == "m.room_membership" && len(room) > 1 {
			f.allow = append(f.allow, id.RoomID(room))
		} else {
			f.other = true
		}
	}
}

// integration says whether a kind of state is a bridge's or a widget's: with it
// others than the members may read.
func integration(kind string) bool {
	switch kind {
	case "m.widget", "m.widgets", "im.vector.modular.widgets", "m.bridge", "uk.half-shot.bridge", "m.room.bot.options", "m.room.plumbing":
		return true
	}
	low := strings.ToLower(kind)
	for _, part := range []string{"hookshot", "matrix-github", "appservice-irc", "appservice-slack", "mx_puppet", ".bridge", "modular.widgets"} {
		if strings.Contains(low, part) {
			return true
		}
	}
	return false
}

func readCreation(p piece, room id.RoomID) creation {
	c := creation{by: p.sender, version: field(p.content, "room_version"), kind: field(p.content, "type")}
	if c.version == "" {
		c.version = "1"
	}
	c.key, c.direct = field(p.content, keyField), id.UserID(field(p.content, directField))
	if v, ok := pick(p.content, "predecessor", "additional_creators"); ok {
		if v[0] != nil {
			c.before = id.RoomID(field(v[0], "room_id"))
		}
		more, _ := elements(v[1])
		for _, one := range more {
			if user, ok := str(one); ok {
				c.with = append(c.with, id.UserID(user))
			}
		}
	}
	n, err := strconv.Atoi(c.version)
	c.unbounded = n >= 12 || err != nil && !strings.Contains(room.String(), ":")
	return c
}

func readPower(content []byte) power {
	p := power{set: true, state: 50, kick: 50}
	v, ok := pick(content, "users", "events", "users_default", "state_default", "invite", "kick")
	if !ok {
		return power{set: true, unclear: true}
	}
	number := func(value []byte, into *int) {
		if value == nil {
			return
		}
		text := strings.Trim(string(value), `"`) // old rooms have them as strings
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || math.Abs(n) > 1<<53 {
			p.unclear = true
			return
		}
		*into = int(n)
	}
	number(v[2], &p.normal)
	number(v[3], &p.state)
	number(v[4], &p.invite)
	number(v[5], &p.kick)
	each := func(object []byte, put func(key string, n int)) {
		if object != nil && !walk(object, '{', func(key string, value []byte) bool {
			n := 0
			number(value, &n)
			put(key, n)
			return true
		}) {
			p.unclear = true
		}
	}
	p.users, p.events = map[id.UserID]int{}, map[string]int{}
	each(v[0], func(key string, n int) { p.users[id.UserID(key)] = n })
	each(v[1], func(key string, n int) { p.events[key] = n })
	return p
}

// level is how much power somebody has.
func (f *facts) level(user id.UserID) int {
	if creator := user == f.made.by || slices.Contains(f.made.with, user); creator && f.made.unbounded {
		return math.MaxInt
	} else if !f.power.set && user == f.made.by {
		return 100
	}
	if f.power.unclear {
		return math.MinInt
	}
	if n, ok := f.power.users[user]; ok {
		return n
	}
	return f.power.normal
}

// may says whether somebody may set a kind of state.
func (f *facts) may(user id.UserID, kind string) bool {
	need := f.power.state
	if n, ok := f.power.events[kind]; ok {
		need = n
	}
	if !f.power.set {
		need = 0
	}
	return f.level(user) >= need
}

// copy is for taking over state while the old facts are still looked at.
func (f *facts) copy() *facts {
	g := *f
	g.people, g.mailed = maps.Clone(f.people), maps.Clone(f.mailed)
	g.redeemed, g.extras = maps.Clone(f.redeemed), maps.Clone(f.extras)
	return &g
}

// same says whether a proof that rests on f rests on g as well.
func (f *facts) same(g *facts) bool { return reflect.DeepEqual(f.settings, g.settings) }
