package store

import (
	"database/sql"
	"fmt"

	"tocsin/incidents"
)

// loadNotices loads who outside is told of an incident, in the order in which they
// were noted first.
func (tx *Tx) loadNotices(n int) ([]incidents.Notice, error) {
	var out []incidents.Notice
	err := tx.each(`SELECT key, name, contact, added_by, added_at, sent_at, sent_by, via, note, heard_at, heard_by, answer
		FROM notice WHERE incident = ? ORDER BY rowid`, []any{n}, func(r *sql.Rows) error {
		var o incidents.Notice
		var added, sent, heard sql.NullInt64
		err := r.Scan(&o.ID, &o.Name, &o.Contact, &o.AddedBy, &added, &sent, &o.SentBy, &o.Via, &o.Note, &heard, &o.HeardBy, &o.Answer)
		o.AddedAt, o.SentAt, o.HeardAt = instant(added), instant(sent), instant(heard)
		out = append(out, o)
		return err
	})
	if err != nil {
		return nil, err
	}
	for k := range out {
		if out[k].More, err = tx.loadTellings(n, out[k].ID); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// loadTellings loads when somebody was told again.
func (tx *Tx) loadTellings(n int, key incidents.Sealed) ([]incidents.Telling, error) {
	var out []incidents.Telling
	err := tx.each(`SELECT at, by, via, note FROM telling WHERE incident = ? AND key = ? ORDER BY id`, []any{n, key}, func(r *sql.Rows) error {
		var t incidents.Telling
		var at sql.NullInt64
		err := r.Scan(&at, &t.By, &t.Via, &t.Note)
		t.At = instant(at)
		out = append(out, t)
		return err
	})
	return out, err
}

// saveNotices keeps them. They are only ever added or changed.
func (tx *Tx) saveNotices(i incidents.Incident) error {
	have, err := tx.loadNotices(i.N)
	if err != nil {
		return err
	}
	for k, o := range i.Notices {
		if k < len(have) && sameNotice(have[k], o) {
			continue
		}
		_, err := tx.exec(`INSERT INTO notice (incident, key, name, contact, added_by, added_at, sent_at, sent_by, via, note, heard_at, heard_by, answer)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (incident, key) DO UPDATE SET
			sent_at = excluded.sent_at, sent_by = excluded.sent_by, via = excluded.via, note = excluded.note,
			heard_at = excluded.heard_at, heard_by = excluded.heard_by, answer = excluded.answer`,
			i.N, o.ID, o.Name, o.Contact, o.AddedBy, millis(o.AddedAt), millis(o.SentAt), o.SentBy, o.Via, o.Note,
			millis(o.HeardAt), o.HeardBy, o.Answer)
		old := 0
		if k < len(have) {
			old = len(have[k].More)
		}
		for _, t := range o.More[min(old, len(o.More)):] {
			if err == nil {
				_, err = tx.exec(`INSERT INTO telling (incident, key, at, by, via, note) VALUES (?, ?, ?, ?, ?, ?)`, i.N, o.ID, t.At.UnixMilli(), t.By, t.Via, t.Note)
			}
		}
		if err != nil {
			return fmt.Errorf("keeping who is told of %s: %w", i.Handle, err)
		}
	}
	return nil
}

func sameNotice(a, b incidents.Notice) bool {
	return len(a.More) == len(b.More) && a.ID.Same(b.ID) && a.SentAt.Equal(b.SentAt) && a.SentBy == b.SentBy && a.Via.Same(b.Via) && a.Note.Same(b.Note) &&
		a.HeardAt.Equal(b.HeardAt) && a.HeardBy == b.HeardBy && a.Answer.Same(b.Answer)
}

// Turns gives, by incident, the entries of the record that times are taken from: when
// a level was set, and when it was closed. Oldest first, without what was typed.
func (tx *Tx) Turns() (map[int][]incidents.Entry, error) {
	out := map[int][]incidents.Entry{}
	err := tx.each(`SELECT incident, at, who, kind, plain FROM timeline WHERE kind IN ('severity', 'closed') AND incident IS NOT NULL ORDER BY seq`, nil,
		func(r *sql.Rows) error {
			var e incidents.Entry
			var at sql.NullInt64
			err := r.Scan(&e.Incident, &at, &e.Who, &e.Kind, &e.Plain)
			e.At = instant(at)
			out[e.Incident] = append(out[e.Incident], e)
			return err
		})
	return out, err
}

// OpenOf gives the open incidents that are about a library of the plan's map.
func (tx *Tx) OpenOf(library string) ([]incidents.Incident, error) {
	all, err := tx.List("open", 1000)
	var out []incidents.Incident
	for _, i := range all {
		if i.Library.Same(incidents.Seal(library)) {
			out = append(out, i)
		}
	}
	return out, err
}

// Codenames gives those of all incidents: no text for everybody has one of them.
func (tx *Tx) Codenames() ([]string, error) {
	var out []string
	err := tx.each(`SELECT codename FROM incident ORDER BY n`, nil, func(r *sql.Rows) error {
		var name string
		err := r.Scan(&name)
		out = append(out, name)
		return err
	})
	return out, err
}
