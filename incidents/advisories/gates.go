package advisories

import (
	"fmt"
	"slices"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

// obeyed opens what a row asks for, and makes sure that who asked for it, and who
// approved it, are obeyed still.
func (h Act) obeyed(r store.Row) (job, error) {
	j, gone, err := h.load(r)
	if err == nil && gone != "" {
		err = h.end(j, "advisory/not-obeyed", incidents.Facts{"person": gone})
	}
	return j, err
}

// load opens what a row asks for; gone is who of them is not obeyed any more.
func (h Act) load(r store.Row) (j job, gone string, err error) {
	j.row = r
	err = h.update(func(tx *store.Tx) (err error) {
		if j.act, j.answer, err = tx.ActOf(r); err != nil {
			return err
		}
		if r.Incident != 0 {
			if j.i, err = tx.Incident(r.Incident); err != nil {
				return err
			}
		}
		if j.act.Kind == "" {
			return h.Tell(tx, News{
				Key: fmt.Sprintf("act/%d/erased", r.ID), Template: "advisory/erased", Incident: r.Incident, Facts: incidents.Card(*h.Plan(), j.i, tx.Now()),
			})
		}
		suspended, err := tx.Suspended()
		for _, name := range []string{j.act.By, j.act.Second} {
			if _, ok := h.Roster.Named(name); name != "" && (!ok || suspended[name]) {
				gone = name
			}
		}
		return err
	})
	switch {
	case err != nil:
		return j, gone, fmt.Errorf("%w: %w", bridges.ErrNotSent, err)
	case j.act.Kind == "":
		h.Kick()
		return j, gone, store.End(store.Overtaken, "what was asked for was erased")
	}
	return j, gone, nil
}

// gates holds what is about to be done against the incident as it is now.
func (h Act) gates(j job, now incidents.Advisory) error {
	var err error
	switch j.act.Kind {
	case incidents.ActCreate:
		var has incidents.Advisory
		if err = h.update(func(tx *store.Tx) (err error) { has, _, err = tx.AdvisoryOf(j.i.N); return err }); err != nil {
			return err
		}
		if has.GHSA.Empty() {
			has.GHSA = j.i.GHSA
		}
		if !has.GHSA.Empty() && !has.GHSA.Same(now.GHSA) { // it has one by now
			err = incidents.Refuse("advisory-has", "handle", j.i.Handle, "ghsa", has.GHSA)
		}
	case incidents.ActPublish:
		var both []incidents.Both
		for _, b := range incidents.CompareAdvisory(j.i, now, now.Description, nil) { // whose description is as it was seen
			if !b.Ours.Empty() {
				both = append(both, b)
			}
		}
		if lacks := incidents.Preflight(now, both); slices.ContainsFunc(lacks, func(l incidents.Lack) bool { return l.Hard }) {
			return h.end(j, "advisory/unready", incidents.Facts{"lacks": incidents.LackFacts(lacks)})
		}
		if err = incidents.CheckPublish(*h.Plan(), j.i, j.act.Fixed, h.Now()); !h.Publish {
			err = incidents.Refuse("publish-off")
		}
	}
	if no, ok := incidents.AsRefusal(err); ok {
		return h.end(j, "refusals/"+no.Key, no.Args)
	}
	return err
}
