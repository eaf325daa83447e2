package incidents

import (
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"
)

// tuesday is the present of these tests: Tue 2026-12-01 10:00 UTC.
var tuesday = time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC)

func place(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestReadWhen(t *testing.T) {
	for _, c := range []struct{ words, at, zone string }{
		{"2026-12-03", "2026-12-03T14:00:00Z", "UTC"},
		{"2026-12-03 14:00", "2026-12-03T14:00:00Z", "UTC"},
		{"2026-12-03 9:05", "2026-12-03T09:05:00Z", "UTC"},
		{"2026-12-03T14:00Z", "2026-12-03T14:00:00Z", "UTC"},
		{"2026-12-03t14:00z", "2026-12-03T14:00:00Z", "UTC"},
		{"2026-12-03 14:00:30 utc", "2026-12-03T14:00:30Z", "UTC"},
		{"2026-12-03 14:00 GMT", "2026-12-03T14:00:00Z", "UTC"},
		{"2026-12-03 14:00 +02:00", "2026-12-03T12:00:00Z", "+02:00"},
		{"2026-12-03T14:00:00-05:30", "2026-12-03T19:30:00Z", "-05:30"},
		{"2026-12-03 14:00 +0200", "2026-12-03T12:00:00Z", "+02:00"},
		{"2026-12-03 14:00 -5", "2026-12-03T19:00:00Z", "-05:00"},
		{"2026-12-03 14:00 +14:00", "2026-12-03T00:00:00Z", "+14:00"},
		{"2026-12-03 14:00 Europe/Paris", "2026-12-03T13:00:00Z", "Europe/Paris"},
		{"2026-12-03 14:00 europe/paris", "2026-12-03T13:00:00Z", "Europe/Paris"},
		{"2026-06-03 14:00 america/new_york", "2026-06-03T18:00:00Z", "America/New_York"},
		{"2026—12—03\u00a014:00 −05:00", "2026-12-03T19:00:00Z", "-05:00"},
		{"“2026-12-03 14:00”", "2026-12-03T14:00:00Z", "UTC"},
		{"2028-02-29 00:00", "2028-02-29T00:00:00Z", "UTC"},
		{"+10d", "2026-12-11T10:00:00Z", "UTC"},
		{"+36h", "2026-12-02T22:00:00Z", "UTC"},
		{"+2w", "2026-12-15T10:00:00Z", "UTC"},
		{"+1d12h", "2026-12-02T22:00:00Z", "UTC"},
		{"in 2 weeks", "2026-12-15T10:00:00Z", "UTC"},
		{"-5h", "2026-12-01T05:00:00Z", "UTC"},
		{"–5h", "2026-12-01T05:00:00Z", "UTC"},
		{"5h ago", "2026-12-01T05:00:00Z", "UTC"},
		{"3d ago", "2026-11-28T10:00:00Z", "UTC"},
		{"now", "2026-12-01T10:00:00Z", "UTC"},
		{"today 14:00", "2026-12-01T14:00:00Z", "UTC"},
		{"today", "2026-12-01T14:00:00Z", "UTC"},
		{"yesterday 09:30", "2026-11-30T09:30:00Z", "UTC"},
		{"Tomorrow 14:00", "2026-12-02T14:00:00Z", "UTC"},
		{"tomorrow 01:00 Pacific/Auckland", "2026-12-01T12:00:00Z", "Pacific/Auckland"},
		{"tue 14:00", "2026-12-01T14:00:00Z", "UTC"},
		{"tue 10:00", "2026-12-08T10:00:00Z", "UTC"},
		{"tue 10:01", "2026-12-01T10:01:00Z", "UTC"},
		{"next tue 14:00", "2026-12-01T14:00:00Z", "UTC"},
		{"next tuesday 09:00", "2026-12-08T09:00:00Z", "UTC"},
		{"mon 14:00", "2026-12-07T14:00:00Z", "UTC"},
		{"Tuesday 14:00 Europe/Paris", "2026-12-01T13:00:00Z", "Europe/Paris"},
		{"wed 00:30 +14:00", "2026-12-01T10:30:00Z", "+14:00"},
		{"thurs", "2026-12-03T14:00:00Z", "UTC"},
		{"2026-03-29 01:59 Europe/Paris", "2026-03-29T00:59:00Z", "Europe/Paris"},
		{"2026-03-29 03:00 Europe/Paris", "2026-03-29T01:00:00Z", "Europe/Paris"},
		{"2026-10-25 01:59 Europe/Paris", "2026-10-24T23:59:00Z", "Europe/Paris"},
		{"2026-10-25 03:00 Europe/Paris", "2026-10-25T02:00:00Z", "Europe/Paris"},
		{"2040-12-31 14:00 Europe/Paris", "2040-12-31T13:00:00Z", "Europe/Paris"}, // Time.ZoneBounds fails on this day
		{"2000-01-01 00:00", "2000-01-01T00:00:00Z", "UTC"},
		{"2100-12-31 23:59", "2100-12-31T23:59:00Z", "UTC"},
	} {
		w, err := ReadWhen(c.words, tuesday, nil, 14)
		if err != nil {
			t.Errorf("%q: %v", c.words, err)
			continue
		}
		if got := w.At.Format(time.RFC3339); got != c.at || w.Zone != c.zone || w.At.Location() != time.UTC {
			t.Errorf("%q: %s in %s, want %s in %s", c.words, got, w.Zone, c.at, c.zone)
		}
	}
}

func TestReadWhenTellsAssumedHour(t *testing.T) {
	for words, want := range map[string]bool{
		"2026-12-03": true, "tue": true, "next tue": true, "today": true, "tomorrow": true,
		"2026-12-03 14:00": false, "tue 14:00": false, "now": false, "+2d": false,
	} {
		if w, err := ReadWhen(words, tuesday, nil, 9); err != nil || w.HourAssumed != want || want && w.At.Hour() != 9 {
			t.Errorf("%q: %+v, %v", words, w, err)
		}
	}
}

func TestReadWhenRefuses(t *testing.T) {
	for _, c := range []struct{ words, key string }{
		{"", "when-empty"},
		{" “” ", "when-empty"},
		{"soon", "when-unclear"},
		{"next", "when-unclear"},
		{"2026-12-03 14:00 UTC please", "when-unclear"},
		{"now please", "when-unclear"},
		{"10d", "when-sign"},
		{"2 weeks", "when-sign"},
		{"14:00", "when-day-missing"},
		{"14:00 tue", "when-day-missing"},
		{"2026-12-03 Europe/Paris", "when-time-missing"},
		{"tue UTC", "when-time-missing"},
		{"today +02:00", "when-time-missing"},
		{"today 2pm", "when-time-form"},
		{"today 2:00 pm", "when-time-form"},
		{"tue 1400", "when-time-form"},
		{"2026-12-03T", "when-time-form"},
		{"2026-12-03T14:00:00.000Z", "when-time-form"},
		{"today 14:0", "when-time-form"},
		{"today 14:00:00:00", "when-time-form"},
		{"2026-6-1", "when-date-form"},
		{"01.06.2026", "when-date-form"},
		{"20261-12-03", "when-date-form"},
		{"01/06/2025", "when-slashes"},
		{"2025/06/01 14:00", "when-slashes"},
		{"1 June 14:00", "when-month-name"},
		{"1-Jun-2026", "when-month-name"},
		{"dec 3", "when-month-name"},
		{"3 sept", "when-month-name"},
		{"2026-02-30", "when-no-such-day"},
		{"2026-13-01", "when-no-such-day"},
		{"2026-00-10", "when-no-such-day"},
		{"2027-02-29", "when-no-such-day"},
		{"today 24:00", "when-no-such-time"},
		{"today 12:60", "when-no-such-time"},
		{"1999-12-31", "when-year-range"},
		{"2101-01-01", "when-year-range"},
		{"2100-12-31 23:00 -02:00", "when-year-range"},
		{"+99y", "span-form"},
		{"+80w ago", "span-form"},
		{"-27y", "span-form"},
		{"+3900w", "when-year-range"},
		{"+1h1d", "span-form"},
		{"+1 5h", "span-form"},
		{"+", "span-form"},
		{"+99999999999w", "span-too-long"},
		{"+9999w", "span-too-long"},
		{"+0d", "span-zero"},
		{"today 14:00 EST", "zone-abbreviation"},
		{"today 14:00 cet", "zone-abbreviation"},
		{"today 14:00IST", "zone-abbreviation"},
		{"today 14:00 Local", "zone-abbreviation"},
		{"today 14:00 Europe/Nowhere", "zone-unknown"},
		{"today 14:00 EST5EDT", "zone-unknown"},
		{"today 14:00 Etc/GMT+2", "zone-unknown"},
		{"today 14:00 ../Paris", "zone-unknown"},
		{"today 14:00 Europe/../Europe/Paris", "zone-unknown"},
		{"today 14:00 /etc/passwd", "zone-unknown"},
		{"today 14:00 right/Europe/Paris", "zone-unknown"},
		{"today 14:00 UTC+2", "zone-unknown"},
		{"today 14:00 Europe/", "zone-unknown"},
		{"today 14:00 +14:01", "offset-range"},
		{"today 14:00 -15", "offset-range"},
		{"today 14:00 +2:5", "offset-form"},
		{"today 14:00 +02:60", "offset-form"},
		{"today 14:00 +2d", "offset-form"},
	} {
		_, err := ReadWhen(c.words, tuesday, nil, 14)
		r, ok := AsRefusal(err)
		if !ok || r.Key != c.key {
			t.Errorf("%q: %v, want %s", c.words, err, c.key)
		}
	}
}

func TestReadWhenWhereClocksChange(t *testing.T) {
	for _, c := range []struct {
		words, key string
		args       Facts
	}{
		{"2026-03-29 02:00 Europe/Paris", "when-skipped", Facts{"zone": "Europe/Paris", "from": "02:00", "to": "03:00"}},
		{"2026-03-29 02:59:59 Europe/Paris", "when-skipped", nil},
		{"2026-10-25 02:00 Europe/Paris", "when-twice", Facts{"zone": "Europe/Paris", "first": "+02:00", "second": "+01:00"}},
		{"2026-10-25 02:59 Europe/Paris", "when-twice", nil},
		{"2026-03-08 02:30 America/New_York", "when-skipped", Facts{"zone": "America/New_York", "from": "02:00", "to": "03:00"}},
		{"2026-11-01 01:30 America/New_York", "when-twice", Facts{"zone": "America/New_York", "first": "-04:00", "second": "-05:00"}},
		{"2026-10-04 02:15 Australia/Lord_Howe", "when-skipped", Facts{"zone": "Australia/Lord_Howe", "from": "02:00", "to": "02:30"}},
		{"2026-04-05 01:45 Australia/Lord_Howe", "when-twice", Facts{"zone": "Australia/Lord_Howe", "first": "+11:00", "second": "+10:30"}},
		{"2011-12-30 12:00 Pacific/Apia", "when-skipped", Facts{"zone": "Pacific/Apia", "from": "2011-12-30 00:00", "to": "2011-12-31 00:00"}},
	} {
		_, err := ReadWhen(c.words, tuesday, nil, 14)
		wantRefusal(t, err, c.key, c.args)
	}
	// The coming Sunday is the one on which the clocks go back.
	_, err := ReadWhen("sun 02:30 Europe/Paris", time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC), nil, 14)
	wantRefusal(t, err, "when-twice", nil)
}

