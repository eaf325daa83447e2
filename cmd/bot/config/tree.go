package config

import (
	"errors"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// node is a value of the document with its place. The decoder of go-toml stops
// at the first value of a wrong type and forgets where the good ones stood, so
// the document is kept as a tree of these.
type node struct {
	at      position
	kind    unstable.Kind // Table, ArrayTable, Array or the kind of a plain value
	text    string        // of a plain value; strings are unescaped
	items   []*node       // of Array and ArrayTable
	keys    []string      // of Table, in order
	members map[string]*node
	implied bool // a table that exists only because a longer header goes through it
}

func newTable(at position) *node {
	return &node{at: at, kind: unstable.Table, members: map[string]*node{}}
}

func (t *node) put(key string, n *node) {
	t.keys = append(t.keys, key)
	t.members[key] = n
}

// planter grows the tree from the expressions of the parser.
type planter struct {
	*notes
	parser unstable.Parser
	starts []int // the offset of each line
	data   []byte
	root   *node
	table  *node // what the keys of the next lines belong to
	path   string
}

// parse reads the document. It is not whole when a line is not TOML: the tree
// then holds what stood before that line.
func (n *notes) parse(data []byte) (root *node, whole bool) {
	p := &planter{notes: n, data: data, root: newTable(position{line: 1, column: 1})}
	p.table = p.root
	p.starts = append(p.starts, 0)
	for i, b := range data {
		if b == '\n' {
			p.starts = append(p.starts, i+1)
		}
	}
	p.parser.Reset(data)
	for p.parser.NextExpression() {
		switch e := p.parser.Expression(); e.Kind {
		case unstable.Table, unstable.ArrayTable:
			p.header(e)
		case unstable.KeyValue:
			p.keyValue(e, p.table, p.path)
		}
	}
	return p.root, p.finish(p.parser.Error())
}

// finish tells of an error of the syntax. The tree takes a few things that TOML
// forbids, so the library's own decoder has the last word on what is TOML.
func (p *planter) finish(err error) (whole bool) {
	var syntax *unstable.ParserError
	if errors.As(err, &syntax) {
		at := p.position(p.parser.Range(syntax.Highlight).Offset)
		p.tell(at, "", "%s", p.notTOML(at, syntax.Message))
		return false
	}
	var anything map[string]any
	if err := toml.Unmarshal(p.data, &anything); err != nil {
		at := position{line: 1}
		var d *toml.DecodeError
		if errors.As(err, &d) {
			at.line, at.column = d.Position()
		}
		if !p.told(at.line) {
			p.tell(at, "", "%s", p.notTOML(at, strings.TrimPrefix(err.Error(), "toml: ")))
		}
	}
	return true
}

func (p *planter) told(line int) bool {
	for _, q := range p.problems {
		if q.Line == line {
			return true
		}
	}
	return false
}

// notTOML is the sentence for a line that is not TOML. The library quotes little
// of the line, but of one that may hold a secret not a letter is shown.
func (p *planter) notTOML(at position, message string) string {
	const hint = "; text stands in double quotes, lists in [ ]"
	line := p.data[p.starts[at.line-1]:]
	if at.line < len(p.starts) {
		line = p.data[p.starts[at.line-1]:p.starts[at.line]]
	}
	low := strings.ToLower(string(line))
	for _, word := range append([]string{"_env"}, secretWords()...) {
		if strings.Contains(low, word) {
			return "this line is not TOML" + hint
		}
	}
	// A key in quotes may hold anything, and the message may hold the key.
	message = strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, message), "?")
	return "this line is not TOML: " + shorten(message, 120) + hint
}

func (p *planter) position(offset uint32) position {
	i := sort.SearchInts(p.starts, int(offset)+1) - 1
	before := p.data[p.starts[i]:offset]
	const longest = 4096 // no line that people wrote; counting it for each of its keys would take long
	if len(before) > longest {
		return position{line: i + 1, column: len(before) + 1}
	}
	return position{line: i + 1, column: utf8.RuneCount(before) + 1}
}

