package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Problem is one thing that is wrong with the file. Told says what would work.
type Problem struct {
	File   string
	Line   int    // from 1
	Column int    // from 1, or 0 where the line alone says enough
	Key    string // "person.zone", or "" when it is about no key
	Told   string
}

// Error gives the problem in one line, as compilers do.
func (p Problem) Error() string {
	where := p.File + ":" + strconv.Itoa(p.Line)
	if p.Column > 0 {
		where += ":" + strconv.Itoa(p.Column)
	}
	if p.Key != "" {
		return where + ": " + p.Key + ": " + p.Told
	}
	return where + ": " + p.Told
}

// Problems are all the problems of one file, by line.
type Problems []Problem

// Error gives one problem a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// position is a place in the file, both parts counted from 1.
type position struct{ line, column int }

// notes is what is learned about a file while it is read: the problems, and
// where each key stands that the schema knows. A path such as
// "irc[0].room[1].channel" counts array elements from 0.
type notes struct {
	file     string
	problems Problems
	index    map[string]position
	bad      map[string]bool // paths that have their problem already: of a wrong type, or misspelt
}

func newNotes(file string) *notes {
	return &notes{file: file, index: map[string]position{}, bad: map[string]bool{}}
}

// tell notes a problem at a place.
func (n *notes) tell(at position, key, format string, args ...any) {
	n.problems = append(n.problems, Problem{
		File: n.file, Line: at.line, Column: at.column, Key: key, Told: fmt.Sprintf(format, args...),
	})
}

// add notes a problem of the value at path. A value that was of the wrong type
// or had its key misspelt has its problem already: what else seems wrong with it
// follows from that.
func (n *notes) add(path, format string, args ...any) {
	if n.bad[path] {
		return
	}
	n.tell(position{line: n.line(path)}, shown(path), format, args...)
}

// mistyped notes that the value at path is not of the type it must be.
func (n *notes) mistyped(path string, at position, format string, args ...any) {
	n.tell(at, shown(path), format, args...)
	n.bad[path] = true
}

// has reports whether the file holds a value at path.
func (n *notes) has(path string) bool {
	_, ok := n.index[path]
	return ok
}

// line finds the line of path, or of the nearest table around it: what is
// missing is told at the header of its table.
func (n *notes) line(path string) int {
	for path != "" {
		if at, ok := n.index[path]; ok {
			return at.line
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return 1
}

// sorted gives the problems by line; those of one line stay in the order in
// which they were found.
func (n *notes) sorted() Problems {
	slices.SortStableFunc(n.problems, func(a, b Problem) int { return a.Line - b.Line })
	return n.problems
}

// shown is a path as people write it: "person[2].zone" is person.zone, since the
// line says which person it is.
func shown(path string) string {
	var b strings.Builder
	for path != "" {
		before, after, found := strings.Cut(path, "[")
		b.WriteString(before)
		if !found {
			break
		}
		_, path, _ = strings.Cut(after, "]")
	}
	return b.String()
}

// join makes the path of a key in a table. A path that is longer than any the
// schema has is not made longer still: a hostile key may have very many parts.
func join(path, key string) string {
	const longest = 200
	switch {
	case path == "":
		return key
	case len(path) > longest:
		return path
	}
	return path + "." + key
}

// item makes the path of an element of a list.
func item(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// quote puts a value of the file into a message: on one line, harmless to a
// terminal, and not too long to read.
func quote(s string) string { return strconv.Quote(shorten(s, 60)) }

// quotePath is quote for paths, of which people need the end as well.
func quotePath(s string) string { return strconv.Quote(shorten(s, 500)) }

func shorten(s string, most int) string {
	if utf8.RuneCountInString(s) > most {
		return string([]rune(s)[:most]) + "..."
	}
	return s
}

// list is words as a sentence holds them: "a", "b" or "c".
func list(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = strconv.Quote(w)
	}
	if len(quoted) < 2 {
		return strings.Join(quoted, "")
	}
	last := len(quoted) - 1
	return strings.Join(quoted[:last], ", ") + " or " + quoted[last]
}

// nearest finds the known word that somebody may have meant.
func nearest(word string, known []string) (string, bool) {
	const longest = 40 // beyond this it is no typing mistake
	if len(word) > longest {
		return "", false
	}
	word = strings.ReplaceAll(strings.ToLower(word), "-", "_")
	best, least := "", 3
	for _, k := range known {
		if d := distance(word, k); d < least && d <= (len(k)+2)/3 {
			best, least = k, d
		}
	}
	return best, best != ""
}

// distance counts the letters to add, leave out or change to make b of a; two
// neighbours that changed places count once.
func distance(a, b string) int {
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, now := rows[0], rows[1], rows[2]
		now[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			now[j] = min(last[j]+1, now[j-1]+1, change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
		}
		rows = [3][]int{last, now, before}
	}
	return rows[1][len(b)]
}