func TestReadWhenShowsOwnZone(t *testing.T) {
	_, err := ReadWhen("today 14:00 IST", tuesday, place(t, "Asia/Kolkata"), 14)
	wantRefusal(t, err, "zone-abbreviation", Facts{"example": "Asia/Kolkata"})
	for _, home := range []*time.Location{nil, time.UTC, time.FixedZone("Local", 0)} {
		_, err := ReadWhen("today 14:00 IST", tuesday, home, 14)
		wantRefusal(t, err, "zone-abbreviation", Facts{"example": "Europe/Paris"})
	}
}

func TestReadSpan(t *testing.T) {
	for words, want := range map[string]time.Duration{
		"25h": 25 * time.Hour, "3d": 72 * time.Hour, "90m": 90 * time.Minute, "1d12h": 36 * time.Hour, "2w": 336 * time.Hour,
		"+3d": 72 * time.Hour, "3 d 4 h": 76 * time.Hour, "2 Weeks": 336 * time.Hour, "1 hour 5 minutes": 65 * time.Minute, "47 min": 47 * time.Minute,
		"36500d": maxSpan,
	} {
		if got, err := ReadSpan(words); err != nil || got != want {
			t.Errorf("%q: %v, %v", words, got, err)
		}
	}
	for words, key := range map[string]string{
		"": "span-form", "3": "span-form", "d": "span-form", "1.5h": "span-form", "3x": "span-form", "-3d": "span-form", "12h1d": "span-form",
		"1d1d": "span-form", "30s": "span-form", "3 months": "span-form", "1 5h": "span-form", "++3d": "span-form",
		"0h": "span-zero", "0d0h": "span-zero", "36501d": "span-too-long", "36500d1m": "span-too-long", "18446744073709551617m": "span-too-long",
	} {
		_, err := ReadSpan(words)
		if r, ok := AsRefusal(err); !ok || r.Key != key {
			t.Errorf("%q: %v, want %s", words, err, key)
		}
	}
}

