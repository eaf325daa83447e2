package incidents_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/incidents"
)

func opens(s incidents.Sealed) string {
	v, _ := s.Value()
	return fmt.Sprint(v)
}

func has(n int) incidents.Found {
	return incidents.Found{There: n > 0, Have: n, Want: 87, Ready: n == 87, LiveAt: noon().Add(-time.Minute)}
}

// TestALookUp follows one from answer to answer: what is told, and when it looks again.
func TestALookUp(t *testing.T) {
	with := func(f incidents.Found, change func(*incidents.Found)) incidents.Found { change(&f); return f }
	wrong := with(has(87), func(f *incidents.Found) { f.Ready, f.Wrong = false, []incidents.Sealed{incidents.Seal("mallory")} })
	more := with(wrong, func(f *incidents.Found) { f.Wrong = append(slices.Clone(f.Wrong), incidents.Seal("another digest")) })
	yanked := with(has(87), func(f *incidents.Found) { f.Ready, f.Yanked = false, incidents.Seal("it is broken") })
	gone := with(has(60), func(f *incidents.Found) { f.Gone = incidents.Seal("three files") })
	type step struct {
		after time.Duration
		found *incidents.Found // nil: no answer
		news  string
		next  time.Duration // 0: it is over
	}
	saw := func(after time.Duration, f incidents.Found, news string, next time.Duration) step {
		return step{after, &f, news, next}
	}
	const m, h, every = time.Minute, time.Hour, 2 * time.Minute
	deaf := func(after time.Duration, news string, next time.Duration) step { return step{after, nil, news, next} }
	for name, steps := range map[string][]step{
		"nothing yet": {
			saw(0, has(0), "[]", m), saw(m, has(0), "[]", 2*m), saw(2*m, has(0), "[]", 4*m), saw(4*m, has(0), "[]", 8*m),
			saw(8*m, has(0), "[]", 16*m), saw(16*m, has(0), "[]", 16*m), saw(16*m, has(3), "[progress]", every),
		},
		"it fills":           {saw(0, has(10), "[progress]", every), saw(2*m, has(20), "[]", every), saw(2*m, has(30), "[]", every), saw(2*m, has(40), "[progress]", every), saw(6*m, has(40), "[]", every), saw(m, has(87), "[ready]", 0)},
		"all at once":        {saw(0, has(87), "[ready]", 0)},
		"too long":           {saw(0, has(10), "[progress]", every), saw(24*h-m, has(10), "[]", m), saw(m, has(10), "[missed]", 0)},
		"never":              {saw(24*h, has(0), "[missed]", 0)},
		"in time at the end": {saw(24*h, has(87), "[ready]", 0)},
		"down":               {deaf(0, "[]", m), deaf(m, "[]", 2*m), deaf(59*m, "[deaf]", 4*m), deaf(4*m, "[]", 8*m), deaf(10*h, "[]", 16*m), saw(m, has(0), "[progress]", every*8), deaf(m, "[]", 16*m)},
		"down for a moment":  {deaf(0, "[]", m), saw(m, has(0), "[]", 2*m), saw(2*m, has(10), "[progress]", every)},
		"down to the end":    {deaf(0, "[]", m), deaf(24*h, "[missed]", 0)},
		"an alarm": {
			saw(0, wrong, "[wrong]", every), saw(6*m, wrong, "[]", every), saw(m, has(50), "[progress]", every), saw(m, wrong, "[]", every), saw(m, more, "[wrong]", every),
			saw(m, has(87), "[ready]", 0),
		},
		"yanked":           {saw(0, yanked, "[pulled]", every), saw(6*m, yanked, "[]", every), saw(m, has(87), "[ready]", 0)},
		"gone in a cache":  {saw(0, has(63), "[progress]", every), saw(2*m, gone, "[]", every), saw(2*m, has(63), "[]", every), saw(13*m, gone, "[progress]", every)},
		"gone for good":    {saw(0, gone, "[progress]", every), saw(14*m, gone, "[]", every), saw(m, gone, "[wrong]", every), saw(2*m, gone, "[]", every)},
		"unproven, at all": {saw(0, with(has(87), func(f *incidents.Found) { f.Ready = false }), "[progress]", every)},
	} {
		now := noon()
		c := incidents.BeginCheck(incidents.ReleaseCheck{}, incidents.Release{N: 1}, "dana", now)
		for k, s := range steps {
			now = now.Add(s.after)
			var news []incidents.News
			if s.found == nil {
				c, news = c.Deaf(now)
			} else {
				c, news = c.Saw(*s.found, now)
			}
			next := time.Duration(0)
			if c.State == incidents.CheckLooking {
				next = c.Next(every, time.Time{}, now).Sub(now)
			}
			if got := fmt.Sprint(news); got != s.news || next != s.next {
				t.Errorf("%s, look %d: %s, next in %v; want %s, %v", name, k+1, got, next, s.news, s.next)
			}
		}
	}
	c := incidents.BeginCheck(incidents.ReleaseCheck{N: 2, Found: incidents.Found{Known: incidents.Seal("x 1")}}, incidents.Release{N: 1}, "dana", noon())
	if c.N != 3 || opens(c.Found.Known) != "x 1" || c.Found.Have != 0 {
		t.Errorf("%+v", c)
	}
	if at := c.Next(2*time.Minute, noon().Add(time.Hour), noon()); !at.Equal(noon().Add(time.Hour)) {
		t.Errorf("the index asked for patience until 13:00, and is asked %v", at)
	}
}

