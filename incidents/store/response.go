package store

import (
	"database/sql"
	"errors"
	"fmt"
	"reflect"

	"tocsin/incidents"
)

// responseColumns are read in the order of loadResponse.
const responseColumns = `
	incident, level_at, cve_at, wild_at, public_at, update_at, policy_at, lead_since,
	embargo, embargo_at, embargo_zone, embargo_agreed, embargo_ended,
	handoff_to, handoff_from, handoff_by, handoff_at, track, reach, policy, ghsa, library,
	reach_why, workaround, poc, period, files, advice, embargo_moved`

// loadResponse loads how the response to an incident stands.
func (tx *Tx) loadResponse(i *incidents.Incident) error {
	var level, cve, wild, public, update, policy, lead, embargo, agreed, ended, handoff, moved sql.NullInt64
	e, h := &i.Embargo, &i.Handoff
	var n int
	err := tx.row(`SELECT`+responseColumns+` FROM response WHERE incident = ?`, i.N).Scan(
		&n, &level, &cve, &wild, &public, &update, &policy, &lead,
		&e.State, &embargo, &e.Zone, &agreed, &ended,
		&h.To, &h.From, &h.By, &handoff, &i.Track, &i.Reach, &i.Policy, &i.GHSA, &i.Library,
		&i.ReachWhy, &i.Workaround, &i.PoC, &i.Period, &i.Files, &i.Advice, &moved)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	i.LevelAt, i.CVEAt, i.WildAt, i.PublicAt = instant(level), instant(cve), instant(wild), instant(public)
	i.UpdateAt, i.PolicyAt, i.LeadSince = instant(update), instant(policy), instant(lead)
	e.At, e.AgreedAt, e.EndedAt, e.MovedAt, h.At = instant(embargo), instant(agreed), instant(ended), instant(moved), instant(handoff)
	return err
}

// saveResponse keeps it.
func (tx *Tx) saveResponse(i incidents.Incident) error {
	e, h := i.Embargo, i.Handoff
	_, err := tx.exec(`INSERT OR REPLACE INTO response (`+responseColumns+`)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		i.N, millis(i.LevelAt), millis(i.CVEAt), millis(i.WildAt), millis(i.PublicAt), millis(i.UpdateAt), millis(i.PolicyAt), millis(i.LeadSince),
		e.State, millis(e.At), e.Zone, millis(e.AgreedAt), millis(e.EndedAt),
		h.To, h.From, h.By, millis(h.At), i.Track, i.Reach, i.Policy, i.GHSA, i.Library,
		i.ReachWhy, i.Workaround, i.PoC, i.Period, i.Files, i.Advice, millis(e.MovedAt))
	if err != nil {
		return fmt.Errorf("keeping the response to %s: %w", i.Handle, err)
	}
	return nil
}

// loadSteps loads what became of an incident's steps.
func (tx *Tx) loadSteps(n int) (map[string]incidents.Deed, error) {
	out := map[string]incidents.Deed{}
	err := tx.each(`SELECT key, state, at, who, note, along FROM step WHERE incident = ?`, []any{n}, func(r *sql.Rows) error {
		var key string
		var d incidents.Deed
		var at sql.NullInt64
		err := r.Scan(&key, &d.State, &at, &d.Who, &d.Note, &d.Along)
		d.At = instant(at)
		out[key] = d
		return err
	})
	return out, err
}

// saveSteps keeps what became of them.
func (tx *Tx) saveSteps(i incidents.Incident) error {
	have, err := tx.loadSteps(i.N)
	if err != nil {
		return err
	}
	for key, d := range i.Steps {
		if old, ok := have[key]; ok && old.State == d.State && old.At.Equal(d.At) && old.Who == d.Who && old.Note.Same(d.Note) && old.Along == d.Along {
			continue
		}
		_, err := tx.exec(`INSERT OR REPLACE INTO step (incident, key, state, at, who, note, along) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			i.N, key, d.State, d.At.UnixMilli(), d.Who, d.Note, d.Along)
		if err != nil {
			return err
		}
	}
	for key := range have {
		if _, ok := i.Steps[key]; !ok {
			if _, err := tx.exec(`DELETE FROM step WHERE incident = ? AND key = ?`, i.N, key); err != nil {
				return err
			}
		}
	}
	return nil
}

// loadSnoozes loads which of an incident's clocks were put off.
func (tx *Tx) loadSnoozes(n int) (map[string]incidents.Snooze, error) {
	out := map[string]incidents.Snooze{}
	err := tx.each(`SELECT clock, until, due, who, why FROM snooze WHERE incident = ?`, []any{n}, func(r *sql.Rows) error {
		var key string
		var s incidents.Snooze
		var until, due sql.NullInt64
		err := r.Scan(&key, &until, &due, &s.Who, &s.Why)
		s.Until, s.Due = instant(until), instant(due)
		out[key] = s
		return err
	})
	return out, err
}

// saveSnoozes keeps them.
func (tx *Tx) saveSnoozes(i incidents.Incident) error {
	have, err := tx.loadSnoozes(i.N)
	if err != nil || reflect.DeepEqual(have, i.Snoozes) {
		return err
	}
	for key, s := range i.Snoozes {
		_, err := tx.exec(`INSERT OR REPLACE INTO snooze (incident, clock, until, due, who, why) VALUES (?, ?, ?, ?, ?, ?)`,
			i.N, key, s.Until.UnixMilli(), s.Due.UnixMilli(), s.Who, s.Why)
		if err != nil {
			return err
		}
	}
	for key := range have {
		if _, ok := i.Snoozes[key]; !ok {
			if _, err := tx.exec(`DELETE FROM snooze WHERE incident = ? AND clock = ?`, i.N, key); err != nil {
				return err
			}
		}
	}
	return nil
}

// Agreements gives what was agreed on an incident's embargo, oldest first, as far as
// it was not erased.
func (tx *Tx) Agreements(n int) ([]incidents.Consent, error) {
	var out []incidents.Consent
	last := 0
	err := tx.each(`SELECT p.seq, t.at, t.plain, p.field, p.value FROM personal p JOIN timeline t ON t.seq = p.seq
		WHERE p.incident = ? AND p.field IN ('agreed', 'quote') AND p.value IS NOT NULL ORDER BY p.id`, []any{n}, func(r *sql.Rows) error {
		var seq int
		var at sql.NullInt64
		var date, field string
		var value incidents.Sealed
		if err := r.Scan(&seq, &at, &date, &field, &value); err != nil {
			return err
		}
		if seq != last {
			out, last = append(out, incidents.Consent{At: instant(at), Date: date}), seq
		}
		if a := &out[len(out)-1]; field == "agreed" {
			a.Who = value
		} else {
			a.Quote = value
		}
		return nil
	})
	return out, err
}
