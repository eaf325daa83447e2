package store

import (
	"database/sql"
	"errors"

	"tocsin/incidents"
)

// PutPatch keeps a patch of an incident, in place of one of the same name.
func (tx *Tx) PutPatch(p incidents.Patch) error {
	tx.erased = true // the one that was there
	_, err := tx.exec(`INSERT INTO patch (incident, name, body, sha256, by, at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (incident, name) DO UPDATE SET body = excluded.body, sha256 = excluded.sha256, by = excluded.by, at = excluded.at`,
		p.Incident, p.Name, p.Body, p.Hash, p.By, tx.now.UnixMilli())
	return err
}

// Patches gives the patches of an incident, by name.
func (tx *Tx) Patches(incident int) ([]incidents.Patch, error) {
	var out []incidents.Patch
	err := tx.each(`SELECT name, body, sha256, length(CAST(body AS BLOB)), by, at FROM patch WHERE incident = ? ORDER BY name`, []any{incident}, func(r *sql.Rows) error {
		p := incidents.Patch{Incident: incident}
		var at sql.NullInt64
		err := r.Scan(&p.Name, &p.Body, &p.Hash, &p.Size, &p.By, &at)
		p.At = instant(at)
		out = append(out, p)
		return err
	})
	return out, err
}

// DropPatch takes a patch away.
func (tx *Tx) DropPatch(p incidents.Patch) error {
	tx.erased = true
	_, err := tx.exec(`DELETE FROM patch WHERE incident = ? AND name = ?`, p.Incident, p.Name)
	return err
}

// Enclose notes which patches go with a text that was approved.
func (tx *Tx) Enclose(sending int, list []incidents.Patch) error {
	for _, p := range list {
		if _, err := tx.exec(`INSERT INTO enclosure (sending, name, sha256) VALUES (?, ?, ?)`, sending, p.Name, p.Hash); err != nil {
			return err
		}
	}
	return nil
}

// ErrOtherPatches is that a patch which was approved with a text is another now, or
// gone.
var ErrOtherPatches = errors.New("a patch that goes with it is not what was approved any more")

// Enclosed is a file that goes with a text.
type Enclosed struct {
	Name string
	Data []byte
}

// enclosed opens the patches that were approved with a text.
func (tx *Tx) enclosed(s incidents.Sending) ([]Enclosed, error) {
	var out []Enclosed
	gone := false
	err := tx.each(`SELECT e.name, p.body FROM enclosure e LEFT JOIN patch p ON p.incident = ? AND p.name = e.name AND p.sha256 = e.sha256
		WHERE e.sending = ? ORDER BY e.name`, []any{s.Incident, s.ID}, func(r *sql.Rows) error {
		var name string
		var body sql.NullString
		err := r.Scan(&name, &body)
		gone = gone || !body.Valid
		out = append(out, Enclosed{name, []byte(body.String)})
		return err
	})
	if err == nil && gone {
		return nil, ErrOtherPatches
	}
	return out, err
}