func TestFoundIsKept(t *testing.T) {
	f := incidents.Found{
		There: true, Have: 63, Want: 87, Ready: true, LiveAt: noon(), Guessed: true, Missing: incidents.Seal("a"), Lacks: []incidents.Sealed{incidents.Seal("b")},
		Yanked: incidents.Seal("c"), Wrong: []incidents.Sealed{incidents.Seal("d"), incidents.Seal("e")}, Gone: incidents.Seal("f"), Known: incidents.Seal("g"), ProvenBy: incidents.Seal("h"),
	}
	same := cmp.Comparer(func(a, b incidents.Sealed) bool { return a.Same(b) })
	for _, want := range []incidents.Found{f, {}} {
		if diff := cmp.Diff(want, incidents.FoundOf(want.Facts()), same); diff != "" {
			t.Error(diff)
		}
	}
}

// TestGoLiveFound: it is live since its last file came, by the bot's word.
func TestGoLiveFound(t *testing.T) {
	r, list := train(t, 2)
	c := incidents.ReleaseCheck{By: "dana", Found: has(87)}
	c.Found.LiveAt, c.Found.ProvenBy = noon().Add(5*time.Minute), incidents.Seal("us")
	now := noon().Add(time.Hour)
	got, e, err := incidents.GoLiveFound(shipPlan(), r, list, c, now)
	if err != nil || !got.LiveAt.Equal(c.Found.LiveAt) || e.Who != incidents.Tocsin || e.Kind != "release-live" ||
		opens(e.Text) != "12.3.1: 87 of 87 files, looked up for dana, published by us" {
		t.Errorf("%+v, %+v %s, %v", got, e, opens(e.Text), err)
	}
	for _, at := range []time.Time{{}, now.Add(time.Hour)} {
		c.Found.LiveAt, c.Found.ProvenBy = at, incidents.Sealed{}
		got, e, err = incidents.GoLiveFound(shipPlan(), r, list, c, now)
		if err != nil || !got.LiveAt.Equal(now) || opens(e.Text) != "12.3.1: 87 of 87 files, looked up for dana" {
			t.Errorf("%+v, %s, %v", got, opens(e.Text), err)
		}
	}
	c.Found.LiveAt = noon().Add(-24 * time.Hour)
	_, _, err = incidents.GoLiveFound(shipPlan(), r, list, c, now)
	refused(t, err, "release-before-report")

	got, e, err = incidents.GoLiveBy(shipPlan(), r, list, now, incidents.Seal("I looked"), "bob", now)
	if err != nil || !got.LiveAt.Equal(now) || opens(e.Text) != "12.3.1: by hand, I looked" || e.Who != "bob" {
		t.Errorf("%+v, %s, %v", got, opens(e.Text), err)
	}
	if _, e, _ = incidents.GoLiveBy(shipPlan(), r, list, now, incidents.Sealed{}, "bob", now); opens(e.Text) != "12.3.1" {
		t.Error(opens(e.Text))
	}
}

// TestPublicWithoutWheels counts from the first tag to now, or to the wheels.
func TestPublicWithoutWheels(t *testing.T) {
	r, list := train(t, 2)
	now := noon().Add(26 * time.Hour)
	public := func() any {
		return incidents.CheckFacts(shipPlan(), r, list, incidents.ReleaseCheck{}, now)["public"]
	}
	if got := public(); got != "" {
		t.Errorf("nothing was tagged, and it is public for %v", got)
	}
	list[0].Steps = map[string]incidents.Deed{"tag": {State: incidents.StepDone, At: noon().Add(time.Hour)}}
	list[1].Steps = map[string]incidents.Deed{"tag": {State: incidents.StepDone, At: noon().Add(47 * time.Minute)}}
	if got := public(); got != "25:13" {
		t.Error(got)
	}
	r.LiveAt = noon().Add(94 * time.Minute)
	if got := public(); got != "00:47" {
		t.Error(got)
	}
	list[1].Steps, r.LiveAt = map[string]incidents.Deed{"tag": {State: incidents.StepSkipped, At: noon()}}, time.Time{}
	if got := public(); got != "25:00" {
		t.Error(got)
	}
	if got := incidents.CheckFacts(shipPlan(), r, list, incidents.ReleaseCheck{}, now)["known"]; got != nil {
		t.Error("what the look before saw is told")
	}
}
