package main

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"tocsin/bridges/mail"
	"tocsin/cmd/bot/config"
	"tocsin/incidents"
	"tocsin/incidents/store"
	"tocsin/templates"
)

// configuration looks whether the file and the plan can be used, and whether they are
// those that the bot goes by.
func (p patient) configuration(context.Context) []incidents.Finding {
	c, err := config.Load(p.file, p.env)
	if err != nil {
		return one(incidents.Find("config", incidents.FindingFail, "networks", 0, "people", 0))
	}
	state := incidents.FindingOK
	if p.inside && p.sum != sumOf(p.file) {
		state = incidents.FindingWarn
	}
	out := one(incidents.Find("config", state, "networks", len(c.Matrix)+len(c.IRC), "people", len(c.People)))
	plan, err := planOf(c)
	state = incidents.FindingOK
	switch {
	case err != nil:
		state = incidents.FindingFail
	case plan.Hash != p.plan.Hash:
		state = incidents.FindingWarn
	}
	return append(out, incidents.Find("plan", state, "name", p.plan.Name))
}

// sumOf gives a file's hash, or that of nothing.
func sumOf(path string) [sha256.Size]byte {
	data, _ := os.ReadFile(path) // #nosec G304 -- the configuration
	return sha256.Sum256(data)
}

// words looks whether everything can be said.
func words(context.Context) []incidents.Finding {
	book, err := templates.NewBook()
	if err != nil {
		return one(incidents.Find("templates", incidents.FindingFail, "broken", "all of them"))
	}
	state, broken := incidents.FindingOK, book.Broken()
	if len(broken) > 0 {
		state = incidents.FindingFail
	}
	return one(incidents.Find("templates", state, "broken", strings.Join(broken, ", ")))
}

// disk looks how much is left where the state is.
func disk(path string) []incidents.Finding {
	var s syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(path), &s); err != nil {
		return one(incidents.FindUnseen("disk", "say df on the machine"))
	}
	size := uint64(s.Bsize) // #nosec G115 -- a size of blocks is not negative
	return one(incidents.FindDisk(s.Bavail*size, s.Blocks*size))
}

// stateProblem says what is wrong with the state's file, or "".
func stateProblem(ctx context.Context, path string, rehearsal bool) string {
	if errors.Is(store.CheckRestoring(path), store.ErrRestoring) {
		return "restoring"
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "absent"
	}
	if err != nil {
		return "unreadable"
	}
	st, err := store.Open(ctx, path, store.Options{ReadOnly: true})
	if errors.Is(err, store.ErrNewer) {
		return "newer"
	}
	if err != nil {
		return "unreadable"
	}
	defer st.Close()
	shape, err := st.Shape(ctx)
	switch {
	case err != nil:
		return "unreadable"
	case shape.Rehearsal != rehearsal:
		return "rehearsal"
	case shape.Version < store.Version():
		return "older"
	case info.Mode().Perm()&0o077 != 0:
		return "mode"
	case !shape.Logs:
		return "wal"
	}
	return ""
}

// state looks at the state's file.
func (p patient) state(ctx context.Context) []incidents.Finding {
	problem, state := stateProblem(ctx, p.c.State.File, false), incidents.FindingFail
	switch problem {
	case "":
		state = incidents.FindingOK
	case "absent", "older", "wal":
		state = incidents.FindingWarn
	}
	return one(incidents.Find("state", state, "problem", problem, "file", p.c.State.File))
}

// readState runs fn on the state's file, without changing it; false where there is no file
// that can be read so: state says why.
func readState(ctx context.Context, path string, rehearsal bool, fn func(*store.Store) error) (bool, error) {
	if why := stateProblem(ctx, path, rehearsal); why != "" && why != "mode" && why != "wal" {
		return false, ctx.Err()
	}
	st, err := store.Open(ctx, path, store.Options{ReadOnly: true})
	if err != nil {
		return false, err
	}
	defer st.Close()
	return true, fn(st)
}

