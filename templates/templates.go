// Package templates holds everything the bot says, and the plan as data.
//
// A template is words for facts. What it is given was opened for a clearance
// before: it cannot say what the audience may not hear, whatever it asks for.
// The package knows no network and no store.
package templates

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"sort"
	"strings"
	"text/template"
	"time"

	"tocsin/incidents"
)

//go:embed replies plans
var builtin embed.FS

// Builtin gives the files that come with the program.
func Builtin() fs.FS { return builtin }

// Document is a text for people, before a network has shaped it.
type Document struct {
	Text  string // lines separated by "\n", no control characters besides
	Lines int
}

// Book is every template, ready to be rendered.
type Book struct{ all *template.Template }

// NewBook reads the built-in templates.
func NewBook() (*Book, error) {
	b := &Book{}
	t := template.New("").Option("missingkey=error").Funcs(funcs()).Funcs(template.FuncMap{"did": b.did})
	t, err := t.ParseFS(builtin, "replies/*.tmpl")
	if err != nil {
		return nil, fmt.Errorf("reading the templates: %w", err)
	}
	b.all = t
	return b, nil
}

// did says an entry of the record in the words of its kind.
func (b *Book) did(entry map[string]any) (string, error) {
	kind, _ := entry["kind"].(string)
	t := b.all.Lookup("did/" + kind)
	if t == nil {
		return "", fmt.Errorf("there are no words for %q", kind)
	}
	var out strings.Builder
	err := t.Execute(&out, entry)
	return out.String(), err
}

// Has reports whether there is a template with that name.
func (b *Book) Has(name string) bool { return b.all.Lookup(name) != nil }

// Names lists all templates.
func (b *Book) Names() []string {
	var out []string
	for _, t := range b.all.Templates() {
		if n := t.Name(); n != "" && !strings.HasSuffix(n, ".tmpl") {
			out = append(out, n)
		}
	}
	sort.Strings(out)
	return out
}

// Render says facts in the words of a template, for an audience of clearance c.
// Sealed facts come as "[sealed]" unless c is full; the template is told which
// by .full. Whatever people typed is made harmless for every network.
func (b *Book) Render(name string, f incidents.Facts, c incidents.Clearance) (Document, error) {
	t := b.all.Lookup(name)
	if t == nil {
		return Document{}, fmt.Errorf("there is no template %q", name)
	}
	facts := f.Opened(c)
	var out strings.Builder
	if err := t.Execute(&out, plain(facts, c.Full())); err != nil {
		return Document{}, errors.New("template " + name + ": " + cause(err))
	}
	text := tidy(incidents.Neutral(out.String()))
	return Document{Text: text, Lines: strings.Count(text, "\n") + 1}, nil
}

// cause gives an error of a template without the values it may quote.
func cause(err error) string {
	text := err.Error()
	if at := strings.Index(text, ">: "); at >= 0 {
		text = text[:at] + ">"
	}
	return text
}

// plain turns nested facts into maps that templates can range over; each says
// whether everything may be heard.
func plain(v any, full bool) any {
	switch v := v.(type) {
	case incidents.Facts:
		m := map[string]any{"full": full}
		for k := range v {
			m[k] = plain(v[k], full)
		}
		return m
	case []incidents.Facts:
		list := make([]any, len(v))
		for i := range v {
			list[i] = plain(v[i], full)
		}
		return list
	default:
		return v
	}
}

// tidy drops blank lines at the ends and trailing blanks, and keeps no two
// blank lines in a row.
func tidy(text string) string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRight(line, " ")
		if line == "" && (len(out) == 0 || out[len(out)-1] == "") {
			continue
		}
		out = append(out, line)
	}
	return strings.TrimRight(strings.Join(out, "\n"), "\n")
}

func funcs() template.FuncMap {
	return template.FuncMap{
		"instant": incidents.SayInstant,
		"clock":   func(t time.Time) string { return t.UTC().Format("15:04 UTC") },
		"day":     func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") },
		"join":    func(words []string, by string) string { return strings.Join(words, by) },
		"list":    func(words []string) string { return strings.Join(words, ", ") },
		"or2":     either,
		"line":    func(s string) string { return strings.Join(strings.Fields(s), " ") },
		"indent":  func(s string) string { return strings.ReplaceAll(s, "\n", "\n  ") },
		"count":   plural,
		"pad":     func(n int, s string) string { return s + strings.Repeat(" ", max(0, n-len([]rune(s)))) },
	}
}

// either joins words as people do: "a, b or c".
func either(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// plural says how many: "1 person", "3 people".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
