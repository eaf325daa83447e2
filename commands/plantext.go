package commands

import (
	"tocsin/incidents"
)

func plan() Command {
	return Command{
		Words: "plan", About: Nothing, Needs: Anything, Reads: true,
		Does: "show a section of the plan, by its number or by words; without any, what sections there are", Example: "!plan 7.4",
		Args: []Arg{{Name: "words", Kind: OneLine, Optional: true, Max: maxTitle}},
		Run: func(c *Call) (Reply, error) {
			if len(c.plan.Sections) == 0 {
				return Reply{}, incidents.Refuse("no-plan-text")
			}
			asked := c.Str("words")
			if asked == "" {
				return Reply{Template: "plan/contents", Facts: incidents.Facts{
					"project": c.plan.Name, "sections": sectionFacts(c.plan.Below("")),
				}}, nil
			}
			if number, ok := incidents.SectionNumber(asked); ok {
				if s, ok := c.plan.Section(number); ok {
					return c.section(s, nil), nil
				}
				if s, ok := c.plan.StepText(number); ok {
					return c.section(s, nil), nil
				}
				return Reply{}, incidents.Refuse("no-such-section")
			}
			found := c.plan.FindSections(asked)
			if len(found) == 0 {
				return Reply{}, incidents.Refuse("plan-nothing")
			}
			return c.section(found[0], found[1:min(4, len(found))]), nil
		},
	}
}

// section shows a section of the plan, what is below it, and what else was found.
func (c *Call) section(s incidents.Section, also []incidents.Section) Reply {
	below := []incidents.Section{}
	if s.Number != "" {
		below = c.plan.Below(s.Number)
	}
	return Reply{Template: "plan/section", Facts: incidents.Facts{
		"number": s.Number, "title": s.Title, "text": s.Text, "below": sectionFacts(below), "also": sectionFacts(also),
	}}
}

func sectionFacts(all []incidents.Section) []incidents.Facts {
	out := []incidents.Facts{}
	for _, s := range all {
		out = append(out, incidents.Facts{"number": s.Number, "title": s.Title})
	}
	return out
}

func define() Command {
	return Command{
		Words: "define", About: Nothing, Needs: Anything, Reads: true,
		Does: "say what a term means in the plan; without one, which terms it defines", Example: "!define embargo",
		Args: []Arg{{Name: "term", Kind: OneLine, Optional: true, Max: maxTitle}},
		Run: func(c *Call) (Reply, error) {
			terms := []string{}
			for _, d := range c.plan.Definitions {
				terms = append(terms, d.Term)
			}
			if len(terms) == 0 {
				return Reply{}, incidents.Refuse("no-definitions")
			}
			asked := c.Str("term")
			if asked == "" {
				return Reply{Template: "define/list", Facts: incidents.Facts{"terms": terms, "first": small(terms[0])}}, nil
			}
			d, ok := c.plan.Define(asked)
			if !ok {
				return Reply{}, incidents.Refuse("define-unknown", "near", nearTerm(terms, asked), "terms", terms)
			}
			return Reply{Template: "define/one", Facts: incidents.Facts{"term": d.Term, "means": d.Means}}, nil
		},
	}
}

// nearTerm gives the term that was probably meant, or "".
func nearTerm(terms []string, asked string) string {
	best, far := "", 3 // more letters than that are no slip
	for _, t := range terms {
		if n := distance(small(asked), small(t)); n < far {
			best, far = small(t), n
		}
	}
	return best
}

func support() Command {
	return Command{
		Words: "support", About: Nothing, Needs: Anything, Reads: true,
		Does: "show which versions get security fixes",
		Run: func(c *Call) (Reply, error) {
			if len(c.plan.Support) == 0 {
				return Reply{}, incidents.Refuse("no-support")
			}
			var lines []incidents.Facts
			for _, s := range c.plan.Support {
				lines = append(lines, incidents.Facts{"branch": s.Branch, "status": s.Status})
			}
			return Reply{Template: "support", Facts: incidents.Facts{"support": lines}}, nil
		},
	}
}
