package store

import (
	"database/sql"
	"encoding/json"
	"strconv"
	"time"

	"tocsin/incidents"
)

// Seen notes that a person was heard at an instant: when the message was sent, so
// that one that came late counts for its own time. A time that is not known, or
// lies ahead, is now. Who calls it sees to it that the person is not suspended.
func (tx *Tx) Seen(person string, at time.Time) error {
	if at.IsZero() || at.After(tx.now) {
		at = tx.now
	}
	// What lies ahead in the file was kept while the machine's clock was wrong.
	r, err := tx.exec(`INSERT INTO presence (person, heard_at) VALUES (?1, ?2)
		ON CONFLICT (person) DO UPDATE SET heard_at = excluded.heard_at
		WHERE heard_at < excluded.heard_at OR heard_at > ?3`, person, at.UnixMilli(), tx.now.UnixMilli())
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return tx.rederiveLed(person, "lead-heard")
}

// rederiveLed derives the clocks anew of open incidents that a person leads: those
// with a clock that runs from an event, or all for "".
func (tx *Tx) rederiveLed(person, event string) error {
	if tx.s.opts.Plan == nil {
		return nil
	}
	plan := tx.s.opts.Plan()
	query, args := `SELECT i.n FROM incident i JOIN role r ON r.incident = i.n AND r.role = ? AND r.person = ? WHERE i.phase <> 'closed'`,
		[]any{plan.LeadRole().Key, person}
	if event != "" {
		query = `SELECT DISTINCT c.incident FROM clock c JOIN role r ON r.incident = c.incident AND r.role = ? AND r.person = ?
			WHERE c.runs = 1 AND c.key IN (SELECT value FROM json_each(?))`
		args = append(args, tx.keysFrom(event))
	}
	var led []int
	err := tx.each(query, args, func(r *sql.Rows) error {
		var n int
		err := r.Scan(&n)
		led = append(led, n)
		return err
	})
	for _, n := range led {
		if err == nil {
			err = tx.Rederive(n)
		}
	}
	return err
}

// Rederive derives the clocks of an incident anew: something changed that they count
// on and that is no part of the incident.
func (tx *Tx) Rederive(n int) error {
	i, err := tx.Incident(n)
	if err != nil {
		return err
	}
	return tx.replaceClocks(i)
}

// loadLead loads what is known of an incident's lead: when they were heard last, and
// their present or next absence.
func (tx *Tx) loadLead(i *incidents.Incident) error {
	if tx.s.opts.Plan == nil {
		return nil
	}
	i.Listening = tx.s.listening
	lead := i.Lead(*tx.s.opts.Plan())
	if lead == "" {
		i.LeadHeard, i.LeadAway, i.LeadReturn = time.Time{}, time.Time{}, time.Time{}
		return nil
	}
	var heard, from, until sql.NullInt64
	err := tx.row(`SELECT (SELECT min(heard_at, ?1) FROM presence WHERE person = ?2), a.from_at, a.until_at FROM (SELECT 1)
		LEFT JOIN (SELECT from_at, until_at FROM away WHERE person = ?2 AND ended_at IS NULL AND until_at > ?1 ORDER BY from_at LIMIT 1) a`,
		tx.now.UnixMilli(), lead).Scan(&heard, &from, &until)
	i.LeadHeard, i.LeadAway, i.LeadReturn = instant(heard), instant(from), instant(until)
	return err
}

// HeardOf gives when each person was heard last; who never was is not in it.
func (tx *Tx) HeardOf() (map[string]time.Time, error) {
	out := map[string]time.Time{}
	err := tx.each(`SELECT person, min(heard_at, ?) FROM presence`, []any{tx.now.UnixMilli()}, func(r *sql.Rows) error {
		var person string
		var at sql.NullInt64
		err := r.Scan(&person, &at)
		out[person] = instant(at)
		return err
	})
	return out, err
}

// PutAway keeps that a person is away. What they said before about the same time is
// taken back by it: how many absences that ended.
func (tx *Tx) PutAway(a incidents.Absence, by string) (instead int, err error) {
	r, err := tx.exec(`UPDATE away SET ended_at = ?1 WHERE person = ?2 AND ended_at IS NULL AND from_at < ?4 AND until_at > max(?1, ?3)`,
		tx.now.UnixMilli(), a.Person, a.From.UnixMilli(), a.Until.UnixMilli())
	if err != nil {
		return 0, err
	}
	n, err := r.RowsAffected()
	if err != nil {
		return 0, err
	}
	_, err = tx.exec(`INSERT INTO away (person, from_at, until_at, by, at) VALUES (?, ?, ?, ?, ?)`,
		a.Person, a.From.UnixMilli(), a.Until.UnixMilli(), by, tx.now.UnixMilli())
	if err != nil {
		return int(n), err
	}
	return int(n), tx.rederiveLed(a.Person, "") // who leads is asked for a stand-in
}

// EndAway ends the absence that a person is in, or else the next one to come; false
// when there is none.
func (tx *Tx) EndAway(person string) (incidents.Absence, bool, error) {
	all, err := tx.Absences(tx.now)
	for _, a := range all {
		if a.Person != person {
			continue
		}
		_, err := tx.exec(`UPDATE away SET ended_at = ? WHERE person = ? AND ended_at IS NULL AND from_at = ? AND until_at = ?`,
			tx.now.UnixMilli(), person, a.From.UnixMilli(), a.Until.UnixMilli())
		if err == nil {
			err = tx.rederiveLed(person, "")
		}
		return a, err == nil, err
	}
	return incidents.Absence{}, false, err
}