// record walks the record, as bot verify does.
func record(ctx context.Context, path string, rehearsal bool) []incidents.Finding {
	var v store.Verified
	there, err := readState(ctx, path, rehearsal, func(st *store.Store) (err error) {
		v, err = st.Verify(ctx)
		return err
	})
	switch {
	case err != nil:
		return one(incidents.Find("record", incidents.FindingFail, "entries", 0))
	case !there:
		return nil
	}
	return one(incidents.Find("record", incidents.FindingOK, "entries", v.Entries))
}

// backup looks when the last one was made.
func (p patient) backup() []incidents.Finding {
	at, have, err := store.LastBackup(p.c.State.File)
	if err != nil {
		have = false // the next one notes it anew
	}
	return one(incidents.FindBackup(at, have, p.now()))
}

// credentials looks which of those that were noted expire.
func credentials(ctx context.Context, path string, rehearsal bool, now time.Time) []incidents.Finding {
	var all []incidents.Token
	there, err := readState(ctx, path, rehearsal, func(st *store.Store) error {
		return st.Update(ctx, func(tx *store.Tx) (err error) {
			all, err = tx.Tokens()
			return err
		})
	})
	switch {
	case err != nil:
		return one(incidents.FindUnseen("credentials", "say !readiness show"))
	case !there:
		return nil
	}
	return incidents.FindCredentials(all, now)
}

// certificates looks when the bot's own ones on IRC networks expire.
func (p patient) certificates() []incidents.Finding {
	var out []incidents.Finding
	for _, n := range p.c.IRC {
		if f, ok := certificate(n, p.now()); ok {
			out = append(out, f)
		}
	}
	return out
}

// certificate looks when the bot's own certificate on an IRC network expires.
func certificate(n config.IRC, now time.Time) (incidents.Finding, bool) {
	data, err := os.ReadFile(n.CertFile)
	if n.CertFile == "" || err != nil {
		return incidents.Finding{}, false // the configuration was checked for it
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return incidents.Finding{}, false
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return incidents.Finding{}, false
	}
	return incidents.FindExpiry("certificate", n.Name, c.NotAfter.UTC(), now), true
}

// keyAhead is how long before its end a key is spoken of.
const keyAhead = 30 * 24 * time.Hour

// keys looks which keys of mail cannot be used, now or in a month.
func (p patient) keys() []incidents.Finding {
	if p.c.Mail.From == "" && !p.c.Mail.Send {
		return nil
	}
	var out []incidents.Finding
	all := 0
	judge := func(now, ahead mail.KeyInfo) {
		name := now.Fingerprint[max(0, len(now.Fingerprint)-keyShown):]
		switch {
		case now.Problem != "":
			out = append(out, incidents.Find("key", incidents.FindingFail, "name", name, "why", now.Problem))
		case ahead.Problem != "":
			out = append(out, incidents.Find("key", incidents.FindingWarn, "name", name, "why", "cannot be used any more in 30 days"))
		}
		all++
	}
	now, ahead := p.now(), p.now().Add(keyAhead)
	if have, err := p.l.keys.Infos(now); err == nil {
		if later, err := p.l.keys.Infos(ahead); err == nil && len(later) == len(have) {
			for i := range have {
				judge(have[i], later[i])
			}
		}
	}
	if p.l.signer != nil {
		judge(p.l.signer.Info(now), p.l.signer.Info(ahead))
	}
	if len(out) > 0 {
		return out
	}
	state := incidents.FindingOK
	if len(p.c.Mail.Keys) == 0 {
		state = incidents.FindingWarn
	}
	return one(incidents.Find("keys", state, "count", all))
}

// suspended gives who is.
func (p patient) suspended(ctx context.Context) (out map[string]bool, err error) {
	_, err = readState(ctx, p.c.State.File, false, func(st *store.Store) error {
		return st.Update(ctx, func(tx *store.Tx) (err error) {
			out, err = tx.Suspended()
			return err
		})
	})
	if err != nil {
		err = fmt.Errorf("reading who is suspended: %w", err)
	}
	return out, err
}

// roster looks who can act.
func (p patient) roster(ctx context.Context) []incidents.Finding {
	suspended, err := p.suspended(ctx)
	out := incidents.FindRoster(p.c.Roster(), p.desksOf(), suspended)
	if err != nil {
		out = append(out, incidents.FindUnseen("who is suspended", "say !doctor again"))
	}
	return out
}
