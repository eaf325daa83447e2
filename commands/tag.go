package commands

import "tocsin/incidents"

// A tag is no secret once it is pushed, and is one before: it is typed where
// everything may be heard. It is of no incident, so it can be said in an incident's
// own room too, where a compromise is worked on.

func tagArg() Arg { return Arg{Name: "tag", Kind: Word, Sealed: true} }

func shaArg() Arg { return Arg{Name: "sha", Kind: Hash, Sealed: true} }

func tagRecord() Command {
	return Command{
		Words: "tag record", About: Nothing, Needs: Notices,
		Does:    "put a release's tag and its hash into the ledger of known-good tags, for good (plan, 7.5.2)",
		Example: "!tag record 12.3.1 5e2f4d1b0c9a88776655443322110fedcba98765",
		Args:    []Arg{tagArg(), shaArg()},
		Run: func(c *Call) (Reply, error) {
			verdict, have, err := c.tag()
			if err != nil {
				return Reply{}, err
			}
			if verdict != incidents.TagUnknown {
				return c.tagTold("tag/recorded", verdict, have)
			}
			t := incidents.Tag{Name: c.Sealed("tag"), SHA: c.Sealed("sha"), At: c.now, Who: c.Who.Name}
			e := incidents.Entry{Kind: "tag-recorded", Who: c.Who.Name, At: c.now, Text: incidents.Seal(c.Str("tag") + " " + c.Str("sha"))}
			if err := c.Tx.AddTag(t, e); err != nil {
				return Reply{}, err
			}
			c.said = append(c.said, e)
			return c.tagTold("tag/recorded", verdict, t)
		},
	}
}

func tagCheck() Command {
	return Command{
		Words: "tag check", About: Nothing, Needs: Notices,
		Does:    "hold a tag's hash against the ledger: ok, unknown, or not what was recorded",
		Example: "!tag check 12.3.1 5e2f4d1b0c9a88776655443322110fedcba98765",
		Args:    []Arg{tagArg(), shaArg()},
		Run: func(c *Call) (Reply, error) {
			verdict, have, err := c.tag()
			if err != nil {
				return Reply{}, err
			}
			return c.tagTold("tag/checked", verdict, have)
		},
	}
}

// tag holds what was typed against the ledger.
func (c *Call) tag() (verdict string, have incidents.Tag, err error) {
	if c.args["tag"], err = incidents.ReadTag(c.Str("tag")); err != nil {
		return "", have, err
	}
	have, known, err := c.Tx.Tag(c.Sealed("tag"))
	return incidents.CheckTag(have, known, c.Sealed("sha")), have, err
}

// tagTold answers with a verdict. A tag that is not what was recorded changes nothing
// in the ledger, and is an alarm: it is on record, and everybody hears of it.
func (c *Call) tagTold(template, verdict string, have incidents.Tag) (Reply, error) {
	r := Reply{Template: template, Facts: incidents.Facts{
		"tag": c.Sealed("tag"), "sha": c.Sealed("sha"), "verdict": verdict, "recorded": have.SHA, "at": have.At, "who": have.Who,
	}}
	if verdict != incidents.TagDiffers {
		return r, nil
	}
	r.Template, r.Mentions = "tag/differs", c.others()
	e := incidents.Entry{Kind: "tag-differs", Who: c.Who.Name, At: c.now, Text: incidents.Seal(c.Str("tag") + " " + c.Str("sha"))}
	c.said = append(c.said, e)
	return r, c.Tx.Record(e)
}

func tagList() Command {
	return Command{
		Words: "tag list", About: Every, Needs: Notices, Reads: true,
		Does: "list the ledger of known-good tags, newest first",
		Run: func(c *Call) (Reply, error) {
			tags, count, err := c.Tx.Tags(50)
			list := []incidents.Facts{}
			for _, t := range tags {
				list = append(list, incidents.Facts{"tag": t.Name, "sha": t.SHA, "at": t.At, "who": t.Who})
			}
			return Reply{Template: "tag/list", Facts: incidents.Facts{"tags": list, "count": count, "left": count - len(list)}}, err
		},
	}
}
