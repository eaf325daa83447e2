package store

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/incidents"
)

// drawFacts draws facts with every kind of value, nested.
func drawFacts(deep int) *rapid.Generator[incidents.Facts] {
	return rapid.Custom(func(t *rapid.T) incidents.Facts {
		f := incidents.Facts{}
		for k := range rapid.IntRange(0, 6).Draw(t, "how many") {
			f[fmt.Sprintf("%s%d", rapid.StringN(0, 5, -1).Draw(t, "name"), k)] = drawValue(t, deep)
		}
		return f
	})
}

func drawValue(t *rapid.T, deep int) any {
	kinds := 6
	if deep > 0 {
		kinds = 8
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return rapid.String().Draw(t, "text")
	case 1:
		return incidents.Seal(rapid.String().Draw(t, "sealed"))
	case 2:
		return rapid.Int().Draw(t, "number")
	case 3:
		return rapid.Bool().Draw(t, "yes or no")
	case 4:
		ms := rapid.SampledFrom([]int64{0, 1, -1, 1795424400000, 253402300799999}).Draw(t, "instant")
		return rapid.SampledFrom([]time.Time{{}, time.UnixMilli(ms).UTC()}).Draw(t, "or none")
	case 5:
		return rapid.SliceOf(rapid.String()).Draw(t, "words")
	case 6:
		return drawFacts(deep-1).Draw(t, "facts")
	default:
		return rapid.SliceOfN(drawFacts(deep-1), 0, 3).Draw(t, "list")
	}
}

// same compares values; sealed ones by their text, empty lists whether nil or not.
func same(a, b any) bool {
	switch a := a.(type) {
	case incidents.Sealed:
		b, ok := b.(incidents.Sealed)
		return ok && a.Same(b)
	case incidents.Facts:
		b, ok := b.(incidents.Facts)
		if !ok || len(a) != len(b) {
			return false
		}
		for k, v := range a {
			w, has := b[k]
			if !has || !same(v, w) {
				return false
			}
		}
		return true
	case []incidents.Facts:
		b, ok := b.([]incidents.Facts)
		if !ok || len(a) != len(b) {
			return false
		}
		for k := range a {
			if !same(a[k], b[k]) {
				return false
			}
		}
		return true
	case []string:
		b, ok := b.([]string)
		return ok && len(a) == len(b) && (len(a) == 0 || reflect.DeepEqual(a, b))
	default:
		return reflect.DeepEqual(a, b)
	}
}

func TestFactsComeBackAsTheyWereKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFacts(2).Draw(t, "facts")
		s, err := frozen(f)
		if err != nil {
			t.Fatal(err)
		}
		got, err := thawed(s)
		if err != nil {
			t.Fatal(err)
		}
		if !same(f, got) {
			t.Fatalf("got %v, want %v", got, f)
		}
	})
}

func TestARemindersRowHasNoFacts(t *testing.T) {
	s, err := frozen(nil)
	must(t, err)
	got, err := thawed(s)
	if got != nil || err != nil || !s.Empty() {
		t.Errorf("got %v, %v", got, err)
	}
	s, err = frozen(incidents.Facts{})
	must(t, err)
	if got, err := thawed(s); got == nil || err != nil {
		t.Errorf("no facts came back as none at all: %v, %v", got, err)
	}
}

func TestWhatFactsCannotHoldIsRefused(t *testing.T) {
	for _, v := range []any{3.5, int64(1), []int{1}, nil, struct{}{}, incidents.Facts{"deep": 1.5}} {
		if _, err := frozen(incidents.Facts{"it": v}); err == nil {
			t.Errorf("a %T was kept", v)
		}
	}
}

func TestADamagedRowDoesNotQuoteItself(t *testing.T) {
	for _, text := range []string{`{"title":{"x":"secret"`, `{"title":{"x":7}}`, `secret`, `{"title":{"secret":"x"}}`, `[]`} {
		_, err := thawed(incidents.Seal(text))
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
