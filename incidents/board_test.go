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
func pillow(t *testing.T) (incidents.Plan, *templates.Book) {
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
	if fillSealed(reflect.ValueOf(&i).Elem()) < 19 {
		t.Fatal("not all sealed fields were found")
	}
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
	return i
}

// TestABoardHoldsNothingSealed, in any state of an incident, where notices are
// heard; and the same words come out where everything is.
func TestABoardHoldsNothingSealed(t *testing.T) {
	p, book := pillow(t)
	var named []string // what the plan calls types, sources and outcomes
	for _, o := range p.Outcomes {
		named = append(named, o.Name)
	}
	for _, o := range p.Types {
		named = append(named, o.Name)
	}
	for _, o := range p.Sources {
		named = append(named, o.Name)
	}
	rapid.Check(t, func(t *rapid.T) {
		i := drawIncident(t, p)
		now := i.OpenedAt.Add(time.Duration(rapid.IntRange(0, 400).Draw(t, "hours")) * time.Hour)
		f := incidents.Board(p, i, now)
		at := noticeClearance()
		doc, err := book.Render("board", f, at)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := book.Render("board", f, fullClearance())
		if err != nil || whole.Text != doc.Text {
			t.Fatalf("a board is the same for everybody who hears notices: %v\n%s\n%s", err, doc.Text, whole.Text)
		}
		for _, s := range append(named, marker, "sealed") {
			if strings.Contains(doc.Text+doc.HTML, s) {
				t.Fatalf("it says %q:\n%s", s, doc.Text)
			}
		}
		for _, want := range []string{"INC-7", "quiet harbour", string(i.Phase)} {
			if !strings.Contains(doc.Text, want) {
				t.Fatalf("it does not say %q:\n%s", want, doc.Text)
			}
		}
		todo, _ := f["todo"].([]string)
		if !i.Open() && len(todo) > 0 {
			t.Fatalf("there is something to do about a closed incident: %q", todo)
		}
	})
}

// TestABoardTellsNoSource: two incidents that differ in what is sealed only have
// the same board, but for the clocks, whose names say nothing.
func TestABoardTellsNoSource(t *testing.T) {
	p, _ := pillow(t)
	for _, source := range p.Sources {
		i := incidents.Incident{
			Handle: "INC-7", Phase: incidents.Triage, Level: "high", Source: incidents.Seal(source.Key), AckAt: time.Unix(1, 0),
			Roles: map[string]string{"lead": "alice"},
		}
		other := i
		other.Source = incidents.Sealed{}
		if a, b := incidents.OpenSteps(p, i), incidents.OpenSteps(p, other); !slices.Equal(a, b) {
			t.Errorf("%s: to do is %q, without a source %q", source.Key, a, b)
		}
		for _, step := range incidents.OpenSteps(p, i) {
			if role, ok := p.Role(source.Key); ok && strings.Contains(step, role.Name) {
				t.Errorf("%s: %q gives the source away", source.Key, step)
			}
		}
	}
}

func TestOpenSteps(t *testing.T) {
	p, _ := pillow(t)
	all := map[string]string{}
	for _, r := range p.Keys("role") {
		all[r] = "alice"
	}
	lead := map[string]string{"lead": "alice"}
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		i    incidents.Incident
		want []string // how each step begins
	}{
		{"just opened", incidents.Incident{Phase: incidents.Reported, Roles: lead}, []string{"answer the reporter", "set the level", "find who is Patch Owner"}},
		{"answered", incidents.Incident{Phase: incidents.Triage, Roles: lead, AckAt: at}, []string{"set the level", "find who is Patch Owner"}},
		{"nobody outside waits", incidents.Incident{Phase: incidents.Reported, Roles: lead, Source: incidents.Seal("scanning")}, []string{"set the level", "find"}},
		{"assessed", incidents.Incident{Phase: incidents.Triage, Roles: lead, AckAt: at, Level: "low"}, []string{"find who is Patch Owner"}},
		{"all roles taken", incidents.Incident{Phase: incidents.Triage, Roles: all, AckAt: at, Level: "low"}, nil},
		{"nobody leads", incidents.Incident{Phase: incidents.Triage, AckAt: at, Level: "low"}, []string{"find who is Incident Lead, Patch Owner"}},
		{"closed", incidents.Incident{Phase: incidents.Closed}, nil},
	} {
		got := incidents.OpenSteps(p, c.i)
		if len(got) != len(c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
			continue
		}
		for k := range got {
			if !strings.HasPrefix(got[k], c.want[k]) {
				t.Errorf("%s: %q, want %q", c.name, got[k], c.want[k])
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
