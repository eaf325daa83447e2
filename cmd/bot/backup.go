package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tocsin/bridges/matrix"
	"tocsin/cmd/bot/archive"
	"tocsin/cmd/bot/config"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

// The kinds of parts of a backup, and what the desk's own is called in it.
const (
	deskPart = "desk"
	keysPart = "matrix keys"
	deskName = "desk.db"
)

// backup writes all that the bot keeps into one file, also while it runs, and says that
// it did when what is in that file was read back and found whole.
func (p program) backup(ctx context.Context, a arguments) int {
	if len(a.rest) != 1 {
		return p.misused("Say into which file: bot backup -config FILE OUT.")
	}
	of, err := p.stateFile(a)
	if err != nil {
		fmt.Fprintln(p.err, err)
		return exitUsage
	}
	out := a.rest[0]
	if _, err := os.Lstat(out); err == nil {
		return p.failed(fmt.Errorf("%s is there already and is left as it is; name another file: bot backup FILE", out))
	}
	work, err := os.MkdirTemp(filepath.Dir(out), ".backup-*") // its mode is 0700
	if err != nil {
		return p.failed(fmt.Errorf("a backup is made beside where it goes, and nothing can be written there: %w", err))
	}
	err = p.makeBackup(ctx, of, work, out)
	if err = errors.Join(err, os.RemoveAll(work)); err != nil {
		if ctx.Err() != nil {
			err = sentence("The backup was ended, and nothing of it is left.")
		}
		return p.failed(err)
	}
	return exitOK
}

// makeBackup makes a backup in a folder of its own, verifies it there, and puts it in
// place.
func (p program) makeBackup(ctx context.Context, of stateOf, work, out string) error {
	p.step("begun")
	m, err := p.collect(ctx, of, work)
	if err != nil {
		return err
	}
	p.step("collected")
	made := filepath.Join(work, "made")
	if err := writeArchive(made, m, work); err != nil {
		return err
	}
	p.step("written")
	check := filepath.Join(work, "check")
	if err := os.Mkdir(check, 0o700); err != nil {
		return err
	}
	got, v, err := openBackup(ctx, made, check)
	if err != nil {
		return fmt.Errorf("what was written was read back, and is not in order: %w", err)
	}
	if v.Head != m.Head || v.Entries != m.Entries || len(got.Parts) != len(m.Parts) {
		return errors.New("what was written was read back, and is another record than was copied")
	}
	p.step("verified")
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := place(made, out); err != nil {
		return err
	}
	p.step("placed")
	for _, part := range m.Parts {
		fmt.Fprintf(p.out, "%s: %s, %d bytes, sha256 %s\n", part.Name, sayPart(part), part.Size, part.SHA256)
	}
	p.sayLeftOut(of, m)
	if err := store.NoteBackup(of.path, m.Made); err != nil {
		fmt.Fprintf(p.err, "When this backup was made could not be noted beside %s: %v\n", of.path, err)
	}
	fmt.Fprintf(p.out, "Done: %s holds %s, read back and verified, with what is embargoed in the clear. Encrypt it before it leaves this machine, say with age.\n",
		out, sayEntries(v))
	return nil
}

// collect copies both stores into a folder and describes them. The desk's file comes
// first: keys that are newer than it harm nothing.
func (p program) collect(ctx context.Context, of stateOf, work string) (archive.Manifest, error) {
	m := archive.Manifest{Format: archive.Format, Made: time.Now().UTC().Truncate(time.Second), Program: version(), Prefix: of.prefix}
	if err := p.recognize(ctx, of); err != nil {
		return m, err
	}
	desk := filepath.Join(work, deskName)
	if err := store.Copy(ctx, of.path, desk); err != nil {
		return m, fmt.Errorf("%s cannot be copied: %w", of.path, err)
	}
	about, _, err := readDesk(ctx, desk)
	if err != nil {
		return m, fmt.Errorf("%s: the record is NOT whole: %w", of.path, err)
	}
	m.Schema, m.Rehearsal, m.Entries, m.Head, m.Row = about.Schema, about.Rehearsal, about.Seq, about.Head, about.Row
	parts := []archive.Part{{Name: deskName, Kind: deskPart}}
	if of.config != nil {
		m.Project = of.config.Project.Name
		for k, n := range of.config.Matrix {
			part := archive.Part{Name: fmt.Sprintf("matrix-%d.db", k+1), Kind: keysPart, Network: n.Name, Account: n.User}
			err := store.Copy(ctx, matrix.KeysFile(n.Folder), filepath.Join(work, part.Name))
			switch {
			case errors.Is(err, fs.ErrNotExist):
				continue // no login there yet, which sayLeftOut tells
			case err != nil:
				return m, fmt.Errorf("the keys of %s cannot be copied: %w", n.Name, err)
			}
			parts = append(parts, part)
		}
	}
	for _, part := range parts {
		measured, err := archive.Measure(part, filepath.Join(work, part.Name))
		if err != nil {
			return m, err
		}
		m.Parts = append(m.Parts, measured)
	}
	return m, nil
}

