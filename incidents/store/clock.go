package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"tocsin/incidents"
)

// ladder is how the file holds the rungs of a clock.
type ladder struct {
	Rungs  []int64 `json:"rungs"`
	Repeat int64   `json:"repeat"`
	Role   string  `json:"role"`
	Quiet  int64   `json:"quiet,omitempty"`
	All    int64   `json:"all,omitempty"`
}

func ladderOf(c incidents.Clock) string {
	l := ladder{Repeat: c.Repeat.Milliseconds(), Role: c.Role}
	if !c.Quiet.IsZero() {
		l.Quiet = c.Quiet.UnixMilli()
	}
	if !c.All.IsZero() {
		l.All = c.All.UnixMilli()
	}
	for _, r := range c.Rungs {
		l.Rungs = append(l.Rungs, r.UnixMilli())
	}
	b, _ := json.Marshal(l) // numbers and a key: cannot fail
	return string(b)
}

// replaceClocks makes the clocks of an incident what the plan says of it now. A
// clock that stays as it was keeps its place on the ladder; one that moved gets
// a new generation, so that its rungs ring again.
func (tx *Tx) replaceClocks(i incidents.Incident) error {
	if tx.s.opts.Plan == nil {
		return nil
	}
	runs := []string{} // never null: nothing is in a list with NULL in it
	for _, c := range incidents.Clocks(*tx.s.opts.Plan(), i) {
		runs = append(runs, c.Key)
		_, err := tx.exec(`INSERT INTO clock (incident, key, generation, runs, due, ladder, next_rung) VALUES (?, ?, 1, 1, ?, ?, ?)
			ON CONFLICT (incident, key) DO UPDATE SET
				generation = generation + 1, runs = 1, due = excluded.due, ladder = excluded.ladder, next_rung = excluded.next_rung
			WHERE runs = 0 OR ladder <> excluded.ladder`,
			i.N, c.Key, c.Due.UnixMilli(), ladderOf(c), c.FirstRung(tx.now).UnixMilli())
		if err != nil {
			return fmt.Errorf("keeping the clock %s of %s: %w", c.Key, i.Handle, err)
		}
	}
	keep, _ := json.Marshal(runs)
	_, err := tx.exec(`UPDATE clock SET runs = 0 WHERE incident = ? AND runs = 1
		AND key NOT IN (SELECT value FROM json_each(?))`, i.N, string(keep))
	return err
}

// Ring is a rung of a clock that is due.
type Ring struct {
	Incident   int
	Clock      incidents.Clock
	Generation int
	Rung       time.Time // the newest one that is due: older ones of the same ladder are overtaken by it
}

// Ringing gives the clocks whose next rung is due, the longest due first.
func (tx *Tx) Ringing() ([]Ring, error) {
	var out []Ring
	err := tx.each(`SELECT incident, key, generation, due, ladder, next_rung FROM clock
		WHERE runs = 1 AND next_rung <= ? ORDER BY next_rung, incident, key`,
		[]any{tx.now.UnixMilli()}, func(r *sql.Rows) error {
			ring, next, err := scanRing(r)
			if err != nil {
				return err
			}
			ring.Rung = ring.Clock.LastRung(tx.now)
			if ring.Rung.Before(next) {
				ring.Rung = next // it was said first when it started, between two rungs
			}
			out = append(out, ring)
			return nil
		})
	return out, err
}

func scanRing(r *sql.Rows) (Ring, time.Time, error) {
	var ring Ring
	var due, next sql.NullInt64
	var text string
	if err := r.Scan(&ring.Incident, &ring.Clock.Key, &ring.Generation, &due, &text, &next); err != nil {
		return ring, time.Time{}, err
	}
	var l ladder
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		return ring, time.Time{}, err
	}
	ring.Clock.Due, ring.Clock.Repeat, ring.Clock.Role = instant(due), time.Duration(l.Repeat)*time.Millisecond, l.Role
	for _, ms := range l.Rungs {
		ring.Clock.Rungs = append(ring.Clock.Rungs, time.UnixMilli(ms).UTC())
	}
	ring.Clock.Quiet = instant(sql.NullInt64{Int64: l.Quiet, Valid: l.Quiet != 0})
	ring.Clock.All = instant(sql.NullInt64{Int64: l.All, Valid: l.All != 0})
	return ring, instant(next), nil
}

// Rung notes that the rungs of r up to now have their rows; the next one is due
// when the ladder says.
func (tx *Tx) Rung(r Ring) error {
	_, err := tx.exec(`UPDATE clock SET next_rung = ? WHERE incident = ? AND key = ? AND generation = ?`,
		r.Clock.NextRung(tx.now).UnixMilli(), r.Incident, r.Clock.Key, r.Generation)
	return err
}

