package commands

import (
	"context"
	"errors"
	"slices"
	"strings"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

// Upload is a file that came with a line.
type Upload struct {
	Name    incidents.Sealed
	Body    incidents.Sealed
	Awaited bool   // it is not fetched yet
	Problem string // why there is no body: a key of refusals
}

// addPatch is what an upload says without words.
const addPatch = "patch add"

// PatchLine gives a message with a file as the line that it is: its caption where that
// is the command, else the command with the handles that the caption names. False when
// it is nobody's who may command.
func (d *Desk) PatchLine(m bridges.Message) (string, bool) {
	if _, ok := d.Roster.ByAccount(incidents.Account(m.From)); !ok {
		d.ignore("not on the roster")
		return "", false
	}
	if text, ok := command(m.Text); ok {
		if cmd, _, ok := find(d.Table, text); ok && cmd.Words == addPatch {
			return m.Text, true
		}
	}
	line := "!" + addPatch
	for _, word := range strings.FieldsFunc(m.Text, func(r rune) bool { return r != '-' && !wordRune(r) }) {
		if n, ok := d.handle(word); ok && n > 0 && !strings.Contains(line+" ", " "+strings.ToUpper(word)+" ") {
			line += " " + strings.ToUpper(word)
		}
	}
	return line, true
}

func wordRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r > '~'
}

// errAwaited ends the transaction of a line whose file would be kept.
var errAwaited = errors.New("its file is awaited")

// Awaits reports whether the file of a line would be kept: every gate is passed but
// those that need the file. Nothing is changed.
func (d *Desk) Awaits(ctx context.Context, l Line) (bool, error) {
	who, ok := d.Roster.ByAccount(incidents.Account(l.From))
	text, is := command(l.Text)
	if !ok || !is || l.Upload == nil || !l.Upload.Awaited {
		return false, nil
	}
	err := d.Store.Update(ctx, func(tx *store.Tx) error {
		_, err := d.obey(tx, l, who, text)
		return errors.Join(err, errNotNow)
	})
	switch _, no := incidents.AsRefusal(err); {
	case errors.Is(err, errAwaited):
		return true, nil
	case no, errors.Is(err, errIgnored), errors.Is(err, errNotNow):
		return false, nil // the line itself is answered with why
	}
	return false, err
}

// errNotNow has a transaction undone.
var errNotNow = errors.New("not now")

func patchAdd() Command {
	return Command{
		Words: addPatch, About: OneOpen, Needs: Full,
		Does:    "keep the .patch or .diff file that comes with this as its caption, for letters to people outside; a file alone says the same",
		Example: "!patch add INC-7",
		Run: func(c *Call) (Reply, error) {
			u := c.Line.Upload
			switch {
			case u == nil:
				return Reply{}, incidents.Refuse("patch-how", "handle", c.I.Handle)
			case u.Problem != "":
				return Reply{}, incidents.Refuse(u.Problem, "max", incidents.SaySize(incidents.PatchBytes))
			case u.Awaited:
				return Reply{}, errAwaited
			}
			p, err := incidents.NewPatch(c.I.N, u.Name, u.Body, c.Who.Name, c.now)
			if err != nil {
				return Reply{}, err
			}
			have, err := c.Tx.Patches(c.I.N)
			if err != nil {
				return Reply{}, err
			}
			replaces, e, err := incidents.AddPatch(have, p)
			if err != nil {
				return Reply{}, err
			}
			c.said = append(c.said, e)
			if err := errors.Join(c.Tx.PutPatch(p), c.Tx.Record(e)); err != nil {
				return Reply{}, err
			}
			found, err := c.foundInPatches()
			return c.card("patch/kept", "replaces", replaces, "patches", incidents.PatchFacts([]incidents.Patch{p}), "letters", c.withPatches(), "found", found), err
		},
	}
}

// withPatches lists the kinds of drafts that patches go with, under seal.
func (c *Call) withPatches() incidents.Sealed {
	var out []string
	for _, k := range c.Book.DraftKinds() {
		if k.Patches {
			out = append(out, k.Key)
		}
	}
	return incidents.Seal(strings.Join(out, ", "))
}

// foundInPatches gives what the lint has against the incident's patches, whichever letter
// they go with, each finding once.
func (c *Call) foundInPatches() ([]incidents.Facts, error) {
	out := []incidents.Facts{}
	var told []incidents.Sealed
	for _, k := range c.Book.DraftKinds() {
		if !k.Patches {
			continue
		}
		t, err := c.text(k, use{})
		if err != nil {
			return nil, err
		}
		for _, f := range t.findings {
			if f.OfPatch() && !slices.ContainsFunc(told, f.Told.Same) {
				told, out = append(told, f.Told), append(out, incidents.Facts{"told": f.Told})
			}
		}
	}
	return out, nil
}

func patchList() Command {
	return Command{
		Words: "patch list", About: One, Needs: Full, Reads: true,
		Does: "list the patches that were uploaded for an incident, and the letters that they go with",
		Run: func(c *Call) (Reply, error) {
			list, err := c.Tx.Patches(c.I.N)
			return c.card("patch/list", "patches", incidents.PatchFacts(list), "letters", c.withPatches()), err
		},
	}
}

func patchDrop() Command {
	return Command{
		Words: "patch drop", About: One, Needs: Full,
		Does: "take a patch away: it goes with no letter any more", Example: "!patch drop INC-7 fix.patch",
		Args: []Arg{{Name: "name", Kind: Word, Sealed: true}},
		Run: func(c *Call) (Reply, error) {
			list, err := c.Tx.Patches(c.I.N)
			if err != nil {
				return Reply{}, err
			}
			for _, p := range list {
				if p.Name.Same(c.Sealed("name")) {
					e := incidents.DropPatch(p, c.Who.Name, c.now)
					c.said = append(c.said, e)
					err := errors.Join(c.Tx.DropPatch(p), c.Tx.Record(e))
					return c.card("patch/dropped", "patches", incidents.PatchFacts([]incidents.Patch{p})), err
				}
			}
			return Reply{}, incidents.Refuse("patch-unknown", "handle", c.I.Handle)
		},
	}
}
