package templates

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"tocsin/incidents"
)

// TestPillowsText: every section of the text is found by its number, and no line
// of it is lost.
func TestPillowsText(t *testing.T) {
	p := pillow(t)
	var numbers []string
	for _, s := range p.Sections {
		numbers = append(numbers, s.Number)
		if s.Title == "" || strings.HasPrefix(s.Text, "\n") || strings.HasSuffix(s.Text, "\n") {
			t.Errorf("section %q: title %q, text %.40q", s.Number, s.Title, s.Text)
		}
	}
	want := " 1 1.1 1.2 1.3 2 3 4 5 6 7 7.1 7.2 7.3 7.4 7.5 7.6 8 9 9.1 9.2 9.3 11 12 A A.1 A.2 A.3"
	if got := strings.Join(numbers, " "); got != want {
		t.Errorf("sections %q, want %q", got, want)
	}
	var all strings.Builder
	for _, s := range p.Sections {
		all.WriteString(s.Title + "\n" + s.Text + "\n")
	}
	text, err := os.ReadFile("plans/pillow/plan.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if line = strings.TrimSpace(strings.TrimLeft(line, "# ")); line != "---" && !strings.Contains(all.String(), line) && !heads(p, line) {
			t.Errorf("no section has the line %q", line)
		}
	}
	if s, ok := p.Section("7.4"); !ok || s.Title != "Embargoed Release" || !strings.HasPrefix(s.Text, "For Critical and High severity") {
		t.Errorf("7.4 is %+v", s)
	}
	if s, _ := p.Section("8"); !strings.Contains(s.Text, "External (at or after disclosure):") {
		t.Errorf("a heading without a number is lost: %s", s.Text)
	}
	if n := len(p.Below("")); n != 12 {
		t.Errorf("%d sections of the first level", n)
	}
}

func heads(p *incidents.Plan, line string) bool {
	for _, s := range p.Sections {
		if strings.HasSuffix(line, s.Title) {
			return true
		}
	}
	return false
}

// TestPillowsLists holds plan.toml against the text beside it.
func TestPillowsLists(t *testing.T) {
	p := pillow(t)
	three, _ := p.Section("3")
	for _, d := range p.Definitions {
		if !strings.Contains(three.Text, "**"+d.Term+"**") {
			t.Errorf("section 3 does not define %s", d.Term)
		}
	}
	if n := strings.Count(three.Text, "\n| **"); n != len(p.Definitions) {
		t.Errorf("section 3 defines %d terms, plan.toml %d", n, len(p.Definitions))
	}
	if len(p.Support) != 2 || len(p.Contacts) < 10 {
		t.Errorf("%d lines of support, %d contacts", len(p.Support), len(p.Contacts))
	}
	for _, c := range p.Contacts {
		_, section := p.Section(c.Section)
		if _, step := p.StepText(c.Section); !section && !step {
			section, _, _ := strings.Cut(c.Section, ".")
			if _, ok := p.Section(section); !ok {
				t.Errorf("contact %s: there is no section %s", c.Key, c.Section)
			}
		}
	}
}

// TestPillowsCalendar: the quarterly dates of the release checklist, at the plan's
// hour, and a digest each morning.
func TestPillowsCalendar(t *testing.T) {
	p := pillow(t)
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	for _, want := range []string{"2027-01-02", "2027-04-01", "2027-07-01", "2027-10-15", "2028-01-02"} {
		next, ok := p.NextQuarterly(at)
		if got := next.Format("2006-01-02"); !ok || got != want || next.Hour() != p.Hour || next.Location() != time.UTC {
			t.Errorf("after %v comes %v, want %s", at, next, want)
		}
		at = next
	}
	digest, ok := p.Schedule(incidents.Digest)
	if got := digest.Times.Next(at); !ok || got.Sub(at) != 18*time.Hour || digest.Repeat != 0 {
		t.Errorf("after %v comes the digest of %v", at, got)
	}
	// Whoever asks with a local time gets the same instant.
	zone := time.FixedZone("", 11*3600)
	if got := digest.Times.Next(at.In(zone)); !got.Equal(digest.Times.Next(at)) {
		t.Errorf("in another zone %v", got)
	}
	if _, ok := (incidents.Plan{}).NextQuarterly(at); ok {
		t.Error("a plan without a calendar has a quarterly date")
	}
}

