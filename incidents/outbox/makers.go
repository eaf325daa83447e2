package outbox

import (
	"context"
	"errors"
	"strings"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

var errNoMaker = errors.New("nobody makes it")

// made gives the file that a row asks for by the fact "maker", where the room may hear
// everything, and what its template is told of it: "made" is where the file is, and
// "printed" its text, on the console, which has no files. The patches that the fact
// "enclosed" names are given to the maker alone, as they are now: no row keeps them.
func (o *Outbox) made(ctx context.Context, r store.Row, f incidents.Facts, v incidents.Verdict, limits bridges.Limits) (*bridges.File, incidents.Facts) {
	name, asks := f["maker"].(string)
	if !asks || !v.Clearance.Full() || !limits.Files && v.Grant.Network != incidents.OnConsole {
		return nil, f
	}
	var file *bridges.File
	with, err := o.enclosed(ctx, r, f)
	if err == nil {
		file, err = o.make(name, with.Opened(v.Clearance))
	}
	switch {
	case errors.Is(err, store.ErrOtherPatches):
		return nil, f.With("made", "changed")
	case err != nil:
		o.c.Log.Error("making a file", "maker", name, "error", err.Error())
		return nil, f.With("made", "failed")
	case limits.Files:
		return file, f.With("made", "file").With("name", file.Name)
	}
	printed := strings.ReplaceAll(string(file.Data), "\r\n", "\n")
	return nil, f.With("made", "printed").With("name", file.Name).With("printed", incidents.Seal(strings.TrimSpace(printed)))
}

// enclosed adds the patches that facts name as the fact "files", still sealed.
func (o *Outbox) enclosed(ctx context.Context, r store.Row, f incidents.Facts) (incidents.Facts, error) {
	wanted, _ := f["enclosed"].([]incidents.Facts)
	if len(wanted) == 0 {
		return f, nil
	}
	var have []incidents.Patch
	err := o.c.Store.Update(ctx, func(tx *store.Tx) (err error) {
		have, err = tx.Patches(r.Incident)
		return err
	})
	if err != nil {
		return f, err
	}
	files := []incidents.Facts{}
	for _, w := range wanted {
		name, _ := w["name"].(incidents.Sealed)
		sum, _ := w["sum"].(incidents.Sealed)
		for _, p := range have {
			if p.Name.Same(name) && p.Hash.Same(sum) {
				files = append(files, incidents.Facts{"name": p.Name, "body": p.Body})
			}
		}
	}
	if len(files) != len(wanted) {
		return f, store.ErrOtherPatches
	}
	return f.With("files", files), nil
}

func (o *Outbox) make(name string, f incidents.Facts) (*bridges.File, error) {
	maker := o.c.Makers[name]
	if maker == nil {
		return nil, errNoMaker
	}
	return maker(f)
}
