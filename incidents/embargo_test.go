package incidents_test

import (
	"slices"
	"testing"
	"time"

	"tocsin/incidents"
)

const day = 24 * time.Hour

func at(d time.Duration) incidents.When { return incidents.When{At: noon().Add(d), Zone: "UTC"} }

// TestEmbargoStates: from each state, what can be said and what comes of it.
func TestEmbargoStates(t *testing.T) {
	p, _ := pillow(t)
	why := incidents.Seal("so")
	acts := map[string]func(incidents.Incident) (incidents.Incident, incidents.Entry, error){
		"propose": func(i incidents.Incident) (incidents.Incident, incidents.Entry, error) {
			return incidents.ProposeEmbargo(p, i, at(8*day), "bob", noon())
		},
		"agree": func(i incidents.Incident) (incidents.Incident, incidents.Entry, error) {
			return incidents.AgreeEmbargo(p, i, incidents.Seal("Erin"), incidents.Seal("fine"), "bob", noon())
		},
		"set": func(i incidents.Incident) (incidents.Incident, incidents.Entry, error) {
			return incidents.SetEmbargo(p, i, at(8*day), "bob", noon())
		},
		"set it": func(i incidents.Incident) (incidents.Incident, incidents.Entry, error) {
			return incidents.SetEmbargo(p, i, incidents.When{}, "bob", noon())
		},
		"move": func(i incidents.Incident) (incidents.Incident, incidents.Entry, error) {
			return incidents.MoveEmbargo(p, i, at(8*day), why, "bob", noon())
		},
		"lift": func(i incidents.Incident) (incidents.Incident, incidents.Entry, error) {
			return incidents.LiftEmbargo(i, why, "bob", noon())
		},
		"break": func(i incidents.Incident) (incidents.Incident, incidents.Entry, error) {
			return incidents.BreakEmbargo(i, why, "bob", noon())
		},
	}
	for from, want := range map[string]map[string]string{ // the state after, or the refusal
		"":         {"propose": "proposed", "agree": "embargo-none", "set": "set", "set it": "embargo-no-date", "move": "embargo-none", "lift": "embargo-none", "break": "broken"},
		"proposed": {"propose": "proposed", "agree": "agreed", "set": "set", "set it": "set", "move": "embargo-none", "lift": "embargo-none", "break": "broken"},
		"agreed":   {"propose": "embargo-is-set", "agree": "agreed", "set": "set", "set it": "set", "move": "moved", "lift": "lifted", "break": "broken"},
		"set":      {"propose": "embargo-is-set", "agree": "set", "set": "embargo-is-set", "set it": "embargo-is-set", "move": "moved", "lift": "lifted", "break": "broken"},
		"moved":    {"propose": "embargo-is-set", "agree": "moved", "set": "embargo-is-set", "set it": "embargo-is-set", "move": "moved", "lift": "lifted", "break": "broken"},
		"lifted":   {"propose": "embargo-is-over", "agree": "embargo-is-over", "set": "embargo-is-over", "set it": "embargo-is-over", "move": "embargo-is-over", "lift": "embargo-is-over", "break": "embargo-is-over"},
		"broken":   {"propose": "embargo-is-over", "agree": "embargo-is-over", "set": "embargo-is-over", "set it": "embargo-is-over", "move": "embargo-is-over", "lift": "embargo-is-over", "break": "embargo-is-over"},
	} {
		for act, run := range acts {
			i := reportedAs(t, p, incidents.Opening{Severity: "high"})
			if from != "" {
				i = embargoed(i, from)
			}
			j, e, err := run(i)
			if no, ok := incidents.AsRefusal(err); ok {
				if no.Key != want[act] || j.Embargo != i.Embargo {
					t.Errorf("%s, %s: %s, want %s", from, act, no.Key, want[act])
				}
				continue
			}
			if err != nil || j.Embargo.State != want[act] || e.Who != "bob" || !e.At.Equal(noon()) {
				t.Errorf("%s, %s: %s, %v, want %s", from, act, j.Embargo.State, err, want[act])
			}
			if over := j.Embargo.Over(); over == j.Embargo.EndedAt.IsZero() || over && j.Embargo.Dated() {
				t.Errorf("%s, %s: %+v", from, act, j.Embargo)
			}
			if personal := act == "agree"; personal != (len(e.Personal) == 2) {
				t.Errorf("%s, %s: %+v", from, act, e)
			}
		}
	}
}

