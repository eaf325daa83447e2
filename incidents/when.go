package incidents

import (
	"strings"
	"time"
)

// When is an instant as somebody gave it.
type When struct {
	At          time.Time // UTC
	Zone        string    // the zone it was given in: "UTC", "+02:00", "Europe/Paris"
	HourAssumed bool      // a day without a time took the plan's hour
}

// The years that are read.
const (
	firstYear = 2000
	lastYear  = 2100
)

// ReadWhen reads an instant as people type it, now being the present:
//
//	2026-12-03                   that day at planHour UTC, HourAssumed
//	2026-12-03 14:00             UTC where no zone is given; seconds are allowed
//	2026-12-03T14:00Z            and +02:00, +0200, +2, UTC, GMT, Europe/Paris, also after a blank
//	+10d  +36h  +1d12h  in 2 weeks
//	-5h   5h ago
//	now
//	today 14:00  yesterday 09:30  tomorrow 14:00
//	tue 14:00    tuesday 14:00 Europe/Paris    next tue 14:00
//
// A day of the week means its coming time, strictly after now: where today is
// that day, it is today if the time is still ahead and else in a week; "next"
// changes nothing. Days and weekdays are those of the zone that is given, else
// of UTC. A day of any form without a time takes planHour, an hour of UTC from
// 0 to 23. A day within a span is 24 hours.
//
// Dashes, quotes and blanks as telephones set them are understood. Refused are
// slashes, names of months, abbreviations of zones other than UTC, GMT and Z,
// days and times that do not exist, local times that the clocks skip or show
// twice, and instants before the year 2000 or after 2100. home is the zone of
// whoever asks, or nil: it serves as the example in refusals, never as a
// default.
func ReadWhen(words string, now time.Time, home *time.Location, planHour int) (When, error) {
	f := strings.Fields(tidy(words))
	if len(f) == 0 {
		return When{}, Refuse("when-empty")
	}
	r := whenReader{now: now.UTC(), planHour: planHour, example: exampleZone(home)}
	w, err := r.read(f)
	if err != nil {
		return When{}, err
	}
	w.At = w.At.UTC()
	if y := w.At.Year(); y < firstYear || y > lastYear {
		return When{}, yearRange()
	}
	return w, nil
}

// OtherWeek reports whether words name a day of the week whose coming is less than a day
// ahead: who types them may as well mean the next one.
func OtherWeek(words string, at, now time.Time) bool {
	f := strings.Fields(strings.ToLower(tidy(words)))
	if len(f) > 1 && f[0] == "next" {
		f = f[1:]
	}
	if len(f) == 0 || at.Sub(now) >= 24*time.Hour {
		return false
	}
	_, is := weekdayNamed(f[0])
	return is
}

func yearRange() error { return Refuse("when-year-range", "first", firstYear, "last", lastYear) }

// whenReader reads the words of one instant.
type whenReader struct {
	now      time.Time // UTC
	planHour int
	example  string // a zone to show in refusals
}

// day is a day of the calendar, of no zone.
type day struct {
	year  int
	month time.Month
	day   int
}

func dayOf(t time.Time) day {
	y, m, d := t.Date()
	return day{y, m, d}
}

// plus gives the day n days later.
func (d day) plus(n int) day {
	return dayOf(time.Date(d.year, d.month, d.day+n, 0, 0, 0, 0, time.UTC))
}

func (r whenReader) read(f []string) (When, error) {
	first := strings.ToLower(f[0])
	if len(f) == 1 && first == "now" {
		return When{At: r.now, Zone: "UTC"}, nil
	}
	if w, ok, err := r.readRelative(f); ok {
		return w, err
	}
	if shift, ok := shiftedDay(first); ok {
		return r.onDay(f[1:], func(today day, _ clockTime, _ zone) (day, error) { return today.plus(shift), nil })
	}
	rest := f[1:]
	if first == "next" && len(f) > 1 {
		first, rest = strings.ToLower(f[1]), f[2:]
	}
	if wd, ok := weekdayNamed(first); ok {
		return r.onDay(rest, func(today day, c clockTime, z zone) (day, error) { return r.coming(wd, today, c, z) })
	}
	return r.readDate(f)
}

