package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"tocsin/incidents"
)

// Row is something that is to be said or done.
type Row struct {
	ID         int
	Key        string // the same for every try, never used for another row
	Kind       string // who acts on it: "say"
	Network    string
	Room       string
	Direct     bool
	ReplyTo    string
	Thread     string
	Asker      string   // the account that a long answer goes to, or ""
	Mentions   []string // people
	Tone       int
	Template   string
	Facts      incidents.Facts // nil for a reminder
	Incident   int             // what it is about, or 0
	Harmless   bool            // it speaks of no incident at all
	Clock      string          // a reminder: its clock,
	Generation int             // its clock's generation,
	Rung       time.Time       // and which rung
	Due        time.Time
	NextTry    time.Time
	Tries      int
	Trying     bool // a try was begun and its result was not written down
	State      string
	Error      string
}

// The states of a row.
const (
	Due       = "due"       // to be tried
	Unknown   = "unknown"   // tried; whether it arrived has to be looked up
	Sent      = "sent"      // it arrived
	Refused   = "refused"   // the network will not take it
	Overtaken = "overtaken" // it does not apply any more
	PassedOn  = "passed on" // other rows say it elsewhere
)

// Ended is the error of a hand that says: a row is over without having been said or
// done. It is Overtaken, Refused or PassedOn, and why.
type Ended struct{ State, Why string }

// Error gives both.
func (e *Ended) Error() string { return e.State + ": " + e.Why }

// End gives the error of a hand whose row is over.
func End(state, why string) *Ended { return &Ended{State: state, Why: why} }

// ErrLater is the error of a hand that did what there was to do now, and set when the
// row is due again.
var ErrLater = errors.New("it is looked again later")

// Queue adds a row, due now unless it says otherwise. A row whose key is there
// already is left as it is.
func (tx *Tx) Queue(r Row) error {
	facts, err := frozen(r.Facts)
	if err != nil {
		return err
	}
	if r.Due.IsZero() {
		r.Due = tx.now
	}
	if r.NextTry.IsZero() {
		r.NextTry = r.Due
	}
	rung := int64(0)
	if !r.Rung.IsZero() {
		rung = r.Rung.UnixMilli()
	}
	_, err = tx.exec(`INSERT INTO outbox
		(key, kind, network, room, direct, reply_to, thread, asker, mentions, tone, template, facts,
		 incident, harmless, clock, generation, rung, due, next_try, tries, trying, state, sent_id, error)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 'due', '', '')
		ON CONFLICT (key) DO NOTHING`,
		r.Key, r.Kind, r.Network, r.Room, r.Direct, r.ReplyTo, r.Thread, r.Asker, strings.Join(r.Mentions, " "), r.Tone,
		r.Template, facts, nullInt(r.Incident), r.Harmless, r.Clock, r.Generation, rung, r.Due.UnixMilli(), r.NextTry.UnixMilli())
	return err
}

// Place names a row's room within its network.
func (r Row) Place() string {
	if r.Direct {
		return "@" + r.Room
	}
	return r.Room
}

// elsewhere is the condition that a row's Place is not in a list given as JSON.
const elsewhere = `(CASE direct WHEN 1 THEN '@' ELSE '' END || room) NOT IN (SELECT value FROM json_each(?))`

// DueRows gives the rows of a network that are due, in order, at most limit,
// without those for the places that are taken.
func (tx *Tx) DueRows(network string, taken []string, limit int) ([]Row, error) {
	skip, err := json.Marshal(append([]string{}, taken...))
	if err != nil {
		return nil, err
	}
	var out []Row
	err = tx.each(`SELECT id, key, kind, network, room, direct, reply_to, thread, asker, mentions, tone, template, facts,
			coalesce(incident, 0), harmless, clock, generation, rung, due, next_try, tries, trying, state, error
		FROM outbox WHERE state IN ('due', 'unknown') AND network = ? AND next_try <= ? AND `+elsewhere+`
		ORDER BY next_try, id LIMIT ?`, []any{network, tx.now.UnixMilli(), string(skip), limit}, func(r *sql.Rows) error {
		var w Row
		var facts incidents.Sealed
		var mentions string
		var rung, due, next sql.NullInt64
		err := r.Scan(&w.ID, &w.Key, &w.Kind, &w.Network, &w.Room, &w.Direct, &w.ReplyTo, &w.Thread, &w.Asker, &mentions,
			&w.Tone, &w.Template, &facts, &w.Incident, &w.Harmless, &w.Clock, &w.Generation, &rung, &due, &next,
			&w.Tries, &w.Trying, &w.State, &w.Error)
		if err != nil {
			return err
		}
		w.Mentions = strings.Fields(mentions)
		w.Rung, w.Due, w.NextTry = instant(rung), instant(due), instant(next)
		w.Facts, err = thawed(facts)
		out = append(out, w)
		return err
	})
	return out, err
}

