package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"tocsin/bridges"
	"tocsin/commands"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

// The vector of the incident with the markers, and that of another one.
const (
	markedVector = "CVSS:4.0/AV:P/AC:H/AT:P/PR:H/UI:A/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N"
	otherVector  = "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:H/I:N/A:H"
)

// markers gives a distinct text for every sealed field of an incident, by its
// name. A new field has to be added here, and to lines below.
func markers(t *testing.T) map[string]string {
	s, err := incidents.ReadVector(markedVector)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"Type": "qzxtype", "Source": "qzxsource", "Title": "qzx-title", "Vector": s.Vector, "Score": incidents.SayScore(s),
		"ScoreLevel": "qzxlevel", "Reason": "qzx-reason", "Summary": "qzx-summary", "Details": "qzx-details",
		"Affected": "qzx-affected", "Fixed": "qzx-fixed 3.1", "CWE": "CWE-31337", "CVE": "CVE-2026-7777777", "GHSA": "GHSA-wvwv-wvwv-2222", "Library": "qzx-library",
		"Workaround": "qzx-workaround", "PoC": "qzx-poc", "Period": "qzx-period", "Files": "qzx-files", "Advice": "qzx-advice",
		"Outcome": "qzxoutcome", "Closing": "qzx-closing", "AckVia": "qzx-via",
		"Track": "qzxtrack", "Release.Version": "31337.7.7", "Release.YankedWhy": "qzx-yanked", "Reporter.Name": "qzx-name", "Reporter.Contact": "qzx-contact", "Reporter.Credit": "qzx-credit",
	}
}

// answers gives the sealed fields that hold one of a few words, which other texts
// hold too: they are held against what was said, and not looked for. Reach and ReachWhy go with
// the track that it was said on.
func answers() map[string]string {
	return map[string]string{"Reach": "", "ReachWhy": "", "Policy": "p0"}
}

// secrets gives what only full clearance about the incident n may hear, also
// what is in no field: names of the plan, notes, frozen acts, what was typed.
func secrets(t *testing.T, n int) []string {
	if n == 2 {
		return []string{"wvy-other", otherVector}
	}
	out := []string{"qzx"} // every marker that can be chosen has it
	for _, m := range markers(t) {
		out = append(out, m)
	}
	return out
}

// about says of which incident a room may hear everything.
type about int

const (
	nothing about = iota
	first
	second
	both
)

