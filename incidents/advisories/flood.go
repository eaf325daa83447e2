package advisories

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/incidents"
	"tocsin/incidents/store"
)

// Whoever reported may edit and comment as often as they like. Of what they write so
// many changes are told within a span; those that come after are told as a number.
const (
	mostTold = 5
	toldSpan = time.Hour
	calm     = "calm " // and the number of an incident: the key of how many were told since when
)

// hold reports whether what changed is held back for now: it is on record already.
func (w Watch) hold(tx *store.Tx, incident int, news []incidents.AdvisoryNews) (bool, error) {
	texts := []string{"description", "comment", "title", "severity", "vector", "affected", "fixed", "cwe"}
	if slices.ContainsFunc(news, func(n incidents.AdvisoryNews) bool { return !slices.Contains(texts, n.What) }) {
		return false, nil
	}
	kept, err := tx.Kept(store.GitHub, calm)
	if err != nil {
		return false, err
	}
	key := calm + fmt.Sprint(incident)
	since, n := counted(kept[key])
	if since.IsZero() {
		since = tx.Now()
	}
	return n >= mostTold, tx.Keep(store.GitHub, map[string]string{key: fmt.Sprint(stamp(since), " ", n+1)})
}

// held tells how much was held back, once the span is over.
func (w Watch) held(tx *store.Tx) error {
	kept, err := tx.Kept(store.GitHub, calm)
	if err != nil {
		return err
	}
	for key, value := range kept {
		since, n := counted(value)
		if tx.Now().Sub(since) < toldSpan {
			continue
		}
		next := ""
		if left := n - mostTold; left > 0 {
			next = fmt.Sprint(stamp(tx.Now()), " ", mostTold) // whoever went on for so long may go on
			if err := w.tellHeld(tx, strings.TrimPrefix(key, calm), left); err != nil {
				return err
			}
		}
		if err := tx.Keep(store.GitHub, map[string]string{key: next}); err != nil {
			return err
		}
	}
	return nil
}

func (w Watch) tellHeld(tx *store.Tx, incident string, left int) error {
	var n int
	if _, err := fmt.Sscan(incident, &n); err != nil {
		return nil // it is of no incident
	}
	i, err := tx.Incident(n)
	if err != nil {
		return err
	}
	f := incidents.Card(*w.Plan(), i, tx.Now())
	f["news"] = incidents.NewsFacts([]incidents.AdvisoryNews{{What: "held", Count: left}})
	f["clash"], f["early"], f["took"], f["movedto"], f["theirs"] = false, false, false, "", incidents.Sealed{}
	return w.Tell(tx, News{Key: fmt.Sprintf("held/%d", n), Template: "advisory/news", Incident: n, Facts: f})
}

// counted reads since when something is counted, and how much it is.
func counted(text string) (since time.Time, n int) {
	at, number, _ := strings.Cut(text, " ")
	_, _ = fmt.Sscan(number, &n) // what is broken is counted anew
	return notes{"": at}.at(""), n
}

// once lists who is obeyed for the first of what one look brings, and nobody for the
// others: they stand below it.
func (w Watch) once(tx *store.Tx) ([]string, error) {
	const key = "called"
	kept, err := tx.Kept(store.GitHub, key)
	if err != nil || kept[key] == tx.Now().Format(time.RFC3339Nano) {
		return nil, err
	}
	if err := tx.Keep(store.GitHub, map[string]string{key: tx.Now().Format(time.RFC3339Nano)}); err != nil {
		return nil, err
	}
	return w.everybody(tx)
}