// NextDue gives when the next row of a network is due, without those for the
// places that are taken; the zero time when none is.
func (tx *Tx) NextDue(network string, taken []string) (time.Time, error) {
	skip, err := json.Marshal(append([]string{}, taken...))
	if err != nil {
		return time.Time{}, err
	}
	var at sql.NullInt64
	err = tx.row(`SELECT min(next_try) FROM outbox WHERE state IN ('due', 'unknown') AND network = ? AND `+elsewhere,
		network, string(skip)).Scan(&at)
	return instant(at), err
}

// Content gives the words and facts of a row as they are kept now; nil facts for
// a reminder.
func (tx *Tx) Content(id int) (template string, f incidents.Facts, err error) {
	var facts incidents.Sealed
	if err = tx.row(`SELECT template, facts FROM outbox WHERE id = ?`, id).Scan(&template, &facts); err != nil {
		return "", nil, err
	}
	f, err = thawed(facts)
	return template, f, err
}

// Redirect queues what a row says, as it is kept now, for an account directly.
func (tx *Tx) Redirect(r Row, key, account string) error {
	_, err := tx.exec(`INSERT INTO outbox
		(key, kind, network, room, direct, reply_to, thread, asker, mentions, tone, template, facts,
		 incident, harmless, clock, generation, rung, due, next_try, tries, trying, state, sent_id, error)
		SELECT ?, kind, network, ?, 1, '', '', ?, '', tone, template, facts,
		 incident, harmless, clock, generation, rung, ?, ?, 0, 0, 'due', '', ''
		FROM outbox WHERE id = ?
		ON CONFLICT (key) DO NOTHING`, key, account, account, tx.now.UnixMilli(), tx.now.UnixMilli(), r.ID)
	return err
}

// Trying writes down that a try begins, before it does: when it is to be
// repeated should nothing more be heard of it.
func (tx *Tx) Trying(id int, next time.Time) error {
	_, err := tx.exec(`UPDATE outbox SET tries = tries + 1, trying = 1, next_try = ? WHERE id = ?`, next.UnixMilli(), id)
	return err
}

// Finish writes down how a row ended: Sent, Refused, Overtaken or PassedOn. Its
// facts, and who was to be removed, are not kept any longer: the record is the
// timeline.
func (tx *Tx) Finish(id int, state, sentID, problem string) error {
	_, err := tx.exec(`UPDATE outbox SET state = ?, trying = 0, done_at = ?, sent_id = ?, error = ?, facts = '',
		asker = iif(kind IN ('remove', 'invite'), '', asker) WHERE id = ?`, state, tx.now.UnixMilli(), sentID, problem, id)
	return err
}

// TryAgain writes down that a try failed: state is Due when it surely did not
// arrive, Unknown when nobody can say.
func (tx *Tx) TryAgain(id int, state, problem string) error {
	_, err := tx.exec(`UPDATE outbox SET state = ?, trying = 0, error = ? WHERE id = ?`, state, problem, id)
	return err
}

// NotBefore puts a row's next try off to an instant at least; the zero time changes
// nothing.
func (tx *Tx) NotBefore(id int, at time.Time) error {
	if at.IsZero() {
		return nil
	}
	_, err := tx.exec(`UPDATE outbox SET next_try = max(next_try, ?) WHERE id = ?`, at.UnixMilli(), id)
	return err
}

// Hurry makes the waiting rows of a network due now: it came up.
func (tx *Tx) Hurry(network string) error {
	_, err := tx.exec(`UPDATE outbox SET next_try = max(due, min(next_try, ?)) WHERE state IN ('due', 'unknown') AND network = ?`,
		tx.now.UnixMilli(), network)
	return err
}

// AtOnce makes a row due again, in its old place.
func (tx *Tx) AtOnce(id int) error {
	_, err := tx.exec(`UPDATE outbox SET next_try = due WHERE id = ? AND state IN ('due', 'unknown')`, id)
	return err
}

// Awaited counts the answers that are on their way to an account.
func (tx *Tx) Awaited(network, account string) (n int, err error) {
	err = tx.row(`SELECT count(*) FROM outbox WHERE state IN ('due', 'unknown') AND network = ? AND asker = ?`, network, account).Scan(&n)
	return n, err
}

// Waiting counts the rows that were tried and have not arrived.
func (tx *Tx) Waiting() (n int, err error) {
	err = tx.row(`SELECT count(*) FROM outbox WHERE state IN ('due', 'unknown') AND tries > 0`).Scan(&n)
	return n, err
}
