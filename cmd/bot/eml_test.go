package main

import (
	"bytes"
	"errors"
	"io"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gomessage "github.com/emersion/go-message"

	"tocsin/bridges/mail"
	"tocsin/cmd/bot/config"
	"tocsin/incidents"
	"tocsin/internal/chattest/gpg"
	"tocsin/internal/chattest/smtpd"
)

// leaf is a part of a mail that has no parts.
type leaf struct{ kind, name, body string }

// leaves reads a mail, or a part of one, as a mail program does.
func leaves(t *testing.T, data []byte) (gomessage.Header, []leaf) {
	t.Helper()
	e, err := gomessage.Read(bytes.NewReader(data))
	must(t, err)
	var out []leaf
	var walk func(e *gomessage.Entity)
	walk = func(e *gomessage.Entity) {
		mr := e.MultipartReader()
		if mr == nil {
			body, err := io.ReadAll(e.Body)
			must(t, err)
			kind, _, err := e.Header.ContentType()
			must(t, err)
			_, params, _ := e.Header.ContentDisposition()
			out = append(out, leaf{kind, params["filename"], string(body)})
			return
		}
		for {
			p, err := mr.NextPart()
			if errors.Is(err, io.EOF) {
				return
			}
			must(t, err)
			walk(p)
		}
	}
	walk(e)
	return e.Header, out
}

// kept is the file that somebody makes of the lines that the console printed.
func kept(t *testing.T, said string) []byte {
	t.Helper()
	_, lines, ok := strings.Cut(said, "\n  --------\n")
	if !ok {
		t.Fatalf("no letter: %s", said)
	}
	return []byte(strings.ReplaceAll(strings.TrimPrefix(strings.ReplaceAll("\n"+strings.TrimRight(lines, "\n"), "\n  ", "\n"), "\n")+"\n", "\n", "\r\n"))
}

// submit gives a file to the mail server as a mail program does: to whom it is, says its
// header.
func submit(t *testing.T, s *smtpd.Server, eml []byte) {
	t.Helper()
	sender, err := mail.NewSender(mail.Config{Server: s.StartTLS, Security: mail.StartTLS, CAFile: s.CA, User: smtpd.User, Password: smtpd.Password})
	must(t, err)
	m, err := netmail.ReadMessage(bytes.NewReader(eml))
	must(t, err)
	from, err := m.Header.AddressList("From")
	must(t, err)
	list, err := m.Header.AddressList("To")
	must(t, err)
	var to []string
	for _, a := range list {
		to = append(to, a.Address)
	}
	_, err = sender.Send(t.Context(), from[0].Address, to, eml)
	must(t, err)
}

// inbox gives the only mail of a person, with the lines that it was sent with.
func inbox(t *testing.T, s *smtpd.Server, person string) []byte {
	t.Helper()
	return bytes.ReplaceAll(s.Wait(t, person, 1)[0], []byte("\n"), []byte("\r\n"))
}

