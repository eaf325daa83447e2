package templates

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"tocsin/incidents"
)

// mapFile is the part of plan.toml that says what the project stands on and who stands
// on it (section 9).
type mapFile struct {
	Dependencies string           `toml:"dependencies"`
	Upstream     []upstreamFile   `toml:"upstream"`
	Downstream   []downstreamFile `toml:"downstream"`
}

type upstreamFile struct {
	Key     string   `toml:"key"`
	Name    string   `toml:"name"`
	Kind    string   `toml:"kind"`
	Purpose string   `toml:"purpose"`
	Need    string   `toml:"need"`
	Home    string   `toml:"home"`
	Tracker string   `toml:"tracker"`
	Aliases []string `toml:"aliases"`
	File    []string `toml:"file"`
	Section string   `toml:"section"`
}

type downstreamFile struct {
	Key     string   `toml:"key"`
	Name    string   `toml:"name"`
	Kind    string   `toml:"kind"`
	Package string   `toml:"package"`
	Contact string   `toml:"contact"`
	Listed  bool     `toml:"listed"`
	Early   bool     `toml:"early"`
	Step    string   `toml:"step"`
	Levels  []string `toml:"levels"`
	Tracks  []string `toml:"tracks"`
	If      string   `toml:"if"`
	Aliases []string `toml:"aliases"`
	Section string   `toml:"section"`
	Extra   bool     `toml:"extra"`
	Source  string   `toml:"source"`
}

// mapInto puts it into a plan and holds it against the rest of the plan.
func (f *mapFile) mapInto(p *incidents.Plan) error {
	m := &p.Map
	m.File = f.Dependencies
	for _, u := range f.Upstream {
		m.Upstream = append(m.Upstream, incidents.Upstream(u))
	}
	for _, d := range f.Downstream {
		m.Downstream = append(m.Downstream, incidents.Downstream(d))
	}
	var errs []error
	c := partChecker{p, func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }}
	if m.File != "" && (path.Base(m.File) != m.File || !fs.ValidPath(m.File)) {
		c.bad("dependencies is the name of a file beside this one, not %q", m.File)
	}
	c.upstream()
	c.downstream()
	return errors.Join(errs...)
}

func (c partChecker) upstream() {
	seen := map[string]string{}
	for _, u := range c.p.Map.Upstream {
		what := "upstream " + u.Key
		c.known(what, u.Key, u.Name, u.Section, u.Purpose)
		if !slices.Contains(incidents.UpstreamKinds(), u.Kind) {
			c.bad("%s: kind is one of %v", what, incidents.UpstreamKinds())
		}
		if u.Kind == incidents.UpstreamBundled && u.Tracker == "" {
			c.bad("%s: what is bundled has a tracker", what)
		}
		c.addresses(what, u.Home, u.Tracker)
		c.once(seen, u.Key, append(append([]string{u.Key, u.Name}, u.Aliases...), u.File...))
	}
}

func (c partChecker) downstream() {
	seen := map[string]string{}
	for _, d := range c.p.Map.Downstream {
		what := "downstream " + d.Key
		c.known(what, d.Key, d.Name, d.Section, d.Contact)
		if !slices.Contains(incidents.DownstreamKinds(), d.Kind) {
			c.bad("%s: kind is one of %v", what, incidents.DownstreamKinds())
		}
		if d.Extra && d.Source == "" {
			c.bad("%s: what is extra names its source", what)
		}
		if d.Listed && !d.Early {
			c.bad("%s: whom the list reaches is told early", what)
		}
		if d.Step != "" {
			c.keys(what, "step", []string{d.Step})
		}
		c.keys(what, "level", d.Levels)
		c.keys(what, "track", d.Tracks)
		c.once(seen, d.Key, append([]string{d.Key, d.Name}, d.Aliases...))
	}
}

// known wants a key of the usual form, and no part to be missing.
func (c partChecker) known(what, key string, parts ...string) {
	if !isKey(key) {
		c.bad("%s: a key is lower case letters, digits and dashes, and begins with a letter", what)
	}
	if slices.Contains(parts, "") {
		c.bad("%s: name, section, and purpose or contact are missing", what)
	}
}

func (c partChecker) addresses(what string, all ...string) {
	for _, a := range all {
		if a != "" && !strings.HasPrefix(a, "https://") && !strings.HasPrefix(a, "http://") {
			c.bad("%s: %q is no address of the web", what, a)
		}
	}
}

// once wants each name to mean one thing only. seen holds whose it is.
func (c partChecker) once(seen map[string]string, key string, names []string) {
	if seen[key] == key {
		c.bad("%q is there twice", key)
	}
	for _, n := range names {
		n = strings.ToLower(n)
		if whose, ok := seen[n]; ok && whose != key {
			c.bad("%q means both %s and %s", n, whose, key)
		}
		seen[n] = key
	}
}

// The most that a file of versions may hold.
const (
	maxVersionsFile = 64 << 10
	maxVersions     = 500
	maxVersionText  = 100
)

// readVersions reads the file of versions beside the plan, where the plan names one.
func readVersions(files fs.FS, plan string, m *incidents.DepMap) error {
	if m.File == "" {
		return nil
	}
	f, err := files.Open(path.Join(path.Dir(plan), m.File))
	if err != nil {
		return fmt.Errorf("reading the versions: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxVersionsFile+1))
	if err == nil && len(text) > maxVersionsFile {
		err = fmt.Errorf("more than %d bytes", maxVersionsFile)
	}
	if err == nil {
		m.Versions, err = parseVersions(text)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", m.File, err)
	}
	return nil
}

// parseVersions reads a JSON object of names and versions. A version may also be a
// number, or an object that has one under "version"; what is neither is passed over,
// as is a name or a version that is not a short line of text.
func parseVersions(text []byte) ([]incidents.Version, error) {
	var all map[string]any
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	if err := d.Decode(&all); err != nil {
		return nil, errors.New("it is no JSON object of names and versions")
	}
	if len(all) > maxVersions {
		return nil, fmt.Errorf("%d names; %d are the most", len(all), maxVersions)
	}
	var out []incidents.Version
	for name, v := range all {
		if o, ok := v.(map[string]any); ok {
			v = o["version"]
		}
		var said string
		switch v := v.(type) {
		case string:
			said = v
		case json.Number:
			said = v.String()
		}
		name, err := incidents.CleanLine(name, maxVersionText)
		if err != nil {
			continue
		}
		if said, err = incidents.CleanLine(said, maxVersionText); err == nil {
			out = append(out, incidents.Version{Name: name, Version: said})
		}
	}
	slices.SortFunc(out, func(a, b incidents.Version) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}