func TestSay(t *testing.T) {
	at := time.Date(2026, 12, 3, 14, 0, 59, 0, time.UTC)
	sydney, paris, saoPaulo := place(t, "Australia/Sydney"), place(t, "Europe/Paris"), place(t, "America/Sao_Paulo")
	for got, want := range map[string]string{
		SayInstant(at):                           "Thu 2026-12-03 14:00 UTC",
		SayInstant(at.In(sydney)):                "Thu 2026-12-03 14:00 UTC",
		SayIn(at, paris):                         "Thu 15:00 CET",
		SayIn(at, sydney):                        "Fri 2026-12-04 01:00 AEDT",
		SayIn(at, saoPaulo):                      "Thu 11:00 UTC-03",
		SayIn(at, place(t, "Asia/Kathmandu")):    "Thu 19:45 UTC+05:45",
		SayLocal(at, paris, sydney, paris):       "Thu 15:00 CET, Fri 2026-12-04 01:00 AEDT",
		SayLocal(at):                             "",
		SaySpan(0):                               "less than a minute",
		SaySpan(59 * time.Second):                "less than a minute",
		SaySpan(47*time.Minute + 59*time.Second): "47 min",
		SaySpan(2 * time.Hour):                   "2 h",
		SaySpan(2*time.Hour - time.Second):       "1 h 59 min",
		SaySpan(76*time.Hour + 59*time.Minute):   "3 d 4 h",
		SaySpan(72*time.Hour + 59*time.Minute):   "3 d",
		SaySpan(-76 * time.Hour):                 "3 d 4 h",
		SaySpan(-1 << 63):                        "106751 d 23 h",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Every minute of the years that are read comes back from how it is written.
func TestReadWhenReadsWhatIsWritten(t *testing.T) {
	first := time.Date(firstYear, 1, 2, 0, 0, 0, 0, time.UTC).Unix() / 60
	last := time.Date(lastYear, 12, 30, 0, 0, 0, 0, time.UTC).Unix() / 60
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(60*rapid.Int64Range(first, last).Draw(t, "minute"), 0).UTC()
		zone := time.FixedZone("", 60*rapid.IntRange(-maxOffset, maxOffset).Draw(t, "offset"))
		for _, words := range []string{at.Format(time.RFC3339), at.In(zone).Format(time.RFC3339), at.Format("2006-01-02 15:04"), at.In(zone).Format("2006-01-02 15:04 -07:00")} {
			w, err := ReadWhen(words, tuesday, nil, 14)
			if err != nil || !w.At.Equal(at) {
				t.Errorf("%q: %v, %v", words, w.At, err)
			}
		}
	})
}

