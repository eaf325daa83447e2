package commands

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/incidents"
)

// reader reads the arguments of one command from what was typed after it.
type reader struct {
	desk  *Desk
	cmd   Command
	line  string
	words []word
	now   time.Time
	out   map[string]any
	typed []typedArg // what was given, also when it could not be read
}

type typedArg struct {
	Arg
	text string
}

// read gives the values of a command's arguments by name. What does not fit is
// refused with the usage.
func (d *Desk) read(cmd Command, line string, now time.Time) (*reader, error) {
	r := &reader{desk: d, cmd: cmd, line: line, words: split(line), now: now, out: map[string]any{}}
	if cmd.flagged() {
		if err := r.flags(); err != nil {
			return r, err
		}
	}
	return r, r.places()
}

func (r *reader) usage() error { return incidents.Refuse("usage", "usage", r.desk.usage(r.cmd)) }

// flags takes the flags and their values out of the words. What is left has to
// be in one piece: else a value of several words lacks its quotes, and guessing
// which words belong to it would keep the wrong thing.
func (r *reader) flags() error {
	var rest []word
	gaps := 0
	for k := 0; k < len(r.words); k++ {
		w := r.words[k]
		if r.cmd.Before && (len(rest) > r.singles() || len(rest) == r.singles() && r.begins(w)) {
			rest = append(rest, r.words[k:]...)
			break
		}
		if name, value, ok := strings.Cut(w.text, "="); ok && !w.quoted && r.flag(name) >= 0 && value != "" {
			// --source=github is --source github.
			at := w.start + strings.IndexByte(r.line[w.start:w.end], '=') + 1
			r.words = slices.Insert(r.words, k+1, word{text: value, start: at, end: w.end})
			w = word{text: name, start: w.start, end: at - 1}
			r.words[k] = w
		}
		if !w.quoted && strings.HasPrefix(w.text, "-") && r.flag("-"+w.text) >= 0 {
			return incidents.Refuse("unknown-flag", "usage", r.desk.usage(r.cmd)) // -source, with one dash
		}
		if w.quoted || !strings.HasPrefix(w.text, "--") {
			if len(rest) > r.singles() && k > 0 && rest[len(rest)-1].end != r.words[k-1].end {
				gaps++
			}
			rest = append(rest, w)
			continue
		}
		at := r.flag(w.text)
		if at < 0 {
			return incidents.Refuse("unknown-flag", "usage", r.desk.usage(r.cmd))
		}
		a := r.cmd.Args[at]
		if a.Kind == Switch {
			r.out[a.Name] = true
			continue
		}
		n := r.span(a, r.words[k+1:])
		if n == 0 {
			return incidents.Refuse("flag-needs-value", "flag", a.Flag, "usage", r.desk.usage(r.cmd))
		}
		if _, twice := r.out[a.Name]; twice {
			return incidents.Refuse("flag-twice", "flag", a.Flag)
		}
		if err := r.value(a, r.words[k+1:k+1+n]); err != nil {
			return err
		}
		k += n
	}
	if gaps > 0 {
		return incidents.Refuse("flag-in-text")
	}
	r.words = rest
	return nil
}

// begins reports whether a word begins the text of a command whose flags stand before
// it, though it looks like a flag.
func (r *reader) begins(w word) bool {
	name, _, _ := strings.Cut(w.text, "=")
	return !w.quoted && strings.HasPrefix(w.text, "-") && r.flag(name) < 0
}

// singles counts the arguments of one word that come first: a flag may stand behind
// them, and a text begin after it.
func (r *reader) singles() int {
	n := 0
	for _, a := range r.cmd.Args {
		switch {
		case a.Flag != "":
		case a.Kind == Word || a.Kind == Key || a.Kind == Person:
			n++
		default:
			return n
		}
	}
	return 0 // no text comes after them
}

// flag finds a flag of the command by its name; -1 when it has none such.
func (r *reader) flag(name string) int {
	return slices.IndexFunc(r.cmd.Args, func(a Arg) bool { return a.Flag != "" && a.Flag == small(name) })
}

// timeWord is what a further word of a date and time looks like.
func timeWord() *regexp.Regexp {
	return regexp.MustCompile(`^([+-]?[0-9][0-9:.TZ+-]*|ago|AGO|hours?|days?|weeks?|minutes?|UTC|GMT|Z|[A-Z]{2,5}|[A-Za-z_]+/[A-Za-z_/+-]+)$`)
}

// goesOn reports whether word n is part of the date and time that the words before it
// begin. After a time of day comes a zone and no other number.
func goesOn(words []word, n int, shape *regexp.Regexp) bool {
	w, before := words[n], words[n-1].text
	if w.quoted || endsTime(before) || !shape.MatchString(w.text) {
		return false
	}
	return !strings.Contains(before, ":") || w.text[0] < '0' || w.text[0] > '9'
}

// endsTime reports whether nothing more of a date and time comes after a word:
// what follows "ago" or a zone is the title, also one that begins with "RCE".
func endsTime(w string) bool {
	return slices.Contains([]string{"ago", "utc", "gmt", "z"}, strings.ToLower(w)) || strings.Contains(w, "/")
}

