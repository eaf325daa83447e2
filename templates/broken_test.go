package templates

import (
	"slices"
	"testing"
	"text/template"
)

// TestBroken: what uses a template that is not there is found, wherever it does.
func TestBroken(t *testing.T) {
	if got := book(t).Broken(); len(got) != 0 {
		t.Errorf("broken: %v", got)
	}
	b := &Book{all: template.Must(template.New("").Parse(
		`{{define "whole"}}{{range .all}}{{template "part" .}}{{end}}{{end}}{{define "part"}}a{{end}}` +
			`{{define "torn"}}{{if .a}}b{{else}}{{with .c}}{{template "gone" .}}{{end}}{{end}}{{end}}`,
	))}
	got := b.Broken()
	if !slices.Contains(got, "torn") || slices.Contains(got, "whole") || slices.Contains(got, "part") || !slices.Contains(got, "did/opened") {
		t.Errorf("broken: %v", got)
	}
}
