package commands

import (
	"errors"

	"tocsin/incidents"
)

func roleAssign() Command {
	return Command{
		Words: "role assign", About: OneOpen, Needs: Notices,
		Does: "give a role to a person", Example: "!role assign patch bob",
		Args: []Arg{{Name: "role", Kind: Key, Of: "role"}, {Name: "person", Kind: Person}},
		Second: func(c *Call) (bool, error) {
			return incidents.AssignNeedsConsent(*c.plan, c.I, c.Str("role"), c.Str("person"), c.Who.Name, c.now), nil
		},
		Run: func(c *Call) (Reply, error) { return c.assign(c.Str("role"), c.Str("person")) },
	}
}

func roleTake() Command {
	return Command{
		Words: "role take", About: OneOpen, Needs: Notices,
		Does: "take a role yourself", Example: "!role take release",
		Args: []Arg{{Name: "role", Kind: Key, Of: "role"}},
		Second: func(c *Call) (bool, error) {
			return incidents.AssignNeedsConsent(*c.plan, c.I, c.Str("role"), c.Who.Name, c.Who.Name, c.now), nil
		},
		Run: func(c *Call) (Reply, error) { return c.assign(c.Str("role"), c.Who.Name) },
	}
}

// assign gives a role to a person. The lead is taken, or offered: it changes hands
// when who was asked accepts.
func (c *Call) assign(role, person string) (Reply, error) {
	if c.suspended[person] {
		return Reply{}, incidents.Refuse("person-suspended", "person", person)
	}
	i, e, err := incidents.AssignRole(*c.plan, c.I, role, person, c.Who.Name, c.agreed != "", c.now)
	if err != nil {
		return Reply{}, err
	}
	r, _ := c.plan.Role(role)
	if r.Lead {
		if err := c.sure(); err != nil {
			return Reply{}, err
		}
	}
	if r.Lead && person == c.Who.Name {
		return c.led(i, e, nil)
	}
	before := c.I.Roles[role]
	if err := c.save(i, e); err != nil {
		return Reply{}, err
	}
	if r.Lead {
		until, err := c.awayUntil(person)
		if err != nil {
			return Reply{}, err
		}
		out := c.card("lead/offered", "person", person, "lead", before, "awayuntil", until)
		out.Mentions = []string{person}
		return out, errors.Join(c.directly(person, "lead/offered", out.Facts), c.alsoIn(person))
	}
	out := c.card("role/assigned", "role", r.Name, "does", r.Does, "person", person, "before", before)
	if person != c.Who.Name {
		out.Mentions = []string{person}
	}
	return out, c.alsoIn(person)
}

func roleDrop() Command {
	return Command{
		Words: "role drop", About: OneOpen, Needs: Notices,
		Does: "give up a role that you have",
		Args: []Arg{{Name: "role", Kind: Key, Of: "role"}},
		Run: func(c *Call) (Reply, error) {
			role := c.Str("role")
			i, e, err := incidents.DropRole(*c.plan, c.I, role, c.Who.Name, c.now)
			if err != nil {
				return Reply{}, err
			}
			r, _ := c.plan.Role(role)
			err = c.save(i, e)
			return c.card("role/dropped", "role", r.Name, "key", r.Key), err
		},
	}
}

func roleList() Command {
	return Command{
		Words: "role list", About: One, Needs: Notices, Reads: true,
		Does: "list who does what",
		Run:  func(c *Call) (Reply, error) { return c.card("role/list"), nil },
	}
}
