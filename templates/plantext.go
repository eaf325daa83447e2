package templates

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/robfig/cron/v3"

	"tocsin/incidents"
)

// textFile is the part of plan.toml that goes with the plan's text, and what is
// due by the calendar.
type textFile struct {
	Definition []struct {
		Term  string `toml:"term"`
		Means string `toml:"means"`
	} `toml:"definition"`
	Support []struct {
		Branch string `toml:"branch"`
		Status string `toml:"status"`
	} `toml:"support"`
	Contact []struct {
		Key     string `toml:"key"`
		Name    string `toml:"name"`
		Reach   string `toml:"reach"`
		For     string `toml:"for"`
		Section string `toml:"section"`
	} `toml:"contact"`
	Schedule []struct {
		Key     string   `toml:"key"`
		Name    string   `toml:"name"`
		Section string   `toml:"section"`
		Cron    []string `toml:"cron"`
		Repeat  string   `toml:"repeat"`
	} `toml:"schedule"`
}

// textInto puts definitions, support matrix, contacts and schedules into a plan.
func (f textFile) textInto(p *incidents.Plan) error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, d := range f.Definition {
		if _, twice := p.Define(d.Term); twice || d.Term == "" || d.Means == "" {
			bad("definition %q: it has a term and what it means, and is there once", d.Term)
		}
		p.Definitions = append(p.Definitions, incidents.Definition(d))
	}
	for _, s := range f.Support {
		if s.Branch == "" || s.Status == "" {
			bad("support %q: it has a branch and its status", s.Branch)
		}
		p.Support = append(p.Support, incidents.Support(s))
	}
	for _, c := range f.Contact {
		if !isKey(c.Key) {
			bad("contact %q: a key is lower case letters, digits and dashes, and begins with a letter", c.Key)
		}
		if _, twice := p.Contact(c.Key); twice {
			bad("contact %q is there twice", c.Key)
		}
		if c.Name == "" || c.Reach == "" {
			bad("contact %q: it has a name, and reach says how to reach them", c.Key)
		}
		p.Contacts = append(p.Contacts, incidents.Contact(c))
	}
	for _, s := range f.Schedule {
		if _, twice := p.Schedule(s.Key); twice {
			bad("schedule %q is there twice", s.Key)
		}
		if !slices.Contains(incidents.ScheduleKeys(), s.Key) {
			bad("schedule %q is not known; it is one of %v", s.Key, incidents.ScheduleKeys())
		}
		r := incidents.ScheduleRule{Key: s.Key, Name: s.Name, Section: s.Section}
		var err error
		if r.Times, err = readCron(s.Cron); err != nil {
			bad("schedule %s: %w", s.Key, err)
		}
		if r.Repeat, err = time.ParseDuration(s.Repeat); s.Repeat != "" && (err != nil || r.Repeat < time.Hour) {
			bad("schedule %s: repeat is a time like 24h, at least an hour, or left out", s.Key)
		}
		p.Schedules = append(p.Schedules, r)
	}
	return errors.Join(errs...)
}

// calendar is several cron specs: the next instant is that of whichever comes first.
type calendar []cron.Schedule

// Next gives the first instant after another one, UTC; zero when none comes
// within five years.
func (c calendar) Next(after time.Time) time.Time {
	var next time.Time
	for _, s := range c {
		at := s.Next(after.UTC())
		if next.IsZero() || (!at.IsZero() && at.Before(next)) {
			next = at
		}
	}
	return next
}

// readCron reads cron specs of five fields: minute, hour, day of the month, month,
// day of the week. They are of UTC, always.
func readCron(specs []string) (calendar, error) {
	if len(specs) == 0 {
		return nil, errors.New(`cron is a list of specs like "0 8 * * *"`)
	}
	parser := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
	var out calendar
	for _, spec := range specs {
		if strings.Contains(spec, "=") { // the library would take a zone, and fall over half of one
			return nil, fmt.Errorf("cron %q: it is of UTC, and takes no zone", spec)
		}
		s, err := parser.Parse(spec)
		if err != nil {
			return nil, fmt.Errorf(`cron %q is no spec of five fields, like "0 8 * * *": %w`, spec, err)
		}
		if s.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
			return nil, fmt.Errorf("cron %q: that day never comes", spec)
		}
		out = append(out, s)
	}
	return out, nil
}

// maxPlanText is the most bytes that a plan's text may have.
const maxPlanText = 1 << 20

// readText reads the plan's text, which stands in plan.md next to plan.toml; a
// project may have none.
func readText(files fs.FS, name string, p *incidents.Plan) error {
	name = path.Join(path.Dir(name), "plan.md")
	text, err := fs.ReadFile(files, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("reading the plan's text: %w", err)
	case len(text) > maxPlanText:
		return fmt.Errorf("%s: it is longer than %d bytes", name, maxPlanText)
	case !utf8.Valid(text):
		return fmt.Errorf("%s: it is not UTF-8", name)
	}
	if p.Sections, err = sectionsOf(string(text)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// sectionsOf cuts a text in Markdown into its numbered sections: "## 7. Response",
// "### 7.4 Embargoed release", "## Appendix A: Templates", "### A.1 Reply". A heading
// without a number belongs to the section that it stands in.
func sectionsOf(text string) ([]incidents.Section, error) {
	heading := regexp.MustCompile(`^(#{1,6}) +(.+?)[ #]*$`)
	numbered := regexp.MustCompile(`^(?:Appendix +([A-Z])[.:]?|([0-9]+(?:\.[0-9]+)*|[A-Z](?:\.[0-9]+)+)\.?) +(.+)$`)
	var out []incidents.Section
	var lines []string
	seen := map[string]int{}
	now := incidents.Section{}
	end := func() {
		now.Text = strings.TrimSpace(strings.Join(lines, "\n"))
		if now.Number != "" || now.Text != "" {
			out = append(out, now)
		}
		lines = nil
	}
	fence := ""
	for n, line := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		if mark := fenceOf(line); mark != "" && (fence == "" || fence == mark) {
			if fence == "" {
				fence = mark
			} else {
				fence = ""
			}
		}
		h := heading.FindStringSubmatch(line)
		if h == nil || fence != "" {
			if line != "---" || fence != "" { // a line across the page
				lines = append(lines, line)
			}
			continue
		}
		m := numbered.FindStringSubmatch(h[2])
		if m == nil {
			if len(out) == 0 && now.Number == "" && now.Title == "" {
				now.Title = h[2] // of the whole text
			} else {
				lines = append(lines, h[2]+":")
			}
			continue
		}
		end()
		now = incidents.Section{Number: m[1] + m[2], Title: m[3]}
		if seen[now.Number] != 0 {
			return nil, fmt.Errorf("line %d: section %s is there already, in line %d", n+1, now.Number, seen[now.Number])
		}
		seen[now.Number] = n + 1
	}
	end()
	if len(seen) == 0 {
		return nil, errors.New(`it has no numbered heading like "## 7. Response"`)
	}
	return out, nil
}

// fenceOf gives the mark of a line that begins or ends a block of code, or "".
func fenceOf(line string) string {
	for _, mark := range []string{"```", "~~~"} {
		if strings.HasPrefix(strings.TrimLeft(line, " "), mark) {
			return mark
		}
	}
	return ""
}
