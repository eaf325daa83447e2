package commands

import "tocsin/incidents"

// What the plan says of what the project stands on is public, and said to everybody on
// the roster. Which incidents are about a library is sealed.

func depsShow() Command {
	return Command{
		Words: "deps", About: Nothing, Needs: Anything, Reads: true,
		Does: "what a dependency is for, where its security is spoken of, which version is bundled, and its open incidents", Example: "!deps libtiff",
		Args: []Arg{{Name: "library", Kind: Word}},
		Run: func(c *Call) (Reply, error) {
			u, ok := c.plan.Map.Library(c.Str("library"))
			if !ok {
				return Reply{}, c.noLibrary()
			}
			open, err := c.openOf(u.Key)
			f := upstreamFacts(c.plan.Map, u)
			f["open"] = open
			return Reply{Template: "deps/one", Facts: f}, err
		},
	}
}

func depsList() Command {
	return Command{
		Words: "deps list", About: Nothing, Needs: Anything, Reads: true,
		Does: "what the project depends on, with the bundled versions as far as they are known",
		Run: func(c *Call) (Reply, error) {
			bundled, python := []incidents.Facts{}, []incidents.Facts{}
			for _, u := range c.plan.Map.Upstream {
				f := upstreamFacts(c.plan.Map, u)
				if u.Kind == incidents.UpstreamBundled {
					bundled = append(bundled, f)
				} else {
					python = append(python, f)
				}
			}
			return Reply{Template: "deps/list", Facts: incidents.Facts{"bundled": bundled, "python": python, "known": len(c.plan.Map.Versions) > 0}}, nil
		},
	}
}

func depsDrift() Command {
	return Command{
		Words: "deps drift", About: Nothing, Needs: Anything, Reads: true,
		Does: "how the plan's map of dependencies differs from the project's own list of versions",
		Run: func(c *Call) (Reply, error) {
			m := c.plan.Map
			if m.File == "" {
				return Reply{}, incidents.Refuse("no-versions")
			}
			d := m.Drift()
			unmapped, unlisted, renamed := []incidents.Facts{}, []string{}, []incidents.Facts{}
			for _, v := range d.Unmapped {
				unmapped = append(unmapped, incidents.Facts{"name": v.Name, "version": v.Version})
			}
			for _, u := range d.Unlisted {
				unlisted = append(unlisted, u.Name)
			}
			for _, r := range d.Renamed {
				renamed = append(renamed, incidents.Facts{"name": r.Name, "as": r.As})
			}
			return Reply{Template: "deps/drift", Facts: incidents.Facts{
				"file": m.File, "count": len(m.Versions), "agreed": d.Agreed, "unmapped": unmapped, "unlisted": unlisted, "renamed": renamed,
			}}, nil
		},
	}
}

func upstreamFacts(m incidents.DepMap, u incidents.Upstream) incidents.Facts {
	versions := []string{}
	for _, v := range m.VersionsOf(u) {
		said := v.Version
		if v.Name != u.Key && v.Name != u.Name {
			said = v.Name + " " + said
		}
		versions = append(versions, said)
	}
	return incidents.Facts{
		"key": u.Key, "name": u.Name, "purpose": u.Purpose, "need": u.Need, "home": u.Home, "tracker": u.Tracker, "section": u.Section,
		"versions": versions, "bundled": u.Kind == incidents.UpstreamBundled, "known": len(m.Versions) > 0,
	}
}

// openOf gives the open incidents about a library, under seal. In the own room of one
// incident it is the only one that is told of.
func (c *Call) openOf(key string) ([]incidents.Facts, error) {
	all, err := c.Tx.OpenOf(key)
	out := []incidents.Facts{}
	for _, i := range all {
		if own := c.Line.Grant.Incident; own != 0 && own != i.N {
			continue
		}
		out = append(out, incidents.Facts{
			"handle": incidents.Seal(i.Handle), "codename": incidents.Seal(i.Codename), "phase": incidents.Seal(string(i.Phase)), "title": i.Title,
		})
	}
	return out, err
}

// bundled makes the value of the fact of that name a key of the plan's map, where the
// plan has one.
func (c *Call) bundled() error {
	if len(c.plan.Map.Upstream) == 0 {
		return nil
	}
	u, ok := c.plan.Map.Library(c.Str("value"))
	if !ok {
		return c.noLibrary()
	}
	c.args["value"] = u.Key
	return nil
}

func (c *Call) noLibrary() error {
	if len(c.plan.Map.Upstream) == 0 {
		return incidents.Refuse("no-map")
	}
	var keys []string
	for _, u := range c.plan.Map.Upstream {
		keys = append(keys, u.Key)
	}
	return incidents.Refuse("unknown-library", "keys", keys)
}
