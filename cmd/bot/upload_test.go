package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"path/filepath"
	"strings"
	"testing"

	"tocsin/bridges"
	"tocsin/cmd/bot/config"
	"tocsin/incidents"
)

const markedPatch = "From 0 Mon Sep 17 00:00:00 2001\r\ndiff --git a/ü b/ü\n--- a/ü\n+++ b/ü\n-a \n+b\t\n-- \n2.47"

// uploads has somebody upload a patch, and gives what is said to it.
func (p *posting) uploads(name, body string, err error) string {
	p.t.Helper()
	p.n++
	m := p.message("alice", "")
	m.Upload = &bridges.Upload{Name: name, Sealed: true, Fetch: func(context.Context, int) ([]byte, error) { return []byte(body), err }}
	return p.hears(m)
}

// TestPatchesGoWithLetters: from an upload to the letter, byte for byte; and what was
// approved with another patch than there is now does not go out.
func TestPatchesGoWithLetters(t *testing.T) {
	p := newPosting(t, filepath.Join(t.TempDir(), "t.db"))
	h := &hearsay{}
	p.ways = map[string]way{incidents.ByMail: {courier: h, known: h.known}}
	must(t, p.Restart(t.Context()))
	p.says("alice", facts()[0])
	p.says("alice", "!reporter set Erin --contact erin@example.org")
	if got := p.uploads("fix ü.patch", "", errors.New("cut off")); !strings.Contains(got, "could not be fetched") {
		t.Errorf("a file that is not there: %s", got)
	}
	if got := p.uploads("fix ü.patch", "", fmt.Errorf("%w", bridges.ErrTooLarge)); !strings.Contains(got, "too large for a patch") {
		t.Errorf("a large file: %s", got)
	}
	if got := p.uploads("fix ü.patch", markedPatch, nil); !strings.Contains(got, "is kept: fix__.patch, 88 bytes") {
		t.Errorf("a patch: %s", got)
	}
	asked := p.says("alice", "!send update")
	if !strings.Contains(asked, "Attached: fix__.patch, 88 bytes, sha256 ") {
		t.Errorf("who approves sees %s", asked)
	}
	p.says("bob", "!approve "+p.code(asked))
	if len(h.carried) != 1 || len(h.carried[0].Files) != 1 {
		t.Fatalf("carried: %+v", h.carried)
	}
	l, err := newLetters(config.Mail{From: "dana@example.org"}, startClock().Now)
	must(t, err)
	letter, err := l.build("dana@example.org", h.carried[0])
	must(t, err)
	kind, body := attachedTo(t, letter.Data)
	if body != markedPatch || kind != "text/x-diff; charset=utf-8" {
		t.Errorf("it arrives as %s: %q", kind, body)
	}

	h.answer = fmt.Errorf("%w: later", bridges.ErrNotSent)
	p.says("bob", "!approve "+p.code(p.says("alice", "!send update")))
	p.says("alice", "!patch drop fix__.patch")
	n := len(h.carried)
	if got := p.waits("2h"); !strings.Contains(got, "was NOT sent by mail: a patch that goes with it is not what was approved any more") || len(h.carried) != n {
		t.Errorf("it is carried %d times more: %s", len(h.carried)-n, got)
	}
	if s := p.sendings()[0]; s.State != incidents.SendRefused {
		t.Errorf("it is %s", s.State)
	}
}

// attachedTo gives the type and the content of a letter's one attachment.
func attachedTo(t *testing.T, data []byte) (kind, body string) {
	m, err := netmail.ReadMessage(bytes.NewReader(data))
	must(t, err)
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	must(t, err)
	for r := multipart.NewReader(m.Body, params["boundary"]); ; {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return kind, body
		}
		must(t, err)
		if part.FileName() != "" {
			all, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, part))
			must(t, err)
			kind, body = part.Header.Get("Content-Type"), string(all)
		}
	}
}
