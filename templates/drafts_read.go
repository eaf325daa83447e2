package templates

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
	"time"

	"tocsin/incidents"
)

// A file of drafts/ begins with a header, a line for each thing that DraftKind tells
// of it, and a line of three dashes. Below are its words, as a template of
// text/template: the text itself, and in definitions "subject" and "note" what goes
// with it. Each line of the note is one note.

// NewBookWith reads the built-in templates, and a project's own drafts: the files
// drafts/*.tmpl of own, each in the place of the built-in one of that name, or a kind
// more. own may be nil. What is wrong in a file is an error that names it and the line.
func NewBookWith(own fs.FS) (*Book, error) {
	b, err := newBook(markCode, markBold, markItem)
	if err != nil {
		return nil, err
	}
	files := map[string]fs.FS{}
	for _, from := range []fs.FS{builtin, own} {
		if from == nil {
			continue
		}
		names, err := fs.Glob(from, "drafts/*.tmpl")
		if err != nil {
			return nil, fmt.Errorf("reading the drafts: %w", err)
		}
		for _, name := range names {
			files[name] = from
		}
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(files)) {
		text, err := fs.ReadFile(files[name], name)
		if err != nil {
			errs = append(errs, fmt.Errorf("reading a draft: %w", err))
			continue
		}
		d, err := parseDraft(name, string(text))
		errs, b.drafts = append(errs, err), append(b.drafts, d)
	}
	return b, errors.Join(errs...)
}

// parseDraft reads one file, and tries it with nothing known and with all known.
func parseDraft(name, text string) (draftFile, error) {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	kind, words, err := parseHeader(name, text)
	if err != nil {
		return draftFile{}, err
	}
	t, err := template.New(name).Option("missingkey=error").Funcs(draftFuncs()).Parse(words)
	if err != nil {
		return draftFile{}, err // it begins with "template: ", the name and the line
	}
	for _, one := range t.Templates() {
		if part := one.Name(); !slices.Contains([]string{name, "subject", "note"}, part) {
			return draftFile{}, fmt.Errorf("%s:1: it defines %q; what can be defined is subject and note", name, part)
		}
		if err := checkNames(one.Tree); err != nil {
			return draftFile{}, err
		}
	}
	d := draftFile{kind: kind, file: name, body: t}
	if titled := slices.Contains([]string{ByMail, ByAdvisory, ByPost}, kind.Channel); titled != (t.Lookup("subject") != nil) {
		return d, fmt.Errorf(`%s:1: mail, an advisory and a post have a {{define "subject"}}; a post on Mastodon and release notes have none`, name)
	}
	empty := incidents.DraftFacts(incidents.Plan{}, incidents.Incident{}, time.Time{})
	whole := incidents.Facts{}
	for k := range empty {
		whole[k] = "x"
	}
	for _, f := range []incidents.Facts{empty, whole} {
		if _, err := d.render(f, incidents.Clearance{}); err != nil { // nothing sealed is opened
			return d, err
		}
	}
	return d, nil
}

