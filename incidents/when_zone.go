package incidents

import (
	"fmt"
	"sort"
	"strings"
	"time"
)

// zone is a zone as it was given.
type zone struct {
	name string
	loc  *time.Location
}

// maxOffset is the farthest from UTC that any clock on Earth is set.
const maxOffset = 14 * 60 // minutes

// exampleZone is the zone to show in refusals: where somebody lives, or Paris.
func exampleZone(home *time.Location) string {
	if home != nil && home.String() != "UTC" && zoneName(home.String()) {
		return home.String()
	}
	return "Europe/Paris"
}

// isZone reports whether a word can be read as a zone.
func (r whenReader) isZone(word string) bool {
	_, err := r.readZone(word)
	return err == nil
}

// readZone reads UTC, GMT, Z, an offset or the name of a zone of the IANA
// database.
func (r whenReader) readZone(word string) (zone, error) {
	switch strings.ToUpper(word) {
	case "UTC", "GMT", "Z":
		return zone{"UTC", time.UTC}, nil
	case "AM", "PM", "A.M", "P.M", "A.M.", "P.M.", "H": // of a time such as 2:00 pm
		return zone{}, Refuse("when-time-form")
	}
	if word[0] == '+' || word[0] == '-' {
		return readOffset(word)
	}
	letters := strings.IndexFunc(word, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }) < 0
	if letters && len(word) >= 2 && len(word) <= 5 {
		return zone{}, Refuse("zone-abbreviation", "example", r.example)
	}
	for _, name := range []string{word, titled(word)} {
		if !zoneName(name) {
			continue
		}
		if loc, err := time.LoadLocation(name); err == nil {
			return zone{name, loc}, nil
		}
	}
	return zone{}, Refuse("zone-unknown", "example", r.example)
}

// zoneName reports whether a name may be looked up in the IANA database: of the
// form Area/Place, and none of the kinds that mislead. Etc/GMT+2 is two hours
// behind UTC, right/... counts leap seconds.
func zoneName(name string) bool {
	area, place, ok := strings.Cut(name, "/")
	if !ok || area == "" || place == "" || len(name) > 64 || strings.Contains(name, "//") || strings.HasSuffix(name, "/") {
		return false
	}
	switch strings.ToLower(area) {
	case "etc", "right", "posix":
		return false
	}
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("/_-+", r) {
			return false
		}
	}
	return true
}

// titled gives europe/paris as Europe/Paris and america/new_york as
// America/New_York.
func titled(name string) string {
	b := []byte(strings.ToLower(name))
	for i, c := range b {
		if c >= 'a' && c <= 'z' && (i == 0 || strings.IndexByte("/_-", b[i-1]) >= 0) {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

// readOffset reads +02:00, +0200, +02 or +2.
func readOffset(word string) (zone, error) {
	sign, text := 1, word[1:]
	if word[0] == '-' {
		sign = -1
	}
	hours, minutes, colon := strings.Cut(text, ":")
	if !colon {
		if minutes = "00"; len(hours) == 4 {
			hours, minutes = hours[:2], hours[2:]
		}
	}
	h, okH := readDigits(hours, 0, len(hours))
	m, okM := readDigits(minutes, 0, len(minutes))
	if !okH || !okM || len(hours) > 2 || len(minutes) != 2 || m > 59 {
		return zone{}, Refuse("offset-form")
	}
	total := h*60 + m
	if total > maxOffset {
		return zone{}, Refuse("offset-range", "hours", maxOffset/60)
	}
	name := offsetName(sign * total * 60)
	return zone{name, time.FixedZone(name, sign*total*60)}, nil
}

// offsetName writes seconds east of UTC as +02:00.
func offsetName(seconds int) string {
	sign := '+'
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	return fmt.Sprintf("%c%02d:%02d", sign, seconds/3600, seconds/60%60)
}

// instant gives the one instant at which clocks in the zone show the day and the
// time. It refuses where they never do or do it twice.
func (r whenReader) instant(d day, c clockTime, z zone) (time.Time, error) {
	wall := time.Date(d.year, d.month, d.day, c.hour, c.minute, c.second, 0, time.UTC)
	const reach = 27 // hours: more than any offset, or any change of one
	var found []time.Time
	var from, to time.Time // what the clocks show before and after the change that skips wall
	seen := make(map[time.Duration]bool)
	// The zone is asked hour by hour: Time.ZoneBounds may give an end that is
	// no later than the time it is asked for.
	for hour := -reach; hour < reach; hour++ {
		t := wall.Add(time.Duration(hour) * time.Hour)
		offset, next := offsetAt(t, z.loc), offsetAt(t.Add(time.Hour), z.loc)
		if at := wall.Add(-offset); !seen[offset] && offsetAt(at, z.loc) == offset {
			found = append(found, at)
		}
		seen[offset] = true
		if offset == next {
			continue
		}
		seconds := sort.Search(3600, func(s int) bool { return offsetAt(t.Add(time.Duration(s)*time.Second), z.loc) != offset })
		change := t.Add(time.Duration(seconds) * time.Second)
		if before, after := change.Add(offset), change.Add(next); !wall.Before(before) && wall.Before(after) {
			from, to = before, after
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		layout := "15:04"
		if dayOf(from) != dayOf(to) {
			layout = "2006-01-02 15:04"
		}
		return time.Time{}, Refuse("when-skipped", "zone", z.name, "from", from.Format(layout), "to", to.Format(layout))
	default:
		_, first := found[0].In(z.loc).Zone()
		_, second := found[1].In(z.loc).Zone()
		return time.Time{}, Refuse("when-twice", "zone", z.name, "first", offsetName(first), "second", offsetName(second))
	}
}

// offsetAt is how far the clocks of a zone are before UTC.
func offsetAt(t time.Time, loc *time.Location) time.Duration {
	_, seconds := t.In(loc).Zone()
	return time.Duration(seconds) * time.Second
}
