package main

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"tocsin/cmd/bot/config"
	"tocsin/incidents"
	"tocsin/internal/chattest/smtpd"
)

// TestWhoWasRefusedIsTold: where a mail server takes a letter for one and not for another
// the desk hears which address that was. The log does not, and nobody got the letter.
func TestWhoWasRefusedIsTold(t *testing.T) {
	s := smtpd.Start(t)
	p := newPosting(t, filepath.Join(t.TempDir(), "t.db"))
	var log bytes.Buffer
	p.log = slog.New(slog.NewTextHandler(&log, nil))
	p.mailsBy(s, config.Mail{})
	p.says("alice", facts()[0])
	p.says("alice", "!reporter set Erin")
	said := p.says("bob", "!approve "+p.code(p.says("alice", "!send ack --to erin@example.org,nobody@example.org")))
	if !strings.Contains(said, "was NOT sent by mail") || !strings.Contains(said, "refused: nobody@example.org: ") || strings.Contains(said, "refused: erin") {
		t.Errorf("the desk hears %s", said)
	}
	if strings.Contains(log.String(), "example.org") || !strings.Contains(log.String(), "it was not sent") {
		t.Errorf("the log has %s", log.String())
	}
	if n := len(s.Mailbox(t, "erin")); n != 0 {
		t.Errorf("%d mails", n)
	}
}

// TestALoginThatFailsCostsNoApproval: what two people agreed on waits while the mail
// server does not let us in, the desk hears of it, and it goes once the server does.
func TestALoginThatFailsCostsNoApproval(t *testing.T) {
	s := smtpd.Start(t)
	p := newPosting(t, filepath.Join(t.TempDir(), "t.db"))
	p.mailsBy(s, config.Mail{})
	p.wrongPassword(s)
	p.says("alice", facts()[0])
	p.says("alice", "!reporter set Erin")
	said := p.says("bob", "!approve "+p.code(p.says("alice", "!send ack --to erin@example.org")))
	if !strings.Contains(said, "535") || strings.Contains(said, "was NOT sent") || p.sendings()[0].State != incidents.SendQueued {
		t.Errorf("the desk hears %s; it is %s", said, p.sendings()[0].State)
	}
	p.mailsBy(s, config.Mail{})
	if got := p.waits("10m"); !strings.Contains(got, "was sent by mail to erin@example.org") || len(s.Wait(t, "erin", 1)) != 1 {
		t.Errorf("then it hears %s", got)
	}
}

// wrongPassword has the bot come up with a password that the server does not take.
func (p *posting) wrongPassword(s *smtpd.Server) {
	c := config.Mail{Send: true, Server: s.StartTLS, Security: "starttls", CAFile: s.CA, User: smtpd.User, Password: secretOf(p.t, "another"), From: "Pillow security <dana@example.org>"}
	l, err := newLetters(c, p.clock.Now)
	must(p.t, err)
	m, err := newMailer(c, l)
	must(p.t, err)
	p.ways = map[string]way{incidents.ByMail: {courier: m, known: m.known}}
	must(p.t, p.Restart(p.t.Context()))
}
