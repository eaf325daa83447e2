package mail

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestLetterIsWhatWasMeant: every field comes back from another library.
func TestLetterIsWhatWasMeant(t *testing.T) {
	m := plain(t)
	m.From = `"Böhm, Alice" <alice@example.org>`
	m.To = []string{"Erin O'Neill <erin@example.org>", "bob@example.org", `"Carol \"C\" D." <carol@example.org>`, "bob@EXAMPLE.org"}
	m.Subject = "Rückfrage: „Pillow“ \u2014 " + strings.Repeat("überlang ", 20) + "Ende"
	m.Date = time.Date(2026, 11, 26, 23, 30, 5, 0, time.FixedZone("", 2*3600))
	l := build(t, m, Protection{})
	s := read(t, l.Data)
	if got, err := s.head.Subject(); got != m.Subject || err != nil {
		t.Errorf("subject %q, %v", got, err)
	}
	if got := s.addresses(t, "From"); len(got) != 1 || got[0].Name != "Böhm, Alice" || got[0].Address != "alice@example.org" {
		t.Errorf("From is %v", got)
	}
	var names []string
	for _, a := range s.addresses(t, "To") {
		names = append(names, a.Name+"|"+a.Address)
	}
	if diff := cmp.Diff([]string{"Erin O'Neill|erin@example.org", "|bob@example.org", `Carol "C" D.|carol@example.org`, "|bob@EXAMPLE.org"}, names); diff != "" {
		t.Error(diff)
	}
	if got, err := s.head.Date(); !got.Equal(m.Date) || err != nil {
		t.Errorf("date %v, %v", got, err)
	}
	if got := s.head.Get("Date"); got != "Thu, 26 Nov 2026 21:30:05 +0000" {
		t.Errorf("Date: %s", got)
	}
	if got, err := s.head.MessageID(); "<"+got+">" != m.MessageID || err != nil {
		t.Errorf("message id %q, %v", got, err)
	}
	want := Letter{
		MessageID: m.MessageID, From: "alice@example.org", Data: l.Data,
		To: []string{"erin@example.org", "bob@example.org", "carol@example.org"},
	}
	if diff := cmp.Diff(want, l); diff != "" {
		t.Error(diff)
	}
	for line := range bytes.SplitSeq(l.Data, []byte("\r\n")) {
		if len(line) > 76 {
			t.Errorf("a line of %d: %s", len(line), line)
		}
	}
}

// TestSameMessageSameBytes: a plain letter can be made again.
func TestSameMessageSameBytes(t *testing.T) {
	m := plain(t)
	m.Attachments = []Attachment{{Name: "fix.patch", Data: []byte("From 0 Mon Sep 17 00:00:00 2001\n-a\n+b\n-- \n2.47\n")}}
	if a, b := build(t, m, Protection{}), build(t, m, Protection{}); !bytes.Equal(a.Data, b.Data) {
		t.Error("two letters of one message differ")
	}
}

// TestPlainLetter pins the bytes of the simplest letter: nothing is in it that was
// not asked for.
func TestPlainLetter(t *testing.T) {
	want := strings.ReplaceAll(`Date: Thu, 26 Nov 2026 12:00:00 +0000
From: Pillow Security <security@example.org>
To: Erin <erin@example.org>
Message-ID: <b@example.org>
Subject: Your report
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 7bit

Hello Erin,

we have it.
`, "\n", "\r\n")
	m := plain(t)
	m.MessageID = "<b@example.org>"
	if diff := cmp.Diff(want, string(build(t, m, Protection{}).Data)); diff != "" {
		t.Error(diff)
	}
}