// A local time in a zone whose clocks change is read as an instant that these
// clocks show as typed, or is refused as skipped or shown twice.
func TestReadWhenInZones(t *testing.T) {
	zones := []*time.Location{
		place(t, "Europe/Paris"), place(t, "America/New_York"), place(t, "Australia/Lord_Howe"),
		place(t, "Pacific/Apia"), place(t, "Africa/Casablanca"), place(t, "Antarctica/Troll"),
	}
	first := time.Date(firstYear, 1, 2, 0, 0, 0, 0, time.UTC).Unix() / 60
	last := time.Date(lastYear, 12, 30, 0, 0, 0, 0, time.UTC).Unix() / 60
	rapid.Check(t, func(t *rapid.T) {
		loc := rapid.SampledFrom(zones).Draw(t, "zone")
		at := time.Unix(60*rapid.Int64Range(first, last).Draw(t, "minute"), 0)
		if _, end := at.In(loc).ZoneBounds(); !end.IsZero() && end.Year() < lastYear && rapid.Bool().Draw(t, "near a change") {
			at = end.Add(time.Duration(rapid.IntRange(-180, 180).Draw(t, "minutes from it")) * time.Minute).Truncate(time.Minute)
		}
		const layout = "2006-01-02 15:04"
		words := at.In(loc).Format(layout)
		w, err := ReadWhen(words+" "+loc.String(), tuesday, nil, 14)
		if r, ok := AsRefusal(err); ok && r.Key == "when-twice" {
			_, offset := at.In(loc).Zone()
			if o := offsetName(offset); r.Args["first"] != o && r.Args["second"] != o {
				t.Errorf("%s in %s is offered as %v and %v, was %s", words, loc, r.Args["first"], r.Args["second"], o)
			}
			return
		}
		if err != nil || !w.At.Equal(at) {
			t.Errorf("%s in %s: %v, %v, want %v", words, loc, w.At, err, at.UTC())
		}
	})
}

