package main

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"tocsin/bridges"
)

// sheet is a console that writes down what it hears.
type sheet struct{ lines []string }

func (*sheet) Network() string        { return "console" }
func (*sheet) Limits() bridges.Limits { return bridges.Limits{} }

func (*sheet) Run(ctx context.Context, _ bridges.Inbox) error                   { <-ctx.Done(); return nil }
func (*sheet) Prove(context.Context, bridges.Room) (p bridges.Proof, err error) { return p, nil }
func (*sheet) Find(context.Context, bridges.Outgoing) (r bridges.Receipt, err error) {
	return r, bridges.ErrCantSay
}

func (s *sheet) Say(_ context.Context, o bridges.Outgoing) (bridges.Receipt, error) {
	calls := ""
	for _, m := range o.Mentions {
		calls += m.ID + " "
	}
	s.lines = append(s.lines, calls+o.Text)
	return bridges.Receipt{}, nil
}

// typing is a bot on a console where a test types and reads, with a time that it moves.
type typing struct {
	*rehearsal
	t     *testing.T
	sheet sheet
	c     *clock
	path  string
	n     int
	log   strings.Builder
}

func (d *typing) says(who string, lines ...string) {
	d.t.Helper()
	for _, text := range lines {
		d.n++
		must(d.t, d.Message(d.t.Context(), bridges.Message{
			ID: fmt.Sprint(d.n), Room: bridges.Room{Network: "console", ID: "console"}, Name: who, Text: text,
			From: bridges.Account{Network: "console", ID: who}, At: d.c.Now(),
		}))
	}
}

func (d *typing) passes(span string) {
	d.t.Helper()
	must(d.t, d.wait(d.t.Context(), span))
}

// heard gives what was said since it was asked last, and wants words in it, or with a
// hyphen before them, not.
func (d *typing) heard(words ...string) string {
	d.t.Helper()
	text := strings.Join(d.sheet.lines, "\n")
	d.sheet.lines = nil
	for _, w := range words {
		if not, ok := strings.CutPrefix(w, "-"); ok && strings.Contains(text, not) || !ok && !strings.Contains(text, w) {
			d.t.Errorf("want %q in:\n%s", w, text)
		}
	}
	return text
}
