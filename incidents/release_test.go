package incidents_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/incidents"
)

func TestReadVersion(t *testing.T) {
	for typed, want := range map[string]string{
		"12.3.1": "12.3.1", " v12.3.1 ": "12.3.1", "12.3": "12.3", "2026.07.0": "2026.7.0", "0.1": "0.1", "1.2.3.4.5.6": "1.2.3.4.5.6",
		"12.4.0RC1": "12.4.0rc1", "12.4.0-rc.1": "12.4.0rc1", "12.4.0_preview2": "12.4.0rc2", "12.4.0c3": "12.4.0rc3", "12.4.0rc": "12.4.0rc0",
		"12.4a1": "12.4a1", "12.4.alpha1": "12.4a1", "12.4b02": "12.4b2", "12.4beta": "12.4b0", "12.4pre": "12.4rc0",
		"12.3.1.post1": "12.3.1.post1", "12.3.1-1": "12.3.1.post1", "12.3.1rev4": "12.3.1.post4", "12.3.1-r4": "12.3.1.post4",
		"12.3.1.post": "12.3.1.post0", "12.4.0rc1.post2": "12.4.0rc1.post2",
	} {
		if got, err := incidents.ReadVersion(typed); got != want || err != nil {
			t.Errorf("%q is %q, %v, want %q", typed, got, err, want)
		}
	}
	for _, typed := range []string{
		"", "12", "12.", ".1", "12.3.1.dev1", "12.3.1+local", "1!2.0", "12.3.x", "twelve", "12.3.1 12.3.2", "12..3", "12.3.1rc1rc2",
		"1234567890.1", "1.2.3.4.5.6.7", "12.3.1--1", "１２.3",
	} {
		_, err := incidents.ReadVersion(typed)
		refused(t, err, "bad-version")
	}
}

// TestReadVersionTwice: the normal form is its own normal form.
func TestReadVersionTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typed := rapid.StringMatching(`v?[0-9]{1,3}(\.[0-9]{1,3}){1,3}([-_.]?(a|alpha|b|beta|c|rc|pre|preview)[-_.]?[0-9]{0,3})?(-[0-9]{1,2}|[-_.]?(post|rev|r)[-_.]?[0-9]{0,2})?`).Draw(t, "typed")
		once, err := incidents.ReadVersion(typed)
		if err != nil {
			t.Fatalf("%q: %v", typed, err)
		}
		if twice, err := incidents.ReadVersion(once); twice != once || err != nil {
			t.Fatalf("%q is %q, and that is %q, %v", typed, once, twice, err)
		}
	})
}

func TestFindRelease(t *testing.T) {
	all := []incidents.Release{{N: 3, Version: incidents.Seal("12.3.0")}, {N: 2, Version: incidents.Seal("12.3.0rc1")}, {N: 1, Version: incidents.Seal("12.3.0.post1")}, {}}
	for typed, want := range map[string]int{"12.3.0": 3, "12.3": 3, "12.3.0.0": 3, "12.3rc1": 2, "12.3.post1": 1, "12.3.1": 0, "12": 0, "120.3": 0} {
		r, ok := incidents.FindRelease(all, incidents.Seal(typed))
		if r.N != want || ok != (want != 0) {
			t.Errorf("%s is release %d, want %d", typed, r.N, want)
		}
	}
}

// shipPlan is a plan with the steps of a release, and the watch after it.
func shipPlan() incidents.Plan {
	p := testPlan()
	p.Tracks = []incidents.Track{{Key: "embargoed", Name: "embargoed release", Levels: []string{"high"}, Embargo: true}, {Key: "standard", Name: "standard release", Standard: true}}
	step := func(key, gate string, release bool) incidents.Step {
		return incidents.Step{Key: key, Name: key, Phase: incidents.Releasing, Gate: gate, Release: release}
	}
	wheels, publish := step("wheels", "embargo", true), step("publish", "embargo", false)
	wheels.By, publish.After = "released", []string{"wheels"}
	special := step("special", "", true)
	special.Levels = []string{"low"}
	p.Steps = []incidents.Step{
		step("merge", "embargo", true), step("tag", "embargo", true), special, wheels, publish,
		{Key: "verify", Phase: incidents.Recovering, Release: true},
		{Key: "watch", Phase: incidents.Recovering},
	}
	p.Clocks = append(p.Clocks, incidents.ClockRule{
		Key: "watch", From: "step:wheels", Until: []string{"step:watch"}, Due: 72 * time.Hour, Rungs: []time.Duration{72 * time.Hour}, Role: "lead",
	})
	return p
}

