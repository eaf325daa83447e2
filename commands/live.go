package commands

import "tocsin/incidents"

func releaseLive() Command {
	return Command{
		Words: "release live", About: Every, Needs: Notices,
		Does:    "have a version looked up on PyPI until all of it is there, or say that it is: for all its incidents the watch starts",
		Example: "!release live 12.3.1 --at 2026-12-03 16:45",
		Args: []Arg{
			{Name: "WHEN", Flag: "--at", Kind: When, Optional: true, Past: true},
			versionArg(),
			{Name: "reason", Flag: "--by-hand", Kind: Text, Optional: true, Sealed: true, Max: maxText},
		},
		Run: func(c *Call) (Reply, error) {
			w, timed := c.args["WHEN"].(incidents.When)
			if c.Looks && !timed && !c.Has("reason") {
				return c.lookUp()
			}
			at := c.now
			if timed {
				at = w.At
			}
			return c.turned("release/live", "release-live", func(r incidents.Release, carried []incidents.Incident) (incidents.Release, incidents.Entry, error) {
				return incidents.GoLiveBy(*c.plan, r, carried, at, c.Sealed("reason"), c.Who.Name, c.now)
			}, "assumed", w.HourAssumed)
		},
	}
}

// lookUp has a release looked up on its index: what would be refused when everything
// is there is refused now. One that is looked up already is looked up at once.
func (c *Call) lookUp() (Reply, error) {
	r, err := c.known()
	if err != nil {
		return Reply{}, err
	}
	carried, err := c.Tx.Carried(r)
	if err != nil {
		return Reply{}, err
	}
	if _, _, err := incidents.GoLive(*c.plan, r, carried, c.now, c.Who.Name, c.now); err != nil {
		return Reply{}, err
	}
	check, err := c.Tx.ReleaseCheck(r.N)
	if err != nil {
		return Reply{}, err
	}
	again := check.State == incidents.CheckLooking
	if !again {
		check = incidents.BeginCheck(check, r, c.Who.Name, c.now)
		e := incidents.Entry{Kind: "release-looked-up", Who: c.Who.Name, At: c.now, Text: r.Version}
		for _, i := range carried {
			e.Incident = i.N
			if err := c.Tx.Record(e); err != nil {
				return Reply{}, err
			}
		}
		c.said = append(c.said, e)
	}
	if err := c.Tx.SaveReleaseCheck(check); err != nil {
		return Reply{}, err
	}
	if err := c.Tx.QueueLookUp(check); err != nil {
		return Reply{}, err
	}
	f, err := c.releaseFacts(r)
	if err != nil {
		return Reply{}, err
	}
	f["again"] = again
	return Reply{Template: "release/looking", Facts: f}, nil
}

// settled ends the look-up of a release that people spoke about: its row goes with it,
// and the next one begins anew.
func (c *Call) settled(r incidents.Release) error {
	check, err := c.Tx.ReleaseCheck(r.N)
	if err != nil || check.State != incidents.CheckLooking {
		return err
	}
	check.State = incidents.CheckStopped
	return c.Tx.SaveReleaseCheck(check)
}

// halted ends the look-up of a release in which an embargo holds by now.
func (c *Call) halted(r incidents.Release) (bool, error) {
	check, err := c.Tx.ReleaseCheck(r.N)
	if err != nil || check.State != incidents.CheckLooking {
		return false, err
	}
	carried, err := c.Tx.Carried(r)
	if err != nil {
		return false, err
	}
	_, halts := check.Halts(*c.plan, r, carried, c.now)
	if halts {
		check.State = incidents.CheckStopped
		err = c.Tx.SaveReleaseCheck(check)
	}
	return halts, err
}
