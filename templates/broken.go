package templates

import (
	"slices"
	"text/template/parse"

	"tocsin/incidents"
)

// Broken lists the templates that could not be said whatever their facts are: they
// use another one that is not there; and the kinds of entry that have no words.
func (b *Book) Broken() []string {
	out := []string{}
	for _, t := range b.all.Templates() {
		if t.Tree == nil {
			continue
		}
		for _, used := range uses(t.Root) {
			if b.all.Lookup(used) == nil && !slices.Contains(out, t.Name()) {
				out = append(out, t.Name())
			}
		}
	}
	for _, kind := range incidents.Kinds() {
		if !b.Has("did/" + kind) {
			out = append(out, "did/"+kind)
		}
	}
	slices.Sort(out)
	return out
}

// uses lists the templates that a part of a template uses.
func uses(n parse.Node) []string {
	var out []string
	branch := func(b *parse.BranchNode) { out = append(uses(b.List), uses(b.ElseList)...) }
	switch n := n.(type) {
	case *parse.TemplateNode:
		return []string{n.Name}
	case *parse.ListNode:
		if n == nil { // there is no else
			return nil
		}
		for _, child := range n.Nodes {
			out = append(out, uses(child)...)
		}
	case *parse.IfNode:
		branch(&n.BranchNode)
	case *parse.RangeNode:
		branch(&n.BranchNode)
	case *parse.WithNode:
		branch(&n.BranchNode)
	}
	return out
}
