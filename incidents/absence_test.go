package incidents

import (
	"testing"
	"time"
)

func TestReadAbsence(t *testing.T) {
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) // a Monday
	helsinki := zoneOf(t, "Europe/Helsinki")
	at := func(text string) time.Time {
		got, err := time.Parse("2006-01-02 15:04", text)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	for typed, want := range map[string][2]string{
		"2026-12-20 to 2027-01-03":                         {"2026-12-19 22:00", "2027-01-03 22:00"},
		"2026-12-20 2027-01-03":                            {"2026-12-19 22:00", "2027-01-03 22:00"},
		"from 2026-12-20 until 2027-01-03":                 {"2026-12-19 22:00", "2027-01-03 22:00"},
		"2026-12-20 – 2027-01-03":                          {"2026-12-19 22:00", "2027-01-03 22:00"},
		"2026-12-20 - 2027-01-03":                          {"2026-12-19 22:00", "2027-01-03 22:00"},
		"2026-12-24 to 2026-12-24":                         {"2026-12-23 22:00", "2026-12-24 22:00"},
		"2026-12-20 14:00 2027-01-03 09:00 UTC":            {"2026-12-20 14:00", "2027-01-03 09:00"},
		"2026-12-20 14:00 UTC to 2027-01-03 09:00 UTC":     {"2026-12-20 14:00", "2027-01-03 09:00"},
		"2026-12-20 08:00 Europe/Paris TO 2027-01-03":      {"2026-12-20 07:00", "2027-01-03 22:00"},
		"now until 2027-01-03":                             {"2026-11-23 09:00", "2027-01-03 22:00"},
		"now 2027-01-03":                                   {"2026-11-23 09:00", "2027-01-03 22:00"},
		"until 2027-01-03":                                 {"2026-11-23 09:00", "2027-01-03 22:00"},
		"until fri 18:00":                                  {"2026-11-23 09:00", "2026-11-27 18:00"},
		"for 3 days":                                       {"2026-11-23 09:00", "2026-11-26 09:00"},
		"2026-12-20 for 2 weeks":                           {"2026-12-19 22:00", "2027-01-02 22:00"},
		"tomorrow until fri":                               {"2026-11-23 22:00", "2026-11-27 22:00"},
		"+1d +10d":                                         {"2026-11-24 09:00", "2026-12-03 09:00"},
		"2026-11-20 to 2026-11-30":                         {"2026-11-19 22:00", "2026-11-30 22:00"},
		"2027-03-27 to 2027-03-28":                         {"2027-03-26 22:00", "2027-03-28 21:00"}, // the clocks go forward
		"2026-12-20 14:00 +02:00 till 2026-12-21 14:00 +2": {"2026-12-20 12:00", "2026-12-21 12:00"},
		"from tomorrow 14:00 until in 2 weeks":             {"2026-11-24 14:00", "2026-12-07 09:00"},
		"2026-12-01 00:00 UTC to 2027-12-01 00:00 UTC":     {"2026-12-01 00:00", "2027-12-01 00:00"},
		"2026-12-20T14:00Z 2027-01-03T14:00Z":              {"2026-12-20 14:00", "2027-01-03 14:00"},
		"now — 2026-11-24 10:00":                           {"2026-11-23 09:00", "2026-11-24 10:00"},
	} {
		a, err := ReadAbsence(typed, now, helsinki, 14)
		if err != nil || !a.From.Equal(at(want[0])) || !a.Until.Equal(at(want[1])) {
			t.Errorf("%q: %v to %v, %v; want %v", typed, a.From, a.Until, err, want)
		}
	}
	for typed, key := range map[string]string{
		"2026-12-20":                   "away-form",
		"":                             "away-form",
		"until":                        "away-form",
		"to 2026-12-20":                "away-form",
		"2026-12-20 to":                "away-form",
		"soon":                         "away-form",
		"over christmas until january": "when-unclear",
		"2026-12-20 to 20/01/2027":     "when-slashes",
		"2027-01-03 to 2026-12-20":     "away-backwards",
		"now until now":                "away-backwards",
		"2026-11-01 to 2026-11-20":     "away-past",
		"2026-12-01 to 2028-01-01":     "away-long",
		"for a while":                  "span-form",
		"for 800 days":                 "away-long",
	} {
		a, err := ReadAbsence(typed, now, helsinki, 14)
		if no, ok := AsRefusal(err); !ok || no.Key != key {
			t.Errorf("%q: %v, %v; want %s", typed, a, err, key)
		}
	}
	if a, err := ReadAbsence("2026-12-20 to 2026-12-21", now, nil, 14); err != nil || a.From.Hour() != 0 {
		t.Errorf("nobody knows where they are: %v, %v", a, err)
	}
}

func TestDuring(t *testing.T) {
	a := Absence{From: morningOf(24, 0), Until: morningOf(26, 0)}
	for at, want := range map[time.Time]bool{
		morningOf(23, 23): false, morningOf(24, 0): true, morningOf(25, 23): true, morningOf(26, 0): false,
	} {
		if a.During(at) != want {
			t.Errorf("at %v: %v", at, !want)
		}
	}
}

func FuzzAbsence(f *testing.F) {
	for _, s := range []string{"2026-12-20 to 2027-01-03", "for 3 days", "until fri", "now +3d", "from - to"} {
		f.Add(s)
	}
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, typed string) {
		a, err := ReadAbsence(typed, now, time.FixedZone("", 3600), 14)
		if err != nil {
			if _, ok := AsRefusal(err); !ok {
				t.Fatal(err)
			}
			return
		}
		if !a.Until.After(a.From) || !a.Until.After(now) || a.Until.Sub(a.From) > longestAbsence {
			t.Fatalf("%v to %v", a.From, a.Until)
		}
	})
}
