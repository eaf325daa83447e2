package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"tocsin/incidents"
)

// Verified is what Verify found in order.
type Verified struct {
	Entries  int
	Personal int    // values that match their commitment
	Erased   int    // values that were erased
	Head     string // the hash of the last entry: note it elsewhere to see later that nothing was cut off
}

// Verify walks the record from its first entry and checks every hash, every
// personal value against its commitment, what of the present can be read off the
// record, and the file itself. Its error names the first thing that is not as it
// was written. That the end was cut off shows by the head only.
func (s *Store) Verify(ctx context.Context) (Verified, error) {
	var v Verified
	var whole string
	if err := s.db.QueryRowContext(ctx, `PRAGMA integrity_check`).Scan(&whole); err != nil {
		return v, err
	}
	if whole != "ok" {
		return v, fmt.Errorf("the file is damaged: %s", whole)
	}
	t, err := s.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return v, err
	}
	defer t.Rollback()
	tx := &Tx{tx: t, s: s, ctx: ctx, now: s.now()}
	commits := map[int]string{}
	err = tx.each(`SELECT seq, coalesce(incident, 0), at, who, kind, plain, text, commits, hash FROM timeline ORDER BY seq`, nil,
		func(r *sql.Rows) error {
			var l incidents.Link
			var hash string
			if err := r.Scan(&l.Seq, &l.Incident, &l.AtMillis, &l.Who, &l.Kind, &l.Plain, &l.Text, &l.Commits, &hash); err != nil {
				return err
			}
			v.Entries++
			if l.Seq != v.Entries {
				return fmt.Errorf("entry %d is missing", v.Entries)
			}
			if incidents.Chain(v.Head, l) != hash {
				return fmt.Errorf("entry %d is not as it was written", l.Seq)
			}
			v.Head = hash
			if l.Commits != "" {
				commits[l.Seq] = l.Commits
			}
			return nil
		})
	if err != nil {
		return v, err
	}
	if err := tx.verifyPersonal(&v, commits); err != nil {
		return v, err
	}
	return v, tx.verifyPresent()
}

// check is a query that finds what is not as the record says, and what is said of it.
type check struct{ query, told string }

// verifyPresent holds what can be read off the record against the present: that
// each incident was opened, its title, whether it is closed, who is suspended, and the
// ledger of tags.
func (tx *Tx) verifyPresent() error {
	checks := []check{
		{
			`SELECT n FROM incident i WHERE NOT EXISTS (SELECT 1 FROM timeline t WHERE t.incident = i.n AND t.kind = 'opened')`,
			"nobody on record opened incident %s",
		},
		{
			`SELECT incident FROM timeline t WHERE kind = 'opened' AND incident NOT IN (SELECT n FROM incident)`,
			"incident %s was opened on record and is gone",
		},
		{
			`SELECT n FROM incident i WHERE title <> coalesce((SELECT text FROM timeline t WHERE t.incident = i.n
			AND t.kind IN ('opened', 'titled') ORDER BY seq DESC LIMIT 1), '')`,
			"incident %s has a title that nobody on record gave it",
		},
		{
			`SELECT n FROM incident i WHERE (phase = 'closed') <> coalesce((SELECT kind = 'closed' FROM timeline t WHERE t.incident = i.n
			AND t.kind IN ('closed', 'reopened') ORDER BY seq DESC LIMIT 1), 0)`,
			"incident %s was closed or reopened by nobody on record",
		},
		{
			`SELECT plain FROM timeline t WHERE kind IN ('suspended', 'unsuspended')
			AND seq = (SELECT max(seq) FROM timeline u WHERE u.plain = t.plain AND u.kind IN ('suspended', 'unsuspended'))
			AND (kind = 'suspended') <> EXISTS (SELECT 1 FROM suspension s WHERE s.person = t.plain AND s.lifted_at IS NULL)
			UNION SELECT person FROM suspension s WHERE lifted_at IS NULL
			AND NOT EXISTS (SELECT 1 FROM timeline t WHERE t.plain = s.person AND t.kind = 'suspended')`,
			"whether %s is suspended is not what the record says",
		},
	}
	var ledger bool // a file that is only looked at may be older than the ledger
	if err := tx.row(`SELECT count(*) FROM sqlite_master WHERE name = 'tag'`).Scan(&ledger); err != nil {
		return err
	}
	if ledger {
		checks = append(checks, ledgerChecks()...)
	}
	for _, c := range checks {
		err := tx.each(c.query+` LIMIT 1`, nil, func(r *sql.Rows) error {
			var what string
			if err := r.Scan(&what); err != nil {
				return err
			}
			return fmt.Errorf(c.told, what)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// ledgerChecks hold the ledger of tags against the record.
func ledgerChecks() []check {
	return []check{
		{
			`SELECT n FROM tag g WHERE NOT EXISTS (SELECT 1 FROM timeline t WHERE t.kind = 'tag-recorded' AND t.text = g.name || ' ' || g.sha)`,
			"line %s of the ledger of tags is not what was recorded",
		},
		{
			`SELECT seq FROM timeline t WHERE t.kind = 'tag-recorded' AND NOT EXISTS (SELECT 1 FROM tag g WHERE t.text = g.name || ' ' || g.sha)`,
			"the tag of entry %s is not in the ledger any more",
		},
	}
}

// verifyPersonal checks that each commitment has its value or was erased by
// somebody on record, and that no value stands where the record has none.
func (tx *Tx) verifyPersonal(v *Verified, commits map[int]string) error {
	found := map[int][]string{}
	err := tx.each(`SELECT p.seq, p.field, p.hash, p.salt, p.value, p.incident IS t.incident,
			EXISTS (SELECT 1 FROM timeline f WHERE f.incident = p.incident AND f.seq > p.seq AND f.kind = 'forgot')
		FROM personal p LEFT JOIN timeline t ON t.seq = p.seq ORDER BY p.id`, nil, func(r *sql.Rows) error {
		var seq int
		var field, hash string
		var salt []byte
		var value sql.NullString
		var belongs, forgot bool
		if err := r.Scan(&seq, &field, &hash, &salt, &value, &belongs, &forgot); err != nil {
			return err
		}
		found[seq] = append(found[seq], field+":"+hash)
		if !belongs || value.Valid && incidents.Commit(salt, value.String) != hash {
			return fmt.Errorf("a personal value of entry %d is not as it was written", seq)
		}
		switch {
		case value.Valid:
			v.Personal++
		case forgot:
			v.Erased++
		default:
			return fmt.Errorf("a personal value of entry %d was erased, and nobody on record erased it", seq)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for seq := 1; seq <= v.Entries; seq++ {
		if strings.Join(found[seq], " ") != commits[seq] {
			return fmt.Errorf("the personal values of entry %d are not as they were written", seq)
		}
	}
	return nil
}
