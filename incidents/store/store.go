// Package store keeps incidents, the record and the outbox in one SQLite file.
// All SQL of the project is here.
//
// It knows the nouns of package incidents and no rule: it keeps what it is
// given, in one transaction, and gives it back. It says nothing to anybody.
package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	_ "github.com/mattn/go-sqlite3" // the SQLite driver

	"tocsin/incidents"
)

// Options are what a store is opened with.
type Options struct {
	Prefix    string                 // of handles: "INC"
	Now       func() time.Time       // the clock
	Rehearsal bool                   // the file is, or becomes, a rehearsal's
	ReadOnly  bool                   // look, do not change, take no lock
	Failpoint func(step string)      // tests: called between any two steps
	Random    func(p []byte)         // tests: where salts and codes come from
	Plan      func() *incidents.Plan // derives clocks in the transaction of a change
}

// Store is one open file.
type Store struct {
	db   *sql.DB
	lock *os.File
	opts Options
	seed string

	alive, listening time.Time // see Alive and Listen; used within transactions only
}

// Open opens the file, makes it when it is not there, and brings its schema up
// to date. It refuses a file that a newer program wrote, a file that another
// process has open, and a rehearsal's file for a real desk or the other way
// round.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Failpoint == nil {
		o.Failpoint = func(string) {}
	}
	if o.Random == nil {
		o.Random = func(p []byte) { _, _ = rand.Read(p) } // never fails, by its documentation
	}
	s := &Store{opts: o}
	if err := s.prepareFile(path); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite3", dsn(path, o.ReadOnly))
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	db.SetMaxOpenConns(1) // one writer at a time is SQLite's rule; waiting in line here is cheaper than there
	s.db = db
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("opening %s: %w", path, err), s.Close())
	}
	return s, nil
}

func dsn(path string, readOnly bool) string {
	v := url.Values{
		"_foreign_keys":       {"on"},
		"_busy_timeout":       {"5000"},
		"_secure_delete":      {"on"}, // what is erased is overwritten
		"_recursive_triggers": {"on"}, // INSERT OR REPLACE is a DELETE, also to the triggers
		"_stmt_cache_size":    {"200"},
	}
	if readOnly {
		v.Set("mode", "ro")
	} else {
		v.Set("_txlock", "immediate")
		v.Set("_journal_mode", "WAL")
		v.Set("_synchronous", "FULL")
	}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: v.Encode()}).String()
}

// prepareFile makes the file readable to its owner only, before SQLite would
// make it readable to others, and takes the lock.
func (s *Store) prepareFile(path string) error {
	if s.opts.ReadOnly {
		_, err := os.Stat(path)
		return errors.Join(CheckRestoring(path), err)
	}
	lock, err := lock(path)
	if err != nil {
		return err
	}
	if err := CheckRestoring(path); err != nil {
		return errors.Join(err, lock.Close())
	}
	s.lock = lock
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		err = errors.Join(f.Chmod(0o600), f.Close())
	}
	if err != nil {
		return errors.Join(err, lock.Close())
	}
	return nil
}

func (s *Store) start(ctx context.Context) error {
	if s.opts.ReadOnly {
		if err := s.checkVersion(ctx); err != nil {
			return err
		}
	} else if err := s.migrate(ctx); err != nil {
		return err
	}
	if err := s.identify(ctx); err != nil || s.opts.ReadOnly {
		return err
	}
	// A crash may have come between an erasure and the emptying of the log. Who
	// only reads the file meanwhile does not keep the bot from starting.
	_, err := s.emptyLog(ctx)
	return err
}

// emptyLog moves the log of changes into the file and cuts it to nothing, so
// that what was erased is in neither; false when another process reads the file
// and it had to stay.
func (s *Store) emptyLog(ctx context.Context) (bool, error) {
	var busy, pages, moved int
	err := s.db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &pages, &moved)
	return busy == 0, err
}

// Close closes the file and lets the next process have it.
func (s *Store) Close() error {
	var err error
	if s.db != nil {
		err = s.db.Close()
	}
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	}
	return err
}

// Tx is one transaction. Its methods are the helpers that the exported methods
// of a change are made of.
type Tx struct {
	tx  *sql.Tx
	s   *Store
	ctx context.Context
	now time.Time

	erased bool // something was erased: the log of changes is emptied after the commit
}

// Now gives the instant of the transaction, UTC, to the millisecond.
func (tx *Tx) Now() time.Time { return tx.now }

// Update runs fn in one transaction: all of it is kept, or nothing when fn
// returns an error or panics.
func (s *Store) Update(ctx context.Context, fn func(*Tx) error) error {
	t, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("starting a transaction: %w", err)
	}
	defer t.Rollback() // does nothing after the commit
	tx, kept, alive, listening := &Tx{tx: t, s: s, ctx: ctx, now: s.now()}, false, s.alive, s.listening
	defer func() {
		if !kept {
			s.alive, s.listening = alive, listening
		}
	}()
	s.opts.Failpoint("begun")
	if err := fn(tx); err != nil {
		return err
	}
	s.opts.Failpoint("before commit")
	if err := t.Commit(); err != nil {
		return fmt.Errorf("committing: %w", err)
	}
	kept = true
	s.opts.Failpoint("after commit")
	if tx.erased {
		empty, err := s.emptyLog(ctx)
		if err == nil && !empty {
			err = errors.New("what was erased is still in the log of changes, because another process reads the file; it goes with the next start")
		}
		return err
	}
	return nil
}

func (s *Store) now() time.Time { return s.opts.Now().UTC().Truncate(time.Millisecond) }

// exec runs one statement, as a step that a crash may come after.
func (tx *Tx) exec(query string, args ...any) (sql.Result, error) {
	r, err := tx.tx.ExecContext(tx.ctx, query, args...)
	tx.s.opts.Failpoint("statement")
	return r, err
}

func (tx *Tx) row(query string, args ...any) *sql.Row {
	return tx.tx.QueryRowContext(tx.ctx, query, args...)
}

// each calls scan for every row of a query.
func (tx *Tx) each(query string, args []any, scan func(*sql.Rows) error) error {
	rows, err := tx.tx.QueryContext(tx.ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// millis is how the file holds an instant; the zero time is NULL.
func millis(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

func instant(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return time.UnixMilli(ms.Int64).UTC()
}
