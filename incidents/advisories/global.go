package advisories

import (
	"context"
	"fmt"

	"tocsin/bridges/github"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

// lookGlobal asks the global database for what was published and is not seen there yet.
func (w Watch) lookGlobal(ctx context.Context, l *look, known map[string]incidents.Advisory) error {
	now := w.Now()
	if now.Sub(l.n.at("global")) < globalEvery {
		return nil
	}
	l.global = map[string]github.Global{}
	for id, a := range known {
		if a.Incident == 0 || a.State != incidents.AdvisoryPublished || !a.GlobalAt.IsZero() || now.Sub(a.Published) > incidents.GlobalMost {
			continue
		}
		g, there, err := w.Client.GlobalAdvisory(ctx, id)
		if err != nil {
			return nil
		}
		l.asked = append(l.asked, id)
		if there {
			l.global[id] = g
		}
	}
	return nil
}

// globals says of published advisories whether the world sees them.
func (w Watch) globals(tx *store.Tx, l look) error {
	for _, id := range l.asked {
		a, ok, err := tx.Advisory(incidents.Seal(id))
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		g, there := l.global[id]
		reviewed := there && g.Type != "unreviewed" // as an entry is that came with the CVE alone: it alerts nobody
		if reviewed {
			a.GlobalAt = tx.Now()
		}
		rung := incidents.GlobalRung(a, tx.Now())
		if !reviewed && rung == a.GlobalTold {
			continue
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
		f["there"], f["globaltype"], f["url"], f["since"] = there, incidents.Seal(g.Type), incidents.Seal(g.URL), incidents.SaySpan(tx.Now().Sub(a.Published))
		if err := w.Tell(tx, News{Key: fmt.Sprintf("global/%d/%d/%v", i.N, rung, there), Template: "advisory/global", Incident: i.N, Facts: f}); err != nil {
			return err
		}
	}
	return nil
}