// train gives a planned release that carries incidents 1 to n, at level medium.
func train(t testing.TB, n int) (incidents.Release, []incidents.Incident) {
	t.Helper()
	r, err := incidents.PlanRelease(incidents.Release{}, incidents.Seal("12.3.1"), "dana", noon())
	if err != nil {
		t.Fatal(err)
	}
	r.N = 1
	var list []incidents.Incident
	for k := range n {
		i := opened(t, incidents.Opening{Severity: "medium"})
		i.N, i.Handle, i.Phase = k+1, fmt.Sprintf("INC-%d", k+1), incidents.Releasing
		if r, i, _, err = incidents.JoinRelease(shipPlan(), r, i, "dana", noon()); err != nil {
			t.Fatal(err)
		}
		list = append(list, i)
	}
	for k := range list {
		list[k].Release = r
	}
	return r, list
}

func embargoedFor(i incidents.Incident, days int) incidents.Incident {
	i.Embargo = incidents.Embargo{State: incidents.EmbargoSet, At: noon().AddDate(0, 0, days)}
	return i
}

func TestARelease(t *testing.T) {
	p, who := shipPlan(), "dana"
	r, list := train(t, 2)
	yanked, live, closed, free := r, r, list[0], opened(t, incidents.Opening{})
	yanked.YankedAt, live.LiveAt = noon(), noon()
	closed.Phase = incidents.Closed
	free.N = 9
	stranger := free
	stranger.Release = incidents.Release{N: 7, Version: incidents.Seal("12.4.0")}
	plan := func(r incidents.Release) error {
		_, err := incidents.PlanRelease(r, incidents.Seal("12.3.1"), who, noon())
		return err
	}
	join := func(r incidents.Release, i incidents.Incident) error {
		_, _, _, err := incidents.JoinRelease(p, r, i, who, noon())
		return err
	}
	leave := func(r incidents.Release, i incidents.Incident) error {
		_, _, _, err := incidents.LeaveRelease(p, r, i, who, noon())
		return err
	}
	goLive := func(r incidents.Release, at time.Time, list ...incidents.Incident) error {
		_, _, err := incidents.GoLive(p, r, list, at, who, noon())
		return err
	}
	high := closed
	high.Phase, high.Level = incidents.Releasing, "high"
	empty := incidents.Release{N: 1, Version: incidents.Seal("12.3.1"), PlannedAt: noon()}
	for name, x := range map[string]struct {
		err error
		key string
	}{
		"planned twice":                     {plan(r), "release-is-planned"},
		"planned again when it is empty":    {plan(empty), ""},
		"planned when it is live":           {plan(live), "release-is-live"},
		"planned when it is yanked":         {plan(yanked), "release-is-yanked"},
		"joined":                            {join(r, free), ""},
		"joined twice":                      {join(r, list[0]), "release-has"},
		"joined when elsewhere":             {join(r, stranger), "release-elsewhere"},
		"joined when closed":                {join(incidents.Release{N: 2}, closed), "is-closed"},
		"joined when live":                  {join(live, free), "release-is-live"},
		"joined when yanked":                {join(yanked, free), "release-is-yanked"},
		"left":                              {leave(r, list[0]), ""},
		"left by one that is not in it":     {leave(r, free), "release-lacks"},
		"left when live":                    {leave(live, list[0]), "release-is-live"},
		"left when yanked":                  {leave(yanked, list[0]), "release-is-yanked"},
		"live":                              {goLive(r, noon(), list...), ""},
		"live twice":                        {goLive(live, noon(), list...), "release-is-live"},
		"live when yanked":                  {goLive(yanked, noon(), list...), "release-is-yanked"},
		"live with nothing in it":           {goLive(empty, noon()), "release-empty"},
		"live with what is closed":          {goLive(r, noon(), closed), "release-empty"},
		"live in the future":                {goLive(r, noon().Add(time.Second), list...), "release-live-future"},
		"live before the report":            {goLive(r, noon().Add(-time.Second), list...), "release-before-report"},
		"live under an embargo":             {goLive(r, noon(), list[0], embargoedFor(list[1], 3)), "release-live-locked"},
		"live where an embargo is not set":  {goLive(r, noon(), high), "release-live-locked"},
		"live beside a closed embargoed":    {goLive(r, noon(), list[0], embargoedFor(closed, 3)), ""},
		"live when the moment has come too": {goLive(r, noon(), embargoedFor(list[0], 0)), "release-live-locked"},
	} {
		t.Run(name, func(t *testing.T) { refused(t, x.err, x.key) })
	}
}

