package advisories

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/bridges"
	"tocsin/bridges/github"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

// Act does something to an advisory: it reads it again, holds it against what whoever
// asked for it saw, does it, reads it back, and puts it on record.
type Act struct{ *Desk }

// actLife is how long an act is tried while GitHub gives no answer.
const actLife = 6 * time.Hour

// job is one act with what it is about.
type job struct {
	row    store.Row
	act    incidents.AdvisoryAct
	answer store.Row
	i      incidents.Incident // its zero value where it is none's
}

// Find looks whether an act of unknown outcome was done. Where GitHub does not tell, it
// is never done again by itself: a person looks.
func (h Act) Find(ctx context.Context, r store.Row) (string, error) {
	j, _, err := h.load(r) // it may have been done, whoever asked for it
	if err != nil {
		return "", err
	}
	now, err := h.read(ctx, j)
	switch {
	case err != nil:
		return "", h.failed(j, err, true)
	case j.act.Kind != incidents.ActOpen && opened(now.GHSA) == "":
		return "", bridges.ErrNoTrace // it was not made
	case j.act.Done(now) || j.act.Kind == incidents.ActCreate:
		return "", h.done(j, now, nil)
	case j.act.Kind == incidents.ActCVE:
		return "", h.end(j, "advisory/unknown", nil)
	}
	return "", bridges.ErrNoTrace
}

// Do does an act.
func (h Act) Do(ctx context.Context, r store.Row) (string, error) {
	j, err := h.obeyed(r)
	if err != nil {
		return "", err
	}
	raw, now, err := h.readRaw(ctx, j)
	if err != nil {
		return "", h.failed(j, err, false)
	}
	if j.act.Kind == incidents.ActOpen {
		return "", h.open(j, now)
	}
	if err := h.meanwhile(&j, now); err != nil {
		return "", fmt.Errorf("%w: %w", bridges.ErrNotSent, err)
	}
	if j.act.Kind != incidents.ActCreate && j.act.Done(now) {
		return "", h.done(j, now, nil) // it is so already
	}
	if moved := j.act.Moved(now); len(moved) > 0 {
		return "", h.end(j, "advisory/moved", incidents.Facts{"fields": incidents.BothFacts(moved)})
	}
	h.Failpoint("read")
	if j, err = h.obeyed(r); err != nil { // while GitHub was read people may have said something
		return "", err
	}
	if err := h.gates(j, now); err != nil {
		return "", err
	}
	h.Failpoint("acting")
	err = h.write(ctx, &j, raw)
	h.Failpoint("acted")
	if err != nil {
		return "", h.failed(j, err, false)
	}
	after, err := h.read(ctx, j)
	switch {
	case err == nil:
	case j.act.Kind == incidents.ActCVE:
		after = now // it was taken, and shows nowhere
	default:
		return "", err // it was done, and what it is like now is looked up
	}
	switch j.act.Kind {
	case incidents.ActAccept, incidents.ActPublish, incidents.ActClose:
		if !j.act.Done(after) {
			return "", h.end(j, "advisory/otherwise", incidents.Facts{"advisorystate": incidents.Seal(after.State)})
		}
	}
	return "", h.done(j, after, &now)
}

func (h Act) read(ctx context.Context, j job) (incidents.Advisory, error) {
	_, a, err := h.readRaw(ctx, j)
	return a, err
}

// meanwhile takes into the incident what changed in its advisory since GitHub was looked
// at last, before anything is done to it: what others did is told as theirs, and is what
// people see from now on.
func (h Act) meanwhile(j *job, now incidents.Advisory) error {
	if now.GHSA.Empty() { // it is to be made
		return nil
	}
	return h.update(func(tx *store.Tx) error {
		err := Watch(h).one(tx, 0, now, nil)
		if err == nil {
			j.i, err = tx.Incident(j.i.N)
		}
		return err
	})
}

// readRaw reads the advisory that an act is about. One that is to be made has none,
// unless it was made by a try that nobody heard the end of.
func (h Act) readRaw(ctx context.Context, j job) (github.Advisory, incidents.Advisory, error) {
	if j.act.Kind == incidents.ActCreate && j.act.GHSA.Empty() {
		if !j.row.Trying && j.row.State != store.Unknown {
			return github.Advisory{}, incidents.Advisory{}, nil
		}
		return h.made(ctx, j)
	}
	raw, err := h.Client.GetAdvisory(ctx, opened(j.act.GHSA))
	if err != nil {
		return raw, incidents.Advisory{}, err
	}
	return raw, h.taken(raw), nil
}