func TestTextArrives(t *testing.T) {
	for name, c := range map[string]struct{ text, encoding string }{
		"plain":               {"Hello\n", "7bit"},
		"no last line end":    {"Hello", "7bit"},
		"crlf":                {"Hello\r\nErin\r\n", "7bit"},
		"empty lines, a dot":  {"\n\nHello\n.\n..\n\n", "7bit"},
		"998":                 {strings.Repeat("x", 998) + "\n", "7bit"},
		"999":                 {strings.Repeat("x", 999) + "\n", "quoted-printable"},
		"space at the end":    {"-- \nthe maintainers\n", "quoted-printable"},
		"tab at the end":      {"a\t\nb", "quoted-printable"},
		"From":                {"From here on\nFrom \n", "quoted-printable"},
		"From, after a break": {strings.Repeat("x", 74) + " From here = there, ä\n" + strings.Repeat("y", 75) + "From z\n", "quoted-printable"},
		"umlauts":             {"Grüße aus Köln, and a lot of words that are plain\n", "quoted-printable"},
		"another script":      {strings.Repeat("脆弱性の報告をありがとうございます\n", 5), "base64"},
		"equals":              {"a=b =20 =\n", "7bit"},
	} {
		t.Run(name, func(t *testing.T) {
			m := plain(t)
			m.Text = c.text
			l := build(t, m, Protection{})
			s := read(t, l.Data)
			want := strings.ReplaceAll(c.text, "\r\n", "\n")
			if !strings.HasSuffix(want, "\n") {
				want += "\n"
			}
			if s.text != want {
				t.Errorf("%q came as %q", want, s.text)
			}
			if got := s.head.Get("Content-Transfer-Encoding"); got != c.encoding {
				t.Errorf("it is %s, not %s", got, c.encoding)
			}
			if c.encoding != "7bit" && bytes.Contains(l.Data, []byte("\r\nFrom ")) {
				t.Error("a line begins with From and a space")
			}
		})
	}
}

func TestAttachmentsArrive(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	m := plain(t)
	m.Attachments = []Attachment{
		{Name: "0001-fix.patch", Data: []byte("From 0 Mon Sep 17 00:00:00 2001\r\n-a \n+b\n-- \n2.47")},
		{Name: "plain.diff", Data: []byte("-a\n+b\n")},
		{Name: "latin1.diff", Data: []byte("-\xe4\n")},
		{Name: "bytes.bin", Data: all},
		{Name: "empty", Data: nil},
		{Name: "Übersicht für „Erin“ " + strings.Repeat("ö", 80) + ".md", Type: "text/markdown; variant=GFM", Data: []byte("# ä\n")},
		{Name: `a "quoted"; name=x.txt`, Type: "text/plain", Data: []byte("x\n")},
	}
	s := read(t, build(t, m, Protection{}).Data)
	if s.text != m.Text {
		t.Errorf("the text is %q", s.text)
	}
	kinds := []string{"text/plain", "text/x-diff", "text/x-diff", "text/x-diff", "application/octet-stream", "application/octet-stream", "text/markdown", "text/plain"}
	if diff := cmp.Diff(kinds, s.kinds); diff != "" {
		t.Error(diff)
	}
	if len(s.files) != len(m.Attachments) {
		t.Fatalf("%d attachments", len(s.files))
	}
	for i, want := range m.Attachments {
		got := s.files[i]
		if got.Name != want.Name {
			t.Errorf("%q is called %q", want.Name, got.Name)
		}
		// Text that needs no encoding has its lines ended as mail does.
		if !bytes.Equal(bytes.ReplaceAll(got.Data, []byte("\r\n"), []byte("\n")), bytes.ReplaceAll(want.Data, []byte("\r\n"), []byte("\n"))) {
			t.Errorf("%s came as %q", want.Name, got.Data)
		}
		if !travels(string(want.Data)) && !bytes.Equal(got.Data, want.Data) {
			t.Errorf("%s is not byte for byte what it was: %q", want.Name, got.Data)
		}
	}
}

