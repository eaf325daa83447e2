package commands

import (
	"errors"
	"slices"
	"strings"
	"time"

	"tocsin/incidents"
	"tocsin/incidents/store"
)

// A release speaks of several incidents, so these commands are about every one: the
// own room of an incident refuses them, also while a release carries that incident
// alone. Else the first refusal there would tell who reads in it, guests too, that
// there is another incident in the same version.

func versionArg() Arg { return Arg{Name: "version", Kind: Version, Sealed: true} }

func handlesArg(optional bool) Arg {
	return Arg{Name: "INC-n ...", Kind: Handles, Optional: optional}
}

func releasePlan() Command {
	return Command{
		Words: "release plan", About: Every, Needs: Notices,
		Does:    "plan a version that carries the fixes of one or more incidents: its steps are done once for all of them",
		Example: "!release plan 12.3.1 INC-7 INC-8",
		Args:    []Arg{versionArg(), handlesArg(true)},
		Run: func(c *Call) (Reply, error) {
			list, err := c.meant()
			if err != nil {
				return Reply{}, err
			}
			r, _, err := c.release()
			if err != nil {
				return Reply{}, err
			}
			if r, err = incidents.PlanRelease(r, c.Sealed("version"), c.Who.Name, c.now); err != nil {
				return Reply{}, err
			}
			if r.N == 0 { // before its incidents, which are saved with its number
				if r, err = c.Tx.SaveRelease(r); err != nil {
					return Reply{}, err
				}
			}
			return c.carry("release/planned", "release-planned", r, list, incidents.JoinRelease)
		},
	}
}

func releaseAdd() Command {
	return Command{
		Words: "release add", About: Every, Needs: Notices,
		Does: "have a planned version carry the fixes of more incidents", Example: "!release add 12.3.1 INC-9",
		Args: []Arg{versionArg(), handlesArg(false)},
		Run: func(c *Call) (Reply, error) {
			return c.carryMeant("release/added", "release-added", incidents.JoinRelease)
		},
	}
}

func releaseRemove() Command {
	return Command{
		Words: "release remove", About: Every, Needs: Notices,
		Does:    "take an incident out of a planned version: what was done for it alongside is open again",
		Example: "!release remove 12.3.1 INC-9",
		Args:    []Arg{versionArg(), handlesArg(false)},
		Run: func(c *Call) (Reply, error) {
			return c.carryMeant("release/removed", "release-removed", incidents.LeaveRelease)
		},
	}
}

// carrying is the rule by which an incident joins a release, or leaves it.
type carrying func(incidents.Plan, incidents.Release, incidents.Incident, string, time.Time) (incidents.Release, incidents.Incident, []incidents.Entry, error)

// carryMeant changes what the release that was typed carries, by the incidents that
// were named.
func (c *Call) carryMeant(template, kind string, rule carrying) (Reply, error) {
	list, err := c.meant()
	if err != nil {
		return Reply{}, err
	}
	r, err := c.known()
	if err != nil {
		return Reply{}, err
	}
	return c.carry(template, kind, r, list, rule)
}

// carry changes what a release carries, and shows it.
func (c *Call) carry(template, kind string, r incidents.Release, list []incidents.Incident, rule carrying) (Reply, error) {
	var changes []change
	var err error
	for _, i := range list {
		ch := change{}
		if r, ch.i, ch.entries, err = rule(*c.plan, r, i, c.Who.Name, c.now); err != nil {
			return Reply{}, err
		}
		changes = append(changes, ch)
	}
	out, err := c.released(template, kind, r, list, changes)
	if err == nil {
		out.Facts["halted"], err = c.halted(r)
	}
	return out, err
}