// TestTheLatestEmbargoCounts: of several that lock, the one that opens last is named,
// and what has no end yet is later than all.
func TestTheLatestEmbargoCounts(t *testing.T) {
	r, list := train(t, 3)
	list[0], list[1] = embargoedFor(list[0], 9), embargoedFor(list[1], 3)
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}} {
		var some []incidents.Incident
		for _, k := range order {
			some = append(some, list[k])
		}
		_, _, err := incidents.GoLive(shipPlan(), r, some, noon(), "dana", noon())
		no, _ := incidents.AsRefusal(err)
		if no == nil || no.Args["handle"] != "INC-1" || no.Args["until"] != noon().AddDate(0, 0, 9) {
			t.Errorf("%v: %v", order, no)
		}
		some[2].Level, some[2].Embargo = "high", incidents.Embargo{}
		_, _, err = incidents.GoLive(shipPlan(), r, some, noon(), "dana", noon())
		if no, _ = incidents.AsRefusal(err); no == nil || no.Args["why"] != "no-embargo" {
			t.Errorf("%v: %v", order, no)
		}
	}
	latest, of, before := incidents.Embargoes(list)
	if !latest.Equal(noon().AddDate(0, 0, 9)) || !slices.Equal(of, []string{"INC-1"}) || !slices.Equal(before, []string{"INC-2", "INC-3"}) {
		t.Errorf("the latest is %v of %v, before %v", latest, of, before)
	}
	if _, of, before := incidents.Embargoes(list[2:]); len(of) != 0 || len(before) != 1 {
		t.Errorf("without an embargo: %v, %v", of, before)
	}
}

// TestLiveStartsTheWatch: the step is done by the release, the watch counts from when
// it was live, and what is taken back stops it.
func TestLiveStartsTheWatch(t *testing.T) {
	p := shipPlan()
	r, list := train(t, 1)
	later := noon().Add(5 * time.Hour)
	r, e, err := incidents.GoLive(p, r, list, noon().Add(time.Hour), "dana", later)
	if err != nil || e.Plain != incidents.SayInstant(noon().Add(time.Hour)) || e.Kind != "release-live" {
		t.Fatalf("%+v, %v", e, err)
	}
	i, moved := incidents.Shipped(p, list[0], r, "dana", later)
	due := time.Time{}
	for _, c := range incidents.Clocks(p, i) {
		if c.Key == "watch" {
			due = c.Due
		}
	}
	if !due.Equal(noon().Add(73*time.Hour)) || len(moved) != 0 {
		t.Errorf("the watch is due %v; %v", due, moved)
	}
	i.Phase = incidents.Recovering
	_, _, err = incidents.UndoRelease(incidents.Release{}, nil, incidents.Sealed{}, "dana", later)
	refused(t, err, "release-not-live")
	r, e, err = incidents.UndoRelease(r, []incidents.Incident{i}, incidents.Seal("a slip"), "dana", later)
	if err != nil || !r.LiveAt.IsZero() {
		t.Fatal(r, err)
	}
	same(t, "the entry", e.Text, "12.3.1 is not live: a slip")
	i, moved = incidents.Shipped(p, i, r, "dana", later)
	if i.Phase != incidents.Releasing || len(moved) != 1 || moved[0].Kind != "phase" {
		t.Errorf("it is in phase %s: %v", i.Phase, moved)
	}
	_, _, err = incidents.DoStep(p, i, "wheels", incidents.Sealed{}, "dana", later)
	refused(t, err, "step-by-release")
}