// TestBadPlanTexts: what makes no sense is an error that names the place.
func TestBadPlanTexts(t *testing.T) {
	for _, c := range []struct{ old, new, names string }{
		{`key = "readiness"`, `key = "party"`, `schedule "party" is not known`},
		{`key = "readiness"`, `key = "digest"`, `schedule "digest" is there twice`},
		{`cron = ["0 8 * * *"]`, `cron = []`, "schedule digest: cron is a list"},
		{`cron = ["0 8 * * *"]`, `cron = "0 8 * * *"`, "line "},
		{`cron = ["0 8 * * *"]`, `cron = ["0 8 * *"]`, `schedule digest: cron "0 8 * *"`},
		{`cron = ["0 8 * * *"]`, `cron = ["0 25 * * *"]`, `schedule digest: cron "0 25 * * *"`},
		{`cron = ["0 8 * * *"]`, `cron = ["0 8 30 2 *"]`, "that day never comes"},
		{`cron = ["0 8 * * *"]`, `cron = ["TZ=Europe/Paris 0 8 * * *"]`, "takes no zone"},
		{`cron = ["0 8 * * *"]`, `cron = ["CRON_TZ="]`, "takes no zone"},
		{`cron = ["0 8 * * *"]`, `cron = ["@daily"]`, `cron "@daily"`},
		{`cron = ["0 8 * * *"]`, `cron = [""]`, `cron ""`},
		{`cron = ["0 8 * * *"]`, `corn = ["0 8 * * *"]`, `the key "schedule.corn"`},
		{`repeat = "24h" # until`, `repeat = "1m" # until`, "schedule readiness: repeat"},
		{`term = "Embargo"`, `term = "Incident"`, `definition "Incident"`},
		{`term = "Embargo"`, `term = ""`, `definition ""`},
		{`status = "security fixes are applied"`, ``, `support "main`},
		{`key = "ubuntu"`, `key = "debian"`, `contact "debian" is there twice`},
		{`key = "ubuntu"`, `key = "Ubuntu"`, `contact "Ubuntu"`},
		{`name = "Ubuntu security team"`, ``, `contact "ubuntu"`},
	} {
		text := strings.Replace(pillowText(t), c.old, c.new, 1)
		if text == pillowText(t) {
			t.Fatalf("%q is not in the plan any more", c.old)
		}
		_, err := ReadPlan(fstest.MapFS{"plan.toml": {Data: []byte(text)}}, "plan.toml")
		if err == nil || !strings.HasPrefix(err.Error(), "plan.toml: ") || !strings.Contains(err.Error(), c.names) {
			t.Errorf("%s -> %s: %v; want an error of plan.toml with %q", c.old, c.new, err, c.names)
		}
	}
	for text, names := range map[string]string{
		"## 1. One\n\n## 1. Once more\n": "plan.md: line 3: section 1 is there already, in line 1",
		"no heading":                     "plan.md: it has no numbered heading",
		"":                               "plan.md: it has no numbered heading",
		"## 1. \xff":                     "plan.md: it is not UTF-8",
		"## 1. One\n" + strings.Repeat("long ", maxPlanText/4): "plan.md: it is longer than",
	} {
		files := fstest.MapFS{"ours/plan.toml": {Data: []byte(pillowText(t))}, "ours/plan.md": {Data: []byte(text)}}
		if _, err := ReadPlan(files, "ours/plan.toml"); err == nil || !strings.Contains(err.Error(), names) {
			t.Errorf("%.40q: %v, want %q", text, err, names)
		}
	}
	p, err := ReadPlan(fstest.MapFS{"plan.toml": {Data: []byte(pillowText(t))}}, "plan.toml")
	if err != nil || len(p.Sections) != 0 || len(p.Contacts) == 0 {
		t.Errorf("a plan without a text: %v", err)
	}
}

// TestSections: headings, and what only looks like one.
func TestSections(t *testing.T) {
	all, err := sectionsOf("# Ours\n\nHello.\n\n## 1. One ##\r\n\na\n```\n# 2. no heading\n```\n#3 neither\n### Further\nb\n---\n## Appendix B: Texts\n### B.1 Reply\nc")
	if err != nil {
		t.Fatal(err)
	}
	want := []incidents.Section{
		{Title: "Ours", Text: "Hello."},
		{Number: "1", Title: "One", Text: "a\n```\n# 2. no heading\n```\n#3 neither\nFurther:\nb"},
		{Number: "B", Title: "Texts"},
		{Number: "B.1", Title: "Reply", Text: "c"},
	}
	if len(all) != len(want) {
		t.Fatalf("%+v", all)
	}
	for k := range want {
		if all[k] != want[k] {
			t.Errorf("%+v, want %+v", all[k], want[k])
		}
	}
}

// FuzzSections: whatever the text is, no section is there twice, and each is found
// by its number.
func FuzzSections(f *testing.F) {
	f.Add("# T\n## 1. One\ntext\n### 1.1 Two\n```\n## 2\n```\n## Appendix A: x\n### A.1 y")
	f.Add("## 1")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := sectionsOf(text)
		p := incidents.Plan{Sections: all}
		for _, s := range all {
			if got, ok := p.Section(s.Number); s.Number != "" && (!ok || got != s) {
				t.Fatalf("section %q is not found by its number", s.Number)
			}
		}
		if err == nil && len(all) == 0 {
			t.Fatal("no section, and no error")
		}
	})
}

// FuzzCron: a spec that is read gives instants that rise.
func FuzzCron(f *testing.F) {
	for _, s := range []string{"0 8 * * *", "0 14 2 1 *", "*/5 0-23/2 1,15 JAN-DEC MON", "TZ= 0 8 * * *", "@every 1h", "0 0 29 2 *"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		c, err := readCron([]string{spec})
		if err != nil {
			return
		}
		at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
		for range 20 {
			next := c.Next(at)
			if next.IsZero() && at.Year() > 2090 {
				return // the next leap year is eight years away
			}
			if !next.After(at) {
				t.Fatalf("after %v comes %v", at, next)
			}
			at = next
		}
	})
}
