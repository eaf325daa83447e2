package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"

	"tocsin/bridges"
	"tocsin/bridges/irc"
	"tocsin/cmd/bot/config"
	"tocsin/commands"
	"tocsin/incidents"
	"tocsin/incidents/store"
	"tocsin/templates"
)

// planOf reads the plan that the configuration names, or Pillow's.
func planOf(c *config.Config) (*incidents.Plan, error) {
	if c.Project.Plan == "" {
		return templates.ReadPlan(templates.Builtin(), "plans/pillow/plan.toml")
	}
	return templates.ReadPlan(os.DirFS(c.Project.Plan), "plan.toml")
}

// network is one configured network, ready to be put into the bot.
type network struct {
	bridge  bridges.Bridge
	name    string
	approve bool
	direct  incidents.Grant
	rooms   map[bridges.Room]incidents.Grant
}

// networks makes a bridge for each network of the configuration. Adding a
// kind of network is one more loop here.
func networks(c *config.Config, log *slog.Logger) ([]network, error) {
	var out []network
	for _, n := range c.IRC {
		made, err := ircNetwork(c, n, log)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", n.Name, err)
		}
		out = append(out, made)
	}
	return out, nil
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
		dbPath: c.State.File, prefix: c.Project.Prefix, roster: c.Roster(), plan: plan,
		grants: map[bridges.Room]incidents.Grant{}, direct: map[string]incidents.Grant{}, clock: &clock{}, log: log,
	}
	may := map[string]bool{}
	for _, n := range ns {
		p.direct[n.name] = n.direct
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
	if a.db != "" {
		c.State.File = a.db
	}
	ns, err := networks(c, log)
	if err != nil {
		return p.failed(err)
	}
	var bs []bridges.Bridge
	for _, n := range ns {
		bs = append(bs, n.bridge)
	}
	app, err := newApp(ctx, serveParts(c, plan, ns, log), bs...)
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

// stateFile gives the file that -db or -config names, else the rehearsal's, and
// whether that is a rehearsal's.
func (p program) stateFile(a arguments) (path, prefix string, rehearsal bool, err error) {
	switch {
	case a.db != "":
		return a.db, "INC", false, nil
	case a.config != "":
		c, err := config.Load(a.config, p.env)
		if err != nil {
			return "", "", false, err
		}
		return c.State.File, c.Project.Prefix, false, nil
	default:
		return rehearsalFile, "INC", true, nil
	}
}

// verify walks the record.
func (p program) verify(ctx context.Context, a arguments) int {
	path, prefix, _, err := p.stateFile(a)
	if err != nil {
		fmt.Fprintln(p.err, err)
		return exitUsage
	}
	st, err := store.Open(ctx, path, store.Options{Prefix: prefix, ReadOnly: true})
	if err != nil {
		return p.failed(fmt.Errorf("%s cannot be read: %w", path, err))
	}
	defer st.Close()
	v, err := st.Verify(ctx)
	if err != nil {
		return p.failed(fmt.Errorf("%s: the record is NOT whole: %w", path, err))
	}
	fmt.Fprintf(p.out, "%s: the record is whole: %d entries; %d personal values match, %d were erased.\nIts head is %s\n",
		path, v.Entries, v.Personal, v.Erased, v.Head)
	return exitOK
}

// unsuspend obeys a person again by the word of who runs the machine.
func (p program) unsuspend(ctx context.Context, a arguments) int {
	if len(a.rest) != 1 {
		return p.misused("Say whom: bot unsuspend -config FILE PERSON.")
	}
	path, prefix, rehearsal, err := p.stateFile(a)
	if err != nil {
		fmt.Fprintln(p.err, err)
		return exitUsage
	}
	o := store.Options{Prefix: prefix, Rehearsal: rehearsal}
	st, err := store.Open(ctx, path, o)
	var wrong store.Mismatch
	if errors.As(err, &wrong) {
		o.Rehearsal = wrong.FileIsRehearsal
		st, err = store.Open(ctx, path, o)
	}
	if err != nil {
		return p.failed(err)
	}
	defer st.Close()
	person := a.rest[0]
	err = st.Update(ctx, func(tx *store.Tx) error {
		suspended, err := tx.Suspended()
		if err != nil {
			return err
		}
		if !suspended[person] {
			return fmt.Errorf("%s is not suspended", person)
		}
		e := incidents.Entry{Kind: "unsuspended", Who: "who runs the machine", At: tx.Now(), Plain: person}
		return errors.Join(tx.Unsuspend(person, e.Who), tx.Record(e))
	})
	if err != nil {
		return p.failed(err)
	}
	fmt.Fprintf(p.out, "%s is obeyed again.\n", person)
	return exitOK
}