// markedPlan is a plan whose names give an incident away.
func markedPlan(hash string) *incidents.Plan {
	h := time.Hour
	return &incidents.Plan{
		Name: "Pillow", Hash: hash, Hour: 14, Map: markedMap(),
		Types:   []incidents.Type{{Key: "qzxtype", Name: "Qzx type name", Floor: "critical"}, {Key: "plain", Name: "Plain"}},
		Sources: []incidents.Source{{Key: "qzxsource", Name: "Qzx source name", Reporter: true}},
		Roles:   []incidents.Role{{Key: "lead", Name: "Lead", Does: "leads", Lead: true}, {Key: "patch", Name: "Patch Owner", Does: "patches"}},
		Levels: []incidents.Level{
			{Key: "critical", Name: "Critical", From: 90, To: 100},
			{Key: "high", Name: "High", From: 70, To: 89},
			{Key: "qzxlevel", Name: "Qzx level name", From: 1, To: 69, Means: "qzx-means"},
		},
		Outcomes: []incidents.Outcome{{Key: "qzxoutcome", Name: "Qzx outcome name"}},
		Tracks: []incidents.Track{
			{Key: "upstream", Name: "Qzxpupstream name", Types: []string{"qzxtype"}},
			{Key: "embargoed", Name: "Qzxpembargoed name", Levels: []string{"high"}},
			{Key: "standard", Name: "Qzxpstandard name"},
			{Key: "qzxtrack", Name: "Qzx track name", Types: []string{"nothing"}},
		},
		Steps: []incidents.Step{
			{Key: "qzxpstep", Name: "Qzxpstep name", Section: "7.1.1", Phase: incidents.Triage, Role: "patch"},
			{Key: "qzxpreach", Name: "Qzxpreach name", Section: "9.2", Phase: incidents.Triage, By: "reach", Source: "qzxpsource", Extra: true},
			{Key: "qzxplocked", Name: "Qzxplocked name", Section: "7.4", Phase: incidents.Fixing, Gate: "embargo", After: []string{"qzxpstep"}},
			{Key: "qzxpleak", Name: "Qzxpleak name", Section: "7.4", When: []string{"broken"}, Optional: true},
		},
		Clocks: []incidents.ClockRule{{
			Key: "acknowledgement", Name: "Acknowledgement", From: "reported", Due: 72 * h, Until: []string{"acknowledged"},
			Rungs: []time.Duration{24 * h, 48 * h, 66 * h, 72 * h}, Repeat: 24 * h, Role: "lead", Does: "qzxpdoes", Say: "qzxpsay {handle}",
		}, {
			Key: "embargo", Name: "Embargo", From: "embargo", Rungs: []time.Duration{-24 * h, 0}, Repeat: h, Role: "lead", Until: []string{"over"}, Does: "qzxpdoes",
			Say: "qzxpsay {handle}",
		}, {
			Key: "wild", Name: "Early disclosure", From: "wild", Due: 168 * h, Rungs: []time.Duration{24 * h, 168 * h}, Repeat: 24 * h, Role: "lead", Does: "qzxpdoes", Say: "qzxpsay",
		}, {
			Key: "reporter-date", Name: "Publication by others", From: "reporter-date", Rungs: []time.Duration{-24 * h, 0}, Repeat: 24 * h, Role: "lead", Does: "qzxpdoes", Say: "qzxpsay",
		}, {
			Key: "handoff", Name: "Handoff", From: "handoff", Due: h, Rungs: []time.Duration{h / 2, h}, Role: "heir", Does: "qzxpdoes", Say: "qzxpsay",
		}},
		Contacts: []incidents.Contact{{Key: "debian", Name: "Debian", Reach: "security@example.org"}},
		Schedules: []incidents.ScheduleRule{
			{Key: incidents.Digest, Times: daily{}}, {Key: incidents.Readiness, Times: daily{}, Repeat: 24 * h},
		},
	}
}

// daily is a calendar of every midnight.
type daily struct{}

func (daily) Next(t time.Time) time.Time { return t.Truncate(24 * time.Hour).Add(24 * time.Hour) }

// heard is what a network was given, and what its room was proven for then.
type heard struct {
	bridges.Outgoing
	full about
}

// ear is a network that writes down what it hears.
type ear struct {
	d       *markedDesk
	network string
	lines   int   // how long an answer may be in a room
	say     error // what Say answers, once it is set
	prove   error
}

func (e *ear) Network() string                                { return e.network }
func (e *ear) Limits() bridges.Limits                         { return bridges.Limits{Lines: e.lines} }
func (e *ear) Run(ctx context.Context, _ bridges.Inbox) error { <-ctx.Done(); return nil }

func (e *ear) Prove(_ context.Context, r bridges.Room) (bridges.Proof, error) {
	p := bridges.Proof{Room: r}
	for _, name := range append([]string{
		"tls", "authenticated", "plain", "peer-tls", "secret", "closed", "registered-only", "tls-only", "identified",
	}, matrixChecks()...) {
		p.Checks = append(p.Checks, bridges.Check{Name: name, OK: true, Told: name})
	}
	members := []string{"alice", "bob", "carol", "dana"}
	if r.Direct {
		members = []string{r.ID}
	}
	members = append(members, e.d.extra[r]...)
	for _, m := range members {
		p.Members = append(p.Members, bridges.Member{Account: bridges.Account{Network: e.network, ID: m}, Name: m})
	}
	return p, e.prove
}

func (e *ear) Say(_ context.Context, o bridges.Outgoing) (bridges.Receipt, error) {
	e.d.said = append(e.d.said, heard{o, e.d.fullFor(o.Room)})
	return bridges.Receipt{ID: "id"}, e.say
}

// fullFor gives what a room is proven for now: nothing while somebody who can
// read there is suspended.
func (d *markedDesk) fullFor(r bridges.Room) about {
	may := d.full[r]
	d.note(d.store.Update(d.t.Context(), func(tx *store.Tx) error {
		suspended, err := tx.Suspended()
		if len(suspended) > 0 && (!r.Direct || suspended[r.ID]) {
			may = nothing
		}
		return err
	}))
	return may
}

