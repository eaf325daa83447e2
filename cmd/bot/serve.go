package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"tocsin/bridges"
	"tocsin/bridges/irc"
	"tocsin/bridges/matrix"
	"tocsin/cmd/bot/config"
	"tocsin/commands"
	"tocsin/incidents"
	"tocsin/incidents/store"
	"tocsin/templates"
)

// planOf reads the plan that the configuration names, or Pillow's, and holds what
// the configuration says about it against it.
func planOf(c *config.Config) (*incidents.Plan, error) {
	files, name := templates.Builtin(), "plans/pillow/plan.toml"
	if c.Project.Plan != "" {
		files, name = os.DirFS(c.Project.Plan), "plan.toml"
	}
	plan, err := templates.ReadPlan(files, name)
	if err != nil {
		return nil, err
	}
	var levels []string
	for _, l := range plan.Levels {
		levels = append(levels, l.Key)
	}
	return plan, c.Fits(levels)
}

// network is one configured network, ready to be put into the bot.
type network struct {
	bridge   bridges.Bridge
	name     string
	approve  bool
	direct   incidents.Grant
	rooms    map[bridges.Room]incidents.Grant
	maxAge   time.Duration // how old a command may be that changes something; 0: no matter
	roomsFor []string      // the levels whose incidents get a room of their own
}

// networks makes a bridge for each network of the configuration. Adding a
// kind of network is one more loop here.
func networks(c *config.Config, log *slog.Logger) ([]network, error) {
	var out []network
	for _, n := range c.Matrix {
		made, err := matrixNetwork(c, n, log)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", n.Name, err)
		}
		out = append(out, made)
	}
	for _, n := range c.IRC {
		made, err := ircNetwork(c, n, log)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", n.Name, err)
		}
		out = append(out, made)
	}
	return out, nil
}

func matrixNetwork(c *config.Config, n config.Matrix, log *slog.Logger) (network, error) {
	out := network{
		name: n.Name, approve: n.MayApprove, rooms: map[bridges.Room]incidents.Grant{}, maxAge: n.MaxAge, roomsFor: n.RoomsFor,
		direct: incidents.Grant{Network: incidents.OnMatrix, Asks: n.Direct, Direct: true},
	}
	for _, r := range n.Rooms {
		out.rooms[bridges.Room{Network: n.Name, ID: r.ID}] = incidents.Grant{
			Network: incidents.OnMatrix, Asks: r.Clearance, Desk: r.Desk,
		}
	}
	b, err := matrix.New(matrixConfig(c, n, log))
	out.bridge = b
	return out, err
}

// matrixConfig puts a Matrix account into the shape that its bridge is made from.
func matrixConfig(c *config.Config, n config.Matrix, log *slog.Logger) matrix.Config {
	out := matrix.Config{
		Name: n.Name, Homeserver: n.Homeserver, User: n.User, Folder: n.Folder, ObeyUnsigned: n.ObeyUnsigned, Log: log,
		Speakers: []string{}, // nil would be everybody
		Uploads:  incidents.NamesPatch,
	}
	if !n.PickleKey.Empty() {
		out.PickleKey = []byte(n.PickleKey.Reveal())
	}
	for _, r := range n.Rooms {
		out.Rooms = append(out.Rooms, matrix.Room{ID: r.ID, Full: r.Clearance == "full"})
	}
	for _, p := range c.People {
		for _, a := range p.Accounts {
			if a.Network == n.Name {
				out.Speakers = append(out.Speakers, a.ID)
			}
		}
	}
	return out
}

