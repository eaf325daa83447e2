package store

import (
	"context"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"sort"
)

//go:embed schema/*.sql
var schemas embed.FS

// schemaFiles lists the migrations in order.
func schemaFiles() ([]string, error) {
	names, err := fs.Glob(schemas, "schema/*.sql")
	sort.Strings(names)
	return names, err
}

// Version gives the schema's version that this program writes.
func Version() int {
	names, _ := schemaFiles() // the pattern is constant and good
	return len(names)
}

// ErrNewer is that a program of a later version has migrated the file.
var ErrNewer = errors.New("the file was written by a newer tocsin")

func (s *Store) checkVersion(ctx context.Context) error {
	var have int
	if err := s.db.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&have); err != nil {
		return fmt.Errorf("%w; if it is yours it is damaged: stop the bot, and put the newest backup back with bot restore; else name another file", err)
	}
	if have > Version() {
		return fmt.Errorf("%w (schema %d, this one knows %d); use that one", ErrNewer, have, Version())
	}
	return nil
}

// migrate brings the schema up to date, each step in a transaction of its own.
func (s *Store) migrate(ctx context.Context) error {
	if err := s.checkVersion(ctx); err != nil {
		return err
	}
	var tables, version int
	err := s.db.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM sqlite_master), (SELECT user_version FROM pragma_user_version)`).Scan(&tables, &version)
	if err != nil {
		return err
	}
	if version == 0 && tables > 0 {
		return errors.New("that is another program's database; name another file")
	}
	names, err := schemaFiles()
	if err != nil {
		return err
	}
	for i, name := range names {
		if err := s.step(ctx, name, i+1); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// step runs one migration when the file is older than it.
func (s *Store) step(ctx context.Context, name string, version int) error {
	text, err := schemas.ReadFile(name)
	if err != nil {
		return err
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var have int
	if err := tx.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&have); err != nil || have >= version {
		return err
	}
	if _, err := tx.ExecContext(ctx, string(text)); err != nil {
		return err
	}
	var table, parent string
	var row, key sql.NullInt64
	err = tx.QueryRowContext(ctx, `PRAGMA foreign_key_check`).Scan(&table, &row, &parent, &key)
	if err == nil {
		return fmt.Errorf("a row of %s points to nothing in %s", table, parent)
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version = %d`, version)); err != nil {
		return err
	}
	return tx.Commit()
}

// Mismatch is a rehearsal's file for a real desk, or the other way round.
type Mismatch struct{ FileIsRehearsal bool }

// Error says what to do.
func (m Mismatch) Error() string {
	if m.FileIsRehearsal {
		return "this file is a rehearsal's and a real desk does not use it; name another file"
	}
	return "this file is a real desk's and a rehearsal does not touch it; name another file with -db"
}

// identify gives a new file its seed and its kind, and checks those of an old one.
func (s *Store) identify(ctx context.Context) error {
	kind := "desk"
	if s.opts.Rehearsal {
		kind = "rehearsal"
	}
	if s.opts.ReadOnly {
		return s.db.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = 'seed'`).Scan(&s.seed)
	}
	return s.Update(ctx, func(tx *Tx) error {
		have, err := tx.Meta("kind")
		if err != nil {
			return err
		}
		if have == "" {
			seed := make([]byte, 8)
			s.opts.Random(seed)
			s.seed = hex.EncodeToString(seed)
			return errors.Join(tx.SetMeta("kind", kind), tx.SetMeta("seed", s.seed))
		}
		if have != kind {
			return Mismatch{FileIsRehearsal: have == "rehearsal"}
		}
		s.seed, err = tx.Meta("seed")
		return err
	})
}

// Meta gives a value that concerns the whole file, or "".
func (tx *Tx) Meta(key string) (string, error) {
	var v string
	err := tx.row(`SELECT value FROM meta WHERE key = ?`, key).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return v, err
}

// SetMeta sets a value that concerns the whole file.
func (tx *Tx) SetMeta(key, value string) error {
	_, err := tx.exec(`INSERT INTO meta (key, value) VALUES (?, ?)
		ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, value)
	return err
}
