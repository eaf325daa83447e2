package commands

import (
	"strings"
	"testing"
	"time"
)

// TestUntoldOfTexts: the clock for those who know of another date runs for whoever a text
// alone told, and stops when they hear again: as the embargo's answer says it.
func TestUntoldOfTexts(t *testing.T) {
	for _, c := range []struct{ level, kind, to, again string }{
		{"low", "distro", "linux-distros", "--to linux-distros"}, {"high", "downstream", "Foo", `--to "Foo"`}, {"high", "downstream", `O"Brien`, `--to O"Brien`},
	} {
		d := fresh(t)
		is := func(when string, want bool) {
			t.Helper()
			_, clocks := d.say("full", "!clock list")
			_, show := d.say("full", "!embargo show")
			if strings.Contains(clocks, "untold") != want || strings.Contains(show, "has to hear") != want {
				t.Errorf("%s to %s %s: want %t\n%s\n%s", c.kind, c.to, when, want, clocks, show)
			}
			if want && !strings.Contains(show, c.again) && c.kind == "downstream" {
				t.Errorf("it does not say how: %s", show)
			}
		}
		for _, text := range []string{
			"!incident open --source github Heap overflow", "!severity set " + c.level + " because", "!incident track embargoed because", "!embargo set +6d",
			"!sent " + c.kind + " --via email --to " + c.to,
		} {
			if template, words := d.say("full", text); strings.HasPrefix(template, "refusals/") {
				t.Fatal(text, words)
			}
		}
		d.now = d.now.Add(time.Hour)
		is("before", false)
		d.say("full", "!embargo move +8d more")
		is("after the move", true)
		d.now = d.now.Add(time.Hour)
		d.say("full", "!sent "+c.kind+" --via email --to "+c.to)
		is("told again", false)
	}
}
