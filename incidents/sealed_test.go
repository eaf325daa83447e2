package incidents_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"text/template"
	"time"
	"unsafe"

	"tocsin/incidents"
)

const marker = "qzx-marker"

// fullClearance is one that the rule made for the console.
func fullClearance() incidents.Clearance {
	return incidents.Clear(incidents.Grant{Network: incidents.OnConsole}, incidents.Proof{}, incidents.All, nobody).Clearance
}

// noticeClearance is one that the rule made for a room that hears notices.
func noticeClearance() incidents.Clearance {
	return incidents.Clear(incidents.Grant{Network: incidents.OnIRC, Asks: "notice"}, incidents.Proof{}, incidents.All, nobody).Clearance
}

func nobody(string) bool { return false }

// holders gives values that hold a sealed marker, by their name.
func holders() map[string]any {
	s := incidents.Seal(marker)
	i := incidents.Incident{N: 1, Handle: "INC-1", Codename: "quiet harbour", Roles: map[string]string{"lead": "alice"}}
	v := reflect.ValueOf(&i).Elem()
	for k := range v.NumField() {
		if v.Field(k).Type() == reflect.TypeOf(s) {
			v.Field(k).Set(reflect.ValueOf(s))
		}
	}
	i.Reporter = incidents.Reporter{Name: s, Contact: s, Credit: s}
	e := incidents.Entry{Kind: "noted", Who: "alice", Text: s, Personal: []incidents.Personal{{Field: "name", Value: s}}}
	f := incidents.NewFacts("title", s, "inner", incidents.NewFacts("x", s), "list", []incidents.Facts{{"x": s}})
	return map[string]any{
		"Sealed": s, "*Sealed": &s, "[]Sealed": []incidents.Sealed{s}, "map": map[string]incidents.Sealed{"k": s}, "any": []any{s, &s},
		"Incident": i, "*Incident": &i, "Reporter": i.Reporter, "Facts": f, "With": f.With("y", s),
		"Approval": incidents.Approval{Code: "K7QFM", Asker: "alice", Act: s}, "Entry": e, "*Entry": &e, "[]Entry": []incidents.Entry{e},
		"Card":     incidents.Card(testPlan(), i, time.Unix(0, 0)),
		"Opening":  incidents.Opening{Title: s},
		"Refusal":  incidents.Refuse("level-needs-reason", "score", s),
		"noticed":  f.Opened(noticeClearance()),
		"nothing":  f.Opened(incidents.Clearance{}),
		"joined":   fmt.Errorf("no: %w", incidents.Refuse("x", "score", s)),
		"anything": struct{ S any }{&i},
	}
}

// ways gives every way in which a value gets out by accident.
func ways() map[string]func(io.Writer, any) error {
	m := map[string]func(io.Writer, any) error{
		"json": func(w io.Writer, v any) error { return json.NewEncoder(w).Encode(v) },
		"gob":  func(w io.Writer, v any) error { return gob.NewEncoder(w).Encode(v) },
		"xml":  func(w io.Writer, v any) error { return xml.NewEncoder(w).Encode(v) },
		"slog text": func(w io.Writer, v any) error {
			slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug})).Debug("x", "v", v, slog.Any("w", []any{v}))
			return nil
		},
		"slog json": func(w io.Writer, v any) error {
			slog.New(slog.NewJSONHandler(w, nil)).With("g", v).Error("x", slog.Group("h", "v", v))
			return nil
		},
		"template": func(w io.Writer, v any) error {
			t := template.Must(template.New("x").Parse(`{{.}} {{printf "%v %s %q %x" . . . .}} {{print .}} {{html .}} {{js .}} {{urlquery .}}`))
			return t.Execute(w, v)
		},
		"error": func(w io.Writer, v any) error { return fmt.Errorf("%v %w", v, errors.New("x")) },
	}
	for _, verb := range "vTtbcdoOqxXUeEfFgGsp" {
		for _, flags := range []string{"", "+", "#", "-20", "+#", " ", "010", ".3"} {
			f := "%" + flags + string(verb)
			m[f] = func(w io.Writer, v any) error { _, err := fmt.Fprintf(w, f, v); return err }
		}
	}
	return m
}

// leaks reports whether a text holds the marker, also in the ways that verbs
// write it.
func leaks(text string) bool {
	text = strings.ToLower(text)
	quoted := fmt.Sprintf("%d", []byte(marker))
	return strings.Contains(text, marker) || strings.Contains(text, fmt.Sprintf("%x", marker)) ||
		strings.Contains(text, fmt.Sprintf("% x", marker)) || strings.Contains(text, quoted[1:len(quoted)-1])
}

// TestSealedNeverPrints: whatever prints, logs or encodes a value that holds
// sealed text gives it away in no way.
func TestSealedNeverPrints(t *testing.T) {
	for name, v := range holders() {
		for way, print := range ways() {
			var out bytes.Buffer
			err := print(&out, v)
			if leaks(out.String()) || (err != nil && leaks(err.Error()+fmt.Sprintf("%+v %#v", err, err))) {
				t.Errorf("%s comes out by %s: %s %v", name, way, out.String(), err)
			}
		}
	}
	for _, s := range []fmt.Stringer{incidents.Seal(marker)} {
		if s.String() != "[sealed]" || fmt.Sprintf("%#v", s) != "[sealed]" {
			t.Errorf("a sealed text is shown as %q and %#v", s.String(), s)
		}
	}
}