func ircNetwork(c *config.Config, n config.IRC, log *slog.Logger) (network, error) {
	out := network{
		name: n.Name, approve: n.MayApprove, rooms: map[bridges.Room]incidents.Grant{},
		direct: incidents.Grant{Network: incidents.OnIRC, Asks: n.Direct, Direct: true},
	}
	ic := irc.Config{
		Name: n.Name, Server: n.Server, CAFile: n.CAFile, Nick: n.Nick, User: n.Nick, RealName: n.Nick,
		Account: n.Account, SASL: n.SASL, Password: n.Password.Reveal(), CertFile: n.CertFile, KeyFile: n.KeyFile,
		Profile: n.Profile, Log: log,
	}
	for _, r := range n.Rooms {
		ic.Channels = append(ic.Channels, irc.Channel{Name: r.Channel, Key: r.Key.Reveal(), Notice: r.Notices})
		out.rooms[bridges.Room{Network: n.Name, ID: r.Channel}] = incidents.Grant{
			Network: incidents.OnIRC, Asks: r.Clearance, Desk: r.Desk,
		}
	}
	for _, p := range c.People {
		for _, a := range p.Accounts {
			if a.Network == n.Name {
				ic.InviteFrom = append(ic.InviteFrom, a.ID)
				ic.Speakers = append(ic.Speakers, a.ID)
			}
		}
	}
	b, err := irc.New(ic)
	out.bridge = b
	return out, err
}

// serveParts puts the configuration into the shape that the bot is made from.
func serveParts(c *config.Config, plan *incidents.Plan, ns []network, log *slog.Logger) parts {
	p := parts{
		dbPath: c.State.File, prefix: c.Project.Prefix, project: c.Project.Name, roster: c.Roster(), plan: plan,
		grants: map[bridges.Room]incidents.Grant{}, direct: map[string]incidents.Grant{}, clock: &clock{}, log: log,
		maxAge: map[string]time.Duration{}, roomsFor: map[string][]string{},
	}
	may := map[string]bool{}
	for _, n := range ns {
		p.direct[n.name], p.maxAge[n.name], p.roomsFor[n.name] = n.direct, n.maxAge, n.roomsFor
		may[n.name] = n.approve
		for room, g := range n.rooms {
			p.grants[room] = g
			if g.Desk {
				p.desks = append(p.desks, commands.Place{Network: room.Network, Room: room.ID})
			}
		}
	}
	slices.SortFunc(p.desks, func(a, b commands.Place) int {
		if a.Network+" "+a.Room < b.Network+" "+b.Room {
			return -1
		}
		return 1
	})
	p.approve = func(network string) bool { return may[network] }
	return p
}

// serve runs the networks of a configuration until it is told to end.
func (p program) serve(ctx context.Context, a arguments) int {
	sum := sumOf(a.config)
	c, err := config.Load(a.config, p.env)
	var plan *incidents.Plan
	if err == nil {
		plan, err = planOf(c)
	}
	if err != nil {
		fmt.Fprintln(p.err, err)
		return exitUsage
	}
	if a.log == "" {
		a.log = c.Log.Level.String()
	}
	log, err := p.logger(a.log)
	if err != nil {
		return p.misused(err.Error())
	}
	ns, err := networks(c, log)
	if err != nil {
		return p.failed(err)
	}
	var bs []bridges.Bridge
	for _, n := range ns {
		bs = append(bs, n.bridge)
	}
	ps := serveParts(c, plan, ns, log)
	if ps, err = withIndex(ps, c, log); err != nil {
		return p.failed(err)
	}
	if ps, err = withGitHub(ps, c); err != nil {
		return p.failed(err)
	}
	if ps.outside, ps.letters, err = outside(c, ps.clock.Now); err != nil {
		return p.failed(err)
	}
	for _, f := range ps.letters.unusable() {
		log.Warn("nothing can be encrypted to a key", "problem", c.Wrong(f.path, f.err.Error()).Error())
	}
	ps.checks = func(*app) []check {
		return patient{c: c, file: a.config, sum: sum, env: p.env, plan: plan, l: ps.letters, now: ps.clock.Now, log: log, ns: ns, inside: true}.checks()
	}
	app, err := newApp(ctx, ps, bs...)
	if err != nil {
		return p.failed(err)
	}
	log.Info("ready", "state", c.State.File, "networks", len(bs))
	err = app.serve(ctx)
	if err := errors.Join(err, app.close()); err != nil && ctx.Err() == nil {
		return p.failed(err)
	}
	return exitOK
}

// stateOf is a state's file as the arguments name it.
type stateOf struct {
	path, prefix string
	roster       incidents.Roster
	config       *config.Config // nil: the file was named alone, or is the rehearsal's
}