// TestMoments: a date in the past is refused with the next sensible ones, and so is one
// that is over 90 days away; agreement is to one date only.
func TestMoments(t *testing.T) {
	p, _ := pillow(t)
	i := reportedAs(t, p, incidents.Opening{Severity: "high"})
	for d, key := range map[time.Duration]string{-1: "embargo-past", 0: "embargo-past", 1: "", 90 * day: "", 90*day + 1: "embargo-too-long"} {
		_, _, err := incidents.ProposeEmbargo(p, i, at(d), "bob", noon())
		refused(t, err, key)
		_, _, err = incidents.SetEmbargo(p, i, at(d), "bob", noon())
		refused(t, err, key)
		_, _, err = incidents.MoveEmbargo(p, embargoed(i, "set"), at(d), incidents.Sealed{}, "bob", noon())
		refused(t, err, key)
		if no, ok := incidents.AsRefusal(err); ok && key == "embargo-past" {
			want := []string{"Tue 2026-12-01 14:00 UTC", "Wed 2026-12-02 14:00 UTC", "Thu 2026-12-03 14:00 UTC"}
			if got, _ := no.Args["dates"].([]string); !slices.Equal(got, want) {
				t.Errorf("sensible dates: %q", got)
			}
		}
	}
	_, _, err := incidents.MoveEmbargo(p, embargoed(i, "set"), at(10*day), incidents.Sealed{}, "bob", noon())
	refused(t, err, "nothing-new")
	// Moving it again and again does not get beyond 90 days; one that was set late can
	// still be moved to an earlier day.
	_, _, err = incidents.MoveEmbargo(p, embargoed(i, "set"), at(91*day), incidents.Sealed{}, "bob", noon().Add(9*day))
	refused(t, err, "embargo-too-long")
	late, _, err := incidents.SetEmbargo(p, i, at(115*day), "bob", noon().Add(30*day))
	refused(t, err, "")
	_, _, err = incidents.MoveEmbargo(p, late, at(100*day), incidents.Sealed{}, "bob", noon().Add(31*day))
	refused(t, err, "")

	agreed := embargoed(i, "agreed")
	agreed.Embargo.AgreedAt = noon()
	kept, _, _ := incidents.SetEmbargo(p, agreed, incidents.When{}, "bob", noon())
	other, _, _ := incidents.SetEmbargo(p, agreed, at(11*day), "bob", noon())
	moved, _, _ := incidents.MoveEmbargo(p, kept, at(11*day), incidents.Sealed{}, "bob", noon())
	if kept.Embargo.AgreedAt.IsZero() || !other.Embargo.AgreedAt.IsZero() || !moved.Embargo.AgreedAt.IsZero() {
		t.Errorf("agreed: %v, to another date: %v, moved: %v", kept.Embargo, other.Embargo, moved.Embargo)
	}
}

// TestSecondPerson: what shortens the secrecy that was agreed needs two people, also by
// moving it; breaking it needs one, and what is past ends by one.
func TestSecondPerson(t *testing.T) {
	p, _ := pillow(t)
	i := reportedAs(t, p, incidents.Opening{})
	for state, dated := range map[string]bool{"": false, "proposed": false, "agreed": true, "set": true, "moved": true, "lifted": false} {
		j := i
		if state != "" {
			j = embargoed(i, state)
		}
		if incidents.LiftNeedsSecond(j, noon()) != dated || incidents.LiftNeedsSecond(j, noon().Add(10*day)) {
			t.Errorf("%q: lifting it", state)
		}
		if incidents.MoveNeedsSecond(j, noon().Add(10*day-1)) != dated || incidents.MoveNeedsSecond(j, noon().Add(10*day)) || incidents.MoveNeedsSecond(j, time.Time{}) {
			t.Errorf("%q: moving it", state)
		}
	}
}

