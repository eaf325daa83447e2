package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tocsin/cmd/bot/config"
	"tocsin/incidents"
	"tocsin/incidents/outbox"
	"tocsin/internal/chattest/smtpd"
)

// mailsBy has mail go to a real server.
func (p *posting) mailsBy(s *smtpd.Server, c config.Mail) {
	c.Send, c.Server, c.Security, c.CAFile = true, s.StartTLS, "starttls", s.CA
	c.User, c.Password, c.From = smtpd.User, secretOf(p.t, smtpd.Password), "Pillow security <dana@example.org>"
	l, err := newLetters(c, p.clock.Now)
	must(p.t, err)
	m, err := newMailer(c, l)
	must(p.t, err)
	p.ways = map[string]way{incidents.ByMail: {courier: m, known: m.known}}
	must(p.t, p.Restart(p.t.Context()))
}

// TestMails: an acknowledgement that two people agree on arrives in the reporter's
// mailbox over a real mail server, and the reporter counts as answered. What the
// server refuses is told with its reason, and is no answer.
func TestMails(t *testing.T) {
	s := smtpd.Start(t)
	p := newPosting(t, filepath.Join(t.TempDir(), "t.db"))
	p.mailsBy(s, config.Mail{})
	p.says("alice", facts()[0])
	p.says("alice", "!reporter set Erin --contact erin@example.org")
	asked := p.says("alice", "!send ack")
	if !strings.Contains(asked, "to erin@example.org, from Pillow security <dana@example.org> (NOT encrypted: no key of theirs is configured)") {
		t.Errorf("who approves sees %s", asked)
	}
	if got := p.says("bob", "!approve "+p.code(asked)); !strings.Contains(got, "was sent by mail to erin@example.org") || !strings.Contains(got, "That did !ack sent.") {
		t.Fatalf("%s", got)
	}
	got := string(s.Wait(t, "erin", 1)[0])
	for _, want := range []string{"Subject: Re: your security report to Pillow (", "From: Pillow security <dana@example.org>", "Hi Erin,", "Thank you for taking the time"} {
		if !strings.Contains(got, want) {
			t.Errorf("the mail lacks %q:\n%s", want, got)
		}
	}
	if p.onRecord("acknowledged") != 1 || p.onRecord("sent") != 1 {
		t.Error("that the reporter was answered is not on record once")
	}
	p.says("alice", "!reporter set Erin --contact nobody-here@example.org")
	said := p.says("bob", "!approve "+p.code(p.says("alice", "!send update")))
	if !strings.Contains(said, "was NOT sent by mail") || p.onRecord("updated") != 0 {
		t.Errorf("a mailbox that is not there: %s", said)
	}
}

// TestALostMailIsNotRepeated: nobody can ask a mail server what became of a mail, so
// that after a crash between the sending and the record a person is asked to look.
func TestALostMailIsNotRepeated(t *testing.T) {
	s := smtpd.Start(t)
	p := newPosting(t, filepath.Join(t.TempDir(), "t.db"))
	p.mailsBy(s, config.Mail{})
	p.says("alice", facts()[0])
	p.says("alice", "!reporter set Erin")
	code := p.code(p.says("alice", "!send ack --to erin@example.org"))
	p.fail = func(step string) {
		if step == "carried" {
			panic("crash")
		}
	}
	must(t, p.Restart(t.Context()))
	func() {
		defer func() { recover() }()
		p.says("bob", "!approve "+code)
	}()
	p.fail = nil
	must(t, p.Restart(t.Context()))
	if got := p.waits("3h"); !strings.Contains(got, "may or may not have been sent by mail") || strings.Contains(got, "(again)") {
		t.Errorf("the desk hears %q", got)
	}
	if n := len(s.Wait(t, "erin", 1)); n != 1 {
		t.Errorf("%d mails", n)
	}
	if k := p.sendings()[0]; k.State != incidents.SendUnknown {
		t.Errorf("it is %s", k.State)
	}
}

// TestKeysAreReadBeforeTheyAreNeeded: a file that holds no key is told when the
// configuration is read.
func TestKeysAreReadBeforeTheyAreNeeded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "erin.asc")
	must(t, os.WriteFile(path, []byte("no key"), 0o600))
	if _, err := newLetters(config.Mail{Keys: []string{path}}, startClock().Now); err == nil || !strings.Contains(err.Error(), "mail.keys") || !strings.Contains(err.Error(), path) {
		t.Errorf("%v", err)
	}
}

// TestALetterIsWhatWasApproved: where the keys are others by the time it is sent,
// nothing goes out.
func TestALetterIsWhatWasApproved(t *testing.T) {
	l, err := newLetters(config.Mail{From: "dana@example.org"}, startClock().Now)
	must(t, err)
	_, err = mailer{letters: l}.Carry(t.Context(), outbox.Parcel{From: "dana@example.org (encrypted)", To: []string{"erin@example.org"}})
	if err == nil || !strings.Contains(err.Error(), "another one than when it was approved") {
		t.Errorf("%v", err)
	}
	letter, err := l.build("dana@example.org", outbox.Parcel{Key: "k", To: []string{"erin@example.org"}, Subject: "s", Body: "b", At: startClock().Now()})
	if err != nil || !bytes.Contains(letter.Data, []byte("To: erin@example.org")) {
		t.Errorf("%s %v", letter.Data, err)
	}
}
