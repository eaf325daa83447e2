package irc

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/lrstanley/girc"

	"tocsin/bridges"
)

// modes are the letters of a network's channel modes that have no name common to
// all servers. 0: the network has no such mode. Those in harmless change neither
// who can read along without being seen, nor whether somebody reads later what
// was said before; every other letter may.
type modes struct {
	registered, tls byte
	harmless        string
}

// letters gives the modes of a profile. One that is not known has none, so that
// its checks fail: the same letter means something else on the next server.
func letters(profile string) modes {
	switch profile {
	case "inspircd":
		return modes{'R', 'z', "siknptlmMrRzcCSTKNQVPBGfjF"}
	case "unreal":
		return modes{'R', 'z', "siknptlmMRzcCSTKNQVPGfr"}
	case "solanum":
		return modes{'r', 'S', "siknptlmrScCTQPjfFL"}
	case "ergo":
		return modes{'R', 0, "siknptlmMRC"}
	}
	return modes{}
}

// Prove looks at a room as it is now: the modes are asked for each time.
func (b *Bridge) Prove(ctx context.Context, r bridges.Room) (bridges.Proof, error) {
	p := bridges.Proof{Room: r}
	l := b.current()
	if l == nil || r.Network != b.cfg.Name {
		return p, fmt.Errorf("irc: not connected to %s: %w", r.Network, bridges.ErrNotSent)
	}
	var err error
	if r.Direct {
		err = l.proveDirect(ctx, &p)
	} else {
		err = l.proveChannel(ctx, &p)
	}
	if err != nil {
		return bridges.Proof{Room: r}, fmt.Errorf("irc: %w", err)
	}
	p.At = time.Now().UTC()
	return p, nil
}

// check adds a fact.
func check(p *bridges.Proof, name string, ok bool, told, not, mend string) {
	c := bridges.Check{Name: name, OK: ok, Told: told}
	if !ok {
		c.Told, c.Mend = not, mend
	}
	p.Checks = append(p.Checks, c)
}

// own adds the facts about our own connection. The lock is held.
func (l *link) own(p *bridges.Proof) {
	check(p, "tls", true, "Our connection to "+l.cfg.Name+" is TLS and its certificate was verified.", "", "")
	check(p, "authenticated", l.trusted(), "The server knows us as "+cleanName(l.account)+".",
		"The server does not know us as "+l.cfg.Account+".", "Wait until we are logged in again.")
}

// proveDirect looks at who would read a direct message.
func (l *link) proveDirect(ctx context.Context, p *bridges.Proof) error {
	account := l.canon(p.Room.ID)
	nick, err := l.find(ctx, account)
	if err != nil {
		return err
	}
	secure, err := l.secure(ctx, nick)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.own(p)
	check(p, "peer-tls", secure, cleanName(nick)+" is connected with TLS.", cleanName(nick)+" is not known to be connected with TLS.",
		"Connect with TLS.")
	check(p, "identified", true, cleanName(nick)+" is logged in as "+cleanName(account)+".", "", "")
	p.Members = []bridges.Member{{Account: bridges.Account{Network: l.cfg.Name, ID: account}, Name: cleanName(nick)}}
	return nil
}

// secure asks the server whether a nick is connected with TLS (WHOIS, 671).
func (l *link) secure(ctx context.Context, nick string) (bool, error) {
	l.mu.Lock()
	fold := l.casemap.fold
	l.mu.Unlock()
	found := false
	err := l.question(ctx, "WHOIS "+nick, func(e *girc.Event) bool {
		if e.Command == "671" && len(e.Params) > 1 && fold(e.Params[1]) == fold(nick) {
			found = true
		}
		return e.Command == "318" || e.Command == "402"
	})
	return found, err
}

