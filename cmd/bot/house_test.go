package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tocsin/commands"
	"tocsin/incidents"
	"tocsin/templates"
)

// imports is the table of the design: which packages each one may import,
// besides the standard library. "..." at the end means everything below.
func imports() map[string][]string {
	const self = "tocsin/"
	return map[string][]string{
		"incidents":            {"github.com/pandatix/go-cvss/..."},
		"bridges":              {},
		"bridges/console":      {self + "bridges"},
		"bridges/irc":          {self + "bridges", "github.com/lrstanley/girc"},
		"bridges/matrix":       {self + "bridges", "maunium.net/go/mautrix/...", "go.mau.fi/util/...", "github.com/rs/zerolog", "github.com/mattn/go-sqlite3"},
		"bridges/github":       {self + "bridges", "github.com/google/go-github/..."},
		"bridges/mastodon":     {self + "bridges"},
		"bridges/mail":         {self + "bridges", "github.com/emersion/go-message/...", "github.com/ProtonMail/go-crypto/..."},
		"bridges/pypi":         {self + "bridges"},
		"bridges/calendar":     {"github.com/arran4/golang-ical"},
		"incidents/store":      {self + "incidents", "github.com/mattn/go-sqlite3"},
		"templates":            {self + "incidents", "github.com/pelletier/go-toml/v2", "github.com/rivo/uniseg", "github.com/robfig/cron/v3", "golang.org/x/text/unicode/norm"},
		"incidents/outbox":     {self + "incidents", self + "incidents/store", self + "bridges", self + "templates"},
		"incidents/advisories": {self + "incidents", self + "incidents/store", self + "bridges/github"},
		"commands":             {self + "incidents", self + "incidents/store", self + "templates", self + "bridges"},
		"cmd/...":              {"..."},
		// The real servers that tests talk to, and the people who talk there.
		"internal/chattest/...": {self + "bridges", self + "internal/chattest/...", "maunium.net/go/mautrix/...", "go.mau.fi/util/...", "github.com/rs/zerolog/...", "github.com/rivo/uniseg"},
		// What GitHub's description of its API is read by; nothing but tests imports it.
		"internal/chattest/github/contract": {self + "internal/chattest/github", "github.com/getkin/kin-openapi/..."},
	}
}

// listed is a package as go list tells it.
type listed struct {
	ImportPath, Dir, Name, Doc string
	GoFiles                    []string
	Imports                    []string
	Standard                   bool
}

func goList(t *testing.T, args ...string) []listed {
	t.Helper()
	c := exec.CommandContext(t.Context(), "go", append([]string{"list", "-tags", "goolm", "-json"}, args...)...)
	c.Dir = "../.."
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var p listed
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// matches reports whether a path is one of a list.
func matches(path string, list []string) bool {
	return slices.ContainsFunc(list, func(p string) bool {
		below, ok := strings.CutSuffix(p, "...")
		return p == path || (ok && strings.HasPrefix(path+"/", below))
	})
}

// TestImports holds every package to the design's table.
func TestImports(t *testing.T) {
	std := map[string]bool{"C": true}
	for _, p := range goList(t, "std") {
		std[p.ImportPath] = true
	}
	table := imports()
	for _, p := range goList(t, "./...") {
		short := strings.TrimPrefix(p.ImportPath, "tocsin/")
		may, ok := table[short]
		for pattern, list := range table {
			if !ok && strings.HasSuffix(pattern, "...") && matches(short, []string{pattern}) {
				may, ok = list, true
			}
		}
		if !ok {
			t.Errorf("%s is in no line of the design's table of imports", short)
		}
		for _, i := range p.Imports {
			if !std[i] && !matches(i, may) {
				t.Errorf("%s may not import %s", short, i)
			}
		}
		if p.Doc == "" && len(p.GoFiles) > 0 {
			t.Errorf("%s has no package comment", short)
		}
	}
}

// source is one Go file of the project.
type source struct {
	path string // from the top of the project
	test bool
	file *ast.File
	fset *token.FileSet
}

func (s source) at(n ast.Node) string {
	return fmt.Sprintf("%s:%d", s.path, s.fset.Position(n.Pos()).Line)
}

// sources reads every Go file of the project, and says how long each is.
func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	fset := token.NewFileSet()
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && strings.HasPrefix(name, ".") && name != "." && name != ".." {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		f, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		short := filepath.ToSlash(strings.TrimPrefix(path, "../../"))
		out = append(out, source{short, strings.HasSuffix(path, "_test.go"), f, fset})
		return err
	})
	if err != nil || len(out) < 20 {
		t.Fatalf("%d files: %v", len(out), err)
	}
	return out
}