func (e *ear) Find(context.Context, bridges.Outgoing) (bridges.Receipt, error) {
	return bridges.Receipt{}, bridges.ErrCantSay
}

// markedDesk is a bot whose every word, log line and error is kept.
type markedDesk struct {
	*rehearsal
	t       *testing.T
	path    string
	nets    map[string]*ear
	full    map[bridges.Room]about    // what the rooms are proven for, as the test knows it
	extra   map[bridges.Room][]string // who reads there besides the roster
	own     map[bridges.Room]int      // rooms of one incident
	said    []heard
	log     bytes.Buffer
	errs    []error
	n       int
	helps   map[string]bool // messages that ask for the plan's keys
	fetched []bridges.Room  // where uploads were fetched

	hearsay hearsay
	hub     *hub
}

func channel(name string) bridges.Room { return bridges.Room{Network: "irc", ID: name} }

func direct(network, who string) bridges.Room {
	return bridges.Room{Network: network, ID: who, Direct: true}
}

func newMarkedDesk(t *testing.T) *markedDesk {
	d := &markedDesk{
		t: t, path: filepath.Join(t.TempDir(), "m.db"), nets: map[string]*ear{}, helps: map[string]bool{},
		full: map[bridges.Room]about{
			channel("#full"): both, channel("#own1"): first, channel("#own2"): second, direct("safe", "alice"): both, direct("safe", "bob"): both, direct("safe", "carol"): both, direct("safe", "dana"): both,
			inMatrix("!desk"): both, direct("matrix", "alice"): both, direct("matrix", "bob"): both, direct("matrix", "carol"): both, direct("matrix", "dana"): both,
		},
		extra: map[bridges.Room][]string{channel("#lowered"): {"mallory"}, inMatrix("!lowered"): {"mallory"}},
		own:   map[bridges.Room]int{channel("#own1"): 1, channel("#own2"): 2},
	}
	for _, n := range []string{"irc", "safe", "mute", "matrix"} {
		d.nets[n] = &ear{d: d, network: n}
	}
	first := startClock()
	d.hub = newHub(t, func() time.Time {
		if d.rehearsal == nil {
			return first.Now()
		}
		return d.clock.Now()
	})
	d.hub.c.Every = time.Hour
	d.start("plan one", first)
	return d
}

// start opens the bot on its file, as one that logs everything.
func (d *markedDesk) start(planHash string, c *clock) {
	log := slog.New(slog.NewTextHandler(&d.log, &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}))
	p, err := rehearsalParts(d.path, c, log)
	if err != nil {
		d.t.Fatal(err)
	}
	people := p.roster.People()
	for i := range people {
		for n := range d.nets {
			people[i].Accounts = append(people[i].Accounts, incidents.Account{Network: n, ID: people[i].Name})
		}
	}
	p.roster, p.plan = incidents.NewRoster(people...), markedPlan(planHash)
	p.desks = nil
	for room, asks := range map[string]string{"#full": "full", "#lowered": "full", "#notice": "notice", "#none": "none"} {
		p.grants[channel(room)] = incidents.Grant{Network: incidents.OnIRC, Asks: asks, Desk: true}
		p.desks = append(p.desks, commands.Place{Network: "irc", Room: room})
	}
	for n, room := range []string{"#own1", "#own2"} {
		p.grants[channel(room)] = incidents.Grant{Network: incidents.OnIRC, Asks: "full", Incident: n + 1}
	}
	for n, asks := range map[string]string{"irc": "notice", "safe": "full", "mute": "none"} {
		p.direct[n] = incidents.Grant{Network: incidents.OnIRC, Asks: asks}
	}
	p.outside = map[string]way{incidents.ByMail: {courier: &d.hearsay, known: d.hearsay.known}}
	p.pretend = false
	d.matrixParts(&p)
	p.index, p.every = markedIndex{}, time.Hour
	if p.github, err = d.hub.watched(); err != nil {
		d.t.Fatal(err)
	}
	a, err := newApp(d.t.Context(), p, d.nets["irc"], d.nets["safe"], d.nets["mute"], hostEar{d.nets["matrix"]})
	if err != nil {
		d.t.Fatal(err)
	}
	a.inOrder = true
	d.rehearsal = &rehearsal{app: a, clock: c}
	d.drain()
}

