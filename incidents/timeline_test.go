package incidents_test

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"tocsin/incidents"
)

func link() incidents.Link {
	return incidents.Link{
		Seq: 3, Incident: 7, AtMillis: 1795435200000, Who: "alice", Kind: "noted", Plain: "plain", Text: "text", Commits: "commits",
	}
}

// TestChainFields: changing any field of an entry, or the entry before, changes
// its hash. A field that is added to Link is looked at too.
func TestChainFields(t *testing.T) {
	before := incidents.Chain("prev", link())
	if incidents.Chain("prev", link()) != before || len(before) != 64 {
		t.Errorf("the hash of the same is not the same: %s", before)
	}
	if incidents.Chain("other", link()) == before {
		t.Error("the entry before does not matter")
	}
	for k := range reflect.TypeFor[incidents.Link]().NumField() {
		l := link()
		switch f := reflect.ValueOf(&l).Elem().Field(k); f.Kind() {
		case reflect.String:
			f.SetString(f.String() + " ")
		default:
			f.SetInt(f.Int() + 1)
		}
		if incidents.Chain("prev", l) == before {
			t.Errorf("changing %s leaves the hash as it is", reflect.TypeFor[incidents.Link]().Field(k).Name)
		}
	}
}

// TestChainMoves: moving bytes from one field to its neighbour changes the hash.
func TestChainMoves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := link()
		fields := []*string{&l.Who, &l.Kind, &l.Plain, &l.Text, &l.Commits}
		for _, f := range fields {
			*f = rapid.StringN(0, 8, -1).Draw(t, "text")
		}
		prev := rapid.StringN(0, 8, -1).Draw(t, "prev")
		before := incidents.Chain(prev, l)
		fields = append([]*string{&prev}, fields...)
		from := rapid.IntRange(0, len(fields)-2).Draw(t, "from")
		if len(*fields[from]) == 0 {
			return
		}
		cut := rapid.IntRange(0, len(*fields[from])-1).Draw(t, "cut")
		*fields[from+1] = (*fields[from])[cut:] + *fields[from+1]
		*fields[from] = (*fields[from])[:cut]
		if incidents.Chain(prev, l) == before {
			t.Fatal("moving text between fields leaves the hash as it is")
		}
	})
}

// TestCommit: a commitment needs its salt and its value.
func TestCommit(t *testing.T) {
	c := incidents.Commit([]byte("salt"), "Erin")
	if c != incidents.Commit([]byte("salt"), "Erin") || len(c) != 64 {
		t.Errorf("the commitment of the same is not the same: %s", c)
	}
	if c == incidents.Commit([]byte("tlas"), "Erin") || c == incidents.Commit([]byte("salt"), "Eric") {
		t.Error("another salt or value has the same commitment")
	}
}