// TestAYankedReleaseLetsGo: what it carried goes into another one, and what was done
// once for it is to be done again.
func TestAYankedReleaseLetsGo(t *testing.T) {
	p := shipPlan()
	r, list := train(t, 1)
	i := list[0]
	i.Phase = incidents.Recovering
	i.Steps = map[string]incidents.Deed{"merge": {State: incidents.StepDone, At: noon()}, "tag": {State: incidents.StepSkipped, At: noon()}, "publish": {State: incidents.StepDone, At: noon()}}
	r.LiveAt, i.Release.LiveAt = noon(), noon()
	r, e, err := incidents.YankRelease(r, incidents.Seal("12.3.1"), incidents.Seal("it crashes"), "bob", noon())
	if err != nil || r.YankedBy != "bob" || r.LiveAt.IsZero() {
		t.Fatal(r, err)
	}
	same(t, "the entry", e.Text, "12.3.1: it crashes")
	_, _, err = incidents.YankRelease(r, incidents.Seal("12.3.1"), incidents.Seal("it crashes"), "bob", noon())
	refused(t, err, "release-is-yanked")
	i, _ = incidents.Shipped(p, i, r, "bob", noon())
	if i.Phase != incidents.Recovering {
		t.Error("a yank alone moves a phase")
	}
	next := incidents.Release{N: 2, Version: incidents.Seal("12.3.2")}
	next, moved, entries, err := incidents.JoinRelease(p, next, i, "dana", noon())
	if err != nil || moved.Phase != incidents.Releasing || len(moved.Steps) != 1 || len(i.Steps) != 3 || !slices.Equal(next.Carries, []int{1}) || len(entries) != 2 {
		t.Fatalf("%+v %v %v", moved.Steps, entries, err)
	}
	same(t, "the entry", entries[0].Text, "12.3.2, after 12.3.1, open again: merge, tag")
	_, _, err = incidents.UndoRelease(r, []incidents.Incident{moved}, incidents.Seal("no"), "bob", noon())
	refused(t, err, "release-elsewhere")
	back, e, err := incidents.UndoRelease(r, []incidents.Incident{i}, incidents.Seal("no"), "bob", noon())
	if err != nil || !back.YankedAt.IsZero() || back.LiveAt.IsZero() {
		t.Error(back, err)
	}
	same(t, "the entry", e.Text, "12.3.1 is not yanked: no")
}

