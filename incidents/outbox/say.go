package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
	"tocsin/templates"
)

// sayHand says rows of kind "say".
type sayHand struct{ o *Outbox }

// late is how long after its instant a reminder counts as late.
const late = 2 * time.Minute

// Find asks the network whether a row arrived.
func (h sayHand) Find(ctx context.Context, r store.Row) (string, error) {
	l := h.o.lanes[r.Network]
	if l == nil {
		return "", bridges.ErrNoTrace
	}
	got, err := l.bridge.Find(ctx, bridges.Outgoing{Key: r.Key, Room: roomOf(r), ReplyTo: r.ReplyTo, Since: r.Due})
	if err == nil {
		err = h.o.shown(r)
	}
	return got.ID, err
}

// requests gives the code of the approval that a row asks a room for, or "". One that
// goes to somebody directly asks nobody there.
func requests(r store.Row) string {
	code, _ := r.Facts["approval"].(string)
	if r.Direct {
		return ""
	}
	return code
}

// showing writes down whether a row that asks for an approval is about to be said
// with all that is approved. Only where everything may be heard is it.
func (o *Outbox) showing(ctx context.Context, r store.Row, whole bool) error {
	code := requests(r)
	if code == "" {
		return nil
	}
	return o.c.Store.Update(ctx, func(tx *store.Tx) error {
		return tx.Showing(code, r.Network, r.Room, whole, !r.Trying)
	})
}

// shown writes down that a row that asks for an approval arrived.
func (o *Outbox) shown(r store.Row) error {
	code := requests(r)
	if code == "" {
		return nil
	}
	// What happened has happened, also when the bot is being stopped.
	return o.c.Store.Update(context.Background(), func(tx *store.Tx) error { return tx.Shown(code, r.Network, r.Room) })
}

func roomOf(r store.Row) bridges.Room {
	return bridges.Room{Network: r.Network, ID: r.Room, Direct: r.Direct}
}

// proofs is how often a room is proven anew for one try, when it changes between
// the proof and the words.
const proofs = 4

// Do proves the room, puts the row into words for what that allows, and says it.
func (h sayHand) Do(ctx context.Context, r store.Row) (id string, err error) {
	for range proofs {
		if id, err = h.try(ctx, r); !errors.Is(err, bridges.ErrUnproven) {
			return id, err
		}
	}
	return id, err
}

func (h sayHand) try(ctx context.Context, r store.Row) (string, error) {
	o := h.o
	l := o.lanes[r.Network]
	if l == nil {
		return "", fmt.Errorf("%w: the network %s is not configured", bridges.ErrNotSent, r.Network)
	}
	proof := Unproven(roomOf(r))
	if o.c.Rooms(roomOf(r)).Asks == "full" {
		var err error
		if proof, err = l.bridge.Prove(ctx, roomOf(r)); err != nil {
			return "", fmt.Errorf("%w: %w", bridges.ErrNotSent, err)
		}
	}
	verdict, facts, err := o.judge(ctx, &r, proof)
	if err != nil {
		return "", fmt.Errorf("%w: %w", bridges.ErrNotSent, err)
	}
	if verdict.Shut && r.Harmless && r.ReplyTo == "" {
		return "", store.End(store.Overtaken, "nobody there may hear anything")
	}
	if verdict.Clearance.None() && !r.Harmless {
		return "", o.passOn(ctx, r)
	}
	r.Facts = facts
	o.tellDesk(ctx, r, verdict)
	limits := l.bridge.Limits()
	file, facts := o.made(ctx, r, facts, verdict, limits)
	doc, err := o.c.Book.Render(r.Template, facts, verdict.Clearance)
	if err != nil {
		return "", fmt.Errorf("%w: %w", bridges.ErrNotSent, err)
	}
	long := limits.Lines > 0 && doc.Lines > limits.Lines
	switch {
	case long && limits.Files && file == nil:
		file = fileOf(r, facts, doc)
		if doc, err = o.preview(r.Template, facts, doc.Lines, verdict.Clearance); err != nil {
			return "", fmt.Errorf("%w: %w", bridges.ErrNotSent, err)
		}
	case long && requests(r) != "" && verdict.Clearance.Full():
		// It is said whole, however long: who approves reads it here, as everybody does.
	case long && o.directToo(r, verdict):
		if err := o.sendDirectly(ctx, r); err != nil {
			return "", fmt.Errorf("%w: %w", bridges.ErrNotSent, err)
		}
		doc, err = o.c.Book.Render("overflow", incidents.Facts{"lines": doc.Lines}, verdict.Clearance)
		if err != nil {
			return "", fmt.Errorf("%w: %w", bridges.ErrNotSent, err)
		}
	}
	if r.Tone == int(bridges.Hint) && verdict.Clearance.Full() && !r.Harmless && !o.directToo(r, verdict) {
		r.Tone = int(bridges.Answer) // it was judged for the room: there it stays
	}
	text, html := doc.Text, doc.HTML
	if r.Trying {
		text = "(again) " + text
		if html != "" {
			html = "(again) " + html
		}
	}
	if err := o.showing(ctx, r, verdict.Clearance.Full()); err != nil {
		return "", fmt.Errorf("%w: %w", bridges.ErrNotSent, err)
	}
	got, err := l.bridge.Say(ctx, bridges.Outgoing{
		Key: r.Key, Room: roomOf(r), ReplyTo: r.ReplyTo, Thread: r.Thread, Text: text, HTML: html, File: file,
		Mentions: o.mentions(r), Tone: bridges.Tone(r.Tone), Readers: readers(proof, verdict.Clearance), State: proof.State,
	})
	if err == nil {
		err = o.shown(r)
	}
	return got.ID, err
}

