package matrix

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"tocsin/bridges"

	"maunium.net/go/mautrix/id"
)

// again is how often a room is looked at anew when it changes during the look.
const again = 4

// look is what a room was seen to be.
type look struct {
	asked   time.Time // when we asked: it is at least as new as that
	changes int       // the room's, with what was seen
	facts   *facts
	listed  string // "public" or "private" in the homeserver's directory, "" when that is not known
}

// Prove looks at a room as it is now: its whole state and its place in the public
// directory are asked for, unless that was done a moment ago and nothing changed.
// What could not be looked up is a failed check.
func (b *Bridge) Prove(ctx context.Context, where bridges.Room) (bridges.Proof, error) {
	p := bridges.Proof{Room: where}
	s, err := b.session()
	if err != nil {
		return p, err
	}
	roomID, err := b.rooms.find(ctx, where)
	if err != nil {
		return p, err
	}
	l, err := b.rooms.look(ctx, s, roomID)
	if err != nil {
		return p, err
	}
	p.At, p.State = l.asked.UTC(), l.changes
	b.rooms.checks(ctx, s, roomID, l, &p)
	if err := ctx.Err(); err != nil { // a check that was broken off has not failed
		return bridges.Proof{Room: where}, fmt.Errorf("%w: %w", bridges.ErrNotSent, err)
	}
	return p, nil
}

// look looks at a room, once for all who ask at the same time.
func (r *rooms) look(ctx context.Context, s *session, roomID id.RoomID) (*look, error) {
	r.mu.Lock()
	rm := r.of(roomID)
	r.mu.Unlock()
	select {
	case rm.looking <- struct{}{}:
		defer func() { <-rm.looking }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", bridges.ErrNotSent, ctx.Err())
	}
	r.mu.Lock()
	l, before := rm.look, rm.changes
	r.mu.Unlock()
	if l != nil && l.changes == before && time.Since(l.asked) < r.b.cfg.Tuning.Fresh {
		return l, nil
	}
	for range again {
		l, err := r.lookOnce(ctx, s, rm)
		if l != nil || err != nil {
			return l, err
		}
	}
	return nil, fmt.Errorf("%w: the room %s changes all the time", bridges.ErrNotSent, roomID)
}

// lookOnce looks at a room; nil without an error when it changed meanwhile, so that
// it is not known which is newer.
func (r *rooms) lookOnce(ctx context.Context, s *session, rm *room) (*look, error) {
	r.mu.Lock()
	before := rm.changes
	r.mu.Unlock()
	l := &look{asked: time.Now()}
	listed := make(chan string, 1)
	go func() { listed <- r.listing(ctx, s, rm.id) }()
	f, in, err := r.fetch(ctx, s, rm.id)
	l.listed = <-listed
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: looking at the room: %w", bridges.ErrNotSent, plainError(err))
	case !in:
		r.accept(ctx, s, rm, nil, false, before)
		return nil, fmt.Errorf("%w: I am not in the room %s", bridges.ErrNotSent, rm.id)
	}
	if !r.accept(ctx, s, rm, f, true, before) {
		return nil, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if rm.facts != f {
		return nil, nil
	}
	l.facts, l.changes = f, rm.changes
	if rm.look = l; l.listed == "" {
		rm.look = nil // the next one asks again
	}
	return l, nil
}

// listing asks whether the homeserver's public directory has a room; "" when it did
// not say.
func (r *rooms) listing(ctx context.Context, s *session, roomID id.RoomID) string {
	for range 2 {
		within, cancel := s.within(ctx)
		body, err := s.cli.MakeRequest(within, http.MethodGet, s.cli.BuildClientURL("v3", "directory", "list", "room", roomID), nil, nil)
		cancel()
		if err == nil {
			return field(body, "visibility")
		}
		if definite(err) || ctx.Err() != nil {
			break
		}
	}
	return ""
}

// checks writes down what was found, one fact after the other.
func (r *rooms) checks(ctx context.Context, s *session, roomID id.RoomID, l *look, p *bridges.Proof) {
	f := l.facts
	if f.unclear {
		for _, name := range []string{"encrypted", "invite-only", "history", "no-guests", "unlisted", "no-integrations", "signed-keys"} {
			p.Checks = append(p.Checks, bridges.Check{
				Name: name, Told: "The room's state can be read in more than one way.", Mend: "Somebody has tampered with the room: make a new one.",
			})
		}
		return
	}
	r.mu.Lock()
	was := r.of(roomID).was
	r.mu.Unlock()
	p.Checks = append(p.Checks, encryptedCheck(f, was), r.inviteCheck(ctx, s, f), historyCheck(f), guestCheck(f), listedCheck(l.listed), integrationCheck(f))
	for _, who := range sorted(f.people) {
		p.Members = append(p.Members, bridges.Member{
			Account: bridges.Account{Network: r.b.cfg.Name, ID: who.String()}, Name: clean(who.String()),
		})
	}
	for range f.pending() {
		p.Members = append(p.Members, bridges.Member{Account: bridges.Account{Network: r.b.cfg.Name}, Name: "somebody invited by e-mail"})
	}
	keys, told := r.receivers(ctx, s, sorted(f.people))
	p.Devices = keys
	p.Checks = append(p.Checks, bridges.Check{Name: "signed-keys", OK: true, Told: told})
}

