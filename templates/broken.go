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
		inside(t.Root, func(n parse.Node) {
			used, ok := n.(*parse.TemplateNode)
			if ok && b.all.Lookup(used.Name) == nil && !slices.Contains(out, t.Name()) {
				out = append(out, t.Name())
			}
		})
	}
	for _, kind := range incidents.Kinds() {
		if !b.Has("did/" + kind) {
			out = append(out, "did/"+kind)
		}
	}
	slices.Sort(out)
	return out
}