func (d *markedDesk) note(err error) {
	if err != nil {
		d.errs = append(d.errs, err)
	}
}

func (d *markedDesk) drain() { d.note(d.outbox.Drain(d.t.Context())) }

// says has somebody say lines in a room.
func (d *markedDesk) says(r bridges.Room, who string, lines ...string) {
	for _, text := range lines {
		d.n++
		id := fmt.Sprintf("m%d", d.n)
		d.helps[id] = strings.HasPrefix(text, "!help")
		d.note(d.Message(d.t.Context(), bridges.Message{
			ID: id, Room: r, Name: who, Text: text, From: bridges.Account{Network: r.Network, ID: who}, At: d.clock.Now(),
		}))
	}
}

func (d *markedDesk) passes(span string) { d.note(d.wait(d.t.Context(), span)) }

// fill gives every sealed field of the first incident its marker again.
func (d *markedDesk) fill() {
	full := channel("#full")
	d.says(full, "alice", "!incident reopen INC-1 qzx-again", "!incident title INC-1 qzx-title",
		"!severity set INC-1 "+markedVector+" qzx-reason",
		"!fact set INC-1 summary qzx-summary", "!fact set INC-1 details qzx-details", "!fact set INC-1 affected qzx-affected",
		"!fact set INC-1 fixed qzx-fixed 3.1", "!fact set INC-1 cwe CWE-31337", "!fact set INC-1 cve CVE-2026-7777777", "!fact set INC-1 ghsa GHSA-wvwv-wvwv-2222", "!fact set INC-1 library qzx-library",
		"!fact set INC-1 workaround qzx-workaround", "!fact set INC-1 poc qzx-poc", "!fact set INC-1 period qzx-period", "!fact set INC-1 files qzx-files", "!fact set INC-1 advice qzx-advice",
		"!incident track INC-1 upstream qzx-why", "!incident reachable INC-1 no qzx-why", "!incident track INC-1 qzxtrack qzx-why", "!reporter policy INC-1 p0",
		"!release plan 31337.7.7 INC-1", "!release yanked 31337.7.7 qzx-yanked",
		"!reporter set INC-1 qzx-name --contact qzx-contact --credit qzx-credit", "!incident note INC-1 qzx-note")
}

// visit says every command in a room.
func (d *markedDesk) visit(r bridges.Room) {
	lines := everyLine()
	if r == channel("#notice") || r == channel("#none") {
		for _, c := range commands.Table() {
			lines["help"] = append(lines["help"], "!help "+c.Words)
		}
	}
	if d.own[r] == 2 { // what is typed where everything may be heard is said there
		lines["severity score"] = []string{"!severity score " + otherVector, "!severity score wvy"}
	}
	d.fill()
	d.onGitHub()
	before := len(d.fetched)
	d.uploads(r, "alice", "INC-1")
	if may := d.full[r] == both || d.full[r] == first; may != (len(d.fetched) > before) {
		d.t.Errorf("%v: what was uploaded was fetched: %v", r, !may)
	}
	for _, c := range commands.Table() {
		if len(lines[c.Words]) == 0 {
			d.t.Errorf("no line of this test says !%s", c.Words)
		}
		if c.Words == "incident close" || c.Words == "incident reopen" || c.Words == "forget reporter" {
			continue // they change what the others show: last
		}
		d.says(r, "alice", lines[c.Words]...)
		delete(lines, c.Words)
	}
	for _, words := range []string{"incident close", "incident reopen", "forget reporter"} {
		d.fill()
		d.says(r, "alice", lines[words]...)
	}
	d.obeyAgain("dana")
	d.frozen(r)
	d.passes("25h")
}

// frozen has a request approved whose act holds a marker.
func (d *markedDesk) frozen(r bridges.Room) {
	code := fmt.Sprintf("C%04d", d.n)
	d.note(d.store.Update(d.t.Context(), func(tx *store.Tx) error {
		i, err := tx.Incident(1)
		return errors.Join(err, tx.Ask(incidents.Approval{
			Code: code, Asker: "carol", Act: incidents.Seal("incident note INC-1 qzx-frozen"), Incident: 1, Version: i.Version,
			Network: r.Network, Room: r.ID, Shown: true, Expires: tx.Now().Add(time.Hour),
		}))
	}))
	d.says(r, "carol", "!role take INC-1 lead", "!approve "+code)
	d.says(r, "alice", "!approve "+code, "!approve "+code)
}

