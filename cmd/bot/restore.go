package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"tocsin/bridges/matrix"
	"tocsin/cmd/bot/archive"
	"tocsin/incidents/store"
)

// restore puts a backup in the place of what the bot keeps. What is there is moved
// aside, and nothing is touched before all of the backup was verified.
func (p program) restore(ctx context.Context, a arguments) int {
	if len(a.rest) != 1 {
		return p.misused("Say from which file: bot restore -config FILE IN.")
	}
	of, err := p.stateNamed(a)
	if err != nil {
		fmt.Fprintln(p.err, err)
		return exitUsage
	}
	if err := p.restoreTo(ctx, of, a.rest[0]); err != nil {
		if ctx.Err() != nil {
			err = errors.Join(sentence("The restore was ended."), err)
		}
		return p.failed(err)
	}
	return exitOK
}

func (p program) restoreTo(ctx context.Context, of stateOf, in string) (err error) {
	if _, err := os.Stat(in); err != nil {
		return fmt.Errorf("%s: there is no such file", in)
	}
	locks, err := hold(of)
	defer func() {
		for _, l := range locks {
			err = errors.Join(err, l.Close())
		}
	}()
	if err != nil {
		return err
	}
	work := of.path + ".restore"
	if err := errors.Join(os.RemoveAll(work), os.Mkdir(work, 0o700)); err != nil { // of a restore that ended in its middle
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	m, _, err := openBackup(ctx, in, work)
	if err == nil {
		err = suits(ctx, of, m)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", in, err)
	}
	p.step("read")
	places, err := p.prepare(ctx, of, m, work)
	defer func() {
		for _, to := range places {
			_ = os.Remove(to.ready) // where it was not put in place
		}
	}()
	if err != nil {
		return err
	}
	p.step("prepared")
	if err := ctx.Err(); err != nil {
		return err
	}
	return p.swap(of, m, places)
}

// hold takes all that a bot would use: it has to be stopped.
func hold(of stateOf) (locks []io.Closer, err error) {
	l, err := store.Lock(of.path)
	if err != nil {
		return nil, err
	}
	locks = append(locks, l)
	if of.config == nil {
		return locks, nil
	}
	for _, n := range of.config.Matrix {
		if l, err = matrix.Hold(n.Folder); err != nil {
			return locks, err
		}
		locks = append(locks, l)
	}
	return locks, nil
}

// suits holds a backup against what it is to be restored to.
func suits(ctx context.Context, of stateOf, m archive.Manifest) error {
	rehearsal, known := false, of.config != nil
	if !known { // a file that is named alone says itself what it is, where it can
		if about, _, err := readDesk(ctx, of.path); err == nil {
			rehearsal, known = about.Rehearsal, true
		}
	}
	switch {
	case known && m.Rehearsal && !rehearsal:
		return errors.New("it is a rehearsal's, and a real desk does not take it; name the rehearsal's file with -db")
	case known && !m.Rehearsal && rehearsal:
		return errors.New("it is a real desk's, and a rehearsal does not take it; name its configuration with -config")
	case of.config != nil && m.Prefix != of.prefix:
		return fmt.Errorf("its incidents are called %s-1 and so on, and the configuration says %s: it is of another project, or project.prefix was changed since", m.Prefix, of.prefix)
	}
	return nil
}

// placing is a file that is ready, and what it is put in the place of.
type placing struct{ ready, at, what string }

// prepare makes the files of a backup ready beside where they go: the desk's is one
// that can be gone on with.
func (p program) prepare(ctx context.Context, of stateOf, m archive.Manifest, work string) ([]placing, error) {
	var out []placing
	var networks []string
	for _, part := range m.Parts {
		if part.Kind != keysPart {
			continue
		}
		to := ""
		if of.config != nil {
			for _, n := range of.config.Matrix {
				if n.Name == part.Network && n.User == part.Account {
					to = matrix.KeysFile(n.Folder)
				}
			}
		}
		if to == "" {
			fmt.Fprintf(p.out, "%s: %s are left out, since no configuration names that account.\n", part.Name, sayPart(part))
			continue
		}
		ready := to + ".restore"
		out = append(out, placing{ready, to, sayPart(part)})
		if err := copyFile(filepath.Join(work, part.Name), ready); err != nil {
			return out, err
		}
	}
	if of.config != nil {
		for _, n := range of.config.Matrix {
			networks = append(networks, n.Name)
		}
	}
	desk := filepath.Join(work, deskName)
	if err := goOn(ctx, desk, m, networks); err != nil {
		return out, err
	}
	return append(out, placing{desk, of.path, "the desk"}), nil // last: it is what the bot looks at first
}

// goOn makes a desk's file out of a backup one that can be gone on with.
func goOn(ctx context.Context, path string, m archive.Manifest, networks []string) error {
	c := &clock{}
	st, err := store.Open(ctx, path, store.Options{Prefix: m.Prefix, Rehearsal: m.Rehearsal, Now: c.Now})
	if err != nil {
		return err
	}
	taken := m.Made
	if err = loadOffset(ctx, st, c); err == nil {
		taken = taken.Add(time.Duration(c.offset.Load()))
		err = st.Update(ctx, func(tx *store.Tx) error {
			_, err := tx.Restore(taken, networks)
			return err
		})
	}
	if err = errors.Join(err, st.Close()); err != nil { // closing moves the log of changes into the file
		return err
	}
	if exists(path + "-wal") {
		return errors.New("the restored file could not be closed in order; say bot restore again")
	}
	return syncPath(path)
}

// swap moves what is there aside and puts what is ready in its place. From its first
// step to its last the state's file is marked, so that a bot does not start on half of
// it, and another restore goes on where this one ended.
func (p program) swap(of stateOf, m archive.Manifest, places []placing) error {
	word, err := store.BeginRestore(of.path, freeWord(places, time.Now()))
	if err != nil {
		return err
	}
	p.step("marked")
	var aside []string
	for _, to := range places {
		moved, err := p.moveAside(to.at, word)
		if err != nil {
			return halfway(err)
		}
		if moved != "" {
			aside = append(aside, moved)
		}
	}
	for _, to := range places {
		if err := errors.Join(os.Rename(to.ready, to.at), syncPath(filepath.Dir(to.at))); err != nil {
			return halfway(err)
		}
		p.step("placed " + to.what)
	}
	if err := store.EndRestore(of.path); err != nil {
		return halfway(err)
	}
	p.step("ended")
	for _, to := range places {
		fmt.Fprintf(p.out, "%s: %s, as of %s.\n", to.at, to.what, sayTaken(m))
	}
	for _, path := range aside {
		fmt.Fprintf(p.out, "What was there is %s now.\n", path)
	}
	if of.config != nil {
		for _, n := range of.config.Matrix {
			for _, name := range matrix.SecretFiles() {
				if path := filepath.Join(n.Folder, name); !exists(path) && (name != matrix.SecretFiles()[1] || n.PickleKey.Empty()) {
					fmt.Fprintf(p.out, "%s is not there: put it back, or move %s aside and log in anew with bot login matrix.\n", path, matrix.KeysFile(n.Folder))
				}
			}
		}
	}
	fmt.Fprintln(p.out, "Done. When the bot starts it tells the desk what it does not know; what was on its way then is not said.")
	return nil
}

// freeWord gives a word for what is moved aside that nothing has in its name yet.
func freeWord(places []placing, now time.Time) string {
	word := "before-restore-" + now.UTC().Format("20060102T150405.000Z")
	for _, to := range places {
		if exists(to.at + "." + word) {
			return freeWord(places, now.Add(time.Millisecond))
		}
	}
	return word
}

func halfway(err error) error {
	return fmt.Errorf("the restore ended in its middle, and the bot does not start until it is done: mend this and say bot restore again: %w", err)
}

// tails are what stands beside a SQLite file: its log of changes would be worked into
// any file of that name.
func tails() []string { return []string{"-wal", "-shm", "-journal", ""} }

// moveAside gives a file and what belongs to it another name, and says which. The file
// itself comes last: where its other name is taken an earlier restore moved it, and
// what stands in its place came from that one.
func (p program) moveAside(path, word string) (string, error) {
	aside := path + "." + word
	done := exists(aside)
	for _, tail := range tails() {
		_, err := os.Lstat(path + tail)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return "", err
		case done:
			err = os.Remove(path + tail)
		default:
			err = os.Rename(path+tail, aside+tail)
		}
		if err != nil {
			return "", err
		}
		p.step("aside " + filepath.Base(path) + tail)
	}
	if err := syncPath(filepath.Dir(path)); err != nil {
		return "", err
	}
	if !exists(aside) {
		return "", nil
	}
	return aside, nil
}

// copyFile copies a file to another file system, of mode 0600 and on disk.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}
