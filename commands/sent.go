package commands

import (
	"time"

	"tocsin/incidents"
	"tocsin/templates"
)

func sent() Command {
	return Command{
		Words: "sent", About: One, Needs: Full, Outside: true,
		Does:    "note that you sent a text to people outside by hand, with what that completes: the acknowledgement, an update, a step",
		Example: "!sent INC-7 distro --via email --to linux-distros",
		Args: []Arg{
			{Name: "HOW", Flag: "--via", Kind: OneLine, Optional: true, Sealed: true, Max: maxTitle},
			{Name: "WHOM", Flag: "--to", Kind: OneLine, Optional: true, Sealed: true, Max: maxText},
			forArg(),
			{Name: "WHEN", Flag: "--at", Kind: When, Optional: true, Past: true},
			draftArg(),
			{Name: "note", Kind: Text, Optional: true, Sealed: true, Max: maxText},
		},
		Run: (*Call).sent,
	}
}

func (c *Call) sent() (Reply, error) {
	k, err := c.kindTyped()
	if err != nil {
		return Reply{}, err
	}
	if !c.Has("HOW") {
		return Reply{}, incidents.Refuse("sent-how", "draft", incidents.Seal(k.Key))
	}
	at, w := c.now, incidents.When{}
	if c.Has("WHEN") {
		w, _ = c.args["WHEN"].(incidents.When)
		at = w.At
	}
	if err := incidents.CheckSentAt(c.I, at, c.now); err != nil {
		return Reply{}, err
	}
	if err := c.noneWaits(k.Key, c.Sealed("NAME"), c.Sealed("WHOM")); err != nil {
		return Reply{}, err
	}
	via := c.Str("HOW")
	if c.Has("note") {
		via += "; " + c.Str("note")
	}
	s := incidents.Sending{
		Incident: c.I.N, Kind: k.Key, Reporter: k.Audience == templates.ForReporter, To: c.Sealed("WHOM"), For: c.Sealed("NAME"), Part: 1, Parts: 1,
		AskedBy: c.Who.Name, State: incidents.SendByHand, Via: incidents.Seal(via), How: c.Sealed("HOW"), DoneAt: at,
	}
	s.Reporter = incidents.Reaches(c.I.Reporter, s)
	if _, err := c.Tx.AddSending(s); err != nil {
		return Reply{}, err
	}
	a, err := c.arrived(s, at)
	if err != nil {
		return Reply{}, err
	}
	r := c.card("sent/noted", "draft", incidents.Seal(k.Key), "for", s.For, "via", c.Sealed("HOW"), "to", s.To, "sentat", at, "told", a.Told, "ago", !at.Equal(c.now), "assumed", w.HourAssumed)
	for name, v := range incidents.CompletionFacts(a.Completion, at) {
		r.Facts[name] = v
	}
	told := a.Lock.Why == "embargo" || a.Lock.Why == "no-embargo" // then it is said of the step
	r.Facts["leaks"] = k.Audience == templates.ForPublic && c.I.Open() && incidents.Embargoed(*c.plan, c.I) && !told
	return r, nil
}

// arrived keeps what the plan connects with a text that was sent, of this incident and
// of the others of its release.
func (c *Call) arrived(s incidents.Sending, at time.Time) (incidents.Arrival, error) {
	var others []incidents.Incident
	if c.I.Release.N != 0 {
		r, err := c.Tx.ReleaseOf(c.I.N)
		if err == nil {
			others, err = c.Tx.Carried(r)
		}
		if err != nil {
			return incidents.Arrival{}, err
		}
	}
	a, err := incidents.Arrive(*c.plan, c.I, others, s, at, c.now)
	for k, o := range a.Along {
		if err == nil {
			err = c.saveBeside(others, o, false, a.AlongEntries[k])
		}
	}
	if err != nil {
		return a, err
	}
	if !a.Done {
		return a, c.keep(a.Incident, a.Entries...)
	}
	return a, c.save(a.Incident, a.Entries...)
}

// noneWaits refuses what a person sends by hand while the bot is about to send it: it
// would arrive twice.
func (c *Call) noneWaits(kind string, forWhom, to incidents.Sealed) error {
	all, err := c.waiting()
	for _, s := range all {
		if s.Kind == kind && s.MayBeFor(forWhom, to) {
			return incidents.Refuse("sent-waits", "handle", c.I.Handle, "for", pending{Sending: s}.whom(), "draft", incidents.Seal(kind), "way", incidents.Seal(s.Way), "to", s.To, "at", s.At, "by", s.By())
		}
	}
	return err
}
