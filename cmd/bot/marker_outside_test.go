package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"tocsin/bridges"
	"tocsin/commands"
	"tocsin/incidents/outbox"
)

// hearsay is a way to people outside that keeps what it is given, and answers as the
// test wants: what it says of it holds a marker.
type hearsay struct {
	carried []outbox.Parcel
	answer  error
	find    error
}

func (h *hearsay) Carry(_ context.Context, p outbox.Parcel) (string, error) {
	h.carried = append(h.carried, p)
	if h.answer != nil {
		return "", &outbox.Trouble{Err: h.answer, Told: "qzx-told"}
	}
	return "qzx-id", nil
}

func (h *hearsay) Find(context.Context, outbox.Parcel) (string, error) { return "", h.find }

func (h *hearsay) known() commands.Way {
	return commands.Way{From: func([]string) (string, error) { return "security@example.org", nil }}
}

// outside has texts go to people outside, by two people, with every end that it can
// have: what is told of it holds no marker below full.
func (d *markedDesk) sendOutside(t *testing.T) {
	full := channel("#full")
	d.fill()
	d.uploads(full, "alice", "INC-1")
	for k, end := range []struct{ answer, find error }{
		{nil, nil},
		{fmt.Errorf("%w: no", bridges.ErrRefused), nil},
		{fmt.Errorf("%w: later", bridges.ErrNotSent), nil},
		{errors.New("cut off"), bridges.ErrCantSay},
		{errors.New("cut off"), errors.New("nobody answers")},
	} {
		d.hearsay.answer, d.hearsay.find = end.answer, end.find
		before, carried := len(d.said), len(d.hearsay.carried)
		d.says(full, "alice", fmt.Sprintf("!draft edit INC-1 update qzx-words %d", k), "!send INC-1 update --to qzx-to@example.org")
		for _, h := range d.said[before:] {
			if code := regexp.MustCompile(`!approve (\w{5})`).FindStringSubmatch(h.Text); code != nil && h.Room == full {
				d.says(full, "carol", "!approve "+code[1])
			}
		}
		d.passes("7h")
		now := d.hearsay.carried[carried:]
		if len(now) == 0 || !strings.Contains(now[0].Body, "qzx-words") || len(now[0].To) != 1 || len(now[0].Files) != 1 {
			t.Errorf("end %d: what was carried is %+v", k, now)
		}
		if k == 3 && len(now) != 1 {
			t.Errorf("what nobody can look for was carried %d times", len(now))
		}
	}
	d.says(full, "alice", "!draft list INC-1", "!timeline INC-1 100", "!draft reset INC-1 update")
	told := map[string]bool{}
	for _, h := range d.said {
		for _, words := range []string{"was sent by mail", "was NOT sent by mail", "is not sent yet", "may or may not have been sent", "something was sent to people outside"} {
			told[words] = told[words] || strings.Contains(h.Text, words)
		}
	}
	if len(told) != 5 || fmt.Sprint(told) != strings.ReplaceAll(fmt.Sprint(told), "false", "true") {
		t.Errorf("not every end was told: %v", told)
	}
	d.checkSaid()
}

// uploads has somebody upload a patch whose name and content are marked.
func (d *markedDesk) uploads(r bridges.Room, who, caption string) {
	d.n++
	d.note(d.Message(d.t.Context(), bridges.Message{
		ID: fmt.Sprintf("m%d", d.n), Room: r, Name: who, Text: caption, From: bridges.Account{Network: r.Network, ID: who}, At: d.clock.Now(),
		Upload: &bridges.Upload{Name: "qzx-fix.patch", Sealed: true, Fetch: func(context.Context, int) ([]byte, error) {
			d.fetched = append(d.fetched, r)
			return []byte("--- qzx-old\n+++ qzx-new\n"), nil
		}},
	}))
}