// preview gives what is said of an answer that is a file: by the template that goes
// with its own, named like it and "/preview", where there is one.
func (o *Outbox) preview(template string, f incidents.Facts, lines int, c incidents.Clearance) (templates.Document, error) {
	if name := template + "/preview"; o.c.Book.Has(name) {
		return o.c.Book.Render(name, f.With("lines", lines), c)
	}
	return o.c.Book.Render("filed", incidents.Facts{"lines": lines}, c)
}

// fileOf makes a file of an answer that is too long to be read in a room. Its
// name says no more than the answer's kind and the handle; of a text that everybody
// may read, which has no handle in its facts, only the kind.
func fileOf(r store.Row, f incidents.Facts, doc templates.Document) *bridges.File {
	name, _, _ := strings.Cut(r.Template, "/")
	if handle, _ := f["handle"].(string); handle != "" {
		name += "-" + handle
	}
	if markdown, _ := f["markdown"].(bool); markdown {
		return &bridges.File{Name: name + ".md", Type: "text/markdown", Data: []byte(doc.Text + "\n")}
	}
	return &bridges.File{Name: name + ".txt", Type: "text/plain", Data: []byte(doc.Text + "\n")}
}

// directToo reports whether a long answer can go to who asked for it: not where
// the direct message may hear less than the room.
func (o *Outbox) directToo(r store.Row, v incidents.Verdict) bool {
	if r.Direct || r.Asker == "" {
		return false
	}
	to := o.c.Rooms(bridges.Room{Network: r.Network, ID: r.Asker, Direct: true})
	return !v.Clearance.Full() || r.Harmless || to.Asks == "full"
}

// judge loads what a row is about and judges the room for it, at this moment.
// Its words and facts are read once more, since something may have been erased,
// and the facts of a reminder are made now.
func (o *Outbox) judge(ctx context.Context, r *store.Row, proof bridges.Proof) (incidents.Verdict, incidents.Facts, error) {
	var v incidents.Verdict
	var facts incidents.Facts
	err := o.c.Store.Update(ctx, func(tx *store.Tx) error {
		var err error
		if v, err = o.verdict(tx, *r, proof); err != nil {
			return err
		}
		if r.Template, facts, err = tx.Content(r.ID); err != nil || facts != nil {
			return err
		}
		if facts, err = o.remind(tx, *r); err == nil && r.Clock != "" {
			r.Mentions, err = o.called(tx, facts)
		}
		return err
	})
	return v, facts, err
}

// verdict judges what a row's room may hear of what the row is about.
func (o *Outbox) verdict(tx *store.Tx, r store.Row, proof bridges.Proof) (incidents.Verdict, error) {
	suspended, err := tx.Suspended()
	if err != nil {
		return incidents.Verdict{}, err
	}
	grant := o.c.Rooms(roomOf(r))
	guests, err := tx.Guests(grant.Incident)
	evidence := Evidence(o.c.Roster, proof).Admit(guests)
	return incidents.Clear(grant, evidence, r.Incident, func(p string) bool { return suspended[p] }), err
}