// made looks for the draft that an act may have made: one of that title that nobody saw yet.
func (h Act) made(ctx context.Context, j job) (github.Advisory, incidents.Advisory, error) {
	list, err := h.Client.ListAdvisories(ctx, nil)
	if err != nil {
		return github.Advisory{}, incidents.Advisory{}, err
	}
	for _, raw := range list {
		a := h.taken(raw)
		taken := false
		err := h.update(func(tx *store.Tx) error {
			old, ok, err := tx.Advisory(a.GHSA)
			taken = ok && old.Incident != j.i.N // seen before: its own is not, while it waits
			return err
		})
		if err != nil {
			return raw, a, err
		}
		if a.State == incidents.AdvisoryDraft && !taken && a.Title.Same(j.act.Want["title"]) {
			return raw, a, nil
		}
	}
	return github.Advisory{}, incidents.Advisory{}, nil
}

// write does the one thing.
func (h Act) write(ctx context.Context, j *job, now github.Advisory) error {
	id, set := opened(j.act.GHSA), func(ch github.Change) error {
		_, err := h.Client.UpdateAdvisory(ctx, opened(j.act.GHSA), ch)
		return err
	}
	state := func(s string) error { return set(github.Change{State: &s}) }
	switch j.act.Kind {
	case incidents.ActCreate:
		a, err := h.Client.CreateAdvisory(ctx, h.draft(j.act.Want))
		if err == nil {
			j.act.GHSA = incidents.Seal(a.ID)
		}
		return err
	case incidents.ActPush:
		return set(h.change(now, j.act.Want))
	case incidents.ActCVE:
		return h.Client.RequestCVE(ctx, id)
	case incidents.ActFork:
		_, err := h.Client.CreateFork(ctx, id)
		return err
	case incidents.ActCollaborator:
		users := append(slices.Clone(now.Users), opened(j.act.Login))
		teams := slices.Clone(now.Teams)
		return set(github.Change{Users: &users, Teams: &teams})
	case incidents.ActCredit:
		credits := []github.Credit{}
		for _, c := range now.Credits {
			if !strings.EqualFold(c.Login, opened(j.act.Login)) {
				credits = append(credits, c)
			}
		}
		credits = append(credits, github.Credit{Login: opened(j.act.Login), Type: j.act.Credit})
		return set(github.Change{Credits: &credits})
	case incidents.ActAccept:
		return state(incidents.AdvisoryDraft)
	case incidents.ActPublish:
		return state(incidents.AdvisoryPublished)
	case incidents.ActClose:
		return state(incidents.AdvisoryClosed)
	}
	return fmt.Errorf("%w: nobody can do that", bridges.ErrRefused)
}

// done puts on record what was done, and says it where it was asked for and elsewhere.
// before is how the advisory was; nil: it was so already, or nobody knows.
func (h Act) done(j job, now incidents.Advisory, before *incidents.Advisory) error {
	err := h.update(func(tx *store.Tx) error {
		i, err := tx.Incident(j.i.N)
		if err != nil {
			return err
		}
		plan, was := *h.Plan(), i
		old, ok, err := tx.Advisory(now.GHSA)
		if err != nil {
			return err
		}
		if kept, _, err := tx.ActOf(j.row); err != nil {
			return err
		} else if kept.Kind == "" { // erased while it was done
			j.act.Login = incidents.Sealed{}
		}
		if ok && old.Parted {
			now = now.Part()
			if before != nil {
				parted := before.Part()
				before = &parted
			}
		}
		if ok {
			now.Agreed, now.Parted, now.GlobalAt, now.GlobalTold = old.Agreed, old.Parted, old.GlobalAt, old.GlobalTold
		}
		now.Incident = i.N
		e := incidents.Entry{Kind: "advisory-done", Who: j.act.By, At: tx.Now(), Text: j.act.Say()}
		if !j.act.Login.Empty() {
			e.Personal = []incidents.Personal{{Field: "login", Value: j.act.Login}}
		}
		entries := []incidents.Entry{e}
		if i.GHSA.Empty() {
			var linked incidents.Entry
			i, linked = incidents.LinkAdvisory(i, now, j.act.By, tx.Now())
			entries = append(entries, linked)
		}
		var more []incidents.Entry
		if j.act.Kind == incidents.ActCVE {
			i, more = incidents.AdvisoryAsked(plan, i, j.act.By, tx.Now())
			entries = append(entries, more...)
		}
		i.Advisory = now
		i, more, _ = incidents.TakeCVE(i, now, tx.Now())
		entries = append(entries, more...)
		i, more, _ = incidents.AdvisoryShown(plan, i, now, tx.Now())
		entries = append(entries, more...)
		i, more = incidents.Advance(plan, was, i, j.act.By, tx.Now())
		if i, err = tx.Save(i, append(entries, more...)...); err != nil {
			return err
		}
		if now.Agreed == nil {
			now.Agreed = incidents.Agreed{}
		}
		for name := range j.act.Want { // what was read back is what both have now
			for _, b := range incidents.CompareAdvisory(i, now, j.act.Want["description"], now.Agreed) {
				if b.Field == name {
					now.Agreed[name] = b.Theirs
				}
			}
		}
		if err := tx.SaveAdvisory(now); err != nil {
			return err
		}
		f := h.facts(j, tx.Now())
		f["already"], f["movedto"] = before == nil, ""
		if len(more) > 0 {
			f["movedto"] = string(i.Phase)
		}
		changes := []incidents.AdvisoryNews{}
		if before != nil {
			changes = incidents.AdvisoryChanges(*before, now)
		}
		f["news"], f["advisorystate"], f["url"], f["score"] = incidents.NewsFacts(changes), incidents.Seal(now.State), now.URL, now.Score
		f["fork"], f["ours"], f["differ"] = now.Fork, i.Score, incidents.ScoresDiffer(i, now)
		if err := h.say(tx, j, store.Sent, "advisory/done", f); err != nil || !ok {
			return err
		}
		// What others did since the last look is not seen by the next one: it is news now.
		last := now
		if before != nil {
			last = *before
		}
		others := slices.DeleteFunc(incidents.AdvisoryChanges(old, last), func(n incidents.AdvisoryNews) bool { return before == nil && j.act.Explains(n) })
		if len(others) == 0 {
			return nil
		}
		return Watch(h).changed(tx, now, others)
	})
	return h.over(err)
}