// TestHabits: no file that nobody can hold in mind, no init, no mutable package
// variable, and only main exits.
func TestHabits(t *testing.T) {
	for _, s := range sources(t) {
		if lines := s.fset.File(s.file.Pos()).LineCount(); lines > 450 {
			t.Errorf("%s has %d lines: split it", s.path, lines)
		}
		if s.test {
			continue
		}
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.Name == "init" {
					t.Errorf("%s: no init", s.at(d))
				}
			case *ast.GenDecl:
				if d.Tok == token.VAR {
					checkVars(t, s, d)
				}
			}
		}
		if s.file.Name.Name != "main" {
			ast.Inspect(s.file, func(n ast.Node) bool {
				if e, ok := n.(*ast.SelectorExpr); ok && slices.Contains([]string{"os.Exit", "log.Fatal", "log.Fatalf", "log.Fatalln", "runtime.Goexit"}, dotted(e)) {
					t.Errorf("%s: only main exits", s.at(n))
				}
				return true
			})
		}
	}
}

// checkVars allows package variables that nobody changes: errors, embedded
// files, and assertions that a type satisfies an interface.
func checkVars(t *testing.T, s source, d *ast.GenDecl) {
	for _, spec := range d.Specs {
		v := spec.(*ast.ValueSpec)
		e, _ := v.Type.(*ast.SelectorExpr)
		embedded := e != nil && dotted(e) == "embed.FS"
		for k, name := range v.Names {
			isError := false
			if k < len(v.Values) {
				call, _ := v.Values[k].(*ast.CallExpr)
				if call != nil {
					f, _ := call.Fun.(*ast.SelectorExpr)
					isError = f != nil && (dotted(f) == "errors.New" || dotted(f) == "fmt.Errorf")
				}
			}
			if name.Name != "_" && !embedded && !isError {
				t.Errorf("%s: %s is a package variable; make it a function, a constant or a field", s.at(v), name.Name)
			}
		}
	}
}

func dotted(e *ast.SelectorExpr) string {
	if x, ok := e.X.(*ast.Ident); ok {
		return x.Name + "." + e.Sel.Name
	}
	return ""
}

// openers lists the files that may open what is sealed, and how often each does.
// Look twice before you add a line: every one is a hole in the seal.
func openers() map[string]int {
	return map[string]int{
		"incidents/facts.go Reveal":                   1, // what a template is given
		"incidents/facts.go Opened":                   2, // facts within facts
		"templates/templates.go Opened":               1, // the one place where answers are rendered
		"templates/drafts.go Opened":                  2, // a draft, and its hints, which nobody needs clearance for
		"templates/drafts.go Reveal":                  1, // a draft as posts, to count their letters
		"templates/lint.go Opened":                    1, // what a draft is held against,
		"templates/lint.go Reveal":                    1, // and the draft
		"incidents/outbox/makers.go Opened":           1, // a file, made for a room that may hear everything
		"commands/drafting.go Reveal":                 1, // an address, or the hash of what is frozen, for who may hear everything
		"commands/report.go Reveal":                   1, // what a public report must not hold
		"incidents/store/approval.go Value":           1, // a frozen command is run again
		"incidents/store/sending.go Value":            1, // a text that two approved is given to the network that carries it
		"incidents/store/facts.go Value":              2, // facts of a row, into the file and back
		"incidents/store/timeline.go Value":           2, // an entry into the record, and its commitments
		"cmd/bot/pypi.go Value":                       1, // a version, to ask the index for it
		"cmd/bot/serve.go Reveal (config)":            3, // passwords, which are no text of an incident
		"cmd/bot/login.go Reveal (config)":            1, // the same
		"cmd/bot/outside_mail.go Reveal (config)":     2, // the same
		"cmd/bot/outside_mastodon.go Reveal (config)": 1, // the same
		"cmd/bot/doctor_outside.go Reveal (config)":   2, // tokens, to ask what they may
		"incidents/sealed.go p (the pointer)":         0,
	}
}

// TestOpeners lists who opens sealed text. The files that read columns (Scan)
// are in package store only.
func TestOpeners(t *testing.T) {
	want, got := openers(), map[string]int{"incidents/sealed.go p (the pointer)": 0}
	for _, s := range sources(t) {
		if s.test || strings.HasPrefix(s.path, "cmd/bot/config/") {
			continue // secrets of the configuration are another type
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			e, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			switch name := e.Sel.Name; {
			case name == "Reveal" && len(call.Args) == 0: // of a config.Secret, which takes no clearance
				got[s.path+" Reveal (config)"]++
			case name == "Reveal", name == "Opened", name == "Value" && len(call.Args) == 0 && !strings.HasPrefix(s.path, "bridges/") && usesIncidents(s):
				got[s.path+" "+name]++
			case name == "Scan" && !strings.HasPrefix(s.path, "incidents/store/") && !strings.HasPrefix(s.path, "bridges/matrix/"): // which reads its keys, and knows no incidents
				t.Errorf("%s: only the store scans", s.at(n))
			}
			return true
		})
	}
	for what, n := range got {
		if want[what] != n {
			t.Errorf("%s opens sealed text %d times; the list allows %d", what, n, want[what])
		}
	}
	for what, n := range want {
		if got[what] != n {
			t.Errorf("%s is on the list with %d, and there are %d", what, n, got[what])
		}
	}
}

