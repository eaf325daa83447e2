package advisories

import (
	"errors"
	"fmt"
	"time"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

// facts are those that every answer has.
func (h Act) facts(j job, now time.Time) incidents.Facts {
	f := incidents.Facts{"handle": "", "codename": ""}
	if j.i.N != 0 {
		f = incidents.Card(*h.Plan(), j.i, now)
	}
	f["act"], f["by"], f["second"], f["login"], f["credit"] = incidents.Seal(j.act.Kind), j.act.By, j.act.Second, j.act.Login, incidents.Seal(j.act.Credit)
	return f
}

func (h Act) handle(tx *store.Tx, n int) string {
	i, err := tx.Incident(n)
	if err != nil {
		return ""
	}
	return i.Handle
}

// say answers where an act was asked for, tells the other rooms that hear of the incident,
// and ends the act's row: no crash comes between.
func (h Act) say(tx *store.Tx, j job, state, template string, f incidents.Facts) error {
	if err := errors.Join(h.sayOnce(tx, j, "answer", template, f), tx.Finish(j.row.ID, state, "", "")); err != nil {
		return err
	}
	return h.Tell(tx, News{Key: fmt.Sprintf("act/%d", j.row.ID), Template: template, Incident: j.row.Incident, Facts: f, But: j.answer})
}

func (h Act) sayOnce(tx *store.Tx, j job, what, template string, f incidents.Facts) error {
	row := j.answer
	row.Key, row.Kind, row.Template, row.Facts, row.Incident = fmt.Sprintf("act/%d/%s", j.row.ID, what), "say", template, f, j.row.Incident
	row.Tone, row.Mentions = int(bridges.Answer), []string{j.act.By}
	return tx.Queue(row)
}