// TestAlongside: what is done for one of a release is done for all that it is a step
// of and that had not said so; what is locked refuses all.
func TestAlongside(t *testing.T) {
	p := shipPlan()
	do := func(key string) func(incidents.Incident) (incidents.Incident, incidents.Entry, error) {
		return func(i incidents.Incident) (incidents.Incident, incidents.Entry, error) {
			return incidents.DoStep(p, i, key, incidents.Seal("it is"), "dana", noon())
		}
	}
	step := func(key string) incidents.Step { s, _ := p.Step(key); return s }
	_, list := train(t, 5)
	own := incidents.Deed{State: incidents.StepSkipped, At: noon().Add(-time.Hour), Who: "bob"}
	list[2].Steps = map[string]incidents.Deed{"merge": own}
	list[3].Phase = incidents.Closed
	list[4].Level = "low"
	main, _, err := do("merge")(list[0])
	if err != nil {
		t.Fatal(err)
	}
	changed, entries, err := incidents.Alongside(p, list[0], list, step("merge"), do("merge"))
	if err != nil || len(changed) != 2 || changed[0].N != 2 || changed[1].N != 5 || len(entries) != 2 {
		t.Fatalf("%d changed: %v", len(changed), err)
	}
	d := changed[0].Steps["merge"]
	if d.Along != 1 || d.Who != "dana" || !d.At.Equal(noon()) || main.Steps["merge"].Along != 0 || entries[0].Who != "dana" || !entries[0].At.Equal(noon()) {
		t.Errorf("%+v, %+v", d, entries[0])
	}
	if some, _, err := incidents.Alongside(p, list[4], list, step("special"), do("special")); err != nil || len(some) != 0 {
		t.Errorf("a step of one alone is done for %d others: %v", len(some), err)
	}

	// It is taken back where it was said together.
	list[0], list[1], list[4] = main, changed[0], changed[1]
	undo := func(i incidents.Incident) (incidents.Incident, incidents.Entry, error) {
		return incidents.UndoStep(p, i, "merge", "dana", noon())
	}
	for _, from := range []int{0, 1} {
		changed, _, err = incidents.Alongside(p, list[from], list, step("merge"), undo)
		if err != nil || len(changed) != 2 || len(changed[0].Steps) != 0 {
			t.Errorf("%d undone: %v", len(changed), err)
		}
	}
	if changed, _, err = incidents.Alongside(p, list[2], list, step("merge"), undo); err != nil || len(changed) != 0 {
		t.Errorf("%d undone that were not said together: %v", len(changed), err)
	}

	// Who leaves keeps what was said of it.
	r := list[0].Release
	for k, want := range []int{1, 0, 1} {
		_, i, e, err := incidents.LeaveRelease(p, r, list[k], "dana", noon())
		if err != nil || len(i.Steps) != want || i.Release.N != 0 {
			t.Errorf("INC-%d keeps %d steps, want %d: %v", k+1, len(i.Steps), want, err)
		}
		if want == 0 {
			same(t, "the entry", e[0].Text, "12.3.1, open again: merge")
		}
	}

	// What is locked refuses it for all; what is left out harms nobody.
	list[1], list[2] = embargoedFor(list[1], 3), embargoedFor(list[2], 9)
	_, _, err = incidents.Alongside(p, list[0], list, step("tag"), do("tag"))
	no, _ := incidents.AsRefusal(err)
	if no == nil || no.Key != "release-locked" || no.Args["handle"] != "INC-3" || no.Args["until"] != noon().AddDate(0, 0, 9) {
		t.Errorf("%v %v", err, no)
	}
	skip := func(i incidents.Incident) (incidents.Incident, incidents.Entry, error) {
		return incidents.SkipStep(p, i, "tag", incidents.Seal("not now"), "dana", noon())
	}
	if changed, _, err = incidents.Alongside(p, list[0], list, step("tag"), skip); err != nil || len(changed) != 3 {
		t.Errorf("%d skipped: %v", len(changed), err)
	}
	ours := errors.New("ours")
	_, _, err = incidents.Alongside(p, list[0], list, step("tag"), func(i incidents.Incident) (incidents.Incident, incidents.Entry, error) {
		return i, incidents.Entry{}, ours
	})
	if !errors.Is(err, ours) {
		t.Error(err)
	}
}

func TestTags(t *testing.T) {
	for typed, want := range map[string]string{"12.3.1": "12.3.1", "v1": "v1", "refs/tags/12.3.1": "12.3.1", "a/b": "a/b", "-d": "", "a..b": "", "a~1": "", "a^": "", "a b": "", "": "", "a:b": "", "a.": "", "@{1}": ""} {
		got, err := incidents.ReadTag(typed)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%q is %q, %v", typed, got, err)
		}
	}
	sha := "5E2F4D1B0C9A88776655443322110FEDCBA98765"
	for typed, ok := range map[string]bool{sha: true, sha + sha[:24]: true, sha[:39]: false, sha + "0": false, "": false, "g" + sha[1:]: false, " " + sha[1:]: false} {
		if _, err := incidents.ReadSHA(typed); (err == nil) != ok {
			t.Errorf("%q: %v", typed, err)
		}
	}
	have := incidents.Tag{SHA: incidents.Seal("a")}
	if v := incidents.CheckTag(have, true, incidents.Seal("a")); v != incidents.TagOK {
		t.Error(v)
	}
	if v := incidents.CheckTag(have, true, incidents.Seal("b")); v != incidents.TagDiffers {
		t.Error(v)
	}
	if v := incidents.CheckTag(incidents.Tag{}, false, incidents.Sealed{}); v != incidents.TagUnknown {
		t.Error(v)
	}
}
