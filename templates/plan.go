package templates

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"tocsin/incidents"
)

// planFile is plan.toml as it is written.
type planFile struct {
	Name string `toml:"name"`
	Hour int    `toml:"hour"`
	Type []struct {
		Key     string `toml:"key"`
		Name    string `toml:"name"`
		Section string `toml:"section"`
		Floor   string `toml:"floor"`
	} `toml:"type"`
	Source []struct {
		Key      string `toml:"key"`
		Name     string `toml:"name"`
		Section  string `toml:"section"`
		Reporter bool   `toml:"reporter"`
		Private  bool   `toml:"private"`
	} `toml:"source"`
	Role []struct {
		Key     string `toml:"key"`
		Name    string `toml:"name"`
		Does    string `toml:"does"`
		Section string `toml:"section"`
		Lead    bool   `toml:"lead"`
	} `toml:"role"`
	Level []struct {
		Key     string  `toml:"key"`
		Name    string  `toml:"name"`
		From    float64 `toml:"from"`
		To      float64 `toml:"to"`
		Means   string  `toml:"means"`
		Target  string  `toml:"target"`
		Section string  `toml:"section"`
	} `toml:"level"`
	Outcome []struct {
		Key   string `toml:"key"`
		Name  string `toml:"name"`
		Draft string `toml:"draft"`
	} `toml:"outcome"`
	Outside struct {
		Upgrade    string `toml:"upgrade"`
		Advisories string `toml:"advisories"`
		FreshDays  int    `toml:"fresh_days"`
	} `toml:"outside"`
	Track []struct {
		Key     string   `toml:"key"`
		Name    string   `toml:"name"`
		Section string   `toml:"section"`
		Types   []string `toml:"types"`
		Levels  []string `toml:"levels"`
		Unless  []string `toml:"unless"`

		Embargo  bool `toml:"embargo"`
		Standard bool `toml:"standard"`
		Bundled  bool `toml:"bundled"`

		Compromise bool `toml:"compromise"`
		Regression bool `toml:"regression"`
	} `toml:"track"`
	Step  []stepFile  `toml:"step"`
	Clock []clockFile `toml:"clock"`
	textFile
	mapFile
}

type stepFile struct {
	Key       string   `toml:"key"`
	Name      string   `toml:"name"`
	Section   string   `toml:"section"`
	Phase     string   `toml:"phase"`
	Role      string   `toml:"role"`
	NotRole   string   `toml:"not_role"`
	Tracks    []string `toml:"tracks"`
	Levels    []string `toml:"levels"`
	Outcomes  []string `toml:"outcomes"`
	When      []string `toml:"when"`
	Unless    []string `toml:"unless"`
	By        string   `toml:"by"`
	After     []string `toml:"after"`
	Gate      string   `toml:"gate"`
	Contact   string   `toml:"contact"`
	Draft     string   `toml:"draft"`
	First     bool     `toml:"first"`
	Optional  bool     `toml:"optional"`
	Release   bool     `toml:"release"`
	Discloses bool     `toml:"discloses"`
	Extra     bool     `toml:"extra"`
	Source    string   `toml:"source"`
}

type clockFile struct {
	Key      string   `toml:"key"`
	Name     string   `toml:"name"`
	Section  string   `toml:"section"`
	From     string   `toml:"from"`
	When     []string `toml:"when"`
	Until    []string `toml:"until"`
	Tracks   []string `toml:"tracks"`
	Levels   []string `toml:"levels"`
	Outcomes []string `toml:"outcomes"`
	Due      string   `toml:"due"`
	Rungs    []string `toml:"rungs"`
	Repeat   string   `toml:"repeat"`
	Role     string   `toml:"role"`
	Everyone string   `toml:"everyone"`
	Does     string   `toml:"does"`
	Say      string   `toml:"say"`
	Draft    string   `toml:"draft"`
	Extra    bool     `toml:"extra"`
	Source   string   `toml:"source"`
}

// ReadPlan reads plan.toml strictly: a key that it does not know, or a value
// that makes no sense, is an error that names the place.
func ReadPlan(files fs.FS, name string) (*incidents.Plan, error) {
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, fmt.Errorf("reading the plan: %w", err)
	}
	p, err := parsePlan(name, text)
	if err == nil {
		err = errors.Join(readText(files, name, p), readVersions(files, name, &p.Map))
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

func parsePlan(name string, text []byte) (*incidents.Plan, error) {
	var f planFile
	d := toml.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("%s: %w", name, placed(err))
	}
	sum := sha256.Sum256(text)
	p := &incidents.Plan{Name: f.Name, Hour: f.Hour, Hash: hex.EncodeToString(sum[:])}
	f.nouns(p)
	if err := errors.Join(f.clocks(p), f.textInto(p), checkPlan(p), f.mapInto(p)); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// placed puts the line before a TOML library's complaint.
func placed(err error) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		e := strict.Errors[0]
		row, _ := e.Position()
		return fmt.Errorf("line %d: the key %q is not known", row, strings.Join(e.Key(), "."))
	}
	var bad *toml.DecodeError
	if errors.As(err, &bad) {
		row, _ := bad.Position()
		return fmt.Errorf("line %d: %s", row, bad.Error())
	}
	return err
}

