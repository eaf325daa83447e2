// Package calendar makes a file for people's calendars, in which the end of an
// embargo is an appointment that says nothing: calendars are kept on other people's
// machines and shown on locked phones. What it is about is known to those who were
// given the file.
//
// The format is RFC 5545, https://www.rfc-editor.org/rfc/rfc5545, published by the
// rules of RFC 5546 section 3.2.1. That asks for an ORGANIZER too, which is left
// out: it would be a person's address.
package calendar

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	ics "github.com/arran4/golang-ical"
)

// Type is the media type of a file.
const Type = "text/calendar; charset=utf-8; method=PUBLISH"

// Event is an appointment.
type Event struct {
	// Seed makes the UID: the same for every file of one incident, secret, and
	// random enough that nobody can try all. 16 bytes at least.
	Seed      string
	Project   string // as in "Pillow: appointment 3"
	Number    int    // from 1
	Start     time.Time
	Stamp     time.Time // when this file was made
	Sequence  int       // 0 for the first file, and one more with each change: calendars pass by what is not newer
	Cancelled bool      // it is off: take it out, or cross it out
}

// Name is what to call the file.
func (e Event) Name() string { return fmt.Sprintf("appointment-%d.ics", e.Number) }

// Summary is all that the file says.
func (e Event) Summary() string { return fmt.Sprintf("%s: appointment %d", e.Project, e.Number) }

// UID is the appointment's name among calendars. It is a UUID, as RFC 7986 section
// 5.3 wants, of the version that leaves its making to us (RFC 9562 section 5.8).
func (e Event) UID() string {
	sum := sha256.Sum256([]byte("calendar\x00" + e.Seed))
	const version, variant = 0x80, 0x80
	sum[6] = sum[6]&0x0f | version
	sum[8] = sum[8]&0x3f | variant
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// File makes the file. Lines end in CRLF and have 75 octets at most.
func File(e Event) ([]byte, error) {
	if err := e.check(); err != nil {
		return nil, fmt.Errorf("making the calendar file: %w", err)
	}
	c := ics.NewCalendar()
	c.SetProductId("-//Appointments//EN") // the bot's name would tell what it is for
	c.SetMethod(ics.MethodPublish)
	v := c.AddEvent(e.UID())
	v.SetDtStampTime(e.Stamp)
	v.SetModifiedAt(e.Stamp)
	v.SetStartAt(e.Start)
	v.SetSequence(e.Sequence)
	v.SetSummary(e.Summary())
	v.SetClass(ics.ClassificationPrivate)
	v.SetTimeTransparency(ics.TransparencyTransparent) // a moment keeps nobody busy
	if e.Cancelled {
		v.SetStatus(ics.ObjectStatusCancelled)
	} else {
		v.SetStatus(ics.ObjectStatusConfirmed)
		for _, before := range []string{"-P1D", "-PT1H"} {
			a := v.AddAlarm()
			a.SetAction(ics.ActionDisplay)
			a.SetTrigger(before)
			a.SetDescription(e.Summary())
		}
	}
	var out strings.Builder
	const most = 75
	if err := c.SerializeTo(&out, ics.WithNewLine("\r\n"), ics.WithLineLength(most)); err != nil {
		return nil, fmt.Errorf("making the calendar file: %w", err)
	}
	return []byte(out.String()), nil
}

// check says what would make a file that is wrong, or that says something.
func (e Event) check() error {
	const leastSeed, mostName, firstYear, lastYear, most = 16, 60, 2000, 9999, 1<<31 - 1
	year := func(t time.Time) bool { y := t.UTC().Year(); return y >= firstYear && y <= lastYear }
	switch {
	case len(e.Seed) < leastSeed:
		return errors.New("the seed is shorter than 16 bytes")
	case strings.TrimSpace(e.Project) == "" || !utf8.ValidString(e.Project) || utf8.RuneCountInString(e.Project) > mostName:
		return errors.New("the project has no name, or one of more than 60 characters")
	case strings.ContainsFunc(e.Project, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }):
		return errors.New("the project's name holds a control character")
	case regexp.MustCompile(`(?i)cve-?\d|ghsa-`).MatchString(e.Project):
		return errors.New("the project's name is the id of something")
	case e.Number < 1 || e.Number > most:
		return errors.New("the appointment has no number from 1")
	case e.Sequence < 0 || e.Sequence > most:
		return errors.New("the sequence is below 0 or has no end")
	case !year(e.Start) || !year(e.Stamp):
		return errors.New("a moment is missing")
	}
	return nil
}