// pending are the invitations by e-mail that nobody has taken up.
func (f *facts) pending() (out []string) {
	used := map[string]bool{}
	for _, token := range f.redeemed {
		used[token] = true
	}
	for token := range f.mailed {
		if !used[token] {
			out = append(out, token)
		}
	}
	return out
}

// fact makes a check of what was found.
func fact(name string, ok bool, told, not, mend string) bridges.Check {
	if ok {
		return bridges.Check{Name: name, OK: true, Told: told}
	}
	return bridges.Check{Name: name, Told: not, Mend: mend}
}

func encryptedCheck(f *facts, was bool) bridges.Check {
	not, mend := "The room is not encrypted.", "Turn encryption on in the room's settings."
	switch {
	case f.encryption == "" && was:
		not, mend = "The room was encrypted, and its state does not say so any more.", "Somebody has tampered with the room: make a new one."
	case f.encryption != "":
		not, mend = "The room asks for an encryption that I do not know.", "Make a new encrypted room."
	}
	return fact("encrypted", f.encryption == string(id.AlgorithmMegolmV1), "The room is encrypted.", not, mend)
}

func historyCheck(f *facts) bridges.Check {
	told := "People read only what is said after they joined."
	if f.history == "invited" {
		told = "People read only what is said after they were invited."
	}
	not := "Who joins can read what was said before."
	switch f.history {
	case "world_readable":
		not = "Anyone can read the room without joining it."
	case "", "shared":
	default:
		not = "Who can read what was said before is not known."
	}
	return fact("history", f.history == "joined" || f.history == "invited", told, not,
		"Let members read the history only since they joined, in the room's settings.")
}

func guestCheck(f *facts) bridges.Check {
	return fact("no-guests", f.guests == "" || f.guests == "forbidden", "Guests cannot join.", "Guests without an account can join.",
		"Forbid guests to join, in the room's settings.")
}

func listedCheck(listed string) bridges.Check {
	not, mend := "The room is published in the homeserver's public directory.", "Take the room out of the public directory, in its settings."
	if listed != "public" {
		not, mend = "The homeserver does not say whether the room is in its public directory.", "Try again later, or ask who runs the homeserver."
	}
	return fact("unlisted", listed == "private", "The room is not in the public directory.", not, mend)
}

func integrationCheck(f *facts) bridges.Check {
	least := id.UserID("")
	for _, who := range f.extras {
		if least == "" || who < least {
			least = who
		}
	}
	return fact("no-integrations", len(f.extras) == 0, "There is no bridge and no widget in the room.",
		clean(least.String())+" has put a bridge or a widget into the room.", "Remove bridges and widgets, in the room's settings.")
}

// inviteCheck judges who may join. A room that members of other rooms may join is as
// closed as those are: each must be a configured room that may hear everything, and
// proven itself.
func (r *rooms) inviteCheck(ctx context.Context, s *session, f *facts) bridges.Check {
	const mend = "Let only invited people join, in the room's settings."
	told, not := "Only invited people can join.", "It is not known who can join."
	ok := f.rule == "invite" || f.rule == "knock"
	switch f.rule {
	case "knock":
		told = "Only invited people can join; others can ask to be invited."
	case "public":
		not = "Anyone can join."
	case "restricted", "knock_restricted":
		told, not = "Only invited people and members of proven rooms can join.", "Members of a room that is not proven can join."
		ok = !f.other && len(f.allow) > 0
		for _, other := range f.allow {
			ok = ok && r.closed(ctx, s, other)
		}
	}
	return fact("invite-only", ok, told, not, mend)
}

// closed proves a room whose members may join another one.
func (r *rooms) closed(ctx context.Context, s *session, roomID id.RoomID) bool {
	r.mu.Lock()
	full := r.configured[r.origin(roomID)] && r.latest(r.origin(roomID)) == roomID
	r.mu.Unlock()
	if !full {
		return false
	}
	l, err := r.look(ctx, s, roomID)
	if err != nil || l.facts.unclear {
		return false
	}
	r.mu.Lock()
	was := r.of(roomID).was
	r.mu.Unlock()
	f := l.facts
	return (f.rule == "invite" || f.rule == "knock") && encryptedCheck(f, was).OK && historyCheck(f).OK && guestCheck(f).OK &&
		listedCheck(l.listed).OK && integrationCheck(f).OK
}