func (f *planFile) nouns(p *incidents.Plan) {
	for _, t := range f.Type {
		p.Types = append(p.Types, incidents.Type(t))
	}
	for _, s := range f.Source {
		p.Sources = append(p.Sources, incidents.Source(s))
	}
	for _, r := range f.Role {
		p.Roles = append(p.Roles, incidents.Role(r))
	}
	for _, l := range f.Level {
		p.Levels = append(p.Levels, incidents.Level{
			Key: l.Key, Name: l.Name, From: tenths(l.From), To: tenths(l.To),
			Means: l.Means, Target: l.Target, Section: l.Section,
		})
	}
	for _, o := range f.Outcome {
		p.Outcomes = append(p.Outcomes, incidents.Outcome(o))
	}
	p.Outside = incidents.Outside(f.Outside)
	for _, t := range f.Track {
		p.Tracks = append(p.Tracks, incidents.Track(t))
	}
	for _, s := range f.Step {
		p.Steps = append(p.Steps, incidents.Step{
			Key: s.Key, Name: s.Name, Section: s.Section, Phase: incidents.Phase(s.Phase), Role: s.Role, NotRole: s.NotRole,
			Tracks: s.Tracks, Levels: s.Levels, Outcomes: s.Outcomes, When: s.When, Unless: s.Unless, By: s.By, After: s.After,
			Gate: s.Gate, Contact: s.Contact, Draft: s.Draft, First: s.First, Optional: s.Optional, Release: s.Release, Discloses: s.Discloses, Extra: s.Extra, Source: s.Source,
		})
	}
}

func tenths(score float64) int { return int(math.Round(score * 10)) }

func (f *planFile) clocks(p *incidents.Plan) error {
	for _, c := range f.Clock {
		r := incidents.ClockRule{
			Key: c.Key, Name: c.Name, Section: c.Section, From: c.From, When: c.When, Until: c.Until, Tracks: c.Tracks,
			Levels: c.Levels, Outcomes: c.Outcomes, Role: c.Role, Does: c.Does, Say: c.Say, Draft: c.Draft, Extra: c.Extra, Source: c.Source,
		}
		var err error
		if r.Due, err = time.ParseDuration(c.Due); err != nil {
			return fmt.Errorf("clock %s: due is a time like 72h, not %q", c.Key, c.Due)
		}
		if r.Repeat, err = time.ParseDuration(c.Repeat); err != nil || (r.Repeat < time.Minute && r.Repeat != 0) {
			return fmt.Errorf("clock %s: repeat is a time like 24h, at least a minute, or 0h for never", c.Key)
		}
		if c.Everyone != "" {
			r.All = true
			if r.Everyone, err = time.ParseDuration(c.Everyone); err != nil {
				return fmt.Errorf("clock %s: everyone is a time like 20h, not %q", c.Key, c.Everyone)
			}
		}
		for _, rung := range c.Rungs {
			d, err := time.ParseDuration(rung)
			if err != nil {
				return fmt.Errorf("clock %s: a rung is a time like 24h, not %q", c.Key, rung)
			}
			r.Rungs = append(r.Rungs, d)
		}
		p.Clocks = append(p.Clocks, r)
	}
	return nil
}

// isKey reports whether a key has the form that all have.
func isKey(key string) bool { return regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`).MatchString(key) }

// checkPlan holds a plan against what the rules rely on.
func checkPlan(p *incidents.Plan) error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if p.Name == "" {
		bad("name is missing")
	}
	if p.Hour < 0 || p.Hour > 23 {
		bad("hour is an hour of the day, 0 to 23")
	}
	for _, kind := range []string{"type", "source", "role", "level", "outcome", "track", "step", "clock"} {
		keys := p.Keys(kind)
		if len(keys) == 0 && !slices.Contains([]string{"track", "step", "clock"}, kind) {
			bad("there is no [[%s]]", kind)
		}
		for i, k := range keys {
			if !isKey(k) {
				bad("%s %q: a key is lower case letters, digits and dashes, and begins with a letter", kind, k)
			}
			if slices.Contains(keys[:i], k) {
				bad("%s %q is there twice", kind, k)
			}
		}
	}
	leads := 0
	for _, r := range p.Roles {
		if r.Lead {
			leads++
		}
	}
	if leads != 1 {
		bad("exactly one [[role]] has lead = true, not %d", leads)
	}
	for _, t := range p.Types {
		if _, ok := p.Level(t.Floor); t.Floor != "" && !ok {
			bad("type %s: floor %q is no level", t.Key, t.Floor)
		}
	}
	for i, l := range p.Levels {
		if l.From > l.To || l.From < 0 || l.To > 100 || (i > 0 && l.To >= p.Levels[i-1].From) {
			bad("level %s: from and to are scores that fall from level to level and do not overlap", l.Key)
		}
	}
	checkParts(p, bad)
	checkOutside(p, bad)
	return errors.Join(errs...)
}
