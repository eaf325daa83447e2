package store

import (
	"database/sql"
	"encoding/json"
	"time"

	"tocsin/incidents"
)

// schedules gives the calendar of the plan.
func (tx *Tx) schedules() []incidents.ScheduleRule {
	if tx.s.opts.Plan == nil {
		return nil
	}
	return tx.s.opts.Plan().Schedules
}

// Turn gives where a schedule stands; false when it was never looked at.
func (tx *Tx) Turn(key string) (incidents.Turn, bool, error) {
	t, found := incidents.Turn{Key: key}, false
	err := tx.each(`SELECT number, due, rung, next, done FROM schedule WHERE key = ?`, []any{key}, func(r *sql.Rows) error {
		var due, rung, next sql.NullInt64
		found = true
		err := r.Scan(&t.Number, &due, &rung, &next, &t.Done)
		t.Due, t.Rung, t.Next = instant(due), instant(rung), instant(next)
		return err
	})
	return t, found, err
}

func (tx *Tx) keepTurn(t incidents.Turn) error {
	_, err := tx.exec(`INSERT INTO schedule (key, number, due, rung, next, done) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (key) DO UPDATE SET number = excluded.number, due = excluded.due, rung = excluded.rung,
			next = excluded.next, done = excluded.done`,
		t.Key, t.Number, millis(t.Due), millis(t.Rung), millis(t.Next), t.Done)
	return err
}

// Strike gives the schedules that are due now, and notes that they rang: who calls
// it queues their rows in the same transaction. One that is new waits for its next
// instant.
func (tx *Tx) Strike() ([]incidents.Turn, error) {
	var out []incidents.Turn
	for _, r := range tx.schedules() {
		t, ok, err := tx.Turn(r.Key)
		if err != nil {
			return nil, err
		}
		before := t
		if !ok {
			t = r.First(tx.now)
		}
		t, rings := r.Ring(t, tx.now)
		if t != before || !ok {
			if err := tx.keepTurn(t); err != nil {
				return nil, err
			}
		}
		if rings {
			out = append(out, t)
		}
	}
	return out, nil
}

// NextStrike gives when the next schedule of the plan is due; the zero time when
// none is.
func (tx *Tx) NextStrike() (time.Time, error) {
	keys := []string{} // a schedule that the plan has no more never rings
	for _, r := range tx.schedules() {
		keys = append(keys, r.Key)
	}
	list, err := json.Marshal(keys)
	if err != nil {
		return time.Time{}, err
	}
	var at sql.NullInt64
	err = tx.row(`SELECT min(next) FROM schedule WHERE key IN (SELECT value FROM json_each(?))`, string(list)).Scan(&at)
	return instant(at), err
}

// FinishSchedule notes that what a schedule calls for is done: it rings for its next date.
func (tx *Tx) FinishSchedule(key string) error {
	for _, r := range tx.schedules() {
		if r.Key != key {
			continue
		}
		t, ok, err := tx.Turn(key)
		if err != nil {
			return err
		}
		if !ok {
			t = r.First(tx.now)
		}
		return tx.keepTurn(r.Finish(t, tx.now))
	}
	return nil
}

// mendSchedules is Mend for schedules: the machine's clock may have been wrong, and
// the plan may be another one.
func (tx *Tx) mendSchedules() error {
	for _, r := range tx.schedules() {
		t, ok, err := tx.Turn(r.Key)
		if err != nil {
			return err
		}
		mended := r.First(tx.now)
		if ok {
			mended = r.Mend(t, tx.now)
		}
		if mended != t {
			if err := tx.keepTurn(mended); err != nil {
				return err
			}
		}
	}
	return nil
}
