package incidents_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/incidents"
	"tocsin/templates"
)

// pillow is the built-in plan and its words.
func pillow(t testing.TB) (incidents.Plan, *templates.Book) {
	t.Helper()
	plan, err := templates.ReadPlan(templates.Builtin(), "plans/pillow/plan.toml")
	if err != nil {
		t.Fatal(err)
	}
	book, err := templates.NewBook()
	if err != nil {
		t.Fatal(err)
	}
	return *plan, book
}

// fillSealed puts a marker into every sealed field of a value and counts them.
func fillSealed(v reflect.Value) int {
	n := 0
	for k := range v.NumField() {
		f := v.Field(k)
		switch {
		case f.Type() == reflect.TypeFor[incidents.Sealed]():
			f.Set(reflect.ValueOf(incidents.Seal(fmt.Sprintf("%s-%d-%s", marker, k, v.Type().Field(k).Name))))
			n++
		case f.Kind() == reflect.Struct && f.Type() != reflect.TypeFor[time.Time]():
			n += fillSealed(f)
		}
	}
	return n
}

// drawIncident draws an incident in any state. Its type and source are of the
// plan, or of none.
func drawIncident(t *rapid.T, p incidents.Plan) incidents.Incident {
	i := incidents.Incident{N: 7, Handle: "INC-7", Codename: "quiet harbour", Roles: map[string]string{}}
	if fillSealed(reflect.ValueOf(&i).Elem()) < 23 {
		t.Fatal("not all sealed fields were found")
	}
	i.Track, i.Reach = incidents.Seal(rapid.SampledFrom(append(p.Keys("track"), "")).Draw(t, "track")), incidents.Seal(rapid.SampledFrom([]string{"", "yes", "no"}).Draw(t, "reach"))
	if key := rapid.SampledFrom(append(p.Keys("type"), "")).Draw(t, "type"); key != "" {
		i.Type = incidents.Seal(key)
	}
	if key := rapid.SampledFrom(append(p.Keys("source"), "")).Draw(t, "source"); key != "" {
		i.Source = incidents.Seal(key)
	}
	if key := rapid.SampledFrom(append(p.Keys("outcome"), "")).Draw(t, "outcome"); key != "" {
		i.Outcome = incidents.Seal(key)
	}
	i.Phase = rapid.SampledFrom([]incidents.Phase{
		incidents.Reported, incidents.Triage, incidents.Fixing, incidents.Releasing, incidents.Recovering, incidents.Closed,
	}).Draw(t, "phase")
	i.Level = rapid.SampledFrom(append(p.Keys("level"), "")).Draw(t, "level")
	for _, role := range p.Keys("role") {
		if rapid.Bool().Draw(t, role) {
			i.Roles[role] = rapid.SampledFrom([]string{"alice", "bob", "carol"}).Draw(t, "who")
		}
	}
	start := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	i.OpenedAt, i.ReportedAt = start, start.Add(-time.Hour)
	if rapid.Bool().Draw(t, "acknowledged") {
		i.AckAt = start.Add(time.Hour)
	}
	if i.Phase == incidents.Closed {
		i.ClosedAt = start.Add(48 * time.Hour)
	}
	states := []string{"", incidents.EmbargoProposed, incidents.EmbargoAgreed, incidents.EmbargoSet, incidents.EmbargoMoved, incidents.EmbargoLifted, incidents.EmbargoBroken}
	if i.Embargo.State = rapid.SampledFrom(states).Draw(t, "embargo"); i.Embargo.State != "" {
		i.Embargo.At = start.Add(time.Duration(rapid.IntRange(1, 400).Draw(t, "moment")) * time.Hour)
	}
	if i.Embargo.Over() {
		i.Embargo.EndedAt = start.Add(2 * time.Hour)
	}
	for _, at := range []*time.Time{&i.WildAt, &i.PublicAt, &i.CVEAt, &i.PolicyAt, &i.LeadHeard, &i.LeadAway} {
		if rapid.Bool().Draw(t, "said") {
			*at = start.Add(time.Hour)
		}
	}
	i.Steps = map[string]incidents.Deed{}
	for _, key := range p.Keys("step") {
		if state := rapid.SampledFrom([]string{"", incidents.StepDone, incidents.StepSkipped}).Draw(t, key); state != "" {
			i.Steps[key] = incidents.Deed{State: state, At: start, Who: "alice", Note: incidents.Seal(marker)}
		}
	}
	return i
}