func releaseShow() Command {
	return Command{
		Words: "release show", About: Every, Needs: Notices, Reads: true,
		Does: "show a version: what it carries, whose embargo counts, what is done; without one, those that are planned", Example: "!release show 12.3.1",
		Args: []Arg{{Name: "version", Kind: Version, Sealed: true, Optional: true}},
		Run: func(c *Call) (Reply, error) {
			if c.Has("version") {
				r, err := c.known()
				if err != nil {
					return Reply{}, err
				}
				f, err := c.releaseFacts(r)
				return Reply{Template: "release/show", Facts: f}, err
			}
			all, err := c.Tx.Releases(-1)
			list := []incidents.Facts{}
			for _, r := range all {
				if err != nil || !r.LiveAt.IsZero() || !r.YankedAt.IsZero() || len(r.Carries) == 0 {
					continue
				}
				var f incidents.Facts
				f, err = c.releaseFacts(r)
				list = append(list, f)
			}
			if len(list) == 1 && err == nil {
				return Reply{Template: "release/show", Facts: list[0]}, nil
			}
			return Reply{Template: "release/list", Facts: incidents.Facts{"releases": list, "count": len(list)}}, err
		},
	}
}

func releaseUndo() Command {
	return Command{
		Words: "release undo", About: Every, Needs: Notices,
		Does: "take back that a version is yanked, or that it is live", Example: "!release undo 12.3.1 it was the version before",
		Args: []Arg{versionArg(), {Name: "reason", Kind: Text, Sealed: true, Max: maxText}},
		Run: func(c *Call) (Reply, error) {
			return c.turned("release/undone", "release-undone", func(r incidents.Release, _ []incidents.Incident) (incidents.Release, incidents.Entry, error) {
				all, err := c.all(r.Carries) // also those that are in another one since
				if err != nil {
					return r, incidents.Entry{}, err
				}
				return incidents.UndoRelease(r, all, c.Sealed("reason"), c.Who.Name, c.now)
			})
		},
	}
}

func releaseYanked() Command {
	return Command{
		Words: "release yanked", About: Every, Needs: Notices,
		Does: "record that a version is yanked, and why: also one that was not planned here", Example: "!release yanked 12.3.0 its Windows wheels crash on import",
		Args: []Arg{versionArg(), {Name: "reason", Kind: Text, Sealed: true, Max: maxText}},
		Run: func(c *Call) (Reply, error) {
			r, _, err := c.release()
			if err != nil {
				return Reply{}, err
			}
			rule := func(r incidents.Release, _ []incidents.Incident) (incidents.Release, incidents.Entry, error) {
				return incidents.YankRelease(r, c.Sealed("version"), c.Sealed("reason"), c.Who.Name, c.now)
			}
			if r.N != 0 && len(r.Carries) > 0 {
				return c.turned("release/yanked", "release-yanked", rule)
			}
			r, e, err := rule(r, nil)
			if err == nil {
				r, err = c.Tx.SaveRelease(r)
			}
			if err == nil { // no incident has it on its record
				err = c.Tx.Record(e)
			}
			if err == nil {
				err = c.settled(r)
			}
			if err != nil {
				return Reply{}, err
			}
			c.said = append(c.said, e)
			return Reply{Template: "release/yanked", Facts: incidents.ReleaseFacts(*c.plan, r, nil, c.now)}, nil
		},
	}
}

// turned keeps what a rule made of a release as a whole, which every incident in it
// has on its record.
func (c *Call) turned(template, kind string, rule func(incidents.Release, []incidents.Incident) (incidents.Release, incidents.Entry, error), pairs ...any) (Reply, error) {
	r, err := c.known()
	if err != nil {
		return Reply{}, err
	}
	carried, err := c.Tx.Carried(r)
	if err != nil {
		return Reply{}, err
	}
	r, e, err := rule(r, carried)
	if err == nil {
		err = c.settled(r)
	}
	if err != nil {
		return Reply{}, err
	}
	own := e
	if len(carried) > 1 && !e.Text.Same(r.Version) { // the reason may speak of another incident: it is on the desk's record
		own.Text = r.Version
		if err := c.Tx.Record(e); err != nil {
			return Reply{}, err
		}
	}
	var changes []change
	for _, i := range carried {
		i, moved := incidents.Shipped(*c.plan, i, r, c.Who.Name, c.now)
		changes = append(changes, change{i, append([]incidents.Entry{own}, moved...)})
	}
	reply, err := c.released(template, kind, r, carried, changes)
	if err != nil {
		return reply, err
	}
	for k, v := range incidents.NewFacts(pairs...) {
		reply.Facts[k] = v
	}
	return reply, nil
}