func FuzzReadWhen(f *testing.F) {
	for _, seed := range []string{
		"2026-12-03", "2026-12-03T14:00Z", "2026-12-03 14:00 +02:00", "tue 14:00 Europe/Paris", "next tue", "+1d12h", "5h ago", "in 2 weeks",
		"now", "tomorrow 14:00", "01/06/2025", "1 June", "—", "+", "ago", "in", "next",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, words string) {
		if _, err := ReadSpan(words); err != nil {
			if _, ok := AsRefusal(err); !ok {
				t.Fatalf("not a refusal: %v", err)
			}
		}
		w, err := ReadWhen(words, tuesday, nil, 14)
		if err != nil {
			if _, ok := AsRefusal(err); !ok || w != (When{}) {
				t.Fatalf("%+v, not a refusal: %v", w, err)
			}
			return
		}
		if y := w.At.Year(); y < firstYear || y > lastYear || w.At.Location() != time.UTC || w.Zone == "" {
			t.Errorf("%+v", w)
		}
	})
}

// TestOtherWeek: a day of the week that comes within a day may mean the next one.
func TestOtherWeek(t *testing.T) {
	now := time.Date(2026, 12, 3, 13, 58, 0, 0, time.UTC) // a Thursday
	for words, want := range map[string]bool{
		"thu 14:00": true, "Thursday 14:00 UTC": true, "next thu 14:00": true, "thu": true, "fri 13:00": true, "fri 14:00": false,
		"thu 13:00": false, "today 14:00": false, "tomorrow 13:00": false, "2026-12-03 14:00": false, "+2m": false,
	} {
		w, err := ReadWhen(words, now, nil, 14)
		if err != nil {
			t.Fatal(words, err)
		}
		if got := OtherWeek(words, w.At, now); got != want {
			t.Errorf("%s, %s: %v", words, w.At, got)
		}
	}
}
