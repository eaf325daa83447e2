package commands

import (
	"fmt"
	"net/mail"
	"slices"
	"strings"

	"tocsin/incidents"
	"tocsin/templates"
)

// mostRecipients is how many one mail goes to: more is a list, and a person's work.
const mostRecipients = 20

// wayOf gives the way by which the bot may send a kind of draft, or "".
func wayOf(k templates.DraftKind) string {
	switch {
	case k.Channel == templates.ByMastodon:
		return incidents.ByMastodon
	case k.Channel == templates.ByMail && k.Mail:
		return incidents.ByMail
	}
	return ""
}

// way gives what the configuration says of the way of a kind; false when it lets the
// bot send nothing by it.
func (c *Call) way(k templates.DraftKind) (Way, bool) {
	if c.Ways == nil || wayOf(k) == "" {
		return Way{}, false
	}
	return c.Ways(wayOf(k))
}

func (c *Call) canSend(k templates.DraftKind) bool { _, ok := c.way(k); return ok }

func send() Command {
	return Command{
		Words: "send", About: One, Needs: Full, Outside: true,
		Does:    "mail or post a text to people outside; needs a second maintainer, who approves that text and no other",
		Example: "!send INC-7 ack --to erin@example.org",
		Args: []Arg{
			{Name: "ADDRESSES", Flag: "--to", Kind: OneLine, Optional: true, Sealed: true, Max: maxText},
			forArg(),
			{Name: "thread", Flag: "--thread", Kind: Switch, Optional: true},
			{Name: "hash", Flag: "--hash", Kind: Word, Optional: true, Frozen: true},
			draftArg(),
		},
		Second: func(c *Call) (bool, error) {
			_, err := c.letter()
			return true, err
		},
		Freeze: func(c *Call) (string, Reply, error) {
			l, err := c.letter()
			if err != nil {
				return "", Reply{}, err
			}
			r := c.card("send/asked")
			for name, v := range l.asked() {
				r.Facts[name] = v
			}
			r.Facts["pretended"], r.Facts["other"] = l.from == incidents.PretendAccount, strings.Join(c.others()[:min(1, len(c.others()))], "")
			return "--hash " + c.open(l.seal), r, nil
		},
		Run: (*Call).send,
	}
}

// letter is a text that is ready to be sent.
type letter struct {
	text
	way     string
	Way                         // as it is configured
	from    string              // the account, and how
	to      []string            // mail: addresses
	posts   []incidents.Sealed  // Mastodon: one, or a thread
	lengths []int               // of each
	earlier []incidents.Sending // of the same kind, that went out or may have
	seal    incidents.Sealed    // the hash of all that two people agree on
}

// letter takes a text through every gate before it may be sent: the same when it is
// asked for and when it is approved.
func (c *Call) letter() (letter, error) {
	k, err := c.kindTyped()
	if err != nil {
		return letter{}, err
	}
	l := letter{way: wayOf(k)}
	kind := incidents.Seal(k.Key)
	if l.way == "" {
		return l, incidents.Refuse("send-by-hand", "for", c.Sealed("NAME"), "draft", kind, "handle", c.I.Handle)
	}
	var ok bool
	if l.Way, ok = c.way(k); !ok {
		return l, incidents.Refuse("send-off", "for", c.Sealed("NAME"), "draft", kind, "way", incidents.Seal(l.way), "handle", c.I.Handle)
	}
	if err := c.flagsFit(l.way); err != nil {
		return l, err
	}
	if l.way == incidents.ByMail {
		if l.to, err = c.recipients(k); err != nil {
			return l, err
		}
	}
	if l.from, err = l.From(l.to); err != nil || l.from == "" {
		return l, orRefuse(err, "send-no-account", "way", incidents.Seal(l.way))
	}
	if l.text, err = c.text(k, use{to: l.to, thread: c.Has("thread"), limits: l.Limits}); err != nil {
		return l, err
	}
	if templates.Blocks(l.findings) {
		return l, incidents.Refuse("send-blocked", "for", c.Sealed("NAME"), "draft", kind, "handle", c.I.Handle, "errors", l.found(templates.LintError), "warnings", l.found(templates.LintWarning), "missing", l.shown()["missing"])
	}
	if l.way == incidents.ByMastodon {
		l.posts, l.lengths = l.Posts(c.Has("thread"), l.Limits, c.clear(c.I.N).Clearance)
	}
	if err := c.before(&l); err != nil {
		return l, err
	}
	// What was found goes in too, and what went out before: whoever approves has seen
	// every warning there is.
	parts := []incidents.Sealed{l.hash, incidents.Seal(l.way), incidents.Seal(l.from), incidents.Seal(strings.Join(l.to, ", ")), incidents.Seal(l.rules())}
	for _, s := range l.earlier {
		parts = append(parts, incidents.Seal(fmt.Sprint("after ", s.ID, s.State)))
	}
	l.seal = incidents.TextHash(append(parts, l.posts...)...)
	return l, nil
}

