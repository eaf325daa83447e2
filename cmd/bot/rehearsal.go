package main

import (
	"context"
	"io"
	"log/slog"
	"strconv"
	"time"

	"tocsin/bridges"
	"tocsin/bridges/console"
	"tocsin/commands"
	"tocsin/incidents"
	"tocsin/incidents/outbox"
	"tocsin/incidents/store"
	"tocsin/templates"
)

// rehearsalTeam is who can type in a rehearsal: four people in four zones.
func rehearsalTeam() (incidents.Roster, error) {
	var people []incidents.Person
	for _, p := range [][2]string{
		{"alice", "Europe/Helsinki"}, {"bob", "Australia/Melbourne"}, {"carol", "America/New_York"}, {"dana", "Europe/London"},
	} {
		zone, err := time.LoadLocation(p[1])
		if err != nil {
			return incidents.Roster{}, err
		}
		people = append(people, incidents.Person{
			Name: p[0], Zone: zone, Accounts: []incidents.Account{{Network: console.Network, ID: p[0]}},
		})
	}
	return incidents.NewRoster(people...), nil
}

// rehearsalParts is the bot with nothing configured: the console only.
func rehearsalParts(dbPath string, c *clock, log *slog.Logger) (parts, error) {
	roster, err := rehearsalTeam()
	if err != nil {
		return parts{}, err
	}
	plan, err := templates.ReadPlan(templates.Builtin(), "plans/pillow/plan.toml")
	if err != nil {
		return parts{}, err
	}
	full := incidents.Grant{Network: incidents.OnConsole, Asks: "full", Desk: true}
	return parts{
		dbPath: dbPath, rehearsal: true, prefix: "INC", roster: roster, plan: plan,
		grants:  map[bridges.Room]incidents.Grant{console.Room(): full},
		direct:  map[string]incidents.Grant{console.Network: {Network: incidents.OnConsole, Asks: "full"}},
		approve: func(string) bool { return true },
		desks:   []commands.Place{{Network: console.Network, Room: console.Room().ID}},
		clock:   c, log: log, outside: pretendWays(), pretend: true,
	}, nil
}

// pretendWays are ways to people outside that lead nowhere: what two people approve in a
// rehearsal is kept in its file, marked, and goes to nobody.
func pretendWays() map[string]way {
	known := func() commands.Way {
		return commands.Way{From: func([]string) (string, error) { return incidents.PretendAccount, nil }}
	}
	out := map[string]way{}
	for _, name := range incidents.Ways() {
		out[name] = way{courier: pretender{}, known: known}
	}
	return out
}

// pretender carries nothing.
type pretender struct{}

// Carry sends nothing to anybody.
func (pretender) Carry(context.Context, outbox.Parcel) (string, error) { return "rehearsal", nil }

// Find says the same.
func (pretender) Find(context.Context, outbox.Parcel) (string, error) { return "rehearsal", nil }

// rehearsal is a console with its bot.
type rehearsal struct {
	*app
	clock   *clock
	console *console.Console
}

// rehearsalOptions is what a rehearsal is opened with.
type rehearsalOptions struct {
	dbPath string
	in     io.Reader
	out    io.Writer
	prompt bool // a person sits there
	log    *slog.Logger
	clock  *clock
	random func([]byte) // tests: where codes come from
}

// openRehearsal opens a rehearsal on a file and takes its clock's offset up.
func openRehearsal(ctx context.Context, o rehearsalOptions) (*rehearsal, error) {
	r := &rehearsal{clock: o.clock}
	p, err := rehearsalParts(o.dbPath, r.clock, o.log)
	if err != nil {
		return nil, err
	}
	p.random = o.random
	p.opened = func(ctx context.Context, st *store.Store) error { return loadOffset(ctx, st, r.clock) }
	r.console = console.New(console.Config{
		In: o.in, Out: o.out, Prompt: o.prompt, People: p.roster.Names(), Now: r.clock.Now, Wait: r.wait,
	})
	if r.app, err = newApp(ctx, p, r.console); err != nil {
		return nil, err
	}
	r.inOrder = true
	return r, nil
}

// run answers lines until the input ends.
func (r *rehearsal) run(ctx context.Context, live bool) error {
	r.outbox.Up(ctx, console.Network) // what was cut off in the middle is due now
	if err := r.outbox.Drain(ctx); err != nil {
		return err
	}
	if live {
		return r.serve(ctx)
	}
	return r.console.Run(ctx, r.app)
}

const offsetKey = "clock offset"

// loadOffset takes the offset of a rehearsal's clock up.
func loadOffset(ctx context.Context, st *store.Store, c *clock) error {
	return st.Update(ctx, func(tx *store.Tx) error {
		text, err := tx.Meta(offsetKey)
		if err != nil || text == "" {
			return err
		}
		n, err := strconv.ParseInt(text, 10, 64)
		c.offset.Store(n)
		return err
	})
}

func (r *rehearsal) keepOffset(ctx context.Context) error {
	return r.store.Update(ctx, func(tx *store.Tx) error {
		return tx.SetMeta(offsetKey, strconv.FormatInt(r.clock.offset.Load(), 10))
	})
}

// longestWait is how far /wait moves the clock at once.
const longestWait = 2 * 366 * 24 * time.Hour

// wait moves the clock forward and stops at every due instant on the way, so
// that everything is said when it is due.
func (r *rehearsal) wait(ctx context.Context, span string) error {
	d, err := incidents.ReadSpan(span)
	if err != nil || d <= 0 || d > longestWait {
		return sentence("Say how long, like /wait 25h or /wait 3d; two years are the most.")
	}
	target := r.clock.Now().Add(d)
	if target.Year() > 2100 {
		return sentence("The rehearsal's clock goes no further than the year 2100; begin afresh with another file.")
	}
	if r.console != nil {
		r.console.Passing(span)
	}
	for {
		next, err := r.outbox.Next(ctx)
		if err != nil {
			return err
		}
		if next.IsZero() || next.After(target) {
			next = target
		}
		r.clock.moveTo(next)
		if err := r.keepOffset(ctx); err != nil {
			return err
		}
		if err := r.outbox.Drain(ctx); err != nil {
			return err
		}
		if !r.clock.Now().Before(target) {
			return nil
		}
	}
}
