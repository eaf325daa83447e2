package mail

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// TestNothingIsPrinted: no verb and no log shows a text, an address or a password.
func TestNothingIsPrinted(t *testing.T) {
	m := plain(t)
	m.Subject, m.Text = "hush", "hush hush"
	m.Attachments = []Attachment{{Name: "hush.patch", Data: []byte("hush")}}
	c := Config{Server: "mail.example.org:587", Security: StartTLS, User: "hush", Password: "hush"}
	s, err := NewSender(c)
	if err != nil {
		t.Fatal(err)
	}
	l := build(t, m, Protection{})
	alone := []any{m, &m, m.Attachments[0], l, &l, c, &c, s}
	within := []any{[]Message{m}, struct{ M Message }{m}, m.Attachments, map[string]Letter{"": l}, struct{ S *Sender }{s}, []Config{c}}
	f := &Failure{Step: "login", Code: 550, Said: "hush", Refused: []string{"erin@example.org"}}
	alone, within = append(alone, f), append(within, []error{f}, struct{ F *Failure }{f})
	var b bytes.Buffer
	for _, v := range append(within, alone...) {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&b, verb+"\n", v)
		}
	}
	for _, v := range alone {
		slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "it", v)
		slog.New(slog.NewTextHandler(&b, nil)).Info("x", "it", v)
	}
	for _, word := range []string{"hush", fmt.Sprintf("%x", "hush"), "104 117 115 104", "erin", "security"} {
		if strings.Contains(b.String(), word) {
			t.Errorf("%q is printed:\n%s", word, b.String())
		}
	}
	if !strings.Contains(b.String(), "mail.example.org") {
		t.Error("which server it is can be printed")
	}
}