// TestALetterIsSentByAPerson: from a draft and a patch that was uploaded to a file, which
// goes through a real mail server into a mailbox, where a real PGP program reads it, and
// finds the signature good: encrypted where there is a key, beside the text where not.
func TestALetterIsSentByAPerson(t *testing.T) {
	g, s := gpg.New(t), smtpd.Start(t)
	for _, who := range []string{"Erin <erin@example.org>", "Pillow security <security@example.org>", "linux-distros@vs.openwall.org"} {
		g.Key(t, who, "", "0")
	}
	p := newPosting(t, filepath.Join(t.TempDir(), "t.db"))
	l, err := newLetters(config.Mail{
		From: "Pillow security <security@example.org>", AlsoToSelf: true, SignKey: g.Secret(t, "security@example.org", ""),
		Keys: []string{g.Public(t, "erin@example.org", "security@example.org"), g.Public(t, "linux-distros@vs.openwall.org")},
	}, time.Now) // gpg has no other clock
	must(t, err)
	for to, want := range map[string]string{"erin@example.org": "(signed, and encrypted to the key ", "bob@example.org": "(signed, but NOT encrypted: "} {
		if account, err := l.from([]string{to}); err != nil || !strings.Contains(account, want) {
			t.Errorf("mail of our own to %s is from %s, %v", to, account, err)
		}
	}
	p.mail = l
	must(t, p.Restart(t.Context()))
	for _, line := range append(facts()[:4:4], "!reporter set Erin --contact erin@example.org", "!severity set CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H",
		"!fact set summary A crafted file is read for ever.", "!fact set workaround none", "!embargo set 2026-12-01 14:00 UTC") {
		p.says("alice", line)
	}
	p.uploads("fix.patch", markedPatch, nil)

	said := p.says("alice", "!draft update --eml")
	if !strings.Contains(said, "encrypted to erin@example.org (key ") || !strings.Contains(said, "open to our own key of security@example.org; the subject is not encrypted; signed.") {
		t.Errorf("it says %s", said)
	}
	submit(t, s, kept(t, said))
	_, parts := leaves(t, inbox(t, s, "erin"))
	if len(parts) != 2 || parts[0].kind != "application/pgp-encrypted" {
		t.Fatalf("in the mailbox is %+v", parts)
	}
	inner, status := g.Must(t, []byte(parts[1].body), "--decrypt")
	if !strings.Contains(status, "GOODSIG") || strings.Count(status, "ENC_TO") != 2 {
		t.Errorf("gpg says %s", status)
	}
	if _, parts = leaves(t, []byte(inner)); len(parts) != 2 || !strings.Contains(parts[0].body, "Hi Erin,") || parts[1] != (leaf{"text/x-diff", "fix.patch", markedPatch}) {
		t.Errorf("inside is %+v", parts)
	}

	said = p.says("alice", "!draft downstream --for Kivy --eml --to bob@example.org")
	if !strings.Contains(said, "plain: no key for bob@example.org is configured, so it can be read on the way; signed.") {
		t.Fatalf("it says %s", said)
	}
	submit(t, s, kept(t, said))
	got := inbox(t, s, "bob")
	head, _ := leaves(t, got)
	_, params, err := head.ContentType()
	must(t, err)
	around := bytes.Split(got, []byte("--"+params["boundary"]))
	signed := bytes.TrimSuffix(bytes.TrimPrefix(around[1], []byte("\r\n")), []byte("\r\n"))
	_, signature, _ := bytes.Cut(around[2], []byte("\r\n\r\n"))
	beside := filepath.Join(t.TempDir(), "signature.asc")
	must(t, os.WriteFile(beside, signature, 0o600))
	if _, status := g.Must(t, signed, "--verify", beside, "-"); !strings.Contains(status, "GOODSIG") {
		t.Errorf("gpg says %s", status)
	}
	signed[len(signed)/2] ^= 1
	if _, status, err := g.Run(t, signed, "--verify", beside, "-"); err == nil || !strings.Contains(status, "BADSIG") {
		t.Errorf("a byte is another, and gpg says %s", status)
	}

	said = p.says("alice", "!draft distro --eml --to linux-distros@vs.openwall.org --from alice@example.org")
	if !strings.Contains(said, "encrypted to linux-distros@vs.openwall.org (key ") || strings.Contains(said, "signed") {
		t.Errorf("it says %s", said)
	}
	head, parts = leaves(t, kept(t, said))
	if subject, _ := head.Text("Subject"); !strings.HasPrefix(subject, "[vs] ") || head.Get("From") != "alice@example.org" || strings.Contains(string(kept(t, said)), "CVE-2026-25990") {
		t.Errorf("the letter begins with %s, from %s", subject, head.Get("From"))
	}
	if inner, _ := g.Must(t, []byte(parts[1].body), "--decrypt"); !strings.Contains(inner, "CVE-2026-25990") || !strings.Contains(inner, "fix.patch") {
		t.Errorf("inside is %s", inner)
	}
	if said = p.says("alice", "!draft distro --eml --to linux-distros@vs.openwall.org,carol@example.org"); !strings.Contains(said, "There is no key that can be used for carol@example.org, and there is one for others") {
		t.Errorf("some have a key: %s", said)
	}
	if n := len(p.sendings()); n != 0 {
		t.Errorf("%d texts count as sent", n)
	}
}

