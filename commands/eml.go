package commands

import (
	"strings"

	"tocsin/incidents"
	"tocsin/templates"
)

// Envelope is what the configuration makes of a letter that a person sends.
type Envelope struct {
	From    string   // "" where nobody said whose address it is from
	Readers []Reader // whom it is encrypted to; none: it is plain
	Also    string   // our own address, whose key opens it too, or ""
	Signed  bool
}

// Reader is somebody whom a letter is encrypted to.
type Reader struct{ Address, Key string }

// emlArgs are the flags for a draft as a file that a mail program sends.
func emlArgs() []Arg {
	return []Arg{
		{Name: "eml", Flag: "--eml", Kind: Switch, Optional: true},
		{Name: "ADDRESSES", Flag: "--to", Kind: OneLine, Optional: true, Sealed: true, Max: maxText},
		{Name: "ADDRESS", Flag: "--from", Kind: OneLine, Optional: true, Sealed: true, Max: maxTitle},
	}
}

// eml gives a draft as a file that a mail program sends. It is made when the answer is
// said, from facts that are sealed until then.
func (c *Call) eml(k templates.DraftKind) (Reply, error) {
	kind := incidents.Seal(k.Key)
	if k.Channel != templates.ByMail {
		return Reply{}, incidents.Refuse("draft-no-mail", "draft", kind, "handle", c.I.Handle)
	}
	to, err := c.recipients(k)
	if err != nil {
		return Reply{}, err
	}
	e := Envelope{From: c.Str("ADDRESS")}
	if c.Letters != nil {
		e, err = c.Letters(e.From, to)
	}
	if err != nil || e.From == "" {
		return Reply{}, orRefuse(err, "draft-eml-from", "handle", c.I.Handle, "draft", kind)
	}
	t, err := c.text(k, use{to: to})
	if err != nil {
		return Reply{}, err
	}
	shown := t.shown()
	if templates.Blocks(t.findings) {
		return Reply{}, incidents.Refuse("draft-eml-blocked", "draft", kind, "handle", c.I.Handle, "errors", shown["errors"], "warnings", shown["warnings"], "missing", shown["missing"])
	}
	readers, enclosed := []incidents.Facts{}, []incidents.Facts{}
	for _, r := range e.Readers {
		readers = append(readers, incidents.Facts{"address": incidents.Seal(r.Address), "key": incidents.Seal(r.Key)})
	}
	for _, p := range t.patches {
		enclosed = append(enclosed, incidents.Facts{"name": p.Name, "sum": p.Hash})
	}
	whom := incidents.Seal(strings.Join(to, ", "))
	r := c.card("draft/eml", "maker", "eml", "made", "", "name", "", "printed", incidents.Sealed{}, "now", c.now)
	for name, v := range shown {
		r.Facts[name] = v
	}
	r.Facts["from"], r.Facts["to"], r.Facts["seed"] = incidents.Seal(e.From), whom, incidents.TextHash(t.hash, whom)
	r.Facts["readers"], r.Facts["also"], r.Facts["signed"], r.Facts["enclosed"] = readers, incidents.Seal(e.Also), e.Signed, enclosed
	return r, nil
}