// span counts the words that a flag's value takes: one, but for a date with its
// time and zone, and a text, which goes on to the next flag.
func (r *reader) span(a Arg, words []word) int {
	if len(words) == 0 || (!words[0].quoted && strings.HasPrefix(words[0].text, "--")) {
		return 0
	}
	n := 1
	for a.Kind == Text && !words[0].quoted && n < len(words) && (words[n].quoted || !strings.HasPrefix(words[n].text, "--")) {
		n++
	}
	if a.Kind == When && !words[0].quoted {
		shape := timeWord()
		for n < len(words) && n < 4 && goesOn(words, n, shape) {
			n++
		}
	}
	return n
}

// places reads the arguments that are known by their place.
func (r *reader) places() error {
	k := 0
	for at, a := range r.cmd.Args {
		if a.Flag != "" {
			continue
		}
		if k >= len(r.words) {
			if a.Optional {
				continue
			}
			return r.usage()
		}
		n := 1
		if a.Kind == OneLine || a.Kind == Text || a.Kind == When || a.Kind == Handles {
			n = len(r.words) - k
		}
		if a.Kind == When && r.placesAfter(at) {
			n = timeSpan(r.words[k:])
		}
		if err := r.value(a, r.words[k:k+n]); err != nil {
			return err
		}
		k += n
	}
	if k < len(r.words) {
		return r.usage()
	}
	return nil
}

// placesAfter reports whether an argument that is known by its place comes after one.
func (r *reader) placesAfter(at int) bool {
	return slices.ContainsFunc(r.cmd.Args[at+1:], func(a Arg) bool { return a.Flag == "" })
}

// timeSpan counts the words of a date and time before a text. An abbreviation of a
// zone counts only where it is one that people use, so that a reason may begin with
// CVE, it, best or met.
func timeSpan(words []word) int {
	if words[0].quoted {
		return 1
	}
	n := 1
	switch small(words[0].text) {
	case "next":
		n = 2
	case "in":
		n = 3
	}
	shape := regexp.MustCompile(`^([+-]?[0-9][0-9:.TZ+-]*|(?i:ago|hours?|days?|weeks?|minutes?|UTC|GMT|Z|[ECMP][SD]?T|[JIB]ST|[CE]ES?T|AE[SD]T|MSK)|[MW]ES?T|[A-Za-z_]+/[A-Za-z_/+-]+)$`)
	for n < len(words) && n < 4 && goesOn(words, n, shape) {
		n++
	}
	return min(n, len(words))
}

// value reads one argument from its words.
func (r *reader) value(a Arg, words []word) error {
	text := words[0].text
	if free := a.Kind == OneLine || a.Kind == Text; len(words) > 1 || (free && !words[0].quoted) { // as it was typed, dashes too
		text = r.line[words[0].start:words[len(words)-1].end]
	}
	r.typed = append(r.typed, typedArg{a, text})
	if words[0].open() {
		return errOpenQuote()
	}
	v, err := r.kind(a, text)
	if err != nil {
		return err
	}
	r.out[a.Name] = v
	return nil
}

func (r *reader) kind(a Arg, text string) (any, error) {
	plan := r.desk.Plan()
	switch a.Kind {
	case Key:
		text = plan.KeyOf(a.Of, text)
		if !slices.Contains(plan.Keys(a.Of), text) {
			return nil, incidents.Refuse("unknown-key", "kind", a.Of, "keys", plan.Keys(a.Of))
		}
		return text, nil
	case Word:
		if a.OneOf == nil {
			return incidents.CleanLine(text, 200)
		}
		text = strings.ToLower(text)
		if !slices.Contains(a.OneOf, text) {
			return nil, incidents.Refuse("one-of", "kind", a.Name, "keys", a.OneOf)
		}
		return text, nil
	case Person:
		p, ok := r.desk.Roster.Named(strings.TrimPrefix(text, "@"))
		if !ok {
			return nil, incidents.Refuse("unknown-person", "names", r.desk.Roster.Names())
		}
		return p.Name, nil
	case When:
		return incidents.ReadWhen(text, r.now, time.UTC, plan.Hour)
	case Count:
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1000 {
			return nil, incidents.Refuse("bad-count", "name", a.Name)
		}
		return n, nil
	case OneLine:
		return incidents.CleanLine(text, a.Max)
	case Text:
		if _, ok := r.desk.handle(strings.TrimSpace(text)); ok && a.Optional {
			return nil, incidents.Refuse("handle-first", "usage", r.desk.usage(r.cmd)) // "!severity set high INC-1"
		}
		return incidents.CleanText(text, a.Max)
	case Version:
		return incidents.ReadVersion(text)
	case Hash:
		return incidents.ReadSHA(text)
	case Handles:
		return r.desk.handles(text)
	case Vector:
		if _, err := incidents.ReadVector(text); err != nil {
			return nil, err
		}
		return text, nil
	case Severity:
		if incidents.LooksLikeVector(text) {
			_, err := incidents.ReadVector(text)
			return text, err
		}
		text = strings.ToLower(text)
		if _, ok := plan.Level(text); !ok {
			return nil, incidents.Refuse("unknown-level", "keys", plan.Keys("level"))
		}
		return text, nil
	default:
		return nil, incidents.Refuse("usage", "usage", r.desk.usage(r.cmd))
	}
}

// sealedTyped reports whether something was typed that only a room with full
// clearance may hear: a sealed argument, or a vector where a level would do.
func (r *reader) sealedTyped() bool {
	for _, a := range r.typed {
		if a.Sealed || (a.Kind == Severity && incidents.LooksLikeVector(a.text)) {
			return true
		}
	}
	return false
}
