package mail

import (
	"bytes"
	netmail "net/mail"
	"strings"
	"testing"
)

// FuzzHeaders: whatever stands in a subject and a name is refused or comes back as
// it was, and never becomes a header of its own.
func FuzzHeaders(f *testing.F) {
	for _, s := range []string{
		"plain", "ä", "=?utf-8?q?=41?=", "a  b", " a ", "a\r\nBcc: x@example.org", "a\tb", strings.Repeat("x", 400), strings.Repeat("é ", 200),
		`"`, `\`, "a, b", "<x@example.org>", "J. Doe", "a\u2028b", "\xff", "=?", "?=", "名前 名前", strings.Repeat("a ", 60), "(c)",
	} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, subject, name string) {
		m := plain(t)
		m.Subject = subject
		m.To = []string{(&netmail.Address{Name: name, Address: "erin@example.org"}).String(), "bob@example.org"}
		l, err := Build(m, Protection{})
		if err != nil {
			return
		}
		wire(t, l.Data)
		s := read(t, l.Data)
		if got, err := s.head.Subject(); err != nil || got != subject {
			t.Errorf("subject %q came as %q, %v", subject, got, err)
		}
		to := s.addresses(t, "To")
		if len(to) != 2 || to[0].Address != "erin@example.org" || to[0].Name != strings.TrimSpace(name) || to[1].Address != "bob@example.org" {
			t.Errorf("name %q came as %v", name, to)
		}
		fields := 0
		for i := s.head.Fields(); i.Next(); {
			fields++
		}
		if all := 8; fields != all {
			t.Errorf("%d headers, not %d:\n%s", fields, all, l.Data)
		}
	})
}

// FuzzAddress: an address that is taken is one address, and the same everywhere.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{"bob@example.org", "Bob <bob@example.org>", `"b b"@example.org`, "a@b\r\nc", "a@[1.2.3.4]", "x: a@example.org;", "a@b, c@d", "(c) a@b", "=?utf-8?q?a=0Ab?= <a@b>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, addr string) {
		m := plain(t)
		m.To = append(m.To, addr)
		l, err := Build(m, Protection{})
		if err != nil {
			return
		}
		wire(t, l.Data)
		s := read(t, l.Data)
		to := s.addresses(t, "To")
		if len(to) != 2 || len(l.To) > 2 || !strings.EqualFold(to[1].Address, l.To[len(l.To)-1]) {
			t.Errorf("%q became %v in the header and %v in the envelope", addr, to, l.To)
		}
		if err := checkEnvelope(l.From, l.To); err != nil {
			t.Errorf("%q cannot be in an envelope: %v", addr, err)
		}
	})
}

// FuzzBody: text and files come back as they were.
func FuzzBody(f *testing.F) {
	for _, s := range []string{
		"Hello\n", "From x\n", "a \n", ".\n..\n", "ä\n", strings.Repeat("x", 2000), strings.Repeat("é", 700), "a\r\nb\rc", "--=_boundary\n--=_boundary--\n",
		strings.Repeat("= ", 100), "\x00\x01", "a\t\n\t\n", strings.Repeat("x", 75) + "From y", "x", "\n\n", "\xff\xfe",
	} {
		f.Add(s, []byte(s), "a.patch")
	}
	f.Fuzz(func(t *testing.T, text string, data []byte, name string) {
		m := plain(t)
		m.Text = text
		m.Attachments = []Attachment{{Name: name, Data: data}}
		l, err := Build(m, Protection{})
		if err != nil {
			return
		}
		wire(t, l.Data)
		s := read(t, l.Data)
		want := strings.ReplaceAll(text, "\r\n", "\n")
		if !strings.HasSuffix(want, "\n") {
			want += "\n"
		}
		if s.text != want {
			t.Errorf("%q came as %q", want, s.text)
		}
		if len(s.files) != 1 || s.files[0].Name != name {
			t.Fatalf("%q came as %d files", name, len(s.files))
		}
		got := s.files[0].Data
		if travels(string(data)) {
			got = bytes.ReplaceAll(got, []byte("\r\n"), []byte("\n"))
		}
		if !bytes.Equal(got, data) {
			t.Errorf("%q came as %q", data, got)
		}
	})
}