// Clock gives a clock of an incident as it is kept now; false when it does not
// run any more or was moved since generation.
func (tx *Tx) Clock(incident int, key string, generation int) (incidents.Clock, bool, error) {
	found := false
	var ring Ring
	err := tx.each(`SELECT incident, key, generation, due, ladder, next_rung FROM clock
		WHERE incident = ? AND key = ? AND generation = ? AND runs = 1`, []any{incident, key, generation},
		func(r *sql.Rows) (err error) {
			found = true
			ring, _, err = scanRing(r)
			return err
		})
	return ring.Clock, found, err
}

// NextRung gives when the next clock rings; the zero time when none runs.
func (tx *Tx) NextRung() (time.Time, error) {
	var at sql.NullInt64
	err := tx.row(`SELECT next_rung FROM clock WHERE runs = 1 ORDER BY next_rung LIMIT 1`).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	return instant(at), err
}

// Mend brings back clocks whose next rung lies farther ahead than the ladder
// has it: the machine's own clock was wrong for a while. An honest clock's next
// rung is never after the first one that comes after now. It is looked for at
// every start.
func (tx *Tx) Mend() error {
	var wrong []Ring
	err := tx.each(`SELECT incident, key, generation, due, ladder, next_rung FROM clock WHERE runs = 1 AND next_rung > ?`,
		[]any{tx.now.UnixMilli()}, func(r *sql.Rows) error {
			ring, next, err := scanRing(r)
			if err == nil && next.After(ring.Clock.NextRung(tx.now)) {
				wrong = append(wrong, ring)
			}
			return err
		})
	for _, r := range wrong {
		// What was said ahead of time is said again when its time has come: as a rung of
		// another generation.
		if err == nil {
			_, err = tx.exec(`UPDATE clock SET generation = generation + 1, next_rung = ? WHERE incident = ? AND key = ? AND generation = ?`,
				r.Clock.NextRung(tx.now).UnixMilli(), r.Incident, r.Clock.Key, r.Generation)
		}
	}
	if err == nil { // no row waits longer than that for its next try
		_, err = tx.exec(`UPDATE outbox SET next_try = ?1 WHERE state IN ('due', 'unknown') AND tries > 0 AND next_try > ?1`,
			tx.now.Add(longestWait).UnixMilli())
	}
	if err == nil {
		err = tx.mendSchedules()
	}
	return err
}

// longestWait is how long a row waits for its next try at most.
const longestWait = 64 * time.Minute

// Stopped are clocks of an incident that ran and do not with an edited plan.
type Stopped struct {
	Incident int
	Clocks   []string // keys
}

// Reckon derives the clocks of every incident again that was last reckoned with
// another plan and is open, or has a clock that runs. It says how many those were, and
// which clocks run no more.
func (tx *Tx) Reckon(planHash string) (int, []Stopped, error) {
	var stale []int
	var stopped []Stopped
	err := tx.each(`SELECT n FROM incident WHERE plan_hash <> ? AND (phase <> 'closed'
		OR EXISTS (SELECT 1 FROM clock WHERE incident = n AND runs = 1)) ORDER BY n`, []any{planHash},
		func(r *sql.Rows) error {
			var n int
			err := r.Scan(&n)
			stale = append(stale, n)
			return err
		})
	if err != nil {
		return 0, nil, err
	}
	for _, n := range stale {
		before, err := tx.running(n)
		if err != nil {
			return 0, nil, err
		}
		i, err := tx.Incident(n)
		if err != nil {
			return 0, nil, err
		}
		i.PlanHash = planHash
		e := incidents.Entry{Kind: "reckoned", Who: incidents.Tocsin, At: tx.now, Plain: planHash[:min(8, len(planHash))]}
		if _, err := tx.Save(i, e); err != nil {
			return 0, nil, err
		}
		after, err := tx.running(n)
		if err != nil {
			return 0, nil, err
		}
		if lost := slices.DeleteFunc(before, func(key string) bool { return slices.Contains(after, key) }); len(lost) > 0 {
			stopped = append(stopped, Stopped{n, lost})
		}
	}
	return len(stale), stopped, nil
}

// running lists the keys of an incident's clocks that run.
func (tx *Tx) running(n int) (keys []string, err error) {
	err = tx.each(`SELECT key FROM clock WHERE incident = ? AND runs = 1 ORDER BY key`, []any{n}, func(r *sql.Rows) error {
		var key string
		err := r.Scan(&key)
		keys = append(keys, key)
		return err
	})
	return keys, err
}