// flagsFit refuses what was typed that does not go with a way, and a hash that
// somebody typed: it stands in acts that wait for a second person only.
func (c *Call) flagsFit(way string) error {
	switch {
	case c.Has("hash") && c.agreed == "":
		return incidents.Refuse("unknown-flag", "usage", c.usage(send()))
	case c.Has("thread") && way != incidents.ByMastodon, c.Has("ADDRESSES") && way != incidents.ByMail:
		return incidents.Refuse("send-flag")
	}
	return nil
}

// before finds what of the same kind went out already.
func (c *Call) before(l *letter) error {
	all, err := c.Tx.Sendings(c.I.N)
	for _, s := range all {
		if s.Kind != l.Kind.Key || s.State == incidents.SendRefused {
			continue
		}
		if s.State == incidents.SendQueued && s.Hash.Same(l.hash) && s.To.Same(incidents.Seal(strings.Join(l.to, ", "))) {
			return incidents.Refuse("send-queued", "at", s.At, "by", s.By())
		}
		if s.Part == 1 { // a thread is shown once
			l.earlier = append(l.earlier, s)
		}
	}
	return err
}

// recipients gives whom a mail goes to: as typed, or the reporter where it is for them.
func (c *Call) recipients(k templates.DraftKind) ([]string, error) {
	typed := c.Str("ADDRESSES")
	if typed == "" && k.Audience == templates.ForReporter {
		typed = c.open(c.I.Reporter.Contact)
	}
	list, err := mail.ParseAddressList(typed)
	if err != nil {
		return nil, incidents.Refuse("send-to", "typed", c.Sealed("ADDRESSES"), "for", c.Sealed("NAME"), "handle", c.I.Handle, "draft", incidents.Seal(k.Key), "reporter", k.Audience == templates.ForReporter, "eml", c.Has("eml"))
	}
	var out []string
	for _, a := range list {
		if k.Audience == templates.ForReporter {
			if err := incidents.CheckRecipient(c.I, k.Key, a.Address); err != nil {
				return nil, err
			}
		}
		if !slices.Contains(out, a.Address) {
			out = append(out, a.Address)
		}
	}
	if len(out) > mostRecipients {
		return nil, incidents.Refuse("send-many", "max", mostRecipients)
	}
	return out, nil
}

// asked gives what is shown of a letter to who approves it.
func (l letter) asked() incidents.Facts {
	f := l.shown()
	earlier := []incidents.Facts{}
	for _, s := range l.earlier[:min(3, len(l.earlier))] {
		earlier = append(earlier, incidents.SendingFacts(s))
	}
	posts := []incidents.Facts{}
	for k, p := range l.posts {
		posts = append(posts, incidents.Facts{"text": p, "length": l.lengths[k], "number": k + 1})
	}
	most := l.Limits.Characters
	if most == 0 {
		most = templates.UsualLimits().Characters
	}
	f["way"], f["account"], f["to"] = incidents.Seal(l.way), incidents.Seal(l.from), incidents.Seal(strings.Join(l.to, ", "))
	f["earlier"], f["posts"], f["most"], f["length"] = earlier, posts, most, l.Body.Length()
	return f
}

// send queues what two people agreed on.
func (c *Call) send() (Reply, error) {
	l, err := c.letter()
	if err != nil {
		return Reply{}, err
	}
	if !incidents.HashIs(l.seal, c.Str("hash")) {
		return Reply{}, incidents.Refuse("send-changed", "for", c.Sealed("NAME"), "draft", incidents.Seal(l.Kind.Key), "handle", c.I.Handle)
	}
	bodies := l.posts // of a post, or a thread
	if l.way == incidents.ByMail {
		bodies = []incidents.Sealed{l.Body}
	}
	s := incidents.Sending{
		Incident: c.I.N, Kind: l.Kind.Key, Way: l.way, Account: l.from, Reporter: l.Kind.Audience == templates.ForReporter,
		To: incidents.Seal(strings.Join(l.to, ", ")), For: l.forWhom, Subject: l.Subject, Hash: l.hash, Basis: incidents.Basis(*c.plan, c.I), Parts: len(bodies),
		AskedBy: c.Who.Name, Second: c.agreed, State: incidents.SendQueued,
	}
	s.Reporter = incidents.Reaches(c.I.Reporter, s)
	for k, body := range bodies {
		s.Part, s.Body = k+1, body
		id, err := c.Tx.AddSending(s)
		if err != nil {
			return Reply{}, err
		}
		if err := c.Tx.Enclose(id, l.patches); err != nil {
			return Reply{}, err
		}
		if k == 0 { // the others follow when the one before them is there
			s.ID, s.First = id, id
			if err := c.Tx.QueueCarry(s); err != nil {
				return Reply{}, err
			}
		}
	}
	r := c.card("send/queued")
	for name, v := range incidents.SendingFacts(s) {
		r.Facts[name] = v
	}
	return r, nil
}
