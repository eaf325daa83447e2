package commands

import (
	"fmt"
	"slices"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

func incidentRoom() Command {
	return Command{
		Words: "incident room", About: OneOpen, Needs: Notices,
		Does:    "make a private room for an incident, and ask in who has a role; again: ask in you too",
		Example: "!incident room INC-7",
		Run: func(c *Call) (Reply, error) {
			have, ok, err := c.Tx.RoomOf(c.I.N)
			if err != nil {
				return Reply{}, err
			}
			if ok {
				people, missing := c.reachable(have.Network, append(c.withRoles(), c.Who.Name))
				err := c.askIn(have, people, "")
				return c.card("room/there", "network", have.Network, "people", people, "missing", missing), err
			}
			network := c.hostNetwork()
			if network == "" {
				return Reply{}, incidents.Refuse("no-host")
			}
			people, missing := c.reachable(network, append(c.withRoles(), c.Who.Name))
			queued, err := c.wantRoom(network, []string{c.Who.Name})
			if err == nil && !queued { // it is being made: who asks meanwhile is asked in too
				err = c.Tx.WantRoomToo(c.I.N, c.Who.Name)
			}
			return c.card("room/asked", "network", network, "people", people, "missing", missing), err
		},
	}
}

// withRoles lists who has a role in the incident, each once.
func (c *Call) withRoles() []string {
	var out []string
	for _, p := range c.Roster.People() {
		if c.I.Has(p.Name) {
			out = append(out, p.Name)
		}
	}
	return out
}

// reachable parts people into those with an account on a network and those
// without, each once, without who is suspended.
func (c *Call) reachable(network string, people []string) (with, without []string) {
	with, without = []string{}, []string{}
	for _, name := range people {
		p, ok := c.Roster.Named(name)
		if !ok || c.suspended[name] || slices.Contains(with, name) || slices.Contains(without, name) {
			continue
		}
		if slices.ContainsFunc(p.Accounts, func(a incidents.Account) bool { return a.Network == network }) {
			with = append(with, name)
		} else {
			without = append(without, name)
		}
	}
	return with, without
}

// hostNetwork gives the network that a new room is made on: the one the line came
// from, else the first that can make rooms; "" when none can.
func (c *Call) hostNetwork() string {
	if slices.Contains(c.Hosts, c.Line.Room.Network) {
		return c.Line.Room.Network
	}
	for _, h := range c.Hosts {
		return h
	}
	return ""
}

// wantRoom queues that a room is made for the incident; false when one is being
// made already.
func (c *Call) wantRoom(network string, people []string) (bool, error) {
	times, waits, err := c.Tx.RoomWanted(c.I.N)
	if err != nil || waits {
		return false, err
	}
	err = c.Tx.Queue(store.Row{
		Key: fmt.Sprintf("room/%d/%d", c.I.N, times+1), Kind: "room", Network: network, Room: "a room for " + c.I.Handle,
		Tone: int(bridges.Routine), Incident: c.I.N, Mentions: people,
	})
	if err != nil {
		return false, err
	}
	e := incidents.Entry{Incident: c.I.N, Kind: "room", Who: c.Who.Name, At: c.now}
	return true, c.Tx.Record(e)
}

// roomByLevel has a room made for an incident whose level the configuration gives
// one of its own.
func (c *Call) roomByLevel() error {
	network := c.hostNetwork()
	if network == "" || c.RoomsFor == nil || !slices.Contains(c.RoomsFor(network), c.I.Level) {
		return nil
	}
	_, has, err := c.Tx.RoomOf(c.I.N)
	if err != nil || has {
		return err
	}
	_, err = c.wantRoom(network, nil)
	return err
}

// askIn queues that people, and a guest, are asked into the incident's room.
func (c *Call) askIn(r store.Room, people []string, guest string) error {
	return c.Tx.Queue(store.Row{
		Key: fmt.Sprintf("invite/%d/%s/%s", c.I.N, c.Line.Room.Network, c.Line.ID), Kind: "invite", Network: r.Network, Room: r.ID,
		Tone: int(bridges.Routine), Incident: c.I.N, Mentions: people, Asker: guest,
	})
}

// alsoIn asks a person into the incident's room, where it has one.
func (c *Call) alsoIn(person string) error {
	r, ok, err := c.Tx.RoomOf(c.I.N)
	if err != nil || !ok {
		return err
	}
	return c.askIn(r, []string{person}, "")
}

// inRoom queues something to be said in the incident's own room, where it has one.
func (c *Call) inRoom(template string, f incidents.Facts) error {
	r, ok, err := c.Tx.RoomOf(c.I.N)
	if err != nil || !ok {
		return err
	}
	if err := c.try(template, f); err != nil {
		return err
	}
	return c.Tx.Queue(store.Row{
		Key: fmt.Sprintf("%s/%d/%s/%s", template, c.I.N, c.Line.Room.Network, c.Line.ID), Kind: Say, Network: r.Network, Room: r.ID,
		Tone: int(bridges.Alert), Template: template, Facts: f, Incident: c.I.N,
	})
}

func guestAllow() Command {
	return Command{
		Words: "guest allow", About: OneOpen, Needs: Notices, Outside: true,
		Does:    "let a reporter or an expert into an incident's room; needs a second maintainer",
		Example: "!guest allow INC-7 @erin:example.org she can test the fix on big-endian machines",
		Args: []Arg{
			{Name: "account", Kind: Word, Sealed: true},
			{Name: "why", Kind: Text, Sealed: true, Max: maxText},
		},
		Second: func(c *Call) (bool, error) {
			_, a, err := c.guest()
			if err != nil {
				return true, err
			}
			guests, err := c.Tx.Guests(c.I.N)
			if err != nil || slices.Contains(guests, a) {
				return true, orRefuse(err, "guest-already")
			}
			return true, nil
		},
		Run: func(c *Call) (Reply, error) {
			r, a, err := c.guest()
			if err != nil {
				return Reply{}, err
			}
			if added, err := c.Tx.AddGuest(c.I.N, a, c.Who.Name+" and "+c.agreed); err != nil || !added {
				return Reply{}, orRefuse(err, "guest-already")
			}
			e := incidents.Entry{
				Kind: "guest", Who: c.Who.Name, At: c.now, Text: c.Sealed("why"),
				Personal: []incidents.Personal{{Field: "guest", Value: incidents.Seal(a.ID)}},
			}
			if err := c.save(c.I, e); err != nil {
				return Reply{}, err
			}
			f := incidents.NewFacts("who", c.Who.Name, "second", c.agreed, "account", incidents.Seal(a.ID), "why", c.Sealed("why"))
			if err := c.inRoom("room/guest", f); err != nil {
				return Reply{}, err
			}
			err = c.askIn(r, nil, a.ID)
			return c.card("guest/allowed", "account", incidents.Seal(a.ID)), err
		},
	}
}

// guest reads the account of a guest, and gives the room that it is about.
func (c *Call) guest() (store.Room, incidents.Account, error) {
	r, ok, err := c.Tx.RoomOf(c.I.N)
	if err != nil || !ok {
		return r, incidents.Account{}, orRefuse(err, "no-room", "handle", c.I.Handle)
	}
	a := incidents.Account{Network: r.Network, ID: c.Str("account")}
	if !incidents.MatrixID(a.ID) {
		return r, a, incidents.Refuse("guest-account")
	}
	if _, ok := c.Roster.ByAccount(a); ok {
		return r, a, incidents.Refuse("guest-on-roster", "handle", c.I.Handle)
	}
	return r, a, nil
}

func orRefuse(err error, key string, pairs ...any) error {
	if err != nil {
		return err
	}
	return incidents.Refuse(key, pairs...)
}

func guestRemove() Command {
	return Command{
		Words: "guest remove", About: One, Needs: Notices,
		Does: "take a guest out of an incident's room", Example: "!guest remove INC-7 @erin:example.org",
		Args: []Arg{{Name: "account", Kind: Word, Sealed: true}},
		Run: func(c *Call) (Reply, error) {
			r, a, err := c.guest()
			if err != nil {
				return Reply{}, err
			}
			if ended, err := c.Tx.EndGuest(c.I.N, a, c.Who.Name); err != nil || !ended {
				return Reply{}, orRefuse(err, "guest-unknown", "handle", c.I.Handle)
			}
			err = c.Tx.Queue(store.Row{ // before all that is said there: until then the room hears notices only
				Key: fmt.Sprintf("remove/%d/%s/%s", c.I.N, c.Line.Room.Network, c.Line.ID), Kind: "remove", Network: r.Network, Room: r.ID,
				Tone: int(bridges.Alert), Incident: c.I.N, Asker: a.ID,
			})
			if err != nil {
				return Reply{}, err
			}
			e := incidents.Entry{
				Kind: "guest-left", Who: c.Who.Name, At: c.now,
				Personal: []incidents.Personal{{Field: "guest", Value: incidents.Seal(a.ID)}},
			}
			err = c.save(c.I, e)
			c.interrupt = true
			return c.card("guest/removed", "account", incidents.Seal(a.ID)), err
		},
	}
}

func guestList() Command {
	return Command{
		Words: "guest list", About: One, Needs: Notices, Reads: true,
		Does: "list the guests in an incident's room",
		Run: func(c *Call) (Reply, error) {
			accounts, err := c.Tx.Guests(c.I.N)
			guests := []incidents.Facts{}
			for _, a := range accounts {
				guests = append(guests, incidents.Facts{"account": incidents.Seal(a.ID)})
			}
			return c.card("guest/list", "count", len(guests), "guests", guests), err
		},
	}
}