// proveChannel asks for the modes and looks at the members.
func (l *link) proveChannel(ctx context.Context, p *bridges.Proof) error {
	l.mu.Lock()
	r, fold := l.room(p.Room), l.casemap.fold
	l.mu.Unlock()
	if r == nil {
		return fmt.Errorf("not a configured channel: %w", bridges.ErrRefused)
	}
	if err := l.settled(ctx, r); err != nil {
		return err
	}
	found, ok, changes := "", false, 0
	err := l.question(ctx, "MODE "+r.Name, func(e *girc.Event) bool {
		if len(e.Params) < 2 || fold(e.Params[1]) != fold(r.Name) {
			return false
		}
		if e.Command == "324" && len(e.Params) > 2 {
			found, ok, changes = e.Params[2], true, r.changes // the lock is held while an answer is taken
		}
		return ok || refusal(e.Command)
	})
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !ok || !r.joined {
		return fmt.Errorf("the modes of %s cannot be seen: %w", r.Name, bridges.ErrNotSent)
	}
	p.State = changes
	l.own(p)
	l.modeChecks(p, r.Name, strings.TrimPrefix(found, "+"))
	l.memberChecks(p, r)
	return nil
}

// settled waits until the accounts of a channel's members are known, and asks
// again where the server does not tell when they change.
func (l *link) settled(ctx context.Context, r *room) error {
	limit := time.NewTimer(l.cfg.Tuning.Echo)
	defer limit.Stop()
	l.mu.Lock()
	if r.joined && r.synced && !(l.caps["extended-join"] && l.caps["account-notify"]) {
		r.synced = false
		l.askWho(r)
	}
	for {
		if !r.joined || !l.ready {
			l.mu.Unlock()
			return fmt.Errorf("not in %s: %w", r.Name, bridges.ErrNotSent)
		}
		if r.synced || !l.whox {
			l.mu.Unlock()
			return nil
		}
		pulse := l.pulse
		l.mu.Unlock()
		select {
		case <-pulse:
		case <-l.done:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), bridges.ErrNotSent)
		case <-limit.C:
			return fmt.Errorf("the server does not say who is in %s: %w", r.Name, bridges.ErrNotSent)
		}
		l.mu.Lock()
	}
}

// modeChecks judges nothing; it says which of the modes that matter are set.
func (l *link) modeChecks(p *bridges.Proof, name, set string) {
	has := func(b byte) bool { return b != 0 && strings.IndexByte(set, b) >= 0 }
	known := letters(l.cfg.Profile)
	mend := func(b byte) string {
		switch {
		case b != 0:
			return "An operator of the channel can set it: /mode " + name + " +" + string(b)
		case l.cfg.Profile == "":
			return "Say in the configuration which server software " + l.cfg.Name + " runs (profile)."
		}
		return "This network's software has no such mode; use another network for this."
	}
	other := strings.Trim(strings.Map(func(r rune) rune {
		if strings.ContainsRune(known.harmless, r) {
			return -1
		}
		return r
	}, set), " ")
	check(p, "plain", known.harmless != "" && other == "", name+" has no mode that hides readers or repeats what was said.",
		name+" has the modes "+cleanName(other)+", which may hide readers or repeat what was said.",
		"An operator of the channel can take them away: /mode "+name+" -"+cleanName(other))
	check(p, "secret", has('s'), name+" is secret (+s).", name+" is not secret: outsiders can see that it exists and who is in it.", mend('s'))
	check(p, "closed", has('i') || has('k'), name+" can be joined by invitation or with a key only.",
		name+" can be joined by anybody who knows its name.", mend('i'))
	check(p, "registered-only", has(known.registered), name+" lets in registered accounts only.",
		name+" is not known to keep out people without an account.", mend(known.registered))
	check(p, "tls-only", has(known.tls), name+" lets in TLS connections only.",
		name+" is not known to keep out connections without TLS.", mend(known.tls))
}

// memberChecks lists who can read along.
func (l *link) memberChecks(p *bridges.Proof, r *room) {
	nobodies := 0
	for _, one := range r.members {
		if l.sameNick(one.nick, l.nick) {
			continue
		}
		m := bridges.Member{Name: cleanName(one.nick)}
		m.Account.Network = l.cfg.Name
		if one.known {
			m.Account.ID = one.account
		}
		if m.Account.ID == "" {
			nobodies++
		}
		p.Members = append(p.Members, m)
	}
	sort.Slice(p.Members, func(i, k int) bool { return p.Members[i].Name < p.Members[k].Name })
	check(p, "identified", nobodies == 0, "Everybody in "+r.Name+" is logged in to an account.",
		fmt.Sprintf("%d of %d people in %s are not logged in to an account.", nobodies, len(p.Members), r.Name),
		"They log in, or an operator removes them.")
}
