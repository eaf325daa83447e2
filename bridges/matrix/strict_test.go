package matrix

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"
)

func TestPick(t *testing.T) {
	t.Parallel()
	for object, want := range map[string]string{
		`{"a":"x"}`:                           `"x"`,
		` { "b" : [1,{"a":2}] , "a" : "x" } `: `"x"`,
		`{"a":-1.5e3}`:                        `-1.5e3`,
		`{"a":{"a":"}"}}`:                     `{"a":"}"}`,
		`{"\u0061":true}`:                     `true`,
		`{"b":"\\\"","a":null}`:               `null`,
		`{}`:                                  ``,
		`{"b":{"a":1}}`:                       ``,
		`{"a":1,"a":1}`:                       "!",
		`{"a":1,"A":1}`:                       "!",
		`{"A":1}`:                             "!",
		`{"a":1,"\u0061":2}`:                  "!",
		`[]`:                                  "!",
		`"a"`:                                 "!",
		``:                                    "!",
		`{"a"`:                                "!",
		`{"a":1`:                              "!",
	} {
		v, ok := pick([]byte(object), "a")
		if got := string(v[0]); ok != (want != "!") || ok && got != want {
			t.Errorf("%s: %q, %v", object, got, ok)
		}
	}
}

func TestStr(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{`"x"`: "x", `"\u0041\n"`: "A\n", `""`: ""} {
		if got, ok := str([]byte(value)); !ok || got != want {
			t.Errorf("%s: %q, %v", value, got, ok)
		}
	}
	for _, value := range []string{`1`, `null`, `{}`, ``, `"`, `["x"]`} {
		if got, ok := str([]byte(value)); ok {
			t.Errorf("%s: %q", value, got)
		}
	}
}

// FuzzWalk holds our reading of JSON against the standard library's, for what both
// take as one thing.
func FuzzWalk(f *testing.F) {
	for _, seed := range []string{
		`{"a":1,"b":[true,false,null],"c":{"d":"\"}{"}}`, `[1,"x",{"a":[]},-1e9]`, ` [ ] `, `{"":""}`, `[[[[]]]]`, `{"a":"\\"}`, `[0.1,2]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !json.Valid(data) || !utf8.Valid(data) {
			walk(data, '{', func(string, []byte) bool { return true }) // only not to fall over
			walk(data, '[', func(string, []byte) bool { return true })
			return
		}
		data = bytes.TrimSpace(data)
		switch data[0] {
		case '{':
			var want map[string]json.RawMessage
			if err := json.Unmarshal(data, &want); err != nil {
				t.Skip()
			}
			got := map[string]string{}
			if !walk(data, '{', func(key string, value []byte) bool { got[key] = string(value); return true }) {
				t.Fatalf("%s cannot be walked", data)
			}
			for key, value := range want {
				if got[key] != string(value) {
					t.Errorf("%s: %q is %q, not %q", data, key, got[key], value)
				}
			}
		case '[':
			var want []json.RawMessage
			if err := json.Unmarshal(data, &want); err != nil {
				t.Skip()
			}
			got, ok := elements(data)
			if !ok || len(got) != len(want) {
				t.Fatalf("%s: %d elements, not %d", data, len(got), len(want))
			}
			for i := range want {
				if !bytes.Equal(got[i], want[i]) {
					t.Errorf("%s: %q, not %q", data, got[i], want[i])
				}
			}
		default:
			if walk(data, '{', func(string, []byte) bool { return true }) {
				t.Errorf("%s is an object", data)
			}
		}
	})
}
