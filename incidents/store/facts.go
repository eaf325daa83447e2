package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"tocsin/incidents"
)

// The file holds facts as JSON in which every value says what it is, so that
// what was sealed comes back sealed.
type value struct {
	Text   *string            `json:"s,omitempty"`
	Sealed *string            `json:"x,omitempty"`
	Int    *int64             `json:"i,omitempty"`
	Bool   *bool              `json:"b,omitempty"`
	At     *int64             `json:"t,omitempty"` // milliseconds; absent for the zero time
	Zero   bool               `json:"z,omitempty"` // the zero time
	Facts  map[string]value   `json:"f,omitempty"`
	List   []map[string]value `json:"l,omitempty"`
	Words  []string           `json:"w,omitempty"`
	Kind   string             `json:"k,omitempty"` // "l", "w" or "f" where the value is empty
}

// frozen gives facts as the file holds them.
func frozen(f incidents.Facts) (incidents.Sealed, error) {
	if f == nil {
		return incidents.Sealed{}, nil
	}
	m, err := freeze(f)
	if err != nil {
		return incidents.Sealed{}, err
	}
	b, err := json.Marshal(m)
	return incidents.Seal(string(b)), err
}

func freeze(f incidents.Facts) (map[string]value, error) {
	m := make(map[string]value, len(f))
	for name, v := range f {
		w, err := freezeOne(v)
		if err != nil {
			return nil, fmt.Errorf("fact %s: %w", name, err)
		}
		m[name] = w
	}
	return m, nil
}

func freezeOne(v any) (value, error) {
	switch v := v.(type) {
	case string:
		return value{Text: &v}, nil
	case incidents.Sealed:
		t, err := v.Value()
		s, _ := t.(string)
		return value{Sealed: &s}, err
	case int:
		n := int64(v)
		return value{Int: &n}, nil
	case bool:
		return value{Bool: &v}, nil
	case time.Time:
		if v.IsZero() {
			return value{Zero: true}, nil
		}
		ms := v.UnixMilli()
		return value{At: &ms}, nil
	case []string:
		return value{Words: v, Kind: "w"}, nil
	case incidents.Facts:
		m, err := freeze(v)
		return value{Facts: m, Kind: "f"}, err
	case []incidents.Facts:
		w := value{Kind: "l"}
		for _, f := range v {
			m, err := freeze(f)
			if err != nil {
				return w, err
			}
			w.List = append(w.List, m)
		}
		return w, nil
	default:
		return value{}, fmt.Errorf("a %T cannot be kept", v)
	}
}

// thawed reads facts from how the file holds them.
func thawed(s incidents.Sealed) (incidents.Facts, error) {
	t, err := s.Value()
	if err != nil || t == "" {
		return nil, err
	}
	var m map[string]value
	d := json.NewDecoder(bytes.NewReader([]byte(t.(string))))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return nil, fmt.Errorf("reading facts: a row is damaged") // the decoder's words could quote the row
	}
	return thaw(m), nil
}

func thaw(m map[string]value) incidents.Facts {
	f := make(incidents.Facts, len(m))
	for name, w := range m {
		f[name] = thawOne(w)
	}
	return f
}

func thawOne(w value) any {
	switch {
	case w.Text != nil:
		return *w.Text
	case w.Sealed != nil:
		return incidents.Seal(*w.Sealed)
	case w.Int != nil:
		return int(*w.Int)
	case w.Bool != nil:
		return *w.Bool
	case w.At != nil:
		return time.UnixMilli(*w.At).UTC()
	case w.Zero:
		return time.Time{}
	case w.Kind == "w":
		return w.Words
	case w.Kind == "f":
		return thaw(w.Facts)
	default:
		var list []incidents.Facts
		for _, m := range w.List {
			list = append(list, thaw(m))
		}
		return list
	}
}