// TestSealedCannotBeReached walks through every value by reflection, unexported
// fields included: no string in it is the text.
func TestSealedCannotBeReached(t *testing.T) {
	if !reaches(reflect.ValueOf(&struct{ a []any }{[]any{map[string]*string{"k": ptr(marker)}}}), map[unsafe.Pointer]bool{}) {
		t.Fatal("the walk of this test finds nothing at all")
	}
	for name, v := range holders() {
		if reaches(reflect.ValueOf(v), map[unsafe.Pointer]bool{}) {
			t.Errorf("%s: reflection reaches the text", name)
		}
	}
}

func ptr(s string) *string { return &s }

func reaches(v reflect.Value, seen map[unsafe.Pointer]bool) bool {
	switch v.Kind() {
	case reflect.String:
		return strings.Contains(v.String(), marker)
	case reflect.Pointer:
		if v.IsNil() || seen[v.UnsafePointer()] {
			return false
		}
		seen[v.UnsafePointer()] = true
		return reaches(v.Elem(), seen)
	case reflect.Interface:
		return !v.IsNil() && reaches(v.Elem(), seen)
	case reflect.Struct:
		for k := range v.NumField() {
			if reaches(v.Field(k), seen) {
				return true
			}
		}
	case reflect.Slice, reflect.Array:
		for k := range v.Len() {
			if reaches(v.Index(k), seen) {
				return true
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if reaches(it.Key(), seen) || reaches(it.Value(), seen) {
				return true
			}
		}
	}
	return false
}

// TestSealedPanics: what a program prints when it panics with a value is no way
// out either. It runs this test's program again, which panics.
func TestSealedPanics(t *testing.T) {
	if name := os.Getenv("PANIC_WITH"); name != "" {
		panic(holders()[name])
	}
	for name := range holders() {
		c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSealedPanics$")
		c.Env = append(os.Environ(), "PANIC_WITH="+name, "GOTRACEBACK=all")
		out, err := c.CombinedOutput()
		if err == nil || !bytes.Contains(out, []byte("panic: ")) {
			t.Errorf("%s: it did not panic: %v\n%s", name, err, out)
		}
		if leaks(string(out)) {
			t.Errorf("%s comes out by a panic:\n%s", name, out)
		}
	}
}

// TestReveal: only full clearance opens, and every other way to a Clearance is
// none.
func TestReveal(t *testing.T) {
	s := incidents.Seal(marker)
	for _, c := range []struct {
		clearance  incidents.Clearance
		says, want string
	}{
		{incidents.Clearance{}, "none", "[sealed]"},
		{noticeClearance(), "notice", "[sealed]"},
		{fullClearance(), "full", marker},
	} {
		if got := s.Reveal(c.clearance); got != c.want || c.clearance.String() != c.says {
			t.Errorf("%v: %q, want %s: %q", c.clearance, got, c.says, c.want)
		}
		if got := (incidents.Sealed{}).Reveal(c.clearance); got != "" {
			t.Errorf("%v: no text comes out as %q", c.clearance, got)
		}
	}
}

// TestSealedCompares: two of the same text are the same, and == does not tell.
func TestSealedCompares(t *testing.T) {
	a, b := incidents.Seal(marker), incidents.Seal(marker)
	if !a.Same(b) || a.Same(incidents.Seal("other")) || a.Same(incidents.Sealed{}) || (incidents.Sealed{}).Same(a) {
		t.Error("Same does not compare the texts")
	}
	if a == b || reflect.DeepEqual(a, b) {
		t.Error("== tells that two texts are the same")
	}
	if !incidents.Seal("").Empty() || a.Empty() || !(incidents.Sealed{}).Same(incidents.Seal("")) {
		t.Error("no text is not empty")
	}
}

// TestSealedScans: a column that is text comes back under seal; everything else
// is an error that does not quote it.
func TestSealedScans(t *testing.T) {
	for _, src := range []any{marker, []byte(marker)} {
		var s incidents.Sealed
		if err := s.Scan(src); err != nil || s.Reveal(fullClearance()) != marker {
			t.Errorf("%T: %v", src, err)
		}
		v, err := s.Value()
		if err != nil || v != marker {
			t.Errorf("a column gets %v, %v", v, err)
		}
	}
	s := incidents.Seal(marker)
	if err := s.Scan(nil); err != nil || !s.Empty() {
		t.Errorf("NULL: %v", err)
	}
	if err := s.Scan(struct{ A string }{marker}); err == nil || leaks(err.Error()) {
		t.Errorf("a column that is no text: %v", err)
	}
	if err := json.Unmarshal([]byte(`"`+marker+`"`), &s); err == nil || leaks(err.Error()) {
		t.Errorf("sealed text was read from JSON: %v", err)
	}
}