// TestOnlyAddressesAreTaken: what is typed as an address begins no header of its own.
func TestOnlyAddressesAreTaken(t *testing.T) {
	p := newPosting(t, filepath.Join(t.TempDir(), "t.db"))
	p.says("alice", facts()[0])
	p.says("alice", "!reporter set Erin")
	for name, flags := range map[string]string{
		"to, line break":           "--from a@example.org --to \"erin@example.org\r\nBcc: x@example.org\"",
		"to, LF":                   "--from a@example.org --to \"erin@example.org\nBcc: x@example.org\"",
		"to, escaped":              `--from a@example.org --to "erin@example.org\r\nBcc: x@example.org"`,
		"to, no address":           "--from a@example.org --to erin",
		"to, literal":              "--from a@example.org --to erin@[127.0.0.1]",
		"to, a name that breaks":   `--from a@example.org --to "=?utf-8?q?a=0D=0ABcc:_x?= <erin@exämple.org>"`,
		"to, long":                 "--from a@example.org --to " + strings.Repeat("e", 70) + "@example.org",
		"from, line break":         "--to erin@example.org --from \"a@example.org\r\nBcc: x@example.org\"",
		"from, two":                `--to erin@example.org --from "a@example.org, b@example.org"`,
		"from, a name that breaks": `--to erin@example.org --from "=?utf-8?q?a=0D=0ABcc:_x?= <a@example.org>"`,
		"from, literal":            "--to erin@example.org --from a@[127.0.0.1]",
		"from, long":               "--to erin@example.org --from " + strings.Repeat("a", 70) + "@example.org",
		"from, foreign":            "--to erin@example.org --from a@exämple.org",
	} {
		said := p.says("alice", "!draft ack --eml "+flags)
		if strings.Contains(said, "MIME-Version") || strings.Contains(said, "That failed") || strings.Contains(said, "could not be made") || said == "" {
			t.Errorf("%s: %s", name, said)
		}
	}
	if said := p.says("alice", "!draft ack --eml --from a@example.org --to erin@example.org"); !strings.Contains(said, "MIME-Version") {
		t.Errorf("an address alone: %s", said)
	}
}

// TestLettersHoldToTheirForm: whatever is in a draft, the file is one that every mail
// program opens: short lines, 7 bit, CRLF, and what was written comes back.
func TestLettersHoldToTheirForm(t *testing.T) {
	l, err := newLetters(config.Mail{}, time.Now)
	must(t, err)
	long := strings.Repeat("a very long line ", 100)
	patch := "--- a\r\n+++ b\n-" + strings.Repeat("x", 3000) + " \n+\u00e9\t\n"
	f := incidents.Facts{
		"handle": "INC-7", "draft": "update", "seed": "s", "from": "Jos\u00e9 <a@example.org>", "to": "erin@example.org, bob@example.org", "now": startClock().Now(),
		"subject": "Gr\u00fc\u00dfe aus dem \u0418\u043d\u0446\u0438\u0434\u0435\u043d\u0442", "body": "Gr\u00fc\u00dfe\n" + long + "\nFrom here on \n.\n", "readers": []incidents.Facts{}, "signed": false,
		"files": []incidents.Facts{{"name": "fix.patch", "body": patch}},
	}
	file, err := l.file(f)
	must(t, err)
	if file.Name != "INC-7-update.eml" || file.Type != "message/rfc822" {
		t.Errorf("it is %s, %s", file.Name, file.Type)
	}
	for line := range strings.SplitSeq(string(file.Data), "\r\n") {
		if len(line) > 998 || strings.ContainsAny(line, "\r\n") || strings.ContainsFunc(line, func(r rune) bool { return r > '~' }) {
			t.Errorf("a line is %q", line)
		}
	}
	head, parts := leaves(t, file.Data)
	if subject, err := head.Text("Subject"); err != nil || subject != f["subject"] {
		t.Errorf("the subject is %q, %v", subject, err)
	}
	if len(parts) != 2 || strings.ReplaceAll(parts[0].body, "\r\n", "\n") != f["body"] || parts[1].body != patch {
		t.Errorf("inside is %+v", parts)
	}
	again, err := l.file(f)
	if err != nil || !bytes.Equal(again.Data, file.Data) {
		t.Errorf("the same again is another: %v", err)
	}
	if id := head.Get("Message-Id"); !strings.HasSuffix(id, "@example.org>") || strings.Contains(id, "INC") {
		t.Errorf("its id is %s", id)
	}
	f["readers"] = []incidents.Facts{{"address": "erin@example.org"}}
	if _, err := l.file(f); !errors.Is(err, errOtherKeys) {
		t.Errorf("it was to be encrypted: %v", err)
	}
}
