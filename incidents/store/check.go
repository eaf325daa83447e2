package store

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tocsin/incidents"
)

// ReleaseCheck gives how the newest look-up of a release stands; its zero value when
// none was begun.
func (tx *Tx) ReleaseCheck(release int) (incidents.ReleaseCheck, error) {
	var c incidents.ReleaseCheck
	var begun, looked, deaf, gone, told sql.NullInt64
	var found incidents.Sealed
	err := tx.row(`SELECT release, n, state, by, begun_at, looked_at, misses, deaf_since, deaf_told, gone_since, told_at,
			told, told_wrong, told_yank, found FROM release_check WHERE release = ?`, release).
		Scan(&c.Release, &c.N, &c.State, &c.By, &begun, &looked, &c.Misses, &deaf, &c.DeafTold, &gone, &told,
			&c.Told, &c.ToldWrong, &c.ToldYank, &found)
	if errors.Is(err, sql.ErrNoRows) {
		return incidents.ReleaseCheck{}, nil
	}
	if err != nil {
		return c, err
	}
	c.BegunAt, c.LookedAt, c.DeafSince, c.GoneSince, c.ToldAt = instant(begun), instant(looked), instant(deaf), instant(gone), instant(told)
	f, err := thawed(found)
	c.Found = incidents.FoundOf(f)
	return c, err
}

// SaveReleaseCheck keeps how the look-up of a release stands.
func (tx *Tx) SaveReleaseCheck(c incidents.ReleaseCheck) error {
	found, err := frozen(c.Found.Facts())
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO release_check (release, n, state, by, begun_at, looked_at, misses, deaf_since, deaf_told, gone_since,
			told_at, told, told_wrong, told_yank, found)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (release) DO UPDATE SET n = excluded.n, state = excluded.state, by = excluded.by, begun_at = excluded.begun_at,
			looked_at = excluded.looked_at, misses = excluded.misses, deaf_since = excluded.deaf_since, deaf_told = excluded.deaf_told,
			gone_since = excluded.gone_since, told_at = excluded.told_at, told = excluded.told, told_wrong = excluded.told_wrong,
			told_yank = excluded.told_yank, found = excluded.found`,
		c.Release, c.N, c.State, c.By, millis(c.BegunAt), millis(c.LookedAt), c.Misses, millis(c.DeafSince), c.DeafTold, millis(c.GoneSince),
		millis(c.ToldAt), c.Told, c.ToldWrong, c.ToldYank, found)
	if err != nil {
		return fmt.Errorf("keeping the look-up of a release: %w", err)
	}
	return nil
}

// LookUp is the kind of the row that looks a release up.
const LookUp = "release"

// Index is its lane.
const Index = ways + "pypi"

// QueueLookUp adds the row of a look-up, due now, or makes it due now.
func (tx *Tx) QueueLookUp(c incidents.ReleaseCheck) error {
	row := Row{
		Key: fmt.Sprintf("release/%d/%d", c.Release, c.N), Kind: LookUp, Network: Index, Room: fmt.Sprintf("release %d", c.Release),
		Facts: incidents.Facts{"release": c.Release}, Generation: c.N,
	}
	if err := tx.Queue(row); err != nil {
		return err
	}
	_, err := tx.exec(`UPDATE outbox SET next_try = min(next_try, ?) WHERE key = ? AND state IN ('due', 'unknown')`, tx.now.UnixMilli(), row.Key)
	return err
}

// LookAgain makes the row of a look-up due at an instant, and where the index wants none
// before another one, never hurried before that. It was not tried in vain: an index that
// has not everything yet has answered.
func (tx *Tx) LookAgain(id int, at, wanted time.Time) error {
	_, err := tx.exec(`UPDATE outbox SET next_try = ?1, due = max(due, min(?1, ?2)), tries = 0 WHERE id = ?3`, at.UnixMilli(), wanted.UnixMilli(), id)
	return err
}