// TestRefusedMessages: what cannot be a mail is an error, and the error does not
// quote it.
func TestRefusedMessages(t *testing.T) {
	const typed = "hush"
	for name, change := range map[string]func(*Message){
		"subject with LF":         func(m *Message) { m.Subject = typed + "\nBcc: dana@example.org" },
		"subject with CR":         func(m *Message) { m.Subject = typed + "\rBcc: dana@example.org" },
		"subject with NUL":        func(m *Message) { m.Subject = typed + "\x00" },
		"subject with U+2028":     func(m *Message) { m.Subject = typed + "\u2028x" },
		"subject not UTF-8":       func(m *Message) { m.Subject = typed + "\xff" },
		"no subject":              func(m *Message) { m.Subject = " " },
		"long subject":            func(m *Message) { m.Subject = strings.Repeat("x", 501) },
		"from with LF":            func(m *Message) { m.From = typed + "\r\nBcc: <dana@example.org>" },
		"from, encoded LF":        func(m *Message) { m.From = "=?utf-8?q?hush=0D=0ABcc:_x?= <alice@example.org>" },
		"from without domain":     func(m *Message) { m.From = typed },
		"two in from":             func(m *Message) { m.From = "hush@example.org, bob@example.org" },
		"to with LF":              func(m *Message) { m.To = []string{"bob@example.org", "hush@example.org\nX: y"} },
		"to, a group":             func(m *Message) { m.To = []string{"hush: bob@example.org, dana@example.org;"} },
		"to, quoted local part":   func(m *Message) { m.To = []string{`"hush hush"@example.org`} },
		"to, international":       func(m *Message) { m.To = []string{"hush@exämple.org"} },
		"to, local part, foreign": func(m *Message) { m.To = []string{"hüsh@example.org"} },
		"to, literal":             func(m *Message) { m.To = []string{"hush@[127.0.0.1]"} },
		"to, too long":            func(m *Message) { m.To = []string{"hush" + strings.Repeat("h", 70) + "@example.org"} },
		"to, long name":           func(m *Message) { m.To = []string{strings.Repeat("hush", 50) + " <hush@example.org>"} },
		"nobody":                  func(m *Message) { m.To = nil },
		"no date":                 func(m *Message) { m.Date = time.Time{} },
		"no id":                   func(m *Message) { m.MessageID = "" },
		"id with LF":              func(m *Message) { m.MessageID = "<hush\r\n@example.org>" },
		"id without brackets":     func(m *Message) { m.MessageID = "hush@example.org" },
		"two ids":                 func(m *Message) { m.MessageID = "<hush@example.org> <b@example.org>" },
		"id with a space":         func(m *Message) { m.MessageID = "<hush @example.org>" },
		"no text":                 func(m *Message) { m.Text = "\n \n" },
		"text with CR":            func(m *Message) { m.Text = typed + "\rb\n" },
		"text with escape":        func(m *Message) { m.Text = typed + "\x1b[31m\n" },
		"text not UTF-8":          func(m *Message) { m.Text = typed + "\xff\n" },
		"file with folder":        func(m *Message) { m.Attachments = []Attachment{{Name: "../hush.patch"}} },
		"file with LF":            func(m *Message) { m.Attachments = []Attachment{{Name: "hush\r\n.patch"}} },
		"file without name":       func(m *Message) { m.Attachments = []Attachment{{Data: []byte(typed)}} },
		"file, hidden":            func(m *Message) { m.Attachments = []Attachment{{Name: ".hush"}} },
		"type with LF":            func(m *Message) { m.Attachments = []Attachment{{Name: "a", Type: "text/x\r\nhush: y"}} },
		"type is no type":         func(m *Message) { m.Attachments = []Attachment{{Name: "a", Type: typed}} },
		"type of a mail":          func(m *Message) { m.Attachments = []Attachment{{Name: "a", Type: "message/rfc822"}} },
		"type of many":            func(m *Message) { m.Attachments = []Attachment{{Name: "a", Type: `multipart/mixed; boundary="hush"`}} },
	} {
		t.Run(name, func(t *testing.T) {
			m := plain(t)
			change(&m)
			l, err := Build(m, Protection{})
			if err == nil {
				t.Fatalf("it became\n%s", l.Data)
			}
			if strings.Contains(err.Error(), typed) || l.Data != nil {
				t.Errorf("the error quotes what was typed, or there is a letter: %v", err)
			}
		})
	}
}

func TestManyRecipients(t *testing.T) {
	m := plain(t)
	for range 120 {
		m.To = append(m.To, "bob@example.org")
	}
	if l := build(t, m, Protection{}); len(l.To) != 2 {
		t.Errorf("bob is counted %d times", len(l.To)-1)
	}
	for i := range 120 {
		m.To[i] = "bob" + strings.Repeat("b", i%60) + string(rune('a'+i/60)) + "@example.org"
	}
	if _, err := Build(m, Protection{}); err == nil {
		t.Error("121 recipients are taken")
	}
}

func TestMessageID(t *testing.T) {
	a, err := MessageID("INC-7/ack/1", "Alice <alice@Example.org>")
	if err != nil {
		t.Fatal(err)
	}
	again, _ := MessageID("INC-7/ack/1", "bob@example.org")
	other, _ := MessageID("INC-7/ack/2", "bob@example.org")
	if a != again || a == other || !isMessageID(a) || !strings.HasSuffix(a, "@example.org>") || strings.Contains(a, "INC") {
		t.Errorf("ids are %s, %s, %s", a, again, other)
	}
	if _, err := MessageID("", "alice@example.org"); err == nil {
		t.Error("no key is taken")
	}
	if _, err := MessageID("x", "alice"); err == nil {
		t.Error("no domain is taken")
	}
}