// checkFilled holds every sealed field of the incident against its marker.
func (d *markedDesk) checkFilled() {
	var i incidents.Incident
	if err := d.store.Update(d.t.Context(), func(tx *store.Tx) (err error) { i, err = tx.Incident(1); return err }); err != nil {
		d.t.Fatal(err)
	}
	want, found := markers(d.t), 0
	if title := i.Advisory.Title; !title.Same(incidents.Seal("qzx-advisory")) {
		d.t.Error("the advisory does not hold its marker")
	}
	for name, s := range sealedFields("", reflect.ValueOf(i)) {
		if strings.HasPrefix(name, "Advisory.") { // what is on GitHub is in every line about it
			continue
		}
		found++
		if m, ok := answers()[name]; ok && s.Same(incidents.Seal(m)) {
			found--
		} else if m, ok := want[name]; !ok || !s.Same(incidents.Seal(m)) {
			d.t.Errorf("the field %s does not hold its marker: add it to this test", name)
		}
	}
	if found != len(want) {
		d.t.Errorf("%d sealed fields, but %d markers", found, len(want))
	}
}

// checkSaid holds what was said since the last check against who heard it.
func (d *markedDesk) checkSaid() {
	d.t.Helper()
	ones, twos := secrets(d.t, 1), secrets(d.t, 2)
	handle := regexp.MustCompile(`INC-[1-6]\b|[0-9]+ open incident`)
	planned := regexp.MustCompile(`(?i)qzxp\w*`)
	keys := strings.NewReplacer("qzxtype", "", "qzxsource", "", "qzxlevel", "", "qzxoutcome", "", "qzxtrack", "")
	for _, h := range d.said {
		h.Readers = nil // that is whom it is encrypted for, and no words
		text := fmt.Sprintf("%+v %s", h.Outgoing, h.Text)
		if h.File != nil {
			text += h.File.Name + string(h.File.Data)
		}
		parts := strings.Split(h.Key, "/")
		if (len(parts) > 2 && d.helps[parts[2]]) || strings.HasPrefix(h.Text, "Give a level (") {
			text = keys.Replace(text) // what the plan knows is no secret, what an incident is of it is
		}
		if h.full != nothing { // what the plan says is for every room that hears everything of some incident
			text = planned.ReplaceAllString(text, "")
		}
		if s := leak(text, ones); s != "" && h.full != first && h.full != both {
			d.t.Errorf("%v heard %q in: %s", h.Room, s, text)
		}
		if s := leak(text, twos); s != "" && h.full != second && h.full != both {
			d.t.Errorf("%v heard %q in: %s", h.Room, s, text)
		}
		d.checkOwn(h, text)
		if strings.Contains(h.Text, "from now on: this room is for one incident") {
			d.t.Errorf("%v is told that a room was lowered that was not: %s", h.Room, h.Text)
		}
		if h.Room == channel("#none") || h.Room.Network == "mute" {
			if got := handle.FindString(h.Text); got != "" {
				d.t.Errorf("%v may hear of no incident, and heard of %s: %s", h.Room, got, h.Text)
			}
		}
	}
	d.said = nil
}

// checkKept holds the log, the errors and the file against the secrets.
func (d *markedDesk) checkKept() {
	all := append(secrets(d.t, 1), secrets(d.t, 2)...)
	if s := leak(d.log.String(), all); s != "" {
		d.t.Errorf("the log holds %q:\n%s", s, d.log.String())
	}
	for _, err := range d.errs {
		if s := leak(fmt.Sprintf("%v %+v", err, err), all); s != "" {
			d.t.Errorf("an error holds %q: %v", s, err)
		}
	}
	sealed := sealedColumns(d.t)
	for column, values := range dumpFile(d.t, d.path) {
		for _, v := range values {
			if s := leak(v, all); s != "" && !sealed[column] {
				d.t.Errorf("the column %s is not documented as sealed and holds %q: %s", column, s, v)
			}
		}
	}
}
