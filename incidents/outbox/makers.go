package outbox

import (
	"errors"
	"strings"

	"tocsin/bridges"
	"tocsin/incidents"
)

var errNoMaker = errors.New("nobody makes it")

// made gives the file that a row asks for by the fact "maker", where the room may hear
// everything, and what its template is told of it: "made" is where the file is, and
// "printed" its text, on the console, which has no files.
func (o *Outbox) made(f incidents.Facts, v incidents.Verdict, limits bridges.Limits) (*bridges.File, incidents.Facts) {
	name, asks := f["maker"].(string)
	if !asks || !v.Clearance.Full() || !limits.Files && v.Grant.Network != incidents.OnConsole {
		return nil, f
	}
	file, err := o.make(name, f.Opened(v.Clearance))
	switch {
	case err != nil:
		o.c.Log.Error("making a file", "maker", name, "error", err.Error())
		return nil, f.With("made", "failed")
	case limits.Files:
		return file, f.With("made", "file").With("name", file.Name)
	}
	printed := strings.ReplaceAll(string(file.Data), "\r\n", "\n")
	return nil, f.With("made", "printed").With("name", file.Name).With("printed", incidents.Seal(strings.TrimSpace(printed)))
}

func (o *Outbox) make(name string, f incidents.Facts) (*bridges.File, error) {
	maker := o.c.Makers[name]
	if maker == nil {
		return nil, errNoMaker
	}
	return maker(f)
}
