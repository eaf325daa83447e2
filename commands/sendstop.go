package commands

import (
	"slices"
	"strings"

	"tocsin/incidents"
	"tocsin/incidents/store"
	"tocsin/templates"
)

func sendStop() Command {
	return Command{
		Words: "send stop", About: One, Needs: Full, Proves: true,
		Does:    "stop a text for people outside that waits to be sent, or to be approved; one maintainer is enough",
		Example: "!send stop INC-7 ack",
		Args:    []Arg{{Name: "kind or code", Kind: Word, Optional: true, Sealed: true}, forArg()},
		Run:     (*Call).sendStop,
	}
}

// pending is a text for people outside that has not gone out: it was approved and
// waits, or it is to be approved.
type pending struct {
	kind string
	incidents.Sending
	code, asker string // of a request; "" where it was approved
}

func (c *Call) sendStop() (Reply, error) {
	typed := small(c.Str("kind or code"))
	all, err := c.pending()
	if err != nil {
		return Reply{}, err
	}
	fit := slices.DeleteFunc(slices.Clone(all), func(p pending) bool {
		kind := typed == "" || p.kind == typed || small(p.code) == typed || typed == decline && c.declines(p.kind)
		return !kind || c.Has("NAME") && !p.IsFor(c.Sealed("NAME"))
	})
	if len(fit) > 1 && (typed == "" && !c.Has("NAME") || slices.ContainsFunc(fit, func(p pending) bool { return p.kind != fit[0].kind || !p.whom().Same(fit[0].whom()) })) {
		return Reply{}, incidents.Refuse("send-several", "handle", c.I.Handle, "waits", namesOf(fit))
	}
	if len(fit) > 0 { // what is on its way is the most urgent of it, and comes first
		rest := slices.DeleteFunc(all, func(p pending) bool { return p.code == fit[0].code && p.ID == fit[0].ID })
		return c.stopOne(fit[0], rest)
	}
	last, err := c.Tx.Sendings(c.I.N)
	if err != nil {
		return Reply{}, err
	}
	return Reply{}, incidents.Refuse("send-nothing", "handle", c.I.Handle, "what", incidents.Seal(typed), "last", lastOf(last, typed))
}

// name gives what somebody types who means it and no other.
func (p pending) name() string {
	if p.code != "" {
		return p.code
	}
	return p.kind
}

// whom gives whom it is for, as far as two texts of one kind differ in that.
func (p pending) whom() incidents.Sealed {
	if !p.For.Empty() || p.Reporter {
		return p.For
	}
	return p.To
}

// namesOf gives what somebody types who means one of several.
func namesOf(all []pending) []incidents.Facts {
	out := []incidents.Facts{}
	for _, p := range all {
		f := incidents.Facts{"what": incidents.Seal(p.name()), "for": incidents.Sealed{}}
		if p.code == "" {
			if f["for"] = p.For; p.For.Empty() {
				f["for"] = p.To
			}
		}
		out = append(out, f)
	}
	return out
}

// declines reports whether a kind of draft tells a reporter of an outcome.
func (c *Call) declines(kind string) bool {
	return slices.ContainsFunc(c.plan.Outcomes, func(o incidents.Outcome) bool { return o.Draft == kind })
}

// stopOne stops a text, as far as that can be done; rest is what waits besides.
func (c *Call) stopOne(p pending, rest []pending) (Reply, error) {
	s := p.Sending
	if p.code != "" {
		if err := c.Tx.EndApproval(p.code, "withdrawn", c.Who.Name); err != nil {
			return Reply{}, err
		}
		return c.stopped(p, rest, "withdrawn")
	}
	row, ok, err := c.Tx.CarryRow(s)
	if err != nil {
		return Reply{}, err
	}
	ended := incidents.StopAs(ok && row.Trying, ok && row.State == store.Unknown)
	if ended == "" {
		return Reply{}, incidents.Refuse("send-in-flight", "handle", c.I.Handle, "draft", incidents.Seal(s.Kind), "way", incidents.Seal(s.Way))
	}
	why := incidents.Seal(c.Who.Name + " stopped it")
	if err := c.Tx.EndSending(s.ID, ended, incidents.Sealed{}, why); err != nil {
		return Reply{}, err
	}
	if err := c.Tx.EndParts(s, why); err != nil {
		return Reply{}, err
	}
	return c.stopped(p, rest, ended)
}

