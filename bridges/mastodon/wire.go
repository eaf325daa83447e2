package mastodon

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"tocsin/bridges"
)

// loose is a text, or a number that should be one.
type loose string

// UnmarshalJSON never fails: what is not a text is none.
func (l *loose) UnmarshalJSON(b []byte) error {
	var s string
	switch {
	case json.Unmarshal(b, &s) == nil:
		*l = loose(s)
	case len(b) > 0 && b[0] >= '0' && b[0] <= '9':
		*l = loose(b)
	}
	return nil
}

// number is a whole number, or a text that holds one.
type number int64

// UnmarshalJSON never fails: what is not a whole number is 0.
func (n *number) UnmarshalJSON(b []byte) error {
	v, err := strconv.ParseInt(strings.Trim(string(b), `"`), 10, 64)
	if err != nil {
		v = 0
	}
	*n = number(v)
	return nil
}

// instant is a moment, or none.
type instant struct{ time.Time }

// UnmarshalJSON never fails: what is not a moment is none.
func (i *instant) UnmarshalJSON(b []byte) error {
	t, err := time.Parse(time.RFC3339, strings.Trim(string(b), `"`))
	if err != nil {
		t = time.Time{}
	}
	i.Time = t.UTC()
	return nil
}

// wireStatus is what we read of a status.
// https://docs.joinmastodon.org/entities/Status/
type wireStatus struct {
	ID         loose   `json:"id"`
	URL        loose   `json:"url"`
	Created    instant `json:"created_at"`
	Edited     instant `json:"edited_at"`
	Scheduled  loose   `json:"scheduled_at"`
	Visibility loose   `json:"visibility"`
	Spoiler    loose   `json:"spoiler_text"`
	Content    loose   `json:"content"`
}

func (w wireStatus) posted() Posted {
	return Posted{ID: string(w.ID), URL: bridges.WebAddress(string(w.URL)), At: w.Created.Time, Visibility: bridges.Clean(string(w.Visibility), 20)}
}

// goodID reports whether a text can be an id: digits on Mastodon, letters too on
// others.
func goodID(s string) bool {
	const most = 64
	return s != "" && len(s) <= most && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' || r == '_')
	})
}
