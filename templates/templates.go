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
	"slices"
	"sort"
	"strings"
	"text/template"
	"time"

	"tocsin/incidents"
)

//go:embed replies plans drafts
var builtin embed.FS

// Builtin gives the files that come with the program.
func Builtin() fs.FS { return builtin }

// Document is a text for people, before a network has shaped it. Text and HTML
// say the same, made in one go from the same words of a template.
//
// Text is for networks without HTML, and says everything as it was typed.
//
// HTML is for Matrix. Its elements are b, br, code, ul and li, which every client
// shows, and it has no attributes: so there is no link, no image, no colour and
// no mention in it. Whom a message calls is for the bridge to say, in m.mentions.
// Everything else is text, and escaped.
//
// Many clients make links of what looks like one in text, and mentions of what
// looks like an account or a room, also in HTML: a title could then call
// somebody, or show an account's name for an address of the web. So each word
// that they could mean is in code, where clients look for neither; it is read
// and copied as it was typed, and the words around it stay text. A character
// that is not seen, put into the word, would be copied with it, and an empty
// element is dropped by some clients before they look for links. A client that
// looks into code too shows a link, which nobody has to follow; it calls nobody,
// for m.mentions alone does that.
type Document struct {
	Text  string // lines separated by "\n", no control characters besides
	HTML  string // "" when Text is
	Lines int    // of Text
}

// Book is every template, ready to be rendered.
type Book struct {
	all    *template.Template
	drafts []draftFile // by name
}

// NewBook reads the built-in templates. Those of replies are those of text/template,
// with three things more, which plain text is without:
//
//	`!help`      code: a command, or something else that can be typed
//	*INC-7*      bold: the name of an incident
//	{{item}}     at the start of a line: the line is an item of a list, and so
//	             are the lines below it that begin with two blanks
//
// The signs count in a template's own words only, never in a fact. Facts may
// stand between two of them.
func NewBook() (*Book, error) { return NewBookWith(nil) }

// newBook reads the templates with these marks.
func newBook(code, bold, item string) (*Book, error) {
	b := &Book{}
	t := template.New("").Option("missingkey=error").Funcs(funcs()).Funcs(markdownFuncs()).
		Funcs(template.FuncMap{"did": b.did, "finding": b.finding, "item": func() string { return item }})
	t, err := t.ParseFS(builtin, "replies/*.tmpl")
	if err != nil {
		return nil, fmt.Errorf("reading the templates: %w", err)
	}
	for _, one := range t.Templates() {
		if one.Tree != nil {
			mark(one.Root, signs(code, bold))
		}
	}
	b.all = t
	return b, nil
}

// did says an entry of the record in the words of its kind.
func (b *Book) did(entry map[string]any) (string, error) {
	kind, _ := entry["kind"].(string)
	return b.by("did/"+kind, entry)
}

// finding says what a doctor found in the words of its key.
func (b *Book) finding(found map[string]any) (string, error) {
	key, _ := found["kind"].(string)
	return b.by("finding/"+key, found)
}

// by says facts in the words of a template whose name is reckoned.
func (b *Book) by(name string, f map[string]any) (string, error) {
	t := b.all.Lookup(name)
	if t == nil {
		return "", fmt.Errorf("there are no words for %q", name)
	}
	var out strings.Builder
	err := t.Execute(&out, f)
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
	raw, err := b.say(name, f, c)
	if err != nil {
		return Document{}, err
	}
	return shape(raw), nil
}

// say gives the words of a template with their marks.
func (b *Book) say(name string, f incidents.Facts, c incidents.Clearance) (string, error) {
	t := b.all.Lookup(name)
	if t == nil {
		return "", fmt.Errorf("there is no template %q", name)
	}
	var out strings.Builder
	if err := t.Execute(&out, plain(f.Opened(c), c.Full())); err != nil {
		return "", errors.New("template " + name + ": " + cause(err))
	}
	return out.String(), nil
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
// whether everything may be heard. No text in them holds a mark.
func plain(v any, full bool) any {
	switch x := v.(type) {
	case incidents.Facts:
		m := make(map[string]any, len(x)+1)
		m["full"] = full
		for k := range x {
			m[k] = plain(x[k], full)
		}
		return m
	case []incidents.Facts:
		list := make([]any, len(x))
		for i := range x {
			list[i] = plain(x[i], full)
		}
		return list
	case string:
		if holdsMark(x) {
			return unmarked(x)
		}
		return v
	case []string:
		if !slices.ContainsFunc(x, holdsMark) {
			return v
		}
		list := make([]string, len(x))
		for i := range x {
			list[i] = unmarked(x[i])
		}
		return list
	case nil, bool, int, time.Time:
		return v
	default: // no fact is anything else; should one be, it has no mark either
		return unmarked(fmt.Sprint(v))
	}
}

func funcs() template.FuncMap {
	return template.FuncMap{
		"instant": incidents.SayInstant,
		"clock":   func(t time.Time) string { return t.UTC().Format("15:04 UTC") },
		"day":     func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") },
		"join":    func(words []string, by string) string { return strings.Join(words, by) },
		"list":    func(words []string) string { return strings.Join(words, ", ") },
		"or2":     either,
		"has":     func(keys, key string) bool { return strings.Contains(keys, " "+key+" ") },
		"line":    func(s string) string { return strings.Join(strings.Fields(s), " ") },
		"typed":   incidents.Typed,
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