// remind gives the facts of a reminder from the incident as it is now. One that
// does not apply any more is overtaken.
func (o *Outbox) remind(tx *store.Tx, r store.Row) (incidents.Facts, error) {
	if r.Incident == 0 {
		return o.calendar(tx, r)
	}
	i, err := tx.Incident(r.Incident)
	if err != nil {
		return nil, err
	}
	c, runs, err := tx.Clock(r.Incident, r.Clock, r.Generation)
	if err != nil {
		return nil, err
	}
	if !runs {
		return nil, store.End(store.Overtaken, "the clock stopped or moved")
	}
	if newest := c.LastRung(tx.Now()); newest.After(r.Rung) {
		return nil, store.End(store.Overtaken, "a newer reminder is due")
	}
	return incidents.RungCard(*o.c.Plan(), i, c, r.Rung, tx.Now(), tx.Now().Sub(r.Rung) > late), nil
}

// Unproven is what is known of a room without looking: nothing, but that a
// direct message goes to its account, which the bridge sees to. It costs the
// network nothing, and is enough where the configuration grants notices at most.
func Unproven(r bridges.Room) bridges.Proof {
	p := bridges.Proof{Room: r}
	if r.Direct {
		p.Members = []bridges.Member{{Account: bridges.Account{Network: r.Network, ID: r.ID}, Name: r.ID}}
	}
	return p
}

// Evidence turns a bridge's proof into what the rule of clearance judges: who
// of the readers is on the roster.
func Evidence(roster incidents.Roster, p bridges.Proof) incidents.Proof {
	var out incidents.Proof
	for _, c := range p.Checks {
		out.Checks = append(out.Checks, incidents.Check(c))
	}
	for _, m := range p.Members {
		r := incidents.Reader{Name: m.Name, Account: incidents.Account(m.Account)}
		if who, ok := roster.ByAccount(incidents.Account(m.Account)); ok {
			r.Person = who.Name
		}
		if r.Name == "" {
			r.Name = m.Account.ID
		}
		out.Readers = append(out.Readers, r)
	}
	return out
}

// readers gives who was proven to read in a room, where that is what the
// clearance rests on.
func readers(p bridges.Proof, c incidents.Clearance) []bridges.Account {
	if !c.Full() {
		return nil
	}
	out := make([]bridges.Account, 0, len(p.Members))
	for _, m := range p.Members {
		out = append(out, m.Account)
	}
	return out
}

// mentions gives the accounts on the row's network of the people it concerns.
func (o *Outbox) mentions(r store.Row) []bridges.Account {
	var out []bridges.Account
	for _, name := range r.Mentions {
		out = append(out, o.accounts(r.Network, name)...)
	}
	if r.Tone == int(bridges.Hint) && r.Asker != "" {
		out = append(out, bridges.Account{Network: r.Network, ID: r.Asker})
	}
	return out
}

// sendDirectly queues the same answer as a direct message to who asked for it,
// with its facts as they were frozen.
func (o *Outbox) sendDirectly(ctx context.Context, r store.Row) error {
	return o.c.Store.Update(ctx, func(tx *store.Tx) error {
		return tx.Redirect(r, r.Key+"/direct", r.Asker)
	})
}

// passOn queues a row for everybody it concerns directly, because its room may
// hear nothing: who asked, or every maintainer with an account on that network.
func (o *Outbox) passOn(ctx context.Context, r store.Row) error {
	if r.Direct {
		return fmt.Errorf("%w: nothing may be said to that account now", bridges.ErrNotSent) // it is held
	}
	err := o.c.Store.Update(ctx, func(tx *store.Tx) error {
		to := []string{r.Asker}
		if r.Asker == "" {
			to = o.everybody(r.Network)
		}
		for _, id := range to {
			if err := tx.Redirect(r, r.Key+"/direct/"+id, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("%w: %w", bridges.ErrNotSent, err)
	}
	return store.End(store.PassedOn, "the room may hear nothing")
}

func (o *Outbox) everybody(network string) []string {
	var out []string
	for _, p := range o.c.Roster.People() {
		if have := o.accounts(network, p.Name); len(have) > 0 {
			out = append(out, have[0].ID)
		}
	}
	return out
}

// called gives whom a reminder calls: whose clock it is, or everybody, but nobody who
// is suspended, or whose night it is.
func (o *Outbox) called(tx *store.Tx, f incidents.Facts) ([]string, error) {
	var people []string
	if who, _ := f["who"].(string); who != "" {
		people = []string{who}
	}
	if all, _ := f["everybody"].(bool); all {
		people = o.c.Roster.Names()
	}
	suspended, err := tx.Suspended()
	people = slices.DeleteFunc(people, func(name string) bool { return suspended[name] })
	return o.awake(people, f), err
}
