package calendar

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	ics "github.com/arran4/golang-ical"
)

func appointment() Event {
	return Event{
		Seed: "8f2c41d0a7be95e3", Project: "Pillow", Number: 3,
		Start: time.Date(2026, 12, 3, 15, 0, 0, 0, time.FixedZone("", 3600)), Stamp: time.Date(2026, 11, 23, 9, 0, 0, 5e8, time.UTC),
	}
}

// TestBytes: the file as it is, byte by byte.
func TestBytes(t *testing.T) {
	head := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Appointments//EN\r\nMETHOD:PUBLISH\r\nBEGIN:VEVENT\r\n"
	uid := "UID:" + appointment().UID() + "\r\n"
	alarm := func(before string) string {
		return "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:" + before + "\r\nDESCRIPTION:Pillow: appointment 3\r\nEND:VALARM\r\n"
	}
	first := head + uid + "DTSTAMP:20261123T090000Z\r\nLAST-MODIFIED:20261123T090000Z\r\nDTSTART:20261203T140000Z\r\nSEQUENCE:0\r\n" +
		"SUMMARY:Pillow: appointment 3\r\nCLASS:PRIVATE\r\nTRANSP:TRANSPARENT\r\nSTATUS:CONFIRMED\r\n" + alarm("-P1D") + alarm("-PT1H") + "END:VEVENT\r\nEND:VCALENDAR\r\n"
	got, err := File(appointment())
	if err != nil || string(got) != first {
		t.Errorf("%v\n got %q\nwant %q", err, got, first)
	}
	off := appointment()
	off.Sequence, off.Cancelled, off.Stamp = 2, true, off.Stamp.Add(time.Hour)
	last := head + uid + "DTSTAMP:20261123T100000Z\r\nLAST-MODIFIED:20261123T100000Z\r\nDTSTART:20261203T140000Z\r\nSEQUENCE:2\r\n" +
		"SUMMARY:Pillow: appointment 3\r\nCLASS:PRIVATE\r\nTRANSP:TRANSPARENT\r\nSTATUS:CANCELLED\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	if got, err := File(off); err != nil || string(got) != last {
		t.Errorf("%v\n got %q\nwant %q", err, got, last)
	}
	if off.Name() != "appointment-3.ics" {
		t.Error(off.Name())
	}
}

// TestUID: the same for one incident, and it says nothing about which.
func TestUID(t *testing.T) {
	e, other := appointment(), appointment()
	e.Number, e.Sequence, e.Project, e.Start = 9, 4, "Other", e.Start.Add(time.Hour)
	if e.UID() != appointment().UID() || !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(e.UID()) {
		t.Error(e.UID())
	}
	other.Seed += "."
	if other.UID() == e.UID() {
		t.Error("two incidents have one UID")
	}
}

func TestRefused(t *testing.T) {
	for name, change := range map[string]func(*Event){
		"a seed that can be guessed": func(e *Event) { e.Seed = "INC-7" },
		"no project":                 func(e *Event) { e.Project = " " },
		"a property of its own":      func(e *Event) { e.Project = "Pillow\r\nDESCRIPTION:marker" },
		"a line":                     func(e *Event) { e.Project = "Pillow\u2028"; e.Project += "\n" },
		"a hidden character":         func(e *Event) { e.Project = "Pillow\u202e" },
		"not UTF-8":                  func(e *Event) { e.Project = "Pillow\xff" },
		"an id":                      func(e *Event) { e.Project = "Pillow CVE-2026-1" },
		"an id of GitHub's":          func(e *Event) { e.Project = "ghsa-xxxx" },
		"a long name":                func(e *Event) { e.Project = strings.Repeat("é", 61) },
		"no number":                  func(e *Event) { e.Number = 0 },
		"a sequence below zero":      func(e *Event) { e.Sequence = -1 },
		"no start":                   func(e *Event) { e.Start = time.Time{} },
		"no stamp":                   func(e *Event) { e.Stamp = time.Time{} },
		"after the calendar's end":   func(e *Event) { e.Start = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		e := appointment()
		change(&e)
		if got, err := File(e); err == nil || got != nil || strings.Contains(err.Error(), "marker") {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
}

// unfold is RFC 5545 section 3.1, apart from the library's.
func unfold(b []byte) []string {
	return strings.Split(strings.TrimSuffix(strings.ReplaceAll(string(b), "\r\n ", ""), "\r\n"), "\r\n")
}

// wellFormed fails when a file is not what every calendar can read.
func wellFormed(t *testing.T, e Event, b []byte) {
	t.Helper()
	if !bytes.HasSuffix(b, []byte("\r\n")) || bytes.Count(b, []byte("\n")) != bytes.Count(b, []byte("\r")) || bytes.Count(b, []byte("\r\n")) != bytes.Count(b, []byte("\n")) {
		t.Errorf("line ends: %q", b)
	}
	for _, line := range strings.Split(string(b), "\r\n") {
		if len(line) > 75 || !utf8.ValidString(line) {
			t.Errorf("%d octets, or half a character: %q", len(line), line)
		}
	}
	summary := "SUMMARY:" + strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`).Replace(e.Summary())
	n := 0
	for _, line := range unfold(b) {
		if line == summary {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%q is there %d times in %q", summary, n, b)
	}
	c, err := ics.ParseCalendar(bytes.NewReader(b))
	if err != nil || len(c.Events()) != 1 {
		t.Fatalf("%v in %q", err, b)
	}
	v := c.Events()[0]
	start, err := v.GetStartAt()
	if err != nil || !start.Equal(e.Start.Truncate(time.Second)) || v.Id() != e.UID() {
		t.Errorf("%v %v %s", start, err, v.Id())
	}
	if got := v.GetProperty(ics.ComponentPropertySummary).Value; got != e.Summary() {
		t.Errorf("%q is read as %q", e.Summary(), got)
	}
	if want := map[bool]int{false: 2, true: 0}[e.Cancelled]; len(v.Alarms()) != want {
		t.Errorf("%d alarms", len(v.Alarms()))
	}
}

func FuzzFile(f *testing.F) {
	for _, s := range []string{"Pillow", `a, b; c\d: "e" <f>`, strings.Repeat("é", 60), strings.Repeat("<", 60), "日本語 のプロジェクト " + strings.Repeat("長", 40), "  x  ", strings.Repeat("a", 56) + " b", `\n\N\\`, "👩‍👩‍👧"} {
		f.Add(s, 3, 0, false)
		f.Add(s, 1<<31-1, 7, true)
	}
	f.Fuzz(func(t *testing.T, project string, number, sequence int, cancelled bool) {
		e := appointment()
		e.Project, e.Number, e.Sequence, e.Cancelled = project, number, sequence, cancelled
		if b, err := File(e); err == nil {
			wellFormed(t, e, b)
		}
	})
}