// change is an incident as a rule made it, and the entries that say so.
type change struct {
	i       incidents.Incident
	entries []incidents.Entry
}

// released keeps a release and the incidents that changed with it, before being these
// as they were: their clocks are derived anew, their phases move. The desks hear of it
// in one line, the own room of an incident in its own.
func (c *Call) released(template, kind string, r incidents.Release, before []incidents.Incident, changes []change) (Reply, error) {
	r, err := c.Tx.SaveRelease(r)
	if err != nil {
		return Reply{}, err
	}
	var handles []string
	for _, ch := range changes {
		if err := c.saveBeside(before, ch.i, true, ch.entries...); err != nil {
			return Reply{}, err
		}
		handles = append(handles, ch.i.Handle)
	}
	all := c.Str("version") + " (" + strings.Join(handles, ", ") + ")"
	if c.Has("reason") {
		all += ": " + c.Str("reason")
	}
	c.said = append(c.said, incidents.Entry{Kind: kind, Who: c.Who.Name, At: c.now, Text: incidents.Seal(all)})
	f, err := c.releaseFacts(r)
	if err != nil {
		return Reply{}, err
	}
	f["changed"] = handles
	return Reply{Template: template, Facts: f}, nil
}

// releaseFacts gives the facts of a release with all that it carries or carried, and
// of its look-up.
func (c *Call) releaseFacts(r incidents.Release) (incidents.Facts, error) {
	list, err := c.all(r.Carries)
	if err != nil {
		return nil, err
	}
	check, err := c.Tx.ReleaseCheck(r.N)
	f := incidents.ReleaseFacts(*c.plan, r, list, c.now)
	for k, v := range incidents.CheckFacts(*c.plan, r, list, check, c.now) {
		f[k] = v
	}
	return f, err
}

// release finds the release of the version that was typed; false when none is known.
func (c *Call) release() (incidents.Release, bool, error) {
	all, err := c.Tx.Releases(-1)
	r, ok := incidents.FindRelease(all, c.Sealed("version"))
	return r, ok, err
}

// known is release for a version that has to be known.
func (c *Call) known() (incidents.Release, error) {
	r, ok, err := c.release()
	if err == nil && !ok {
		err = incidents.Refuse("release-unknown", "version", c.Sealed("version"))
	}
	return r, err
}

// meant loads the incidents that were named, in the order of their numbers, or the one
// that the line is about.
func (c *Call) meant() ([]incidents.Incident, error) {
	if !c.Has("INC-n ...") {
		if err := c.find(Command{Words: "release plan", About: OneOpen}, 0); err != nil {
			return nil, err
		}
		i := c.I
		c.I = incidents.Incident{} // the answer is about all of a release
		return []incidents.Incident{i}, nil
	}
	numbers, _ := c.args["INC-n ..."].([]int)
	return c.all(numbers)
}

// all loads incidents that may be spoken of here.
func (c *Call) all(numbers []int) ([]incidents.Incident, error) {
	var out []incidents.Incident
	for _, n := range numbers {
		i, err := c.Tx.Incident(n)
		if errors.Is(err, store.ErrNoIncident) || (err == nil && c.clear(n).Clearance.None()) {
			return nil, c.which("no-such-incident")
		}
		if err != nil {
			return nil, err
		}
		out = append(out, i)
	}
	return out, nil
}

// handles reads handles between blanks or commas: each number once, in order.
func (d *Desk) handles(text string) ([]int, error) {
	var out []int
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\u00a0' }) {
		n, ok := d.handle(word)
		if !ok {
			return nil, incidents.Refuse("bad-handles", "example", incidents.HandleOf(d.Prefix, 7)+" "+incidents.HandleOf(d.Prefix, 8))
		}
		out = append(out, n)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}
