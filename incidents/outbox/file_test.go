package outbox

import (
	"strings"
	"testing"

	"tocsin/incidents"
	"tocsin/incidents/store"
	"tocsin/templates"
)

// TestMarkdownIsAFileOfItsKind: a report is a Markdown file, and one that everybody may
// read is not named after the handle.
func TestMarkdownIsAFileOfItsKind(t *testing.T) {
	for name, c := range map[string]struct {
		template string
		facts    incidents.Facts
	}{
		"report-INC-7.md":  {"report", incidents.Facts{"handle": "INC-7", "markdown": true}},
		"report.md":        {"report/public", incidents.Facts{"markdown": true}},
		"stats.txt":        {"stats", incidents.Facts{}},
		"notify-INC-7.txt": {"notify/list", incidents.Facts{"handle": "INC-7"}},
	} {
		f := fileOf(store.Row{Template: c.template}, c.facts, templates.Document{Text: "# a"})
		want := map[bool]string{true: "text/markdown", false: "text/plain"}[strings.HasSuffix(name, ".md")]
		if f.Name != name || f.Type != want || string(f.Data) != "# a\n" {
			t.Errorf("%s: %s, %s, %q", name, f.Name, f.Type, f.Data)
		}
	}
}
