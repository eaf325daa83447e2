package incidents

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Section is a numbered section of the plan's text.
type Section struct {
	Number string // "7.4", "A.1"; "" for what stands before the first one
	Title  string
	Text   string // without its heading and without the sections below it
}

// Definition is a term that the plan defines (section 3).
type Definition struct {
	Term  string
	Means string
}

// Support is a line of the version support matrix (section 1.1).
type Support struct {
	Branch string
	Status string
}

// Contact is somebody outside who has to be told or asked in an incident.
type Contact struct {
	Key     string
	Name    string
	Reach   string // a public address, or where the team keeps it
	For     string
	Section string
}

// Section finds a section by its number, as people type it: "7.4", "7.4.", "A".
func (p Plan) Section(number string) (Section, bool) {
	number = strings.ToUpper(strings.Trim(number, ". §"))
	for _, s := range p.Sections {
		if number != "" && s.Number == number {
			return s, true
		}
	}
	return Section{}, false
}

// Below lists the sections right below one; those of the first level for "".
func (p Plan) Below(number string) []Section {
	var out []Section
	for _, s := range p.Sections {
		parent, _ := cutLast(s.Number)
		if s.Number != "" && parent == number {
			out = append(out, s)
		}
	}
	return out
}

// cutLast cuts the last number off: "7.4" into "7" and "4", "7" into "" and "7".
func cutLast(number string) (before, last string) {
	if at := strings.LastIndexByte(number, '.'); at >= 0 {
		return number[:at], number[at+1:]
	}
	return "", number
}

// StepText finds a numbered step of a section by its full number: "7.1.3" is step 3 of
// section 7.1. Its text is the step's alone.
func (p Plan) StepText(number string) (Section, bool) {
	before, last := cutLast(strings.Trim(number, ". §"))
	s, ok := p.Section(before)
	if !ok {
		return Section{}, false
	}
	var step []string
	for line := range strings.SplitSeq(s.Text, "\n") {
		digits, rest, cut := strings.Cut(line, ". ")
		if cut && digits != "" && strings.Trim(digits, "0123456789") == "" {
			if len(step) > 0 {
				break
			}
			if digits == last {
				step = append(step, rest)
			}
		} else if len(step) > 0 {
			step = append(step, strings.TrimPrefix(line, "   "))
		}
	}
	text := strings.TrimSpace(strings.Join(step, "\n"))
	return Section{Number: s.Number + "." + last, Title: s.Title, Text: text}, text != ""
}

// SectionNumber gives the number when somebody asks for a section or a step by it:
// "7.4", "section 7.4", "§ 7.4", "appendix A"; false when they ask by words.
func SectionNumber(asked string) (string, bool) {
	m := regexp.MustCompile(`(?i)^(?:(?:section|step|appendix|§) *)?((?:[0-9]+|[a-z])(?:\.[0-9]+)*)\.?$`).FindStringSubmatch(asked)
	if m == nil {
		return "", false
	}
	return m[1], true
}

// FindSections gives the sections that fit words best, the best one first: by the
// words of the heading, then by those of the text. A word also fits the beginning
// of a longer one. A section that has fewer of the words than another one is left
// out.
func (p Plan) FindSections(asked string) []Section {
	words := wordsOf(asked)
	long := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return len(w) < 3 })
	if len(long) > 0 {
		words = long // "of" and "to" find nothing
	}
	type fit struct {
		Section
		found, heading, title, often int
	}
	var fits []fit
	most := 1
	for _, s := range p.Sections {
		f := fit{Section: s}
		title, text := wordsOf(s.Title), wordsOf(s.Text)
		f.title = len(title)
		for _, w := range words {
			inTitle, inText := occurs(w, title), occurs(w, text)
			f.heading += min(inTitle, 1)
			f.found += min(inTitle+inText, 1)
			f.often += inText
		}
		most = max(most, f.found)
		fits = append(fits, f)
	}
	fits = slices.DeleteFunc(fits, func(f fit) bool { return f.found < most })
	slices.SortStableFunc(fits, func(a, b fit) int {
		if a.heading != b.heading {
			return b.heading - a.heading
		}
		if a.heading > 0 && a.title != b.title {
			return a.title - b.title // a short heading is about little else
		}
		return b.often - a.often
	})
	out := make([]Section, len(fits))
	for k, f := range fits {
		out[k] = f.Section
	}
	return out
}

// wordsOf gives the words of a text in small letters.
func wordsOf(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// occurs counts the words that a word is, or begins.
func occurs(word string, in []string) (n int) {
	for _, w := range in {
		if w == word || (len(word) >= 3 && strings.HasPrefix(w, word)) {
			n++
		}
	}
	return n
}

// Define finds a definition: capital letters do not matter, nor does the plural.
func (p Plan) Define(term string) (Definition, bool) {
	same := func(a, b string) bool { return strings.EqualFold(a, b) || strings.EqualFold(a, b+"s") }
	term = strings.Join(strings.Fields(term), " ")
	for _, d := range p.Definitions {
		if same(term, d.Term) {
			return d, true
		}
	}
	return Definition{}, false
}

// Contact finds a contact by key.
func (p Plan) Contact(key string) (Contact, bool) {
	return one(p.Contacts, key, func(c Contact) string { return c.Key })
}
