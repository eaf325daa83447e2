package incidents

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// SayInstant writes an instant in UTC with its weekday: "Thu 2026-12-03 14:00
// UTC". Seconds are left out.
func SayInstant(t time.Time) string { return t.UTC().Format("Mon 2006-01-02 15:04 UTC") }

// SayIn writes an instant as the clocks of a zone show it: "Thu 15:00 CET", with
// the date where it is another than in UTC: "Fri 2026-12-04 01:00 AEDT". A zone
// without an abbreviation is written by its offset, "UTC-03". Seconds are left
// out.
func SayIn(t time.Time, loc *time.Location) string {
	local := t.In(loc)
	layout := "Mon 15:04 "
	if dayOf(local) != dayOf(t.UTC()) {
		layout = "Mon 2006-01-02 15:04 "
	}
	abbreviation, offset := local.Zone()
	if abbreviation == "" || strings.ContainsAny(abbreviation[:1], "+-") {
		abbreviation = "UTC" + strings.TrimSuffix(offsetName(offset), ":00")
	}
	return local.Format(layout) + abbreviation
}

// SayLocal writes an instant as the clocks of several zones show it, with
// commas between, each different reading once: "Thu 15:00 CET, Thu 09:00 EST".
func SayLocal(t time.Time, zones ...*time.Location) string {
	var out []string
	for _, loc := range zones {
		if s := SayIn(t, loc); !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return strings.Join(out, ", ")
}

// SaySpan writes a length of time in at most two units: "3 d 4 h", "2 h 5 min",
// "47 min", "less than a minute". The rest is cut off, never rounded up, so that
// a countdown promises no time that is not there. The sign is left out.
func SaySpan(d time.Duration) string {
	minutes := int64(d / time.Minute)
	if minutes < 0 {
		minutes = -minutes
	}
	days, hours := minutes/(24*60), minutes/60%24
	minutes %= 60
	switch {
	case days > 0 && hours > 0:
		return fmt.Sprintf("%d d %d h", days, hours)
	case days > 0:
		return fmt.Sprintf("%d d", days)
	case hours > 0 && minutes > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes)
	case hours > 0:
		return fmt.Sprintf("%d h", hours)
	case minutes > 0:
		return fmt.Sprintf("%d min", minutes)
	default:
		return "less than a minute"
	}
}
