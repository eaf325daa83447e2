package commands

import "tocsin/incidents"

func notifyList() Command {
	return Command{
		Words: "notify list", About: One, Needs: Notices, Reads: true,
		Does: "who outside is to hear of an incident, who was told and who answered, and how to reach them", Example: "!notify list INC-7",
		Run: func(c *Call) (Reply, error) { return c.notices("notify/list"), nil },
	}
}

func notifySent() Command {
	return Command{
		Words: "notify sent", About: One, Needs: Notices,
		Does: "note that somebody outside was told", Example: "!notify sent INC-7 alpine --via email",
		Args: []Arg{
			{Name: "HOW", Flag: "--via", Kind: OneLine, Optional: true, Sealed: true, Max: maxTitle},
			{Name: "WHEN", Flag: "--at", Kind: When, Optional: true, Past: true},
			{Name: "name", Kind: Word, Sealed: true},
			{Name: "note", Kind: Text, Optional: true, Sealed: true, Max: maxText},
		},
		Run: func(c *Call) (Reply, error) {
			t := incidents.Telling{At: c.now, By: c.Who.Name, Via: c.Sealed("HOW"), Note: c.Sealed("note")}
			if w, ok := c.args["WHEN"].(incidents.When); ok {
				t.At = w.At
			}
			i, e, again, err := incidents.SendNotice(*c.plan, c.I, c.Str("name"), t, c.now)
			r, err := c.noticed("notify/sent", i, e, err)
			if err == nil {
				r.Facts["again"] = again
			}
			return r, err
		},
	}
}

func notifyAnswered() Command {
	return Command{
		Words: "notify answered", About: One, Needs: Notices,
		Does: "note that somebody who was told answered", Example: "!notify answered INC-7 alpine they build on the day",
		Args: []Arg{
			{Name: "name", Kind: Word, Sealed: true},
			{Name: "note", Kind: Text, Optional: true, Sealed: true, Max: maxText},
		},
		Run: func(c *Call) (Reply, error) {
			i, e, err := incidents.AnswerNotice(*c.plan, c.I, c.Str("name"), c.Sealed("note"), c.Who.Name, c.now)
			return c.noticed("notify/answered", i, e, err)
		},
	}
}

func notifyAdd() Command {
	return Command{
		Words: "notify add", About: One, Needs: Notices,
		Does: "add somebody who is not in the plan to those who are to hear of an incident", Example: "!notify add INC-7 FreeBSD secteam@freebsd.org",
		Args: []Arg{
			{Name: "name", Kind: Word, Sealed: true},
			{Name: "contact", Kind: OneLine, Sealed: true, Max: maxTitle},
		},
		Run: func(c *Call) (Reply, error) {
			name, err := incidents.PlainName(c.Str("name"), maxTitle)
			if err != nil {
				return Reply{}, err
			}
			i, e, err := incidents.AddNotice(*c.plan, c.I, name, c.Sealed("contact"), c.Who.Name, c.now)
			return c.noticed("notify/added", i, e, err)
		},
	}
}

// noticed keeps what a rule made of the notices, and shows the one it is about.
func (c *Call) noticed(template string, i incidents.Incident, e incidents.Entry, err error) (Reply, error) {
	if err == nil {
		err = c.save(i, e)
	}
	if err != nil {
		return Reply{}, err
	}
	r := c.notices(template)
	r.Facts["one"] = incidents.Facts{}
	for _, f := range incidents.ListenerFacts(*c.plan, c.I, incidents.Audience(*c.plan, c.I)) {
		if id, ok := f["key"].(incidents.Sealed); ok && id.Same(incidents.NoticeOf(*c.plan, c.I, c.Str("name"))) {
			r.Facts["one"] = f
		}
	}
	return r, nil
}

// notices gives a reply about who is told, and how many are left.
func (c *Call) notices(template string) Reply {
	all := incidents.Audience(*c.plan, c.I)
	told, byList := 0, 0
	for _, l := range all {
		if l.State != incidents.NoticeOpen {
			told++
		} else if l.List {
			byList++
		}
	}
	return c.card(template, "listeners", incidents.ListenerFacts(*c.plan, c.I, all), "told", told, "all", len(all), "bylist", byList)
}
