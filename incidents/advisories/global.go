package advisories

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"tocsin/incidents"
	"tocsin/incidents/store"
)

// lookGlobal asks the global database for what was published and is not seen there yet:
// one in an hour, in turn.
func (w Watch) lookGlobal(ctx context.Context, l *look, known map[string]incidents.Advisory) error {
	now := w.Now()
	if now.Sub(l.n.at("global")) < globalEvery {
		return nil
	}
	var wait []string
	for id, a := range known {
		if a.Incident != 0 && a.State == incidents.AdvisoryPublished && a.GlobalAt.IsZero() && now.Sub(a.Published) <= incidents.GlobalMost {
			wait = append(wait, id)
		}
	}
	if len(wait) == 0 {
		return nil
	}
	slices.Sort(wait)
	turn, _ := strconv.Atoi(l.n["turn"]) // what is not there is 0
	id := wait[turn%len(wait)]
	g, there, err := w.Client.GlobalAdvisory(ctx, id)
	if err == nil {
		l.global, l.asked, l.inGlobal = g, id, there
	}
	return nil
}

// globals says of a published advisory whether the world sees it.
func (w Watch) globals(tx *store.Tx, l look) error {
	if l.asked == "" {
		return nil
	}
	a, ok, err := tx.Advisory(incidents.Seal(l.asked))
	if err != nil || !ok || a.Incident == 0 {
		return err
	}
	reviewed := l.inGlobal && l.global.Type != "unreviewed" // as an entry is that came with the CVE alone: it alerts nobody
	if reviewed {
		a.GlobalAt = tx.Now()
	}
	rung := incidents.GlobalRung(a, tx.Now())
	if !reviewed && rung == a.GlobalTold {
		return nil
	}
	a.GlobalTold = rung
	if err := tx.SaveAdvisory(a); err != nil {
		return err
	}
	i, err := tx.Incident(a.Incident)
	if err != nil {
		return err
	}
	f := incidents.Card(*w.Plan(), i, tx.Now())
	f["there"], f["globaltype"], f["url"], f["since"] = l.inGlobal, incidents.Seal(l.global.Type), incidents.Seal(l.global.URL), incidents.SaySpan(tx.Now().Sub(a.Published))
	return w.Tell(tx, News{Key: fmt.Sprintf("global/%d/%d/%v", i.N, rung, l.inGlobal), Template: "advisory/global", Incident: i.N, Facts: f})
}
