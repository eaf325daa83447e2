package smtpd_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net/smtp"
	"os"
	"testing"

	"tocsin/internal/chattest/smtpd"
)

// TestDelivers: the server takes mail with TLS and a login only, and it can be
// read back.
func TestDelivers(t *testing.T) {
	s := smtpd.Start(t)
	c, err := smtp.Dial(s.StartTLS)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Mail("alice@example.org"); err == nil {
		t.Error("it takes mail in the clear")
	}
	pem, err := os.ReadFile(s.CA)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	if err := c.StartTLS(&tls.Config{RootCAs: pool, ServerName: "localhost"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Mail("alice@example.org"); err == nil {
		t.Error("it takes mail without a login")
	}
	if err := c.Auth(smtp.PlainAuth("", smtpd.User, smtpd.Password, "localhost")); err != nil {
		t.Fatal(err)
	}
	if err := c.Mail("alice@example.org"); err != nil {
		t.Fatal(err)
	}
	if err := c.Rcpt("nobody@example.org"); err == nil {
		t.Error("it takes mail for nobody")
	}
	if err := c.Rcpt("bob@example.org"); err != nil {
		t.Fatal(err)
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("Subject: hello\r\n\r\nHello.\r\n")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := s.Wait(t, "bob", 1)[0]; !bytes.Contains(got, []byte("Subject: hello\n\nHello.\n")) {
		t.Errorf("bob got\n%s", got)
	}
}
