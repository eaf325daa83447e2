package incidents

import (
	"slices"
	"strings"
	"time"
)

// Absence is a time in which a person is away. Instants are UTC.
type Absence struct {
	Person string
	From   time.Time
	Until  time.Time
}

// longestAbsence is how long one absence lasts at most.
const longestAbsence = 366 * 24 * time.Hour

// During reports whether somebody is away at an instant.
func (a Absence) During(t time.Time) bool { return !t.Before(a.From) && t.Before(a.Until) }

// ReadAbsence reads from when until when a person is away, as people type it:
//
//	2026-12-20 to 2027-01-03           with until, till, a dash or nothing between
//	now until fri 18:00                and "until fri 18:00" alone
//	2026-12-20 for 2 weeks             and "for 3 days" alone
//	from tomorrow 14:00 until +5d
//
// Each side is what ReadWhen reads. A day without a time is a whole day where the
// person is: it begins at midnight, and the last day is a day of being away too.
// Refused are an end that is past or not after the beginning, and more than a
// year.
func ReadAbsence(words string, now time.Time, home *time.Location, planHour int) (Absence, error) {
	if home == nil {
		home = time.UTC
	}
	r := absenceReader{now: now.UTC(), home: home, hour: planHour}
	a, err := r.read(strings.Fields(words))
	if err != nil {
		return Absence{}, err
	}
	switch {
	case !a.Until.After(a.From):
		return Absence{}, Refuse("away-backwards")
	case !a.Until.After(now):
		return Absence{}, Refuse("away-past")
	case a.Until.Sub(a.From) > longestAbsence:
		return Absence{}, Refuse("away-long")
	}
	return a, nil
}

type absenceReader struct {
	now  time.Time
	home *time.Location
	hour int
}

func (r absenceReader) read(f []string) (Absence, error) {
	if len(f) > 1 && strings.EqualFold(f[0], "from") {
		f = f[1:]
	}
	between := func(w string) bool {
		return slices.Contains([]string{"to", "until", "till", "-", "–", "—", "for"}, strings.ToLower(w))
	}
	at := slices.IndexFunc(f, between)
	if at < 0 {
		return r.guess(f)
	}
	from, until := f[:at], f[at+1:]
	if len(until) == 0 || (len(from) == 0 && !slices.Contains([]string{"until", "till", "for"}, strings.ToLower(f[at]))) {
		return Absence{}, Refuse("away-form")
	}
	a := Absence{From: r.now}
	var err error
	if len(from) > 0 {
		if a.From, err = r.side(from, 0); err != nil {
			return Absence{}, err
		}
	}
	if strings.EqualFold(f[at], "for") {
		span, err := ReadSpan(strings.Join(until, " "))
		a.Until = a.From.Add(span)
		return a, err
	}
	a.Until, err = r.side(until, 1)
	return a, err
}

// guess reads two instants with nothing between them. There has to be one way only
// to take them apart.
func (r absenceReader) guess(f []string) (a Absence, err error) {
	ways := 0
	for at := 1; at < len(f); at++ {
		from, err1 := r.side(f[:at], 0)
		until, err2 := r.side(f[at:], 1)
		if err1 == nil && err2 == nil {
			a.From, a.Until = from, until
			ways++
		}
	}
	if ways != 1 {
		return Absence{}, Refuse("away-form")
	}
	return a, nil
}

// side reads one instant. A day without a time is its midnight where the person
// is, or with plus 1 the midnight after it.
func (r absenceReader) side(f []string, plus int) (time.Time, error) {
	w, err := ReadWhen(strings.Join(f, " "), r.now, r.home, r.hour)
	if err != nil || !w.HourAssumed {
		return w.At, err
	}
	d := dayOf(w.At).plus(plus)
	return time.Date(d.year, d.month, d.day, 0, 0, 0, 0, r.home).UTC(), nil
}
