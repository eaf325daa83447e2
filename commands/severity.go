package commands

import "tocsin/incidents"

func severitySet() Command {
	return Command{
		Words: "severity set", About: OneOpen, Needs: Notices,
		Does: "set the level, or score a CVSS vector", Example: "!severity set CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:P/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
		Args: []Arg{
			{Name: "level or vector", Kind: Severity},
			{Name: "reason", Kind: Text, Optional: true, Sealed: true, Max: maxText},
		},
		Run: func(c *Call) (Reply, error) {
			typed := c.Str("level or vector")
			i, e, err := incidents.SetSeverity(*c.plan, c.I, typed, c.Sealed("reason"), c.Who.Name, c.now)
			if err != nil {
				return Reply{}, err
			}
			reordered := false
			if incidents.LooksLikeVector(typed) {
				s, err := incidents.ReadVector(typed)
				if err != nil {
					return Reply{}, err
				}
				reordered = s.Reordered
			}
			before := incidents.TrackOf(*c.plan, c.I).Key
			if err := c.save(i, e); err != nil {
				return Reply{}, err
			}
			err = c.roomByLevel()
			return c.card("severity/set", "tracked", incidents.Seal(changed(before, incidents.TrackOf(*c.plan, c.I).Key)), "vectored", incidents.LooksLikeVector(typed), "reordered", reordered), err
		},
	}
}

func severityScore() Command {
	return Command{
		Words: "severity score", About: Nothing, Needs: Notices, Reads: true,
		Does: "score a CVSS vector without setting anything",
		Args: []Arg{{Name: "vector", Kind: Vector, Sealed: true}},
		Run: func(c *Call) (Reply, error) {
			s, err := incidents.ReadVector(c.Str("vector"))
			if err != nil {
				return Reply{}, err
			}
			l, _ := c.plan.LevelFor(s.Tenths)
			return Reply{Template: "severity/score", Facts: incidents.Facts{
				"vector": incidents.Seal(s.Vector), "score": incidents.Seal(incidents.SayScore(s)),
				"scorelevel": incidents.Seal(l.Name), "reordered": s.Reordered, "means": incidents.Seal(l.Means),
			}}, nil
		},
	}
}

func severityShow() Command {
	return Command{
		Words: "severity show", About: One, Needs: Notices, Reads: true,
		Does: "show the level, the score, and why they differ",
		Run:  func(c *Call) (Reply, error) { return c.card("severity/show"), nil },
	}
}