// TestCautions: what speaks against a moment.
func TestCautions(t *testing.T) {
	p, _ := pillow(t)
	high := reportedAs(t, p, incidents.Opening{Severity: "high", Source: "scanning"})
	low := reportedAs(t, p, incidents.Opening{Severity: "low", Source: "scanning"})
	waits := reportedAs(t, p, incidents.Opening{Severity: "high", Source: "github"})
	agreed := waits
	agreed.Embargo = incidents.Embargo{State: "agreed", At: noon().Add(9 * day), AgreedAt: noon()}
	policy := high
	policy.PolicyAt = noon().Add(8 * day)
	wild, public := high, high
	wild.WildAt, public.PublicAt = noon(), noon()
	wild.Track, public.Track = incidents.Seal("embargoed"), incidents.Seal("embargoed")
	for _, c := range []struct {
		name string
		i    incidents.Incident
		at   time.Duration // from Monday, 23 November
		want []incidents.Caution
	}{
		{"a Wednesday", high, 9 * day, nil},
		{"a Friday", high, 11 * day, []incidents.Caution{incidents.CautionFriday}},
		{"a Saturday", high, 12 * day, []incidents.Caution{incidents.CautionWeekend}},
		{"a Sunday", high, 13 * day, []incidents.Caution{incidents.CautionWeekend}},
		{"before the holidays", low, 26 * day, []incidents.Caution{incidents.CautionWeekend}},
		{"the 22nd of December", low, 29 * day, []incidents.Caution{incidents.CautionHolidays}},
		{"the 6th of January", low, 44 * day, []incidents.Caution{incidents.CautionHolidays}},
		{"the 7th", low, 45 * day, nil},
		{"in a moment", high, day - 1, []incidents.Caution{incidents.CautionSoon}},
		{"for the list too far", high, 14*day + time.Hour, []incidents.Caution{incidents.CautionDistros}},
		{"for the list just right", high, 14 * day, nil},
		{"it was told too early", done(high, 0, "notify-distros"), 15 * day, []incidents.Caution{incidents.CautionTold}},
		{"not agreed", waits, 9 * day, []incidents.Caution{incidents.CautionAgree}},
		{"agreed", agreed, 9 * day, nil},
		{"another was agreed", agreed, 8 * day, []incidents.Caution{incidents.CautionAgree}},
		{"after the reporter's own date", policy, 9 * day, []incidents.Caution{incidents.CautionReporter}},
		{"exploited", wild, 9 * day, []incidents.Caution{incidents.CautionWild}},
		{"public", public, 9 * day, []incidents.Caution{incidents.CautionPublic}},
	} {
		if got := incidents.Cautions(p, c.i, noon().Add(c.at), noon()); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestSensibleDates are Tuesdays to Thursdays at the plan's hour, from five days on and
// not around new year.
func TestSensibleDates(t *testing.T) {
	all := incidents.SensibleDates(14, 40, noon())
	if len(all) != 40 {
		t.Errorf("%d of 40 dates", len(all))
	}
	for k, got := range all {
		if k > 0 && !got.After(all[k-1]) {
			t.Errorf("%v comes after %v", got, all[k-1])
		}
		if wd := got.Weekday(); wd < time.Tuesday || wd > time.Thursday || got.Hour() != 14 || got.Sub(noon()) < 5*day || got.Location() != time.UTC {
			t.Errorf("%v", got)
		}
		if _, m, d := got.Date(); m == time.December && d >= 20 || m == time.January && d <= 6 {
			t.Errorf("around new year: %v", got)
		}
	}
}

// TestDomain01TwoClocks: the reporter's embargo runs up to 90 days, the list's window 14
// at most: one clock each, and the list is told in its window only.
func TestDomain01TwoClocks(t *testing.T) {
	p, _ := pillow(t)
	i := reportedAs(t, p, incidents.Opening{Severity: "high", Source: "scanning"})
	i, _, err := incidents.SetEmbargo(p, i, at(90*day), "alice", noon())
	refused(t, err, "")
	total, window := clock(t, p, i, "embargo"), clock(t, p, i, "distros")
	if total.Due.Sub(noon()) != 90*day || total.NextRung(noon()).Sub(noon()) != 76*day || total.Repeat != time.Hour {
		t.Errorf("the embargo: %+v", total)
	}
	if window.Due.Sub(noon()) != 89*day || window.Rungs[0].Sub(noon()) != 76*day || window.Rungs[1].Sub(noon()) != 83*day {
		t.Errorf("the list's window opens at 14 days, and 7 are preferred: %+v", window)
	}
	if !slices.Contains(incidents.Cautions(p, i, i.Embargo.At, noon()), incidents.CautionDistros) {
		t.Error("nobody is told that the list takes no 90 days")
	}
	_, _, err = incidents.DoStep(p, i, "notify-distros", incidents.Sealed{}, "dana", noon().Add(76*day-1))
	refused(t, err, "step-locked")
	if no, ok := incidents.AsRefusal(err); !ok || no.Args["until"] != noon().Add(76*day) {
		t.Errorf("the earliest day for the mail: %v", err)
	}
	told, _, err := incidents.DoStep(p, i, "notify-distros", incidents.Sealed{}, "dana", noon().Add(76*day))
	refused(t, err, "")
	if clock(t, p, told, "distros").Key != "" || clock(t, p, told, "embargo").Key == "" {
		t.Error("the list is told, and that ends the other clock")
	}
	low := reportedAs(t, p, incidents.Opening{Severity: "low"})
	low.Track = incidents.Seal("standard")
	if clock(t, p, embargoed(low, "set"), "distros").Key != "" {
		t.Error("the list is told of what is not released under embargo")
	}
}

// TestBroken: one person says so; what no longer applies stops, what is to be done at
// once appears, and who mailed the list posts.
func TestBroken(t *testing.T) {
	p, _ := pillow(t)
	i := embargoed(done(reportedAs(t, p, incidents.Opening{Severity: "high", Source: "github"}), 0, "notify-distros"), "set")
	i, _, _ = incidents.Acknowledge(i, incidents.Sealed{}, noon(), "alice", noon())
	j, e, err := incidents.BreakEmbargo(i, incidents.Seal("a commit message"), "bob", noon().Add(time.Hour))
	refused(t, err, "")
	if e.Kind != "embargo-broken" || e.Plain != "" {
		t.Errorf("%+v", e)
	}
	for _, key := range []string{"embargo", "distros", "update", "reporter-date", "wild"} {
		if clock(t, p, j, key).Key != "" {
			t.Errorf("the clock %s goes on", key)
		}
	}
	if c := clock(t, p, j, "oss-security"); c.Due.Sub(noon()) != 2*time.Hour {
		t.Errorf("the post: %+v", c)
	}
	if got := keysOf(incidents.OpenSteps(p, j, j.Phase))[:5]; !slices.Equal(got, []string{"leak-assess", "leak-reporter", "leak-distros", "leak-tidelift", "leak-statement"}) {
		t.Errorf("at once: %q", got)
	}
	for _, s := range p.Steps {
		if l := incidents.LockOf(p, j, s, noon().Add(time.Hour)); l.Why == "embargo" || l.Why == "no-embargo" {
			t.Errorf("%s is still locked: %+v", s.Key, l)
		}
	}
}

// TestLiftedIsNotDisclosed: an embargo that is lifted is not yet public: what waits for
// that waits for the advisory.
func TestLiftedIsNotDisclosed(t *testing.T) {
	p, _ := pillow(t)
	i := embargoed(reportedAs(t, p, incidents.Opening{Severity: "high", Source: "github"}), "lifted")
	i.AckAt, i.PolicyAt = noon(), noon().Add(50*day)
	for _, j := range []incidents.Incident{i, done(i, 3*time.Hour, "wheels")} {
		if clock(t, p, j, "update").Key == "" || clock(t, p, j, "reporter-date").Key == "" {
			t.Error("lifted, and the reporter hears nothing any more")
		}
	}
	j := done(i, 3*time.Hour, "wheels", "publish")
	if clock(t, p, j, "update").Key != "" || clock(t, p, j, "reporter-date").Key != "" {
		t.Error("published, and the reporter waits")
	}
}

// TestListToTell: the list is told of what the plan tells it, before the date
// and once.
func TestListToTell(t *testing.T) {
	p, _ := pillow(t)
	of := func(kind, level string) incidents.Incident {
		return reportedAs(t, p, incidents.Opening{Type: kind, Severity: level})
	}
	public := embargoed(of("vulnerability", "high"), incidents.EmbargoSet)
	public.PublicAt = noon()
	standard := embargoed(of("vulnerability", "high"), incidents.EmbargoSet)
	standard.Track = incidents.Seal("standard")
	for _, c := range []struct {
		name string
		i    incidents.Incident
		want bool
	}{
		{"set, High", embargoed(of("vulnerability", "high"), incidents.EmbargoSet), true},
		{"agreed, Critical", embargoed(of("vulnerability", "critical"), incidents.EmbargoAgreed), true},
		{"proposed", embargoed(of("vulnerability", "high"), incidents.EmbargoProposed), true},
		{"proposed, Medium", embargoed(of("vulnerability", "medium"), incidents.EmbargoProposed), false},
		{"no embargo", of("vulnerability", "high"), false},
		{"over", embargoed(of("vulnerability", "high"), incidents.EmbargoLifted), false},
		{"set, Medium: the plan tells no distribution", embargoed(of("vulnerability", "medium"), incidents.EmbargoSet), false},
		{"set, without a level", embargoed(of("vulnerability", ""), incidents.EmbargoSet), false},
		{"a library of others", embargoed(of("bundled-library", "high"), incidents.EmbargoSet), false},
		{"the standard track, by word", standard, false},
		{"public", public, false},
		{"told already", done(embargoed(of("vulnerability", "high"), incidents.EmbargoSet), time.Hour, "notify-distros"), false},
	} {
		if s, got := incidents.ListToTell(p, c.i); got != c.want || got != (s.Key == "notify-distros") {
			t.Errorf("%s: %v %q", c.name, got, s.Key)
		}
	}
}

// TestNobodyAgreesForTheReporter: only who reported it agrees to the date for themselves,
// by the name on record or by the word.
func TestNobodyAgreesForTheReporter(t *testing.T) {
	p, _ := pillow(t)
	for _, tt := range []struct {
		source, name, by string
		agreed           bool
	}{
		{"researcher", "Erin", "Mallory", false},
		{"researcher", "Erin", "eRIN", true},
		{"researcher", "Erin Example", "Erin", false},
		{"researcher", "Erin Example", "erin example", true},
		{"researcher", "Erin", "Reporter", true},
		{"researcher", "", "Erin", false},
		{"researcher", "", "reporter", true},
		{"scanning", "", "Debian", true}, // nobody waits for it
	} {
		i := reportedAs(t, p, incidents.Opening{Type: "vulnerability", Source: tt.source, Severity: "high"})
		if tt.name != "" {
			i.Reporter.Name = incidents.Seal(tt.name)
		}
		i = embargoed(i, incidents.EmbargoSet)
		i, e, err := incidents.AgreeEmbargo(p, i, incidents.Seal(tt.by), incidents.Sealed{}, "bob", noon())
		refused(t, err, "")
		if _, agreed := incidents.Happened(p, i, "agreed"); agreed != tt.agreed || (e.Kind == "embargo-agreed") != tt.agreed || len(e.Personal) != 1 {
			t.Errorf("%s by %q: %v, %s", tt.name, tt.by, agreed, e.Kind)
		}
	}
}

// TestUnfixed: a lift is warned of while the fix is in no release.
func TestUnfixed(t *testing.T) {
	p, _ := pillow(t)
	for name, tt := range map[string]struct {
		change func(*incidents.Incident)
		want   bool
	}{
		"triage":    {func(*incidents.Incident) {}, true},
		"planned":   {func(i *incidents.Incident) { i.Release.N = 1 }, false},
		"live":      {func(i *incidents.Incident) { i.Release.LiveAt = noon() }, false},
		"releasing": {func(i *incidents.Incident) { i.Phase = incidents.Releasing }, false},
	} {
		i := embargoed(reportedAs(t, p, incidents.Opening{Type: "vulnerability", Source: "researcher", Severity: "high"}), incidents.EmbargoSet)
		tt.change(&i)
		if got := incidents.Unfixed(p, i); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestProposedAnew: who was told of a proposed date has to hear of another one, also when
// that is set as it was proposed.
func TestProposedAnew(t *testing.T) {
	p, _ := pillow(t)
	i := reportedAs(t, p, incidents.Opening{Severity: "high"})
	for k, c := range []struct {
		when  incidents.When
		moved time.Duration
	}{{at(10 * day), 0}, {at(10 * day), 0}, {at(12 * day), 2 * time.Hour}, {at(12 * day), 2 * time.Hour}} {
		var err error
		if i, _, err = incidents.ProposeEmbargo(p, i, c.when, "bob", noon().Add(time.Duration(k)*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if got := i.Embargo.MovedAt; got.IsZero() != (c.moved == 0) || c.moved != 0 && !got.Equal(noon().Add(c.moved)) {
			t.Errorf("proposal %d: moved at %s", k, got)
		}
	}
	i, _, err := incidents.SetEmbargo(p, i, incidents.When{}, "bob", noon().Add(5*time.Hour))
	if err != nil || !i.Embargo.MovedAt.Equal(noon().Add(2*time.Hour)) {
		t.Errorf("set: moved at %s, %v", i.Embargo.MovedAt, err)
	}
}
