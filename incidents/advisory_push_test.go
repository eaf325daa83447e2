package incidents_test

import (
	"testing"

	"tocsin/incidents"
)

// TestPickPush: what changed there is written over by word only, and what GitHub would
// refuse is not asked for.
func TestPickPush(t *testing.T) {
	ours, theirs := incidents.Seal("ours"), incidents.Seal("theirs")
	one := func(field, state string) []incidents.Both {
		return []incidents.Both{{Field: field, Ours: ours, Theirs: theirs, State: state}}
	}
	for _, c := range []struct {
		both  []incidents.Both
		field string
		over  bool
		want  string // the refusal, or "" for one field
	}{
		{one("title", incidents.SyncOurs), "", false, ""},
		{one("title", incidents.SyncOurs), "cve", false, "advisory-same"},
		{one("title", incidents.SyncConflict), "title", false, "advisory-conflict"},
		{one("title", incidents.SyncConflict), "title", true, ""},
		{one("title", incidents.SyncTheirs), "title", false, "advisory-theirs"},
		{one("title", incidents.SyncTheirs), "title", true, ""},
		{one("title", incidents.SyncTheirs), "", true, "advisory-same"},
		{one("title", incidents.SyncSame), "title", true, "advisory-same"},
		{[]incidents.Both{{Field: "description", Theirs: theirs, State: incidents.SyncTheirs}}, "description", true, "advisory-lacks"},
		{one("affected", incidents.SyncOurs), "", false, "advisory-range"},
		{one("severity", incidents.SyncOurs), "", false, "advisory-level"},
	} {
		got, err := incidents.PickPush(incidents.Incident{Handle: "INC-7"}, incidents.Advisory{Vector: theirs}, c.both, c.field, c.over)
		no, refused := incidents.AsRefusal(err)
		if c.want == "" && (err != nil || len(got) != 1) || c.want != "" && (!refused || no.Key != c.want) {
			t.Errorf("%+v: %v %v", c, got, err)
		}
	}
}
