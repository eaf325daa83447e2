package incidents

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func zoneOf(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestMayCall(t *testing.T) {
	far := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, zone string
		now        time.Time
		critical   bool
		due        time.Time
		want       bool
	}{
		{"at noon", "UTC", time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), false, far, true},
		{"before 23:00", "UTC", time.Date(2026, 11, 23, 22, 59, 59, 0, time.UTC), false, far, true},
		{"at 23:00", "UTC", time.Date(2026, 11, 23, 23, 0, 0, 0, time.UTC), false, far, false},
		{"before 07:00", "UTC", time.Date(2026, 11, 24, 6, 59, 59, 0, time.UTC), false, far, false},
		{"at 07:00", "UTC", time.Date(2026, 11, 24, 7, 0, 0, 0, time.UTC), false, far, true},
		{"at night, and Critical", "UTC", time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC), true, far, true},
		{"due at their 07:00", "UTC", time.Date(2026, 11, 23, 23, 30, 0, 0, time.UTC), false, time.Date(2026, 11, 24, 7, 0, 0, 0, time.UTC), true},
		{"due after their 07:00", "UTC", time.Date(2026, 11, 23, 23, 30, 0, 0, time.UTC), false, time.Date(2026, 11, 24, 7, 0, 1, 0, time.UTC), false},
		{"overdue", "UTC", time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC), false, time.Date(2026, 11, 20, 7, 0, 0, 0, time.UTC), true},
		{"due at no time", "UTC", time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC), false, time.Time{}, false},
		{"noon in London is night in Melbourne", "Australia/Melbourne", time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), false, far, false},
		{"and its morning is the evening before in UTC", "Australia/Melbourne", time.Date(2026, 11, 23, 20, 0, 0, 0, time.UTC), false, far, true},
		// 2026-03-29 in Helsinki: 03:00 is 04:00. 07:00 is 04:00 UTC, not 05:00.
		{"a night an hour short: due at 07:00", "Europe/Helsinki", time.Date(2026, 3, 28, 22, 0, 0, 0, time.UTC), false, time.Date(2026, 3, 29, 4, 0, 0, 0, time.UTC), true},
		{"a night an hour short: due at 08:00", "Europe/Helsinki", time.Date(2026, 3, 28, 22, 0, 0, 0, time.UTC), false, time.Date(2026, 3, 29, 5, 0, 0, 0, time.UTC), false},
		{"a night an hour short: 07:00 is morning", "Europe/Helsinki", time.Date(2026, 3, 29, 4, 0, 0, 0, time.UTC), false, far, true},
		// 2026-10-25 in Helsinki: 04:00 is 03:00. 07:00 is 05:00 UTC.
		{"a night an hour long: due at 07:00", "Europe/Helsinki", time.Date(2026, 10, 24, 21, 0, 0, 0, time.UTC), false, time.Date(2026, 10, 25, 5, 0, 0, 0, time.UTC), true},
		{"a night an hour long: 06:00 is night", "Europe/Helsinki", time.Date(2026, 10, 25, 4, 0, 0, 0, time.UTC), false, far, false},
		// Samoa left out 2011-12-30.
		{"a night before a day that is none", "Pacific/Apia", time.Date(2011, 12, 30, 9, 30, 0, 0, time.UTC), false, time.Date(2011, 12, 30, 17, 0, 0, 0, time.UTC), true},
		{"and what is due after it", "Pacific/Apia", time.Date(2011, 12, 30, 9, 30, 0, 0, time.UTC), false, time.Date(2011, 12, 31, 18, 0, 0, 0, time.UTC), false},
	} {
		if got := MayCall(zoneOf(t, c.zone), c.now, c.critical, c.due); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if MayCall(nil, time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC), false, far) {
		t.Error("nobody knows where they are: it is not UTC")
	}
}

// TestNobodyIsSilencedForLong: in every zone and at any time, what is due is called
// for before it is due or at the coming 07:00, whichever is first, and what is
// Critical at once.
func TestNobodyIsSilencedForLong(t *testing.T) {
	zones := []*time.Location{nil}
	for _, z := range []string{
		"UTC", "Europe/Helsinki", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia", "America/Havana", "Africa/Casablanca",
	} {
		zones = append(zones, zoneOf(t, z))
	}
	rapid.Check(t, func(r *rapid.T) {
		zone := rapid.SampledFrom(zones).Draw(r, "zone")
		now := time.Unix(rapid.Int64Range(1200000000, 2000000000).Draw(r, "now"), 0)
		due := now.Add(time.Duration(rapid.Int64Range(-100, 100).Draw(r, "due in hours")) * time.Hour)
		if !MayCall(zone, now, true, due) {
			r.Fatal("what is Critical is held back")
		}
		if MayCall(zone, now, false, due) {
			return
		}
		if zone == nil {
			zone = time.UTC
		}
		if h := now.In(zone).Hour(); h >= 7 && h < 23 {
			r.Fatalf("held back at %d o'clock", h)
		}
		if !due.After(now) {
			r.Fatal("what is overdue is held back")
		}
		// By the time it is due, or within 9 hours (10 where a night is an hour long, a
		// day more where one was left out), it is called for.
		at := now
		for !MayCall(zone, at, false, due) {
			at = at.Add(15 * time.Minute)
			if at.After(due) || at.Sub(now) > 10*time.Hour {
				r.Fatalf("from %v nobody is called until %v, and it is due %v", now.In(zone), at.In(zone), due.In(zone))
			}
		}
	})
}
