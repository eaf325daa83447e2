package incidents

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"unicode/utf8"
)

// hidden is what everybody sees of a sealed text who may not read it.
const hidden = "[sealed]"

// Sealed is text that only full clearance may hear. It cannot be printed,
// logged, compared or encoded by accident: every such way gives "[sealed]" or
// an address, also for a Sealed deep inside another value, because the text is
// reachable through a function only.
//
// The zero Sealed holds no text.
type Sealed struct{ p *func() string }

// Seal takes a text under seal.
func Seal(text string) Sealed {
	if text == "" {
		return Sealed{}
	}
	open := func() string { return text }
	return Sealed{p: &open}
}

// Reveal gives the text to full clearance and "[sealed]" to everybody else.
// A Sealed without text gives "" to both: that a field is empty is no secret.
func (s Sealed) Reveal(c Clearance) string {
	switch {
	case s.p == nil:
		return ""
	case c.level == full:
		return (*s.p)()
	default:
		return hidden
	}
}

// Empty reports whether there is no text.
func (s Sealed) Empty() bool { return s.p == nil }

// Length counts its characters, as Unicode code points.
func (s Sealed) Length() int {
	if s.p == nil {
		return 0
	}
	return utf8.RuneCountInString((*s.p)())
}

// Same reports whether both hold the same text, without showing it.
func (s Sealed) Same(t Sealed) bool {
	if s.p == nil || t.p == nil {
		return s.p == t.p
	}
	return (*s.p)() == (*t.p)()
}

// Scan takes a text from a database column. Only package store calls it.
func (s *Sealed) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*s = Sealed{}
	case string:
		*s = Seal(v)
	case []byte:
		*s = Seal(string(v))
	default:
		return fmt.Errorf("a sealed column holds %T, not text", src)
	}
	return nil
}

// Value gives the text to a database column. Only package store calls it.
func (s Sealed) Value() (driver.Value, error) {
	if s.p == nil {
		return "", nil
	}
	return (*s.p)(), nil
}

// Format makes every verb of package fmt print "[sealed]".
func (s Sealed) Format(f fmt.State, _ rune) { fmt.Fprint(f, hidden) }

// String gives "[sealed]".
func (s Sealed) String() string { return hidden }

// GoString gives "[sealed]".
func (s Sealed) GoString() string { return hidden }

// LogValue gives "[sealed]" to package slog.
func (s Sealed) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText gives "[sealed]" to every encoder that asks for text.
func (s Sealed) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalJSON gives "[sealed]" to package json.
func (s Sealed) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// UnmarshalJSON refuses: sealed text is read from the store, not from JSON.
func (s *Sealed) UnmarshalJSON([]byte) error {
	return errors.New("sealed text is not read from JSON")
}

// GobEncode refuses: sealed text has one way into a file, the store.
func (s Sealed) GobEncode() ([]byte, error) {
	return nil, errors.New("sealed text is not written by gob")
}