func usesIncidents(s source) bool {
	return slices.ContainsFunc(s.file.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"tocsin/incidents"` })
}

// TestWords: every refusal, kind of entry and template that the code names has
// its words, and every refusal's words are used.
func TestWords(t *testing.T) {
	book, err := templates.NewBook()
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for name, at := range named(s) {
			if start, cut := strings.CutSuffix(name, "+"); cut { // the rest is reckoned
				for _, have := range book.Names() {
					used[have] = used[have] || strings.HasPrefix(have, start)
				}
				continue
			}
			used[name] = true
			if !book.Has(name) {
				t.Errorf("%s: there is no template %q", at, name)
			}
		}
	}
	for _, k := range append(incidents.Kinds(), "reckoned") {
		if !book.Has("did/" + k) {
			t.Errorf("there is no template did/%s", k)
		}
		used["did/"+k] = true
	}
	for _, name := range book.Names() {
		said := strings.HasPrefix(name, "refusals/") || strings.HasPrefix(name, "did/")
		if said && !used[name] {
			t.Errorf("the template %s is never used", name)
		}
	}
	if len(used) < 100 {
		t.Errorf("only %d names of templates were found in the code: this test looks in the wrong places", len(used))
	}
}

// named finds the templates that a file names: Refuse("key"), Reply{"name"},
// card("name"), and the fields and arguments that hold one.
func named(s source) map[string]string {
	out := map[string]string{}
	text := func(e ast.Expr) (string, bool) {
		l, ok := e.(*ast.BasicLit)
		if !ok || l.Kind != token.STRING {
			return "", false
		}
		v, err := strconv.Unquote(l.Value)
		return v, err == nil && v != ""
	}
	add := func(prefix string, e ast.Expr) {
		if b, ok := e.(*ast.BinaryExpr); ok {
			if v, ok := text(b.X); ok {
				out[prefix+v+"+"] = s.at(e)
			}
		}
		if v, ok := text(e); ok {
			out[prefix+v] = s.at(e)
		}
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			name := ""
			switch f := n.Fun.(type) {
			case *ast.Ident:
				name = f.Name
			case *ast.SelectorExpr:
				name = f.Sel.Name
			}
			switch {
			case (name == "Refuse" || name == "which") && len(n.Args) > 0:
				add("refusals/", n.Args[0])
			case slices.Contains([]string{"card", "try", "Render", "inRoom"}, name) && len(n.Args) > 0:
				add("", n.Args[0])
			case name == "orRefuse" && len(n.Args) > 1:
				add("refusals/", n.Args[1])
			case slices.Contains([]string{"Tell", "TellIn"}, name) && len(n.Args) > 2:
				add("", n.Args[2])
			case slices.Contains([]string{"tellOf", "about", "tellAbout", "tell"}, name) && len(n.Args) > 3:
				add("", n.Args[3])
			}
		case *ast.CompositeLit:
			if t, ok := n.Type.(*ast.Ident); ok && t.Name == "Reply" && len(n.Elts) > 0 {
				add("", n.Elts[0])
			}
		case *ast.KeyValueExpr:
			if k, ok := n.Key.(*ast.Ident); ok && k.Name == "Template" {
				add("", n.Value)
			}
			if k, ok := n.Key.(*ast.Ident); ok && k.Name == "Kind" {
				if v, ok := text(n.Value); ok && slices.Contains(append(incidents.Kinds(), "reckoned"), v) {
					out["did/"+v] = s.at(n)
				}
			}
		}
		return true
	})
	return out
}

// TestCommandsAreWhole: a command can be found in help, has its words once, and
// its example is itself.
func TestCommandsAreWhole(t *testing.T) {
	seen := map[string]bool{}
	words := regexp.MustCompile(`^[a-z]+( [a-z]+)?$`)
	for _, c := range commands.Table() {
		if seen[c.Words] || !words.MatchString(c.Words) {
			t.Errorf("!%s: its words are there twice, or are not one or two words", c.Words)
		}
		seen[c.Words] = true
		if c.Does == "" || c.Run == nil || strings.HasSuffix(c.Does, ".") {
			t.Errorf("!%s does not say what it does, or does nothing", c.Words)
		}
		if c.Example != "" && c.Example != "!"+c.Words && !strings.HasPrefix(c.Example, "!"+c.Words+" ") {
			t.Errorf("!%s: its example is %s", c.Words, c.Example)
		}
	}
}
