package advisories

import (
	"tocsin/incidents"
	"tocsin/incidents/store"
)

// opens makes an incident of an advisory that is nobody's.
func (h *Desk) opens(tx *store.Tx, a incidents.Advisory) (incidents.Incident, error) {
	plan := *h.Plan()
	n, handle, codename, err := tx.NextIncident()
	if err != nil {
		return incidents.Incident{}, err
	}
	i, entries, err := incidents.OpenReported(plan, incidents.Opening{N: n, Handle: handle, Codename: codename}, a, tx.Now())
	if err != nil {
		return i, err
	}
	i, moved := incidents.Advance(plan, incidents.Incident{}, i, incidents.GitHub, tx.Now())
	if i, err = tx.Add(i, append(entries, moved...)...); err != nil {
		return i, err
	}
	a.Incident, a.Agreed = i.N, incidents.AgreedOf(a)
	i.Advisory = a
	return i, tx.SaveAdvisory(a)
}