// parseHeader reads the header strictly, and gives the words with the header's lines
// as a comment, so that what is wrong in them is told with its line of the file.
func parseHeader(name, text string) (k DraftKind, words string, err error) {
	k.Key = strings.TrimSuffix(path.Base(name), ".tmpl")
	if !regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`).MatchString(k.Key) {
		return k, "", fmt.Errorf("%s: the name of a draft is lower case letters, digits and dashes", name)
	}
	head, words, ok := strings.Cut(text, "\n---\n")
	if !ok {
		return k, "", fmt.Errorf("%s:1: a draft begins with a header, which ends with a line of three dashes", name)
	}
	seen := map[string]bool{}
	lines := strings.Split(head, "\n")
	for n, line := range lines {
		key, value, ok := strings.Cut(line, ": ")
		value = strings.TrimSpace(value)
		if !ok || value == "" || seen[key] {
			return k, "", fmt.Errorf("%s:%d: a line of the header is a key, a colon and a value, and each key is there once", name, n+1)
		}
		seen[key] = true
		if err := k.set(key, value); err != nil {
			return k, "", fmt.Errorf("%s:%d: %w", name, n+1, err)
		}
	}
	for _, key := range []string{"name", "channel", "audience", "public", "mail", "upgrade"} {
		if !seen[key] {
			return k, "", fmt.Errorf("%s:%d: the header does not say %s", name, len(lines), key)
		}
	}
	if err := k.check(); err != nil {
		return k, "", fmt.Errorf("%s:%d: %w", name, len(lines), err)
	}
	return k, "{{/*" + strings.Repeat("\n", len(lines)+1) + "*/}}" + words, nil
}

func (k *DraftKind) set(key, value string) (err error) {
	among := func(all []string) (string, error) {
		if !slices.Contains(all, value) {
			return "", fmt.Errorf("%s is one of %s", key, strings.Join(all, ", "))
		}
		return value, nil
	}
	yes := func() (bool, error) {
		_, err := among([]string{"yes", "no"})
		return value == "yes", err
	}
	switch key {
	case "name":
		k.Name = value
	case "channel":
		k.Channel, err = among(Channels())
	case "audience":
		k.Audience, err = among(Audiences())
	case "public":
		k.Public, err = yes()
	case "mail":
		k.Mail, err = yes()
	case "upgrade":
		k.Upgrade, err = yes()
	case "patches":
		k.Patches, err = yes()
	case "section":
		k.Section = value
	case "source":
		k.Source = value
	default:
		err = errors.New("the header knows name, channel, audience, public, mail, upgrade, patches, section and source")
	}
	return err
}

// check holds the parts of a header against each other. Mail to the lists is always
// sent by a person, and nobody's own file can change that.
func (k DraftKind) check() error {
	switch {
	case (k.Section == "") == (k.Source == ""):
		return errors.New("the header names either the section of the plan or, when it is extra, the source")
	case k.Public != (k.Audience == ForPublic):
		return errors.New("public is yes for the audience public, and for no other")
	case !k.Public && k.Channel != ByMail:
		return errors.New("only mail is not public")
	case k.Patches && k.Public:
		return errors.New("patches go with what is not public: patches is no")
	case k.Mail && (k.Channel != ByMail || k.Public || k.Audience == ForDistros):
		return errors.New("the bot mails nothing to the distributions or to the public: mail is no")
	}
	return nil
}

// checkNames wants every fact that a template names to be one that drafts have.
func checkNames(t *parse.Tree) error {
	facts := incidents.DraftFacts(incidents.Plan{}, incidents.Incident{}, time.Time{})
	var err error
	bad := func(n parse.Node, format string, args ...any) {
		if err == nil {
			at, _ := t.ErrorContext(n)
			err = fmt.Errorf("%s: %s", at, fmt.Sprintf(format, args...))
		}
	}
	inside(t.Root, func(n parse.Node) {
		switch n := n.(type) {
		case *parse.FieldNode:
			if _, ok := facts[n.Ident[0]]; !ok || len(n.Ident) > 1 {
				bad(n, "there is no fact %q", strings.Join(n.Ident, "."))
			}
		case *parse.CommandNode:
			f, ok := n.Args[0].(*parse.IdentifierNode)
			if !ok || f.Ident != "need" {
				return
			}
			var name *parse.StringNode
			if len(n.Args) == 3 {
				name, _ = n.Args[2].(*parse.StringNode)
			}
			if name == nil {
				bad(n, `a fact that is needed is named so: {{need . "fixed"}}`)
			} else if _, ok := mends()[name.Text]; !ok {
				bad(n, "no command sets the fact %q", name.Text)
			}
		}
	})
	return err
}

// inside visits a node and all that are in it.
func inside(n parse.Node, visit func(parse.Node)) {
	branch := func(b *parse.BranchNode) {
		inside(b.Pipe, visit)
		inside(b.List, visit)
		inside(b.ElseList, visit)
	}
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil { // there is no else
			return
		}
		for _, child := range n.Nodes {
			inside(child, visit)
		}
	case *parse.ActionNode:
		inside(n.Pipe, visit)
	case *parse.PipeNode:
		if n == nil {
			return
		}
		for _, child := range n.Cmds {
			inside(child, visit)
		}
	case *parse.CommandNode:
		visit(n)
		for _, child := range n.Args {
			inside(child, visit)
		}
	case *parse.IfNode:
		branch(&n.BranchNode)
	case *parse.RangeNode:
		branch(&n.BranchNode)
	case *parse.WithNode:
		branch(&n.BranchNode)
	case *parse.TemplateNode:
		visit(n)
		inside(n.Pipe, visit)
	default:
		visit(n)
	}
}
