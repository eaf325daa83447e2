package commands

import (
	"strings"

	"tocsin/incidents"
)

func help() Command {
	return Command{
		Words: "help", About: Nothing, Needs: Anything, Reads: true,
		Does: "list the commands, or explain one", Example: "!help incident open",
		Args: []Arg{{Name: "command", Kind: OneLine, Optional: true, Max: maxTitle}},
		Run: func(c *Call) (Reply, error) {
			asked := strings.ToLower(strings.Join(strings.Fields(strings.TrimPrefix(c.Str("command"), "!")), " "))
			if asked == "" {
				return Reply{Template: "help/all", Facts: incidents.Facts{"nouns": c.nouns()}}, nil
			}
			if cmd, _, ok := find(c.Table, asked); ok {
				return Reply{Template: "help/one", Facts: c.helpFor(cmd)}, nil
			}
			if some := c.under(asked); len(some) > 0 {
				return Reply{Template: "help/some", Facts: incidents.Facts{"commands": some}}, nil
			}
			return Reply{}, incidents.Refuse("unknown-command", "near", nearest(c.Table, asked))
		},
	}
}

// usage gives a command's usage with the handles of this desk.
func (d *Desk) usage(cmd Command) string {
	return strings.ReplaceAll(cmd.Usage(), "INC-n", d.Prefix+"-n")
}

// nouns groups the commands by their first word: "incident open|list|show".
func (c *Call) nouns() []string {
	var out []string
	verbs := map[string][]string{}
	for _, cmd := range c.Table {
		noun, verb, ok := strings.Cut(cmd.Words, " ")
		if _, seen := verbs[noun]; !seen {
			out = append(out, noun)
			verbs[noun] = nil
		}
		if ok {
			verbs[noun] = append(verbs[noun], verb)
		}
	}
	for i, noun := range out {
		out[i] = strings.TrimSpace("!" + noun + " " + strings.Join(verbs[noun], "|"))
	}
	return out
}

func (c *Call) under(noun string) []incidents.Facts {
	var out []incidents.Facts
	for _, cmd := range c.Table {
		if n, _, ok := strings.Cut(cmd.Words, " "); ok && n == noun {
			out = append(out, c.helpFor(cmd))
		}
	}
	return out
}

func (c *Call) helpFor(cmd Command) incidents.Facts {
	var args []incidents.Facts
	for _, a := range cmd.Args {
		if a.Kind == Key {
			args = append(args, incidents.Facts{"name": a.Name, "keys": c.plan.Keys(a.Of)})
		}
		if a.Of == "draft" {
			args = append(args, incidents.Facts{"name": a.Name, "keys": c.kinds()})
		}
		if a.Kind == Severity {
			args = append(args, incidents.Facts{"name": a.Name, "keys": append(c.plan.Keys("level"), "a CVSS 4.0 or 3.1 vector")})
		}
		if a.Kind == When && a.Past {
			args = append(args, incidents.Facts{"name": a.Name, "keys": []string{
				"5h ago", "yesterday 14:00", "2026-11-20 14:00", "2026-11-20 14:00 Europe/Paris",
			}})
		} else if a.Kind == When {
			args = append(args, incidents.Facts{"name": a.Name, "keys": []string{
				"2026-12-03", "2026-12-03 14:00", "2026-12-03 14:00 Europe/Paris", "5h ago", "+36h", "tue 14:00",
			}})
		}
	}
	return incidents.Facts{
		"usage": c.usage(cmd), "does": cmd.Does, "example": strings.ReplaceAll(cmd.Example, "INC-", c.Prefix+"-"),
		"args": args, "second": cmd.Second != nil,
	}
}

func ping() Command {
	return Command{
		Words: "ping", About: Nothing, Needs: Anything, Reads: true,
		Does: "see that the bot is there",
		Run: func(c *Call) (Reply, error) {
			waiting, err := c.Tx.Waiting()
			return Reply{Template: "ping", Facts: incidents.Facts{"now": c.now, "waiting": waiting}}, err
		},
	}
}

func whoami() Command {
	return Command{
		Words: "whoami", About: Nothing, Needs: Anything, Reads: true,
		Does: "how the bot knows you",
		Run: func(c *Call) (Reply, error) {
			return Reply{Template: "whoami", Facts: incidents.Facts{
				"person": c.Who.Name, "network": c.Line.From.Network, "account": c.Line.From.ID,
				"zone": c.Who.Zone.String(), "local": c.now.In(c.Who.Zone).Format("Mon 15:04"),
			}}, nil
		},
	}
}

func room() Command {
	return Command{
		Words: "room", About: Nothing, Needs: Anything, Proves: true, Reads: true,
		Does: "what this room may hear, and why",
		Run: func(c *Call) (Reply, error) {
			v := c.clear(c.Line.Grant.Incident)
			checks := []incidents.Facts{}
			for _, k := range v.Checks {
				checks = append(checks, incidents.Facts{"name": k.Name, "ok": k.OK, "told": k.Told, "mend": k.Mend})
			}
			strangers, guests := []string{}, 0
			for _, r := range c.Line.Proof.Readers {
				switch {
				case r.Person != "":
				case r.Guest:
					guests++
				default:
					strangers = append(strangers, r.Name)
				}
			}
			if v.Grant.Asks == "full" && (len(v.Failed()) > 0 || len(strangers) > 0) {
				v.Why = "" // each reason has its line
			}
			incident := ""
			if c.Line.Grant.Incident != 0 {
				incident = incidents.HandleOf(c.Prefix, c.Line.Grant.Incident)
			}
			return Reply{Template: "room", Facts: incidents.Facts{
				"clearance": v.Clearance.String(), "why": v.Why, "asks": c.Line.Grant.Asks, "checks": checks,
				"readers": v.Readers, "strangers": strangers, "desk": c.Line.Grant.Desk, "direct": c.Line.Grant.Direct,
				"console":  c.Line.Grant.Network == incidents.OnConsole,
				"admitted": guests, "incident": incident,
			}}, nil
		},
	}
}
