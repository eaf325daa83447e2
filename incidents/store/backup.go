package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Copy writes a SQLite file as it is at one moment to a new one, of mode 0600, also
// while another process writes to it, which it does not hold up. It may be a file that
// is not ours. When it returns the copy is on disk; after an error there may be part of
// it.
func Copy(ctx context.Context, from, to string) error {
	if _, err := os.Stat(from); err != nil {
		return err
	}
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600) // SQLite takes an empty file, and leaves its mode
	if err != nil {
		return err
	}
	err = look(from, func(db *sql.DB) error {
		_, err := db.ExecContext(ctx, `VACUUM INTO ?`, to)
		return err
	})
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// Intact says whether SQLite finds a file whole.
func Intact(ctx context.Context, path string) error {
	return look(path, func(db *sql.DB) error {
		var whole string
		err := db.QueryRowContext(ctx, `PRAGMA integrity_check`).Scan(&whole)
		if err == nil && whole != "ok" {
			err = errors.New("SQLite finds it damaged")
		}
		return err
	})
}

// look opens a file for reading only.
func look(path string, do func(*sql.DB) error) error {
	db, err := sql.Open("sqlite3", dsn(path, true))
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	return errors.Join(do(db), db.Close())
}

// About is what a file is, without what it holds.
type About struct {
	Schema    int
	Rehearsal bool
	Seq       int    // of the record's last entry
	Head      string // its hash
	Row       int    // the outbox's last row
}

// About gives what the file is.
func (s *Store) About(ctx context.Context) (About, error) {
	var a About
	var kind string
	err := s.db.QueryRowContext(ctx, `SELECT (SELECT user_version FROM pragma_user_version),
		coalesce((SELECT value FROM meta WHERE key = 'kind'), ''), coalesce((SELECT max(seq) FROM timeline), 0),
		coalesce((SELECT hash FROM timeline ORDER BY seq DESC LIMIT 1), ''), coalesce((SELECT max(id) FROM outbox), 0)`).
		Scan(&a.Schema, &kind, &a.Seq, &a.Head, &a.Row)
	a.Rehearsal = kind == "rehearsal"
	return a, err
}

// Lock takes a state's file for this process, whether it is there or not, until it is
// closed: no bot starts on it meanwhile.
func Lock(path string) (io.Closer, error) { return lock(path) }

func lock(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return nil, fmt.Errorf("%s is in use by another tocsin; stop that one, or name another file", path)
	}
	return lock, nil
}

// ErrRestoring is that a restore ended in its middle: the file beside it may be the old
// one, the new one or gone.
var ErrRestoring = errors.New("a restore ended in its middle, and nothing is opened here until it is done; say bot restore again with the same backup")

// restoringFile is there while files are put in place of others.
const restoringFile = ".restoring"

// BeginRestore marks a state's file as one that is being replaced, and gives the word
// that tells what is moved aside by this restore: the one that ended in its middle gave
// it already, or else it is the given one.
func BeginRestore(path, word string) (string, error) {
	data, err := os.ReadFile(path + restoringFile)
	switch old := strings.TrimSpace(string(data)); {
	case err == nil && old != "" && filepath.Base(old) == old:
		return old, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", err
	}
	return word, writeWhole(path+restoringFile, word+"\n")
}

// EndRestore takes that mark away.
func EndRestore(path string) error {
	return errors.Join(os.Remove(path+restoringFile), syncDir(filepath.Dir(path)))
}

// CheckRestoring gives ErrRestoring where a restore of a state's file ended in its middle.
func CheckRestoring(path string) error {
	_, err := os.Lstat(path + restoringFile)
	switch {
	case err == nil:
		return fmt.Errorf("%s: %w", path, ErrRestoring)
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return err
}

// backupFile holds when the last backup was made. Who makes one cannot write to the
// state's own file, which the bot has locked.
const backupFile = ".backup"

// NoteBackup keeps when a backup of a state's file was made, beside it.
func NoteBackup(path string, at time.Time) error {
	return writeWhole(path+backupFile, at.UTC().Format(time.RFC3339)+"\n")
}

// LastBackup gives when the last backup of a state's file was made; false when none was
// noted.
func LastBackup(path string) (time.Time, bool, error) {
	data, err := os.ReadFile(path + backupFile)
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, false, nil
	}
	if err != nil {
		return time.Time{}, false, err
	}
	at, err := time.Parse(time.RFC3339, strings.TrimSpace(string(data)))
	if err != nil {
		return time.Time{}, false, fmt.Errorf("%s%s does not say when the last backup was made; the next one writes it anew", path, backupFile)
	}
	return at, true, nil
}

// writeWhole puts a small file of mode 0600 in place, on disk when it returns.
func writeWhole(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // its mode is 0600
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncDir(filepath.Dir(path))
}

// syncDir has the kernel write to disk which names stand in a folder.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