// stateFile gives the file that -db or -config names, else the rehearsal's. It
// has to be there.
func (p program) stateFile(a arguments) (stateOf, error) {
	out, err := p.stateNamed(a)
	if err != nil {
		return out, err
	}
	if err := store.CheckRestoring(out.path); err != nil {
		return out, err
	}
	if _, err := os.Stat(out.path); err != nil {
		return out, fmt.Errorf("%s: there is no such file", out.path)
	}
	return out, nil
}

// stateNamed is stateFile for a file that may not be there.
func (p program) stateNamed(a arguments) (stateOf, error) {
	team, err := rehearsalTeam()
	if err != nil {
		return stateOf{}, err
	}
	out := stateOf{path: rehearsalFile, prefix: "INC", roster: team}
	if _, err := os.Stat(configFile); err == nil && a.db == "" && a.config == "" {
		a.config = configFile // where there is a desk, that is meant and not its rehearsal
	}
	switch {
	case a.db != "":
		out.path, out.roster = a.db, incidents.Roster{}
	case a.config != "":
		c, err := config.Load(a.config, p.env)
		if err != nil {
			return out, err
		}
		out = stateOf{path: c.State.File, prefix: c.Project.Prefix, roster: c.Roster(), config: c}
	}
	return out, nil
}

// verify walks the record.
func (p program) verify(ctx context.Context, a arguments) int {
	if len(a.rest) == 1 {
		a.db = a.rest[0]
	}
	of, err := p.stateFile(a)
	if err != nil {
		fmt.Fprintln(p.err, err)
		return exitUsage
	}
	st, err := store.Open(ctx, of.path, store.Options{Prefix: of.prefix, ReadOnly: true})
	if err != nil {
		return p.failed(fmt.Errorf("%s cannot be read: %w", of.path, err))
	}
	defer st.Close()
	v, err := st.Verify(ctx)
	if err != nil {
		return p.failed(fmt.Errorf("%s: the record is NOT whole: %w", of.path, err))
	}
	if v.Entries == 0 {
		fmt.Fprintf(p.out, "%s: the record is empty.\n", of.path)
		return exitOK
	}
	fmt.Fprintf(p.out, "%s: the record is whole, %d entries. Of reporters' data, %d values are as they were written and %d were erased.\n"+
		"Its head is %s. Note it elsewhere: that entries were cut off the end shows by the head only.\n",
		of.path, v.Entries, v.Personal, v.Erased, v.Head)
	return exitOK
}

// unsuspend obeys a person again by the word of who runs the machine.
func (p program) unsuspend(ctx context.Context, a arguments) int {
	if len(a.rest) != 1 {
		return p.misused("Say whom: bot unsuspend -config FILE PERSON.")
	}
	of, err := p.stateFile(a)
	if err != nil {
		fmt.Fprintln(p.err, err)
		return exitUsage
	}
	person := strings.ToLower(a.rest[0])
	if _, ok := of.roster.Named(person); !ok && len(of.roster.People()) > 0 {
		return p.failed(sentence("Nobody on the roster has that name; there are " + strings.Join(of.roster.Names(), ", ") + "."))
	}
	c := &clock{}
	o := store.Options{Prefix: of.prefix, Now: c.Now}
	st, err := store.Open(ctx, of.path, o)
	var wrong store.Mismatch
	if errors.As(err, &wrong) {
		o.Rehearsal = wrong.FileIsRehearsal
		st, err = store.Open(ctx, of.path, o)
	}
	if err != nil {
		return p.failed(err)
	}
	defer st.Close()
	if err := loadOffset(ctx, st, c); err != nil {
		return p.failed(err)
	}
	err = st.Update(ctx, func(tx *store.Tx) error {
		suspended, err := tx.Suspended()
		if err != nil {
			return err
		}
		if !suspended[person] {
			return sentence(person + " is not suspended.")
		}
		e := incidents.Entry{Kind: "unsuspended", Who: "who runs the machine", At: tx.Now(), Plain: person}
		return errors.Join(tx.Unsuspend(person, e.Who), tx.VoidGeneral(), tx.Record(e))
	})
	if err != nil {
		return p.failed(err)
	}
	fmt.Fprintf(p.out, "%s is obeyed again.\n", person)
	return exitOK
}
