package config

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// fill puts the tree into a value of the schema. Everything that the schema does
// not know or that is of another type becomes a problem, and the rest is read on.
func (n *notes) fill(t *node, v reflect.Value, path string) {
	switch {
	case v.Kind() == reflect.Struct:
		n.fillTable(t, v, path)
	case v.Kind() == reflect.String:
		if t.kind != unstable.String {
			n.mistyped(path, t.at, "must be text in double quotes, not %s", kindName(t))
			return
		}
		v.SetString(t.text)
	case v.Kind() == reflect.Bool:
		if t.kind != unstable.Bool {
			n.mistyped(path, t.at, "must be true or false without quotes, not %s", kindName(t))
			return
		}
		v.SetBool(t.text == "true")
	case v.Kind() == reflect.Int:
		number, err := strconv.Atoi(strings.ReplaceAll(t.text, "_", ""))
		if t.kind != unstable.Integer || err != nil {
			n.mistyped(path, t.at, "must be a whole number without quotes, not %s", kindName(t))
			return
		}
		v.SetInt(int64(number))
	case v.Type().Elem().Kind() == reflect.Struct:
		n.fillTables(t, v, path)
	default:
		n.fillList(t, v, path)
	}
}

func (n *notes) fillTable(t *node, v reflect.Value, path string) {
	if t.kind != unstable.Table {
		n.mistyped(path, t.at, "must be one table: write its keys under [%s], not as %s", shown(path), kindName(t))
		return
	}
	for _, key := range t.keys {
		field, ok := fieldOf(v, key)
		if !ok {
			n.unknown(t, v.Type(), path, key)
			continue
		}
		here := join(path, key)
		n.index[here] = t.members[key].at
		n.fill(t.members[key], field, here)
	}
}

func (n *notes) fillTables(t *node, v reflect.Value, path string) {
	if t.kind != unstable.ArrayTable && t.kind != unstable.Array {
		n.mistyped(path, t.at, "there may be several: write [[%s]] in double brackets above each, not %s", shown(path), kindName(t))
		return
	}
	for i, it := range t.items {
		elem := reflect.New(v.Type().Elem()).Elem()
		setDefaults(elem)
		here := item(path, i)
		n.index[here] = it.at
		n.fill(it, elem, here)
		v.Set(reflect.Append(v, elem))
	}
}

func (n *notes) fillList(t *node, v reflect.Value, path string) {
	if t.kind != unstable.Array {
		n.mistyped(path, t.at, "must be a list of texts, such as [\"one\", \"two\"], not %s", kindName(t))
		return
	}
	for i, it := range t.items {
		elem := reflect.New(v.Type().Elem()).Elem()
		here := item(path, i)
		n.index[here] = it.at
		n.fill(it, elem, here)
		v.Set(reflect.Append(v, elem))
	}
}

// unknown tells of a key that table t has no place for. The value is never
// shown: it may be a secret that was put under a wrong name. That the key which
// was meant is missing follows from this problem and is not told again.
func (n *notes) unknown(t *node, typ reflect.Type, path, key string) {
	known := keysOf(typ)
	told, at := join(shown(path), bare(key)), t.members[key].at
	meant := func(key string) {
		if t.members[key] == nil {
			n.bad[join(path, key)] = true
		}
	}
	if typ == reflect.TypeFor[matrixTable]() && loginSecret(key) {
		n.tell(at, told, "secrets never stand in the configuration, and this one is needed only once, to make the bot's device; say: bot login matrix")
		return
	}
	if base, ok := secretBase(key, known); ok {
		n.tell(at, told, "secrets never stand in the configuration; write it into a file of its own and name that with %[1]s_file, or name an environment variable with %[1]s_env", base)
		if t.members[base+"_env"] == nil {
			meant(base + "_file")
		}
		return
	}
	if near, ok := nearest(key, known); ok {
		n.tell(at, told, "there is no such key; did you mean %s?", near)
		meant(near)
		return
	}
	if places := elsewhere(reflect.TypeFor[file](), "", key); len(places) > 0 {
		n.tell(at, told, "there is no such key here; it belongs under %s", strings.Join(places, " or "))
		return
	}
	n.tell(at, told, "there is no such key here; what can stand here is %s", strings.Join(known, ", "))
}

// secretWords are what people call a secret.
func secretWords() []string {
	return []string{"pass", "password", "passwd", "passphrase", "secret", "token", "key"}
}

// loginSecret reports whether a key wants to hold what a Matrix account is logged
// in with, or to name a file with it.
func loginSecret(key string) bool {
	key = strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(key), "_file"), "_env")
	return key != "key" && slices.Contains(append(secretWords(), "access_token", "recovery_key"), key)
}

// secretBase finds the pair of keys that is meant by a key which wants to hold a
// secret: password_file and password_env for password.
func secretBase(key string, known []string) (string, bool) {
	if base := strings.ToLower(key); slices.Contains(known, base+"_env") {
		return base, true
	}
	if !slices.Contains(secretWords(), strings.ToLower(key)) {
		return "", false
	}
	for _, k := range known {
		if base, ok := strings.CutSuffix(k, "_env"); ok {
			return base, true
		}
	}
	return "", false
}

// elsewhere finds the tables that do know a key. In TOML a key belongs to the
// header above it, so a line that was added at the end is often in the wrong
// table.
func elsewhere(typ reflect.Type, header, key string) []string {
	var places []string
	for i := range typ.NumField() {
		f := typ.Field(i)
		name := tagName(f)
		if name == key && header != "" {
			places = append(places, header)
		}
		inner, open, end := f.Type, "[", "]"
		if inner.Kind() == reflect.Slice {
			inner, open, end = inner.Elem(), "[[", "]]"
		}
		if inner.Kind() == reflect.Struct {
			within := open + join(strings.Trim(header, "[]"), name) + end
			places = append(places, elsewhere(inner, within, key)...)
		}
	}
	return places
}

// fieldOf finds the field of a table by its key.
func fieldOf(v reflect.Value, key string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if tagName(v.Type().Field(i)) == key {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func keysOf(typ reflect.Type) []string {
	var out []string
	for i := range typ.NumField() {
		out = append(out, tagName(typ.Field(i)))
	}
	return out
}

func tagName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("toml"), ",")
	return name
}

// setDefaults gives every text and every truth its default, also in the tables within.
func setDefaults(v reflect.Value) {
	for i := range v.NumField() {
		switch field := v.Field(i); field.Kind() {
		case reflect.Struct:
			setDefaults(field)
		case reflect.String:
			field.SetString(v.Type().Field(i).Tag.Get("default"))
		case reflect.Bool:
			field.SetBool(v.Type().Field(i).Tag.Get("default") == "true")
		}
	}
}
