package store

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tocsin/incidents"
)

// The lane of what is done on GitHub, and the kinds of its rows.
const (
	GitHub      = ways + "github"
	WatchGitHub = "watch"    // looks what changed, again and again
	OnAdvisory  = "advisory" // does something to an advisory
)

const advisoryColumns = ` coalesce(incident, 0), seen, agreed, global_at, global_told`

func scanAdvisory(r interface{ Scan(...any) error }) (incidents.Advisory, error) {
	var n, told int
	var seen, agreed incidents.Sealed
	var global sql.NullInt64
	if err := r.Scan(&n, &seen, &agreed, &global, &told); err != nil {
		return incidents.Advisory{}, err
	}
	f, err := thawed(seen)
	if err != nil {
		return incidents.Advisory{}, err
	}
	a := incidents.AdvisoryOf(f)
	a.Incident, a.GlobalAt, a.GlobalTold, a.Agreed = n, instant(global), told, incidents.Agreed{}
	f, err = thawed(agreed)
	for name, v := range f {
		a.Agreed[name], _ = v.(incidents.Sealed)
	}
	return a, err
}

// Advisory gives an advisory by its identifier; false when none of that name was seen.
func (tx *Tx) Advisory(ghsa incidents.Sealed) (incidents.Advisory, bool, error) {
	return known(scanAdvisory(tx.row(`SELECT`+advisoryColumns+` FROM advisory WHERE ghsa = ?`, ghsa)))
}

// AdvisoryOf gives the advisory of an incident; false when it has none that was seen.
func (tx *Tx) AdvisoryOf(incident int) (incidents.Advisory, bool, error) {
	return known(scanAdvisory(tx.row(`SELECT`+advisoryColumns+` FROM advisory WHERE incident = ?`, incident)))
}

func known(a incidents.Advisory, err error) (incidents.Advisory, bool, error) {
	if errors.Is(err, sql.ErrNoRows) {
		return incidents.Advisory{}, false, nil
	}
	return a, err == nil, err
}

// IncidentWithGHSA gives the newest incident that names an advisory; false when none does.
func (tx *Tx) IncidentWithGHSA(ghsa incidents.Sealed) (n int, ok bool, err error) {
	err = tx.row(`SELECT coalesce(max(incident), 0) FROM response WHERE ghsa = ?`, ghsa).Scan(&n)
	return n, n != 0, err
}

// AdoptNamed makes advisories that are nobody's those of the incidents that name them
// since, where these have no other.
func (tx *Tx) AdoptNamed() error {
	const named = `FROM response r WHERE r.ghsa = advisory.ghsa AND NOT EXISTS (SELECT 1 FROM advisory b WHERE b.incident = r.incident)`
	_, err := tx.exec(`UPDATE advisory SET incident = (SELECT max(r.incident) ` + named + `) WHERE incident IS NULL AND EXISTS (SELECT 1 ` + named + `)`)
	return err
}

// Advisories gives all that were seen.
func (tx *Tx) Advisories() ([]incidents.Advisory, error) {
	var out []incidents.Advisory
	err := tx.each(`SELECT`+advisoryColumns+` FROM advisory ORDER BY rowid`, nil, func(r *sql.Rows) error {
		a, err := scanAdvisory(r)
		out = append(out, a)
		return err
	})
	return out, err
}

