package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"

	"tocsin/incidents"
)

// Doctor is the kind of the row that looks at everything that can be wrong.
const Doctor = "doctor"

// DoctorLane is its lane.
const DoctorLane = ways + "doctor"

// QueueDoctor adds a row that looks at everything and is answered where the row answer
// would be said; false where one is on its way already for the same place.
func (tx *Tx) QueueDoctor(answer Row) (bool, error) {
	place := answer.Network + " " + answer.Place()
	var waits bool
	err := tx.row(`SELECT EXISTS (SELECT 1 FROM outbox WHERE kind = ? AND room = ? AND state IN ('due', 'unknown'))`, Doctor, place).Scan(&waits)
	if err != nil || waits {
		return false, err
	}
	return true, tx.Queue(Row{
		Key: Doctor + "/" + answer.Key, Kind: Doctor, Network: DoctorLane, Room: place,
		ReplyTo: answer.ReplyTo, Thread: answer.Thread, Asker: answer.Asker,
		Facts: incidents.Facts{"network": answer.Network, "room": answer.Room, "direct": answer.Direct},
	})
}

// DoctorAnswer gives where the row of a doctor is answered.
func DoctorAnswer(r Row) Row {
	text := func(name string) string { s, _ := r.Facts[name].(string); return s }
	direct, _ := r.Facts["direct"].(bool)
	return Row{
		Key: "answer/" + r.Key, Kind: "say", Network: text("network"), Room: text("room"), Direct: direct,
		ReplyTo: r.ReplyTo, Thread: r.Thread, Asker: r.Asker,
	}
}

// Shape is how a file is kept.
type Shape struct {
	Rehearsal bool
	Version   int  // of its schema
	Logs      bool // it keeps a log of changes (WAL)
}

// Shape looks how the file is kept.
func (s *Store) Shape(ctx context.Context) (Shape, error) {
	var out Shape
	var kind, journal string
	err := errors.Join(
		s.db.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = 'kind'`).Scan(&kind),
		s.db.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&out.Version),
		s.db.QueryRowContext(ctx, `PRAGMA journal_mode`).Scan(&journal),
	)
	out.Rehearsal, out.Logs = kind == "rehearsal", journal == "wal"
	return out, err
}

// Claim keeps a bot from opening the file until release is called; running says that
// one has it open already, and then there is nothing to release.
func Claim(path string) (release func(), running bool, err error) {
	nothing := func() {}
	lock, err := os.OpenFile(path+".lock", os.O_RDWR, 0) // #nosec G304 -- the configured file
	if errors.Is(err, fs.ErrNotExist) {
		return nothing, false, nil
	}
	if err != nil {
		return nothing, false, err
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		_ = lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nothing, true, nil
		}
		return nothing, false, err
	}
	return func() { _ = lock.Close() }, false, nil
}