// open makes an incident of the advisory.
func (h Act) open(j job, now incidents.Advisory) error {
	err := h.update(func(tx *store.Tx) error {
		old, ok, err := tx.Advisory(now.GHSA)
		if err != nil {
			return err
		}
		if ok && old.Incident != 0 {
			return h.say(tx, j, store.Sent, "advisory/opened-before", incidents.Facts{"handle": h.handle(tx, old.Incident)})
		}
		i, err := h.opens(tx, now)
		if err != nil {
			return err
		}
		f := incidents.Card(*h.Plan(), i, tx.Now())
		f["author"], f["url"], f["by"] = now.Author, now.URL, j.act.By
		j.row.Incident = i.N
		return h.say(tx, j, store.Sent, "advisory/opened", f)
	})
	return h.over(err)
}

// over ends a row, once what became of it is kept.
func (h Act) over(err error) error {
	h.Kick()
	if err != nil {
		return err
	}
	return store.End(store.Sent, "")
}

// end says why an act was not done, and ends it.
func (h Act) end(j job, template string, f incidents.Facts) error {
	err := h.update(func(tx *store.Tx) error {
		facts := h.facts(j, tx.Now())
		for k, v := range f {
			facts[k] = v
		}
		if j.i.N != 0 {
			i, err := tx.Incident(j.i.N)
			if err != nil {
				return err
			}
			e := incidents.Entry{Kind: "advisory-failed", Who: j.act.By, At: tx.Now(), Text: j.act.Say()}
			if _, err = tx.Save(i, e); err != nil {
				return err
			}
		}
		return h.say(tx, j, store.Refused, template, facts)
	})
	if h.Kick(); err != nil {
		return err
	}
	return store.End(store.Refused, "it was not done")
}

// failed says what to do with an error of GitHub's. What surely was not done and may be
// done another time is tried again, for some hours.
func (h Act) failed(j job, cause error, looking bool) error {
	told, e := said(cause)
	h.Log.Info("GitHub did not do it", "row", j.row.ID, "error", e.Error())
	late := h.Now().Sub(j.row.Due) > actLife
	again := errors.Is(cause, bridges.ErrNotSent) || looking || e.Kind == github.Unreachable || e.Kind == github.Silent || e.Kind == github.Server || e.Kind == github.Limited
	switch {
	case errors.Is(cause, github.ErrUnknown) && !looking:
		return cause // it is looked up
	case again && !late:
		if j.row.Tries == 0 || e.Kind == github.Revoked {
			_ = h.update(func(tx *store.Tx) error {
				f := h.facts(j, tx.Now())
				f["kind"], f["until"] = trouble(e), e.Until
				return h.sayOnce(tx, j, "waits", "advisory/waits", f)
			})
			h.Kick()
		}
		if looking {
			return errors.Join(errors.New("it was not looked up"), h.waits(j, e))
		}
		return errors.Join(fmt.Errorf("%w: %w", bridges.ErrNotSent, cause), h.waits(j, e))
	}
	template := "advisory/failed"
	if looking {
		template = "advisory/unknown"
	}
	return h.end(j, template, incidents.Facts{"kind": trouble(e), "needs": e.Needs, "told": told})
}

// waits keeps GitHub from being asked before it wants to be.
func (h Act) waits(j job, e *github.Error) error {
	if e.Until.IsZero() {
		return nil
	}
	return h.update(func(tx *store.Tx) error { return tx.NotBefore(j.row.ID, e.Until) })
}
