package mail

import (
	"bytes"
	"errors"
	"io"
	netmail "net/mail"
	"os"
	"strings"
	"testing"
	"time"

	gomessage "github.com/emersion/go-message"
	gomail "github.com/emersion/go-message/mail"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.Cleanup(os.Exit)) }

// noon is when everything in these tests happens.
func noon() time.Time { return time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC) }

// plain is a message that is right; tests change what they are about.
func plain(t testing.TB) Message {
	t.Helper()
	id, err := MessageID("draft 1", "security@example.org")
	if err != nil {
		t.Fatal(err)
	}
	return Message{
		From: "Pillow Security <security@example.org>", To: []string{"Erin <erin@example.org>"},
		Subject: "Your report", Text: "Hello Erin,\n\nwe have it.\n", Date: noon(), MessageID: id,
	}
}

func build(t testing.TB, m Message, p Protection) Letter {
	t.Helper()
	l, err := Build(m, p)
	if err != nil {
		t.Fatal(err)
	}
	wire(t, l.Data)
	return l
}

// wire holds bytes to RFC 5322 section 2.1 and to 7 bit, without the package's own
// check.
func wire(t testing.TB, data []byte) {
	t.Helper()
	rest := bytes.ReplaceAll(data, []byte("\r\n"), nil)
	if bytes.ContainsAny(rest, "\r\n\x00") {
		t.Errorf("a bare CR, LF or NUL in\n%q", data)
	}
	for i, line := range bytes.Split(data, []byte("\r\n")) {
		if len(line) > 998 {
			t.Errorf("line %d has %d bytes", i+1, len(line))
		}
	}
	if bytes.ContainsFunc(data, func(r rune) bool { return r > '~' }) {
		t.Errorf("8 bit in\n%q", data)
	}
	if !bytes.HasSuffix(data, []byte("\r\n")) {
		t.Error("the last line has no end")
	}
	head, _, ok := bytes.Cut(data, []byte("\r\n\r\n"))
	if !ok {
		t.Error("no end of the headers")
	}
	for _, line := range bytes.Split(head, []byte("\r\n")) {
		if len(bytes.TrimSpace(line)) == 0 {
			t.Error("a header line of white space alone")
		}
	}
}

// seen is a mail as another library reads it.
type seen struct {
	head  gomail.Header
	text  string
	kinds []string // of the parts, the text first
	files []Attachment
}

func read(t testing.TB, data []byte) seen {
	t.Helper()
	if _, err := netmail.ReadMessage(bytes.NewReader(data)); err != nil {
		t.Fatalf("net/mail: %v\n%s", err, data)
	}
	e, err := gomessage.Read(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("go-message: %v\n%s", err, data)
	}
	out := seen{head: gomail.Header{Header: e.Header}}
	if mr := e.MultipartReader(); mr != nil {
		for {
			p, err := mr.NextPart()
			if errors.Is(err, io.EOF) {
				return out
			}
			if err != nil {
				t.Fatal(err)
			}
			out.add(t, p)
		}
	}
	out.add(t, e)
	return out
}

func (s *seen) add(t testing.TB, e *gomessage.Entity) {
	t.Helper()
	body, err := io.ReadAll(e.Body)
	if err != nil {
		t.Fatal(err)
	}
	kind, _, err := e.Header.ContentType()
	if err != nil {
		t.Fatal(err)
	}
	s.kinds = append(s.kinds, kind)
	if disposition, params, _ := e.Header.ContentDisposition(); disposition == "attachment" {
		s.files = append(s.files, Attachment{Name: params["filename"], Type: kind, Data: body})
		return
	}
	if len(s.kinds) == 1 {
		s.text = strings.ReplaceAll(string(body), "\r\n", "\n")
	}
}

func (s *seen) addresses(t testing.TB, field string) []*gomail.Address {
	t.Helper()
	list, err := s.head.AddressList(field)
	if err != nil {
		t.Fatalf("%s: %v", field, err)
	}
	return list
}
