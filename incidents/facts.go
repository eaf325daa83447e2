package incidents

import "time"

// Facts is what a template says something about: names and values. A value is
// a string, an int, a bool, a time.Time, a Sealed, a Facts, a []Facts or a
// []string; nothing else can be kept in the store. Plain strings hold only what
// every room may hear.
type Facts map[string]any

// NewFacts makes Facts from pairs of name and value.
func NewFacts(pairs ...any) Facts {
	f := make(Facts, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		f[pairs[i].(string)] = pairs[i+1]
	}
	return f
}

// With gives a copy with one more fact.
func (f Facts) With(name string, value any) Facts {
	g := make(Facts, len(f)+1)
	for k, v := range f {
		g[k] = v
	}
	g[name] = value
	return g
}

// Opened gives a copy for a template: every Sealed is replaced by what the
// clearance may hear of it.
func (f Facts) Opened(c Clearance) Facts {
	g := make(Facts, len(f))
	for k, v := range f {
		g[k] = opened(v, c)
	}
	return g
}

func opened(v any, c Clearance) any {
	switch v := v.(type) {
	case Sealed:
		return v.Reveal(c)
	case Facts:
		return v.Opened(c)
	case []Facts:
		out := make([]Facts, len(v))
		for i := range v {
			out[i] = v[i].Opened(c)
		}
		return out
	case time.Time:
		return v.UTC()
	default:
		return v
	}
}