// readRelative reads a span with a sign, "ago" or "in"; ok is false where the
// words are none.
func (r whenReader) readRelative(f []string) (w When, ok bool, err error) {
	text, sign := strings.Join(f, " "), time.Duration(1)
	switch {
	case text[0] == '+':
		text = text[1:]
	case text[0] == '-':
		text, sign = text[1:], -1
	case strings.EqualFold(f[0], "in"):
		text = strings.Join(f[1:], " ")
	case strings.EqualFold(f[len(f)-1], "ago"):
		text, sign = strings.Join(f[:len(f)-1], " "), -1
	default:
		return When{}, false, nil
	}
	span, err := readSpan(text)
	if err != nil {
		return When{}, true, err
	}
	return When{At: r.now.Add(sign * span), Zone: "UTC"}, true, nil
}

// readDate reads what starts with an ISO date, and refuses everything else with
// the best advice there is.
func (r whenReader) readDate(f []string) (When, error) {
	date, rest := f[0], f[1:]
	if len(date) > 10 && (date[10] == 'T' || date[10] == 't') {
		rest = append([]string{date[11:]}, rest...)
		date = date[:10]
		if rest[0] == "" {
			return When{}, Refuse("when-time-form")
		}
	}
	y, okY := readDigits(date, 0, 4)
	m, okM := readDigits(date, 5, 7)
	d, okD := readDigits(date, 8, 10)
	if len(date) != 10 || date[4] != '-' || date[7] != '-' || !okY || !okM || !okD {
		return When{}, r.noDate(f)
	}
	if y < firstYear || y > lastYear {
		return When{}, yearRange()
	}
	given := day{y, time.Month(m), d}
	if given.plus(0) != given {
		return When{}, Refuse("when-no-such-day")
	}
	return r.onDay(rest, func(day, clockTime, zone) (day, error) { return given, nil })
}

// noDate refuses words that do not start with a date.
func (r whenReader) noDate(f []string) error {
	first := f[0]
	starts := digit(first[0])
	for _, w := range f {
		if monthNamed(w) {
			return Refuse("when-month-name")
		}
	}
	switch {
	case starts && strings.Contains(first, "/"):
		return Refuse("when-slashes")
	case starts && strings.Contains(first, ":"):
		return Refuse("when-day-missing")
	case starts && strings.ContainsAny(first, "-."):
		return Refuse("when-date-form")
	}
	if _, err := readSpan(strings.Join(f, " ")); err == nil {
		return Refuse("when-sign")
	}
	return Refuse("when-unclear")
}

// onDay reads "14:00 Europe/Paris", either or both left out, and puts the time
// on the day that pick gives; today is the present day in the zone.
func (r whenReader) onDay(rest []string, pick func(today day, c clockTime, z zone) (day, error)) (When, error) {
	utc := zone{name: "UTC", loc: time.UTC}
	if len(rest) == 0 {
		c := clockTime{hour: r.planHour}
		d, err := pick(dayOf(r.now), c, utc)
		if err != nil {
			return When{}, err
		}
		at, err := r.instant(d, c, utc)
		return When{At: at, Zone: "UTC", HourAssumed: true}, err
	}
	c, after, err := readClock(rest[0])
	if err != nil {
		if len(rest) == 1 && r.isZone(rest[0]) {
			return When{}, Refuse("when-time-missing")
		}
		return When{}, err
	}
	rest = rest[1:]
	if after != "" {
		rest = append([]string{after}, rest...)
	}
	z := utc
	switch {
	case len(rest) > 1:
		return When{}, Refuse("when-unclear")
	case len(rest) == 1:
		if z, err = r.readZone(rest[0]); err != nil {
			return When{}, err
		}
	}
	d, err := pick(dayOf(r.now.In(z.loc)), c, z)
	if err != nil {
		return When{}, err
	}
	at, err := r.instant(d, c, z)
	return When{At: at, Zone: z.name}, err
}

// coming gives the day of the coming weekday wd on which the time is strictly
// after now.
func (r whenReader) coming(wd time.Weekday, today day, c clockTime, z zone) (day, error) {
	is := time.Date(today.year, today.month, today.day, 0, 0, 0, 0, time.UTC).Weekday()
	d := today.plus((int(wd) - int(is) + 7) % 7)
	if d != today {
		return d, nil
	}
	at, err := r.instant(d, c, z)
	if err != nil {
		return day{}, err
	}
	if !at.After(r.now) {
		d = d.plus(7)
	}
	return d, nil
}