// SaveAdvisory keeps an advisory as it was seen. Where who reported it was forgotten,
// nobody's name is kept of it.
func (tx *Tx) SaveAdvisory(a incidents.Advisory) error {
	if a.Parted {
		a = a.Part()
	}
	seen, err := frozen(a.Facts())
	if err != nil {
		return err
	}
	f := incidents.Facts{}
	for name, v := range a.Agreed {
		f[name] = v
	}
	agreed, err := frozen(f)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO advisory (ghsa, incident, seen, agreed, global_at, global_told) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (ghsa) DO UPDATE SET incident = excluded.incident, seen = excluded.seen, agreed = excluded.agreed,
			global_at = excluded.global_at, global_told = excluded.global_told`,
		a.GHSA, nullInt(a.Incident), seen, agreed, millis(a.GlobalAt), a.GlobalTold)
	if err != nil {
		return fmt.Errorf("keeping an advisory: %w", err)
	}
	return nil
}

// partAdvisory takes everybody's name out of the advisory of an incident.
func (tx *Tx) partAdvisory(incident int) error {
	a, ok, err := tx.AdvisoryOf(incident)
	if err != nil || !ok {
		return err
	}
	return tx.SaveAdvisory(a.Part())
}

// QueueWatch adds the row that looks what changed on GitHub, or makes it due now.
func (tx *Tx) QueueWatch() error {
	row := Row{Key: "watch/github", Kind: WatchGitHub, Network: GitHub, Room: "advisories", Facts: incidents.Facts{}}
	if err := tx.Queue(row); err != nil {
		return err
	}
	_, err := tx.exec(`UPDATE outbox SET next_try = max(due, min(next_try, ?)) WHERE key = ? AND state IN ('due', 'unknown')`, tx.now.UnixMilli(), row.Key)
	return err
}

// RetryAt makes a row due at an instant, after a try that failed, and never hurried
// before another one.
func (tx *Tx) RetryAt(id int, at, wanted time.Time) error {
	_, err := tx.exec(`UPDATE outbox SET next_try = ?1, due = max(due, min(?1, ?2)) WHERE id = ?3`, max(at.UnixMilli(), wanted.UnixMilli()), wanted.UnixMilli(), id)
	return err
}

// QueueAct adds the row of something that is to be done to the advisory of an incident,
// and where to say what became of it.
func (tx *Tx) QueueAct(incident int, key string, a incidents.AdvisoryAct, answer Row) error {
	f := a.Facts()
	f["room"], f["network"], f["direct"], f["replyto"], f["thread"], f["asker"] = answer.Room, answer.Network, answer.Direct, answer.ReplyTo, answer.Thread, answer.Asker
	return tx.Queue(Row{Key: key, Kind: OnAdvisory, Network: GitHub, Room: "advisories", Facts: f, Incident: incident})
}

// ActOf gives what a row is to do to an advisory, and where to say what became of it.
// The act has no kind when it was erased.
func (tx *Tx) ActOf(r Row) (incidents.AdvisoryAct, Row, error) {
	_, f, err := tx.Content(r.ID)
	text := func(name string) string { v, _ := f[name].(string); return v }
	direct, _ := f["direct"].(bool)
	return incidents.AdvisoryActOf(f), Row{
		Network: text("network"), Room: text("room"), Direct: direct, ReplyTo: text("replyto"), Thread: text("thread"), Asker: text("asker"), Incident: r.Incident,
	}, err
}

// PendingActs gives the acts that are still to be done, on the advisory of an incident
// or, with 0, on all.
func (tx *Tx) PendingActs(incident int) ([]incidents.AdvisoryAct, error) {
	var out []incidents.AdvisoryAct
	err := tx.each(`SELECT facts FROM outbox WHERE kind = ? AND (?2 = 0 OR incident = ?2) AND state IN ('due', 'unknown')`, []any{OnAdvisory, incident}, func(r *sql.Rows) error {
		var kept incidents.Sealed
		if err := r.Scan(&kept); err != nil {
			return err
		}
		f, err := thawed(kept)
		out = append(out, incidents.AdvisoryActOf(f))
		return err
	})
	return out, err
}

// Watched gives when GitHub answered the last time, and since when it does not; zero:
// never, and it does.
func (tx *Tx) Watched() (last, deaf time.Time, err error) {
	kept, err := tx.Kept(GitHub, "")
	return readInstant(kept["last"]), readInstant(kept["deaf"]), err
}

func readInstant(text string) time.Time {
	t, _ := time.Parse(time.RFC3339, text) // what is not there, or broken, is never
	return t
}
