package store

import (
	"database/sql"
	"errors"
	"fmt"

	"tocsin/incidents"
)

// releaseColumns are read in the order of scanRelease.
const releaseColumns = `
	r.id, r.version, r.planned_at, r.planned_by, r.live_at, r.yanked_at, r.yanked_by, r.yanked_why`

func scanRelease(row interface{ Scan(...any) error }) (incidents.Release, error) {
	var r incidents.Release
	var planned, live, yanked sql.NullInt64
	err := row.Scan(&r.N, &r.Version, &planned, &r.PlannedBy, &live, &yanked, &r.YankedBy, &r.YankedWhy)
	r.PlannedAt, r.LiveAt, r.YankedAt = instant(planned), instant(live), instant(yanked)
	return r, err
}

// ReleaseOf gives the release that carries an incident; its zero value when none does.
// When it was yanked and another one carries the incident since, it is that one.
func (tx *Tx) ReleaseOf(incident int) (incidents.Release, error) {
	r, err := tx.releaseOf(incident)
	if err != nil || r.N == 0 {
		return r, err
	}
	return r, tx.loadCarried(&r)
}

// releaseOf is ReleaseOf without what else it carries.
func (tx *Tx) releaseOf(incident int) (incidents.Release, error) {
	r, err := scanRelease(tx.row(`SELECT`+releaseColumns+` FROM release_incident c JOIN release r ON r.id = c.release
		WHERE c.incident = ? ORDER BY r.yanked_at IS NOT NULL, r.yanked_at DESC, r.id DESC LIMIT 1`, incident))
	if errors.Is(err, sql.ErrNoRows) {
		return incidents.Release{}, nil
	}
	return r, err
}

func (tx *Tx) loadCarried(r *incidents.Release) error {
	r.Carries = nil
	return tx.each(`SELECT incident FROM release_incident WHERE release = ? ORDER BY incident`, []any{r.N}, func(rows *sql.Rows) error {
		var n int
		err := rows.Scan(&n)
		r.Carries = append(r.Carries, n)
		return err
	})
}

// Releases gives releases with what they carry, newest first, at most limit; -1: all.
func (tx *Tx) Releases(limit int) ([]incidents.Release, error) {
	var out []incidents.Release
	err := tx.each(`SELECT`+releaseColumns+` FROM release r ORDER BY r.id DESC LIMIT ?`, []any{limit}, func(rows *sql.Rows) error {
		r, err := scanRelease(rows)
		out = append(out, r)
		return err
	})
	for k := range out {
		if err == nil {
			err = tx.loadCarried(&out[k])
		}
	}
	return out, err
}

// Release gives a release by its number; its zero value when there is none.
func (tx *Tx) Release(n int) (incidents.Release, error) {
	r, err := scanRelease(tx.row(`SELECT`+releaseColumns+` FROM release r WHERE r.id = ?`, n))
	if errors.Is(err, sql.ErrNoRows) {
		return incidents.Release{}, nil
	}
	if err != nil {
		return r, err
	}
	return r, tx.loadCarried(&r)
}

// Carried loads the incidents that a release carries, but those that are in another
// one since.
func (tx *Tx) Carried(r incidents.Release) ([]incidents.Incident, error) {
	var out []incidents.Incident
	for _, n := range r.Carries {
		i, err := tx.Incident(n)
		if err != nil {
			return nil, err
		}
		if i.Release.N == r.N {
			out = append(out, i)
		}
	}
	return out, nil
}

// SaveRelease keeps a release and what it carries, and gives a new one its number.
// Its incidents are saved besides, each with its entry.
func (tx *Tx) SaveRelease(r incidents.Release) (incidents.Release, error) {
	values := []any{r.Version, millis(r.PlannedAt), r.PlannedBy, millis(r.LiveAt), millis(r.YankedAt), r.YankedBy, r.YankedWhy}
	if r.N == 0 {
		res, err := tx.exec(`INSERT INTO release (version, planned_at, planned_by, live_at, yanked_at, yanked_by, yanked_why)
			VALUES (?, ?, ?, ?, ?, ?, ?)`, values...)
		if err != nil {
			return r, fmt.Errorf("keeping a release: %w", err)
		}
		n, err := res.LastInsertId()
		if err != nil {
			return r, err
		}
		r.N = int(n)
	} else {
		_, err := tx.exec(`UPDATE release SET version = ?, planned_at = ?, planned_by = ?, live_at = ?, yanked_at = ?, yanked_by = ?,
			yanked_why = ? WHERE id = ?`, append(values, r.N)...)
		if err != nil {
			return r, fmt.Errorf("keeping a release: %w", err)
		}
	}
	return r, tx.saveCarried(r)
}

func (tx *Tx) saveCarried(r incidents.Release) error {
	have := incidents.Release{N: r.N}
	if err := tx.loadCarried(&have); err != nil {
		return err
	}
	keep := map[int]bool{}
	for _, n := range r.Carries {
		keep[n] = true
		if _, err := tx.exec(`INSERT OR IGNORE INTO release_incident (release, incident) VALUES (?, ?)`, r.N, n); err != nil {
			return err
		}
	}
	for _, n := range have.Carries {
		if keep[n] {
			continue
		}
		if _, err := tx.exec(`DELETE FROM release_incident WHERE release = ? AND incident = ?`, r.N, n); err != nil {
			return err
		}
	}
	return nil
}

// Tag gives what the ledger has of a tag; false when it has nothing.
func (tx *Tx) Tag(name incidents.Sealed) (incidents.Tag, bool, error) {
	t, err := scanTag(tx.row(`SELECT name, sha, at, who FROM tag WHERE name = ?`, name))
	if errors.Is(err, sql.ErrNoRows) {
		return t, false, nil
	}
	return t, err == nil, err
}

func scanTag(row interface{ Scan(...any) error }) (incidents.Tag, error) {
	var t incidents.Tag
	var at sql.NullInt64
	err := row.Scan(&t.Name, &t.SHA, &at, &t.Who)
	t.At = instant(at)
	return t, err
}

// Tags gives the lines of the ledger, newest first, at most limit, and how many there
// are.
func (tx *Tx) Tags(limit int) (tags []incidents.Tag, count int, err error) {
	err = tx.each(`SELECT name, sha, at, who FROM tag ORDER BY n DESC LIMIT ?`, []any{limit}, func(rows *sql.Rows) error {
		t, err := scanTag(rows)
		tags = append(tags, t)
		return err
	})
	if err == nil {
		err = tx.row(`SELECT count(*) FROM tag`).Scan(&count)
	}
	return tags, count, err
}

// AddTag adds a line to the ledger, and to the record.
func (tx *Tx) AddTag(t incidents.Tag, e incidents.Entry) error {
	_, err := tx.exec(`INSERT INTO tag (name, sha, at, who) VALUES (?, ?, ?, ?)`, t.Name, t.SHA, t.At.UnixMilli(), t.Who)
	if err != nil {
		return fmt.Errorf("keeping a tag: %w", err)
	}
	return tx.Record(e)
}
