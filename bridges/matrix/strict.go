package matrix

import (
	"bytes"
	"encoding/json"
	"strings"
)

// The package encoding/json takes "JOIN_RULE" for "join_rule" and the last of two
// for the right one. Who writes a room's state could have us read another room
// than the homeserver does. So what a proof rests on is read here: a field has
// exactly its name, and is there once.

// pick gives the values of an object's fields in the order of names; nil for one
// that is not there. It is false for what is not an object, and when a field is
// there twice or with other capitals.
func pick(object []byte, names ...string) ([][]byte, bool) {
	out := make([][]byte, len(names))
	ok := walk(object, '{', func(key string, value []byte) bool {
		for i, name := range names {
			if key == name && out[i] == nil {
				out[i] = value
			} else if strings.EqualFold(key, name) {
				return false
			}
		}
		return true
	})
	return out, ok
}

// elements gives the values of an array.
func elements(array []byte) (out [][]byte, ok bool) {
	ok = walk(array, '[', func(_ string, value []byte) bool {
		out = append(out, value)
		return true
	})
	return out, ok
}

// str reads a string; false for everything else.
func str(value []byte) (string, bool) {
	if len(value) < 2 || value[0] != '"' {
		return "", false
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return string(value[1 : len(value)-1]), true
	}
	var s string
	err := json.Unmarshal(value, &s)
	return s, err == nil
}

// empty says whether a value is an object or array without anything in it, or null.
func empty(value []byte) bool {
	value = bytes.TrimSpace(value)
	if len(value) < 2 || value[0] != '{' && value[0] != '[' {
		return len(value) == 0 || string(value) == "null"
	}
	return len(bytes.TrimSpace(value[1:len(value)-1])) == 0
}

// walk calls f with each member of an object or array. The value is valid JSON;
// what is not gives false, as f can.
func walk(data []byte, open byte, f func(key string, value []byte) bool) bool {
	i := skip(data, 0)
	if i == len(data) || data[i] != open {
		return false
	}
	i = skip(data, i+1)
	if i < len(data) && data[i] == open+2 { // } and ] are two after { and [
		return true
	}
	for i < len(data) {
		key := ""
		if open == '{' {
			end := span(data, i)
			if end < 0 {
				return false
			}
			var ok bool
			if key, ok = str(data[i:end]); !ok {
				return false
			}
			if i = skip(data, end); i == len(data) || data[i] != ':' {
				return false
			}
			i = skip(data, i+1)
		}
		end := span(data, i)
		if end < 0 || !f(key, data[i:end]) {
			return false
		}
		if i = skip(data, end); i == len(data) {
			return false
		}
		if data[i] == open+2 {
			return true
		}
		if data[i] != ',' {
			return false
		}
		i = skip(data, i+1)
	}
	return false
}

// skip goes past white space.
func skip(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\n' || data[i] == '\t' || data[i] == '\r') {
		i++
	}
	return i
}

// span is where the value ends that begins at i, or -1.
func span(data []byte, i int) int {
	depth := 0
	for i < len(data) {
		switch c := data[i]; c {
		case '"':
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
			if i >= len(data) {
				return -1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i // the end of a number or a word
			}
			depth--
		case ',', ':', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return i
			}
			i++
			continue
		default:
			i++
			if depth == 0 && i < len(data) && !word1(data[i]) {
				return i
			}
			continue
		}
		i++
		if depth == 0 {
			return i
		}
	}
	return -1
}

// word1 says whether a byte belongs to a number or to true, false and null.
func word1(c byte) bool {
	return c == '+' || c == '-' || c == '.' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || c == 'E'
}