// stopped puts it on record that a text was stopped, and says so.
func (c *Call) stopped(p pending, rest []pending, ended string) (Reply, error) {
	s := p.Sending
	s.Kind, s.Incident = p.kind, c.I.N
	entries := []incidents.Entry{incidents.NoteStopped(s, ended, c.Who.Name, c.now)}
	if s.Part > 1 {
		entries = append(entries, incidents.NoteCut(s, ended, c.now))
	}
	c.said = append(c.said, entries...)
	for _, e := range entries {
		if err := c.Tx.Record(e); err != nil { // the incident is as it was: other requests stand
			return Reply{}, err
		}
	}
	r := c.card("send/stopped")
	for name, v := range incidents.SendingFacts(s) {
		r.Facts[name] = v
	}
	r.Facts["code"], r.Facts["ended"], r.Facts["waits"] = p.code, ended, namesOf(rest)
	if p.code != "" {
		r.Facts["asker"] = p.asker
	}
	return r, nil
}

// waiting gives the texts of the incident that were approved and have not gone out, the
// next part of each thread.
func (c *Call) waiting() ([]incidents.Sending, error) {
	all, err := c.Tx.Sendings(c.I.N)
	slices.Reverse(all)
	var out []incidents.Sending
	for _, s := range all {
		if s.State == incidents.SendQueued && !slices.ContainsFunc(out, func(o incidents.Sending) bool { return o.First == s.First }) {
			out = append(out, s)
		}
	}
	return out, err
}

// pending gives what waits to be sent, and then what waits to be approved.
func (c *Call) pending() ([]pending, error) {
	var out []pending
	queued, err := c.waiting()
	for _, s := range queued {
		out = append(out, pending{kind: s.Kind, Sending: s})
	}
	if err != nil {
		return nil, err
	}
	codes, err := c.Tx.OpenApprovals(c.I.N)
	for _, code := range codes {
		if err != nil {
			return nil, err
		}
		var p pending
		var ok bool
		if p, ok, err = c.request(code); ok {
			out = append(out, p)
		}
	}
	return out, err
}

// request gives the text that a request is about; false when it is about something else.
func (c *Call) request(code string) (pending, bool, error) {
	a, ok, err := c.Tx.Approval(code)
	if err != nil || !ok || a.Version != c.I.Version { // of what was changed since, nobody can approve it
		return pending{}, false, err
	}
	act, err := c.Tx.Act(a)
	if err != nil {
		return pending{}, false, err
	}
	cmd, rest, ok := find(c.Table, act)
	if !ok || cmd.Words != send().Words {
		return pending{}, false, nil
	}
	if words := split(rest); len(words) > 0 {
		if _, named := c.handle(words[0].text); named {
			rest = strings.TrimSpace(rest[words[0].end:])
		}
	}
	args, err := c.read(cmd, rest, c.now)
	if err != nil {
		return pending{}, false, nil // it could not be approved either
	}
	kind, _ := args.out["kind"].(string)
	if small(kind) == decline {
		kind = decline
	}
	forWhom, _ := args.out["NAME"].(string)
	to, _ := args.out["ADDRESSES"].(string)
	k, _ := c.Book.DraftKind(small(kind))
	s := incidents.Sending{For: incidents.Seal(forWhom), To: incidents.Seal(to), Reporter: kind == decline || k.Audience == templates.ForReporter}
	return pending{kind: small(kind), code: code, asker: a.Asker, Sending: s}, true, nil
}

// unsent refuses to close an incident while a text of it is on its way: what it says
// rests on the incident as it is. It gives the requests for texts that nobody approved,
// which stand no longer then.
func (c *Call) unsent() ([]incidents.Facts, error) {
	all, err := c.pending()
	asked := []incidents.Facts{}
	for _, p := range all {
		if p.code == "" && err == nil {
			err = incidents.Refuse("close-waits", "handle", c.I.Handle, "for", p.whom(), "draft", incidents.Seal(p.kind), "way", incidents.Seal(p.Way), "at", p.At, "by", p.By())
		}
		asked = append(asked, incidents.Facts{"draft": incidents.Seal(p.kind), "asker": p.asker})
	}
	return asked, err
}