// recognize refuses a file that is not ours, or a newer program's.
func (p program) recognize(ctx context.Context, of stateOf) error {
	st, err := store.Open(ctx, of.path, store.Options{Prefix: of.prefix, ReadOnly: true})
	if err != nil {
		return fmt.Errorf("%s cannot be read: %w", of.path, err)
	}
	return st.Close()
}

// readDesk walks the record of a desk's file, as bot verify does.
func readDesk(ctx context.Context, path string) (store.About, store.Verified, error) {
	st, err := store.Open(ctx, path, store.Options{ReadOnly: true})
	if err != nil {
		return store.About{}, store.Verified{}, err
	}
	about, err := st.About(ctx)
	var v store.Verified
	if err == nil {
		v, err = st.Verify(ctx)
	}
	return about, v, errors.Join(err, st.Close())
}

func writeArchive(path string, m archive.Manifest, folder string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = archive.Write(f, m, folder)
	return errors.Join(err, f.Sync(), f.Close())
}

// openBackup reads a backup into a folder and checks all of it: its digests, that each
// part is whole to SQLite, and the desk's record.
func openBackup(ctx context.Context, path, folder string) (archive.Manifest, store.Verified, error) {
	f, err := os.Open(path)
	if err != nil {
		return archive.Manifest{}, store.Verified{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return archive.Manifest{}, store.Verified{}, err
	}
	m, err := archive.Read(f, info.Size(), folder)
	if err != nil {
		return m, store.Verified{}, err
	}
	if m.Schema > store.Version() {
		return m, store.Verified{}, fmt.Errorf("the backup was made by a newer tocsin (schema %d, this one knows %d); use that one", m.Schema, store.Version())
	}
	desks := 0
	for _, part := range m.Parts {
		switch {
		case part.Kind == deskPart && part.Name == deskName:
			desks++
		case part.Kind != keysPart:
			return m, store.Verified{}, errors.New("the backup has a part that nobody here knows; use the tocsin that made it")
		}
		if err := store.Intact(ctx, filepath.Join(folder, part.Name)); err != nil {
			return m, store.Verified{}, fmt.Errorf("%s in it: %w", part.Name, err)
		}
	}
	if desks != 1 {
		return m, store.Verified{}, errors.New("the backup has no desk in it")
	}
	about, v, err := readDesk(ctx, filepath.Join(folder, deskName))
	if err == nil && (about.Seq != m.Entries || about.Head != m.Head || about.Rehearsal != m.Rehearsal || about.Schema != m.Schema) {
		err = errors.New("its record is another one than the manifest says")
	}
	return m, v, err
}

// place gives a file that was made its name, where nothing may be by then.
func place(made, out string) error {
	err := os.Link(made, out)
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s is there by now and is left as it is; name another file", out)
	case err != nil: // not every file system has links
		if _, there := os.Lstat(out); there == nil {
			return fmt.Errorf("%s is there by now and is left as it is; name another file", out)
		}
		if err := os.Rename(made, out); err != nil {
			return err
		}
	}
	return syncPath(filepath.Dir(out))
}

// syncPath has the kernel write a file to disk, or which names stand in a folder.
func syncPath(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func sayPart(part archive.Part) string {
	if part.Kind == keysPart {
		return "the keys of " + part.Account + " on " + part.Network
	}
	return "the desk"
}

func sayEntries(v store.Verified) string {
	if v.Entries == 1 {
		return "a record of 1 entry"
	}
	return fmt.Sprintf("a record of %d entries", v.Entries)
}

// sayLeftOut says what a backup does not hold and a restore will need.
func (p program) sayLeftOut(of stateOf, m archive.Manifest) {
	if of.config == nil {
		if !m.Rehearsal {
			fmt.Fprintln(p.out, "The keys of Matrix accounts are not in it: for them say -config instead of -db.")
		}
		return
	}
	for _, n := range of.config.Matrix {
		if _, err := os.Stat(matrix.KeysFile(n.Folder)); err != nil {
			fmt.Fprintf(p.out, "Of %s there are no keys yet, and none are in it.\n", n.Name)
		}
	}
	fmt.Fprintf(p.out, "Not in it, so keep them elsewhere: %s.\n", strings.Join(secretsOf(of.config), ", "))
}

// secretsOf names what a backup leaves out by intent.
func secretsOf(c *config.Config) []string {
	out := []string{"the configuration and the secrets that it names"}
	for _, n := range c.Matrix {
		for _, name := range matrix.SecretFiles() {
			if path := filepath.Join(n.Folder, name); exists(path) {
				out = append(out, path)
			}
		}
	}
	return out
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// step is where a test may end the program.
func (p program) step(name string) {
	if p.failpoint != nil {
		p.failpoint(name)
	}
}

// sayTaken says when a backup was made.
func sayTaken(m archive.Manifest) string { return incidents.SayInstant(m.Made) }