// Absences gives who is or will be away after an instant, the first to leave
// first. An absence that was ended early ends there; one that was taken back
// before it began is none.
func (tx *Tx) Absences(after time.Time) ([]incidents.Absence, error) {
	var out []incidents.Absence
	err := tx.each(`SELECT person, from_at, min(until_at, coalesce(ended_at, until_at)) AS until FROM away
		WHERE until > ? AND until > from_at ORDER BY from_at, until, person`, []any{after.UnixMilli()}, func(r *sql.Rows) error {
		var a incidents.Absence
		var from, until sql.NullInt64
		err := r.Scan(&a.Person, &from, &until)
		a.From, a.Until = instant(from), instant(until)
		out = append(out, a)
		return err
	})
	return out, err
}

// The keys of the file's meta that say when the bot was there.
const (
	aliveKey     = "alive"     // last
	listeningKey = "listening" // since when without a longer break
)

// How often it is noted that the bot is there, at least, which wakes each hour; and
// for how long it is not when that is a break.
const (
	aliveEach = 10 * time.Minute
	longBreak = 3 * time.Hour
)

// Alive notes now and then that the bot is there.
func (tx *Tx) Alive() error {
	if tx.now.Sub(tx.s.alive).Abs() < aliveEach {
		return nil
	}
	tx.s.alive = tx.now
	return tx.SetMeta(aliveKey, strconv.FormatInt(tx.now.UnixMilli(), 10))
}

// Listen notes that the bot is there from now on: after a longer break nobody's
// silence counts from before it, since nobody could be heard. A lead of whom it is not
// known since when they lead, from a file of before that was kept, leads since now.
func (tx *Tx) Listen() error {
	last, err := tx.metaInstant(aliveKey)
	if err != nil {
		return err
	}
	since, err := tx.metaInstant(listeningKey)
	if err != nil {
		return err
	}
	if since.IsZero() || last.IsZero() || tx.now.Sub(last) > longBreak {
		since = tx.now
		if err := tx.SetMeta(listeningKey, strconv.FormatInt(since.UnixMilli(), 10)); err != nil {
			return err
		}
	}
	tx.s.listening = since
	if err := tx.Alive(); err != nil || tx.s.opts.Plan == nil {
		return err
	}
	if err := tx.adopt(); err != nil {
		return err
	}
	return tx.rederiveRunning("lead-heard")
}

func (tx *Tx) metaInstant(key string) (time.Time, error) {
	text, err := tx.Meta(key)
	if err != nil || text == "" {
		return time.Time{}, err
	}
	ms, err := strconv.ParseInt(text, 10, 64)
	return time.UnixMilli(ms).UTC(), err
}

func (tx *Tx) adopt() error {
	var led []int
	err := tx.each(`SELECT i.n FROM incident i JOIN role r ON r.incident = i.n AND r.role = ? LEFT JOIN response p ON p.incident = i.n
		WHERE i.phase <> 'closed' AND p.lead_since IS NULL`, []any{tx.s.opts.Plan().LeadRole().Key}, func(r *sql.Rows) error {
		var n int
		err := r.Scan(&n)
		led = append(led, n)
		return err
	})
	for _, n := range led {
		var i incidents.Incident
		if err == nil {
			i, err = tx.Incident(n)
		}
		if err == nil {
			i.LeadSince = tx.now
			_, err = tx.Save(i)
		}
	}
	return err
}

// rederiveRunning derives the clocks anew of every incident with a clock that runs
// from an event.
func (tx *Tx) rederiveRunning(event string) error {
	var all []int
	err := tx.each(`SELECT DISTINCT incident FROM clock WHERE runs = 1 AND key IN (SELECT value FROM json_each(?))`,
		[]any{tx.keysFrom(event)}, func(r *sql.Rows) error {
			var n int
			err := r.Scan(&n)
			all = append(all, n)
			return err
		})
	for _, n := range all {
		if err == nil {
			err = tx.Rederive(n)
		}
	}
	return err
}

// keysFrom gives the keys of the clocks that run from an event, as a JSON list.
func (tx *Tx) keysFrom(event string) string {
	keys := []string{}
	for _, c := range tx.s.opts.Plan().Clocks {
		if c.From == event {
			keys = append(keys, c.Key)
		}
	}
	list, _ := json.Marshal(keys) // a list of strings: cannot fail
	return string(list)
}

// Returned derives anew the clocks of those who came back between two instants: the
// next absence counts now, or none.
func (tx *Tx) Returned(after, until time.Time) error {
	var people []string
	err := tx.each(`SELECT DISTINCT person FROM away WHERE ended_at IS NULL AND until_at > ? AND until_at <= ?`,
		[]any{after.UnixMilli(), until.UnixMilli()}, func(r *sql.Rows) error {
			var p string
			err := r.Scan(&p)
			people = append(people, p)
			return err
		})
	for _, p := range people {
		if err == nil {
			err = tx.rederiveLed(p, "")
		}
	}
	return err
}

// NextReturn gives when the next absence ends; the zero time when none is known.
func (tx *Tx) NextReturn() (time.Time, error) {
	var at sql.NullInt64
	err := tx.row(`SELECT min(until_at) FROM away WHERE ended_at IS NULL AND until_at > ?`, tx.now.UnixMilli()).Scan(&at)
	return instant(at), err
}
