package incidents

import (
	"strings"
	"time"
)

// clockTime is a time of the day.
type clockTime struct{ hour, minute, second int }

// readClock reads 14:00 or 14:00:30 and gives what follows it without a blank,
// such as Z or +02:00.
func readClock(s string) (c clockTime, after string, err error) {
	end := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != ':' })
	if end < 0 {
		end = len(s)
	}
	s, after = s[:end], s[end:]
	parts := strings.Split(s, ":")
	if len(parts) < 2 || len(parts) > 3 {
		return c, "", Refuse("when-time-form")
	}
	var n [3]int
	for i, p := range parts {
		v, ok := readDigits(p, 0, len(p))
		if !ok || len(p) > 2 || i > 0 && len(p) != 2 {
			return c, "", Refuse("when-time-form")
		}
		n[i] = v
	}
	if strings.HasPrefix(after, ".") {
		return c, "", Refuse("when-time-form")
	}
	if n[0] > 23 || n[1] > 59 || n[2] > 59 {
		return c, "", Refuse("when-no-such-time")
	}
	return clockTime{n[0], n[1], n[2]}, after, nil
}

// readDigits reads s[from:to], which is to be ASCII digits only and at most nine.
func readDigits(s string, from, to int) (int, bool) {
	if from >= to || to > len(s) || to-from > 9 {
		return 0, false
	}
	n := 0
	for _, b := range []byte(s[from:to]) {
		if !digit(b) {
			return 0, false
		}
		n = n*10 + int(b-'0')
	}
	return n, true
}

func digit(b byte) bool { return b >= '0' && b <= '9' }

// tidy undoes what telephones and word processors do to what is typed: every
// kind of blank becomes a blank, every kind of dash a hyphen, quotes around it
// go.
func tidy(words string) string {
	words = strings.Map(func(r rune) rune {
		switch {
		case r >= 0x2010 && r <= 0x2015, r == 0x2212, r == 0xfe58, r == 0xfe63, r == 0xff0d:
			return '-'
		case r == 0xa0, r >= 0x2000 && r <= 0x200a, r == 0x202f, r == 0x205f, r == 0x3000, r == '\t', r == '\n', r == '\r':
			return ' '
		default:
			return r
		}
	}, words)
	return strings.Trim(words, " \"'`“”‘’„‚«»,.;")
}

// shiftedDay reads today, yesterday and tomorrow as days from today.
func shiftedDay(word string) (int, bool) {
	switch word {
	case "today":
		return 0, true
	case "yesterday":
		return -1, true
	case "tomorrow":
		return 1, true
	default:
		return 0, false
	}
}

// weekdayNamed reads tue, tues or tuesday; the word is in small letters.
func weekdayNamed(word string) (time.Weekday, bool) {
	for wd := time.Sunday; wd <= time.Saturday; wd++ {
		name := strings.ToLower(wd.String())
		if len(word) >= 3 && strings.HasPrefix(name, word) {
			return wd, true
		}
	}
	return 0, false
}

// monthNamed reports whether a word is or holds the name of a month, short or
// long, as in Jun, june, 1-Jun-2026.
func monthNamed(word string) bool {
	for part := range strings.FieldsFuncSeq(strings.ToLower(word), func(r rune) bool { return r < 'a' || r > 'z' }) {
		for m := time.January; m <= time.December; m++ {
			if len(part) >= 3 && strings.HasPrefix(strings.ToLower(m.String()), part) {
				return true
			}
		}
	}
	return false
}

// maxSpan is the longest span that is read: a hundred years of 365 days.
const maxSpan = 36500 * 24 * time.Hour

// ReadSpan reads a length of time as people type it: 25h, 3d, 90m, 1d12h, 2w,
// "3 d 4 h", "2 weeks". Units are weeks, days of 24 hours, hours and minutes,
// the larger first, each once, in whole numbers; a + before them is allowed.
// Refused are everything else, a span of nothing and one over a hundred years.
func ReadSpan(words string) (time.Duration, error) {
	return readSpan(strings.TrimPrefix(tidy(words), "+"))
}

// readSpan reads a span without a sign.
func readSpan(text string) (time.Duration, error) {
	var s string
	for word := range strings.FieldsSeq(strings.ToLower(text)) {
		if s != "" && digit(s[len(s)-1]) && digit(word[0]) { // "1 5h" is not 15 hours
			return 0, Refuse("span-form")
		}
		s += word
	}
	if s == "" || len(s) > 60 {
		return 0, Refuse("span-form")
	}
	var sum time.Duration
	last := 2 * maxSpan
	for s != "" {
		n := 0
		for n < len(s) && digit(s[n]) {
			n++
		}
		u := n
		for u < len(s) && !digit(s[u]) {
			u++
		}
		number := s[:n]
		unit, ok := unitNamed(s[n:u])
		s = s[u:]
		if n == 0 || !ok || unit >= last {
			return 0, Refuse("span-form")
		}
		last = unit
		count, ok := readDigits(number, 0, len(number))
		if !ok || time.Duration(count) > maxSpan/unit {
			return 0, Refuse("span-too-long", "years", 100)
		}
		sum += time.Duration(count) * unit
	}
	switch {
	case sum == 0:
		return 0, Refuse("span-zero")
	case sum > maxSpan:
		return 0, Refuse("span-too-long", "years", 100)
	}
	return sum, nil
}

// unitNamed reads a unit of a span; the word is in small letters.
func unitNamed(word string) (time.Duration, bool) {
	switch word {
	case "w", "week", "weeks":
		return 7 * 24 * time.Hour, true
	case "d", "day", "days":
		return 24 * time.Hour, true
	case "h", "hr", "hrs", "hour", "hours":
		return time.Hour, true
	case "m", "min", "mins", "minute", "minutes":
		return time.Minute, true
	default:
		return 0, false
	}
}
