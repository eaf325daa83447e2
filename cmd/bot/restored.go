package main

import (
	"tocsin/incidents"
	"tocsin/incidents/store"
)

// tellRestored tells the desks once that the bot's file was restored from a backup,
// what it does not know since, and what was on its way then. It is called before
// anything else is queued, so it is said first.
func (a *app) tellRestored(tx *store.Tx) error {
	r, ok, err := tx.Restored()
	if err != nil || !ok || r.Told {
		return err
	}
	open, err := tx.Count("open")
	if err != nil {
		return err
	}
	f := incidents.Facts{
		"taken": r.Taken, "at": r.At, "n": open, "last": "", "dropped": r.Dropped, "voided": r.Voided,
	}
	if r.Last > 0 {
		f["last"] = incidents.HandleOf(a.p.prefix, r.Last)
	}
	acts := []string{}
	for _, n := range r.Acts {
		acts = append(acts, incidents.HandleOf(a.p.prefix, n))
	}
	texts := []incidents.Facts{}
	for _, id := range r.Unknown {
		s, err := tx.SendingNumbered(id)
		if err != nil {
			return err
		}
		text := incidents.SendingFacts(s)
		text["handle"] = incidents.HandleOf(a.p.prefix, s.Incident)
		texts = append(texts, text)
	}
	if err := a.outbox.TellIn(tx, "restored", "restored", f.With("texts", texts).With("acts", acts)); err != nil {
		return err
	}
	return tx.ToldRestored(r)
}