// header enters the table that the next keys belong to.
func (p *planter) header(e *unstable.Node) {
	t, path := p.root, ""
	for k := e.Key(); k.Next(); {
		name, at := string(k.Node().Data), p.position(k.Node().Raw.Offset)
		path = join(path, bare(name))
		have := t.members[name]
		switch {
		case !k.IsLast():
			t = p.through(t, have, name, path, at)
		case e.Kind == unstable.ArrayTable:
			t = p.element(t, have, name, path, at)
		case have == nil:
			have = newTable(at)
			t.put(name, have)
			t = have
		case have.kind == unstable.Table:
			if !have.implied {
				p.tell(at, path, "this table stands twice, first on line %d; put its keys under one header", have.at.line)
			}
			have.implied = false
			t = have
		default:
			t = p.clash(path, at, have)
		}
	}
	p.table, p.path = t, path
}

// through goes into a table on the way to another one.
func (p *planter) through(t, have *node, name, path string, at position) *node {
	switch {
	case have == nil:
		have = newTable(at)
		have.implied = true
		t.put(name, have)
		return have
	case have.kind == unstable.Table:
		return have
	case have.kind == unstable.ArrayTable:
		return have.items[len(have.items)-1]
	default:
		return p.clash(path, at, have)
	}
}

// element adds an element to an array of tables.
func (p *planter) element(t, have *node, name, path string, at position) *node {
	if have == nil {
		have = &node{at: at, kind: unstable.ArrayTable}
		t.put(name, have)
	}
	if have.kind != unstable.ArrayTable {
		return p.clash(path, at, have)
	}
	fresh := newTable(at)
	have.items = append(have.items, fresh)
	return fresh
}

// clash tells that a name is two things at once. What follows goes into a table
// that nobody reads.
func (p *planter) clash(path string, at position, have *node) *node {
	p.tell(at, path, "this name stands for something else already, on line %d; keep one of the two", have.at.line)
	return newTable(at)
}

// keyValue puts one "key = value" into table t. The key may have dots.
func (p *planter) keyValue(e *unstable.Node, t *node, path string) {
	for k := e.Key(); k.Next(); {
		name, at := string(k.Node().Data), p.position(k.Node().Raw.Offset)
		path = join(path, bare(name))
		have := t.members[name]
		switch {
		case !k.IsLast():
			t = p.through(t, have, name, path, at)
			if have == nil {
				t.implied = false // TOML lets no header add to a table that dotted keys made.
			}
		case have != nil:
			p.tell(at, path, "this key stands twice, first on line %d; keep one of the two", have.at.line)
		default:
			t.put(name, p.value(e.Value(), at, path))
		}
	}
}

// value makes a node of a value. Its place is that of its key, or its own when
// it is an element of a list.
func (p *planter) value(v *unstable.Node, at position, path string) *node {
	switch v.Kind {
	case unstable.Array:
		n := &node{at: at, kind: unstable.Array}
		for c := v.Children(); c.Next(); {
			here := at
			if c.Node().Raw.Length > 0 {
				here = p.position(c.Node().Raw.Offset)
			}
			n.items = append(n.items, p.value(c.Node(), here, path))
		}
		return n
	case unstable.InlineTable:
		n := newTable(at)
		for c := v.Children(); c.Next(); {
			p.keyValue(c.Node(), n, path)
		}
		return n
	default:
		return &node{at: at, kind: v.Kind, text: string(v.Data)}
	}
}

// bare is a key as a message shows it: as it is when it is made of the letters
// that need no quotes, else quoted.
func bare(key string) string {
	if key == "" || len(key) > 60 || strings.ContainsFunc(key, func(r rune) bool {
		return !(r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	}) {
		return quote(key)
	}
	return key
}

// kindName says what a value is, for somebody who does not know TOML's words.
func kindName(n *node) string {
	switch n.kind {
	case unstable.String:
		return "text"
	case unstable.Bool:
		return "true or false"
	case unstable.Integer, unstable.Float:
		return "a number"
	case unstable.Array:
		return "a list"
	case unstable.ArrayTable:
		return "a list of " + strconv.Itoa(len(n.items)) + " tables"
	case unstable.Table:
		return "a table"
	default:
		return "a date or time"
	}
}