// TestABoardHoldsNothingSealed, in any state of an incident, where notices are
// heard; where everything is, it says the same and the open steps besides.
func TestABoardHoldsNothingSealed(t *testing.T) {
	p, book := pillow(t)
	var named []string // what the plan calls types, sources, outcomes, tracks and steps
	for _, o := range p.Outcomes {
		named = append(named, o.Name)
	}
	for _, o := range p.Types {
		named = append(named, o.Name)
	}
	for _, o := range p.Sources {
		named = append(named, o.Name)
	}
	for _, o := range p.Tracks {
		named = append(named, o.Name)
	}
	for _, o := range p.Steps {
		named = append(named, o.Name)
	}
	rapid.Check(t, func(t *rapid.T) {
		i := drawIncident(t, p)
		now := i.OpenedAt.Add(time.Duration(rapid.IntRange(0, 400).Draw(t, "hours")) * time.Hour)
		f := incidents.Board(p, i, now)
		doc, err := book.Render("board", f, noticeClearance())
		if err != nil {
			t.Fatal(err)
		}
		whole, err := book.Render("board", f, fullClearance())
		if err != nil {
			t.Fatal(err)
		}
		rest := whole.Text
		for line := range strings.SplitSeq(doc.Text, "\n") {
			_, after, ok := strings.Cut(rest, line)
			if !ok {
				t.Fatalf("where everything is heard, %q is not:\n%s", line, whole.Text)
			}
			rest = after
		}
		todo := incidents.OpenSteps(p, i, i.Phase)
		for k, s := range todo {
			if named := strings.Contains(whole.Text, s.Name); named != (k < 4) {
				t.Fatalf("open step %d is named: %t\n%s", k, named, whole.Text)
			}
		}
		for _, s := range append(named, marker, "sealed", "step", "todo") {
			if strings.Contains(doc.Text+doc.HTML, s) {
				t.Fatalf("it says %q:\n%s", s, doc.Text)
			}
		}
		for _, want := range []string{"INC-7", "quiet harbour", string(i.Phase)} {
			if !strings.Contains(doc.Text, want) {
				t.Fatalf("it does not say %q:\n%s", want, doc.Text)
			}
		}
		for _, s := range todo {
			if !i.Open() && s.Phase != incidents.Closed {
				t.Fatalf("there is something to do about a closed incident: %q", s.Key)
			}
		}
	})
}

// TestABoardTellsNoSource: two incidents that differ in what is sealed only have
// the same board where notices are heard, but for the clocks, whose names say
// nothing.
func TestABoardTellsNoSource(t *testing.T) {
	p, book := pillow(t)
	rapid.Check(t, func(t *rapid.T) {
		i := drawIncident(t, p)
		other := i
		other.Type, other.Source = incidents.Seal(rapid.SampledFrom(p.Keys("type")).Draw(t, "other type")), incidents.Seal(rapid.SampledFrom(p.Keys("source")).Draw(t, "other source"))
		other.Track, other.Reach, other.Outcome, other.Steps = incidents.Sealed{}, incidents.Sealed{}, incidents.Sealed{}, nil
		var said [2]string
		for k, one := range []incidents.Incident{i, other} {
			doc, err := book.Render("board", incidents.Board(p, one, i.OpenedAt).With("clocks", []incidents.Facts{}), noticeClearance())
			if err != nil {
				t.Fatal(err)
			}
			said[k] = doc.Text
		}
		if said[0] != said[1] {
			t.Fatalf("a board tells what is sealed:\n%s\n%s", said[0], said[1])
		}
	})
	for _, source := range p.Sources { // nor do the names of its clocks
		for _, c := range p.Clocks {
			if strings.Contains(c.Name, source.Name) || strings.Contains(strings.ToLower(c.Name), source.Key) && source.Key != "distro" {
				t.Errorf("the clock %q names the source %s", c.Name, source.Key)
			}
		}
	}
}

// TestABoardShowsTheNextThreeClocks, the soonest first, whatever order the plan
// has them in, and leaves the plan's order alone.
func TestABoardShowsTheNextThreeClocks(t *testing.T) {
	p := testPlan()
	p.Clocks = nil
	for _, h := range []int{50, 10, 40, 20, 30} {
		d := time.Duration(h) * time.Hour
		p.Clocks = append(p.Clocks, incidents.ClockRule{
			Key: fmt.Sprintf("c%d", h), Name: fmt.Sprintf("Clock %d", h), From: "reported", Due: d, Rungs: []time.Duration{d}, Repeat: time.Hour,
		})
	}
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	f := incidents.Board(p, incidents.Incident{Phase: incidents.Reported, ReportedAt: at, Roles: map[string]string{}}, at.Add(15*time.Hour))
	var got []string
	for _, c := range f["clocks"].([]incidents.Facts) {
		got = append(got, fmt.Sprint(c["name"], " ", c["overdue"]))
	}
	if want := []string{"Clock 10 true", "Clock 20 false", "Clock 30 false"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestHas(t *testing.T) {
	i := incidents.Incident{Roles: map[string]string{"lead": "alice", "patch": "bob"}}
	for who, want := range map[string]bool{"alice": true, "bob": true, "carol": false, "": false, "lead": false} {
		if i.Has(who) != want {
			t.Errorf("%q: %t", who, !want)
		}
	}
}
