package incidents

import (
	"slices"
	"strings"
)

// DepMap is what the project stands on and who stands on it (plan, section 9). It is
// the plan's, and public: nothing of an incident is in it.
type DepMap struct {
	Upstream   []Upstream
	Downstream []Downstream
	File       string    // the file with the versions, beside plan.toml; "": there is none
	Versions   []Version // what that file says, by name
}

// The kinds of Upstream.
const (
	UpstreamBundled = "bundled" // a library within the project's own binaries
	UpstreamPython  = "python"  // a package that is installed beside it
)

// UpstreamKinds lists them.
func UpstreamKinds() []string { return []string{UpstreamBundled, UpstreamPython} }

// Upstream is something that the project depends on (section 9.1).
type Upstream struct {
	Key     string
	Name    string
	Kind    string
	Purpose string
	Need    string // when a package is needed: "Build-time only"; "" for what is bundled
	Home    string
	Tracker string   // where its security is spoken of; "": the plan names none
	Aliases []string // what else people call it
	File    []string // its names in the project's file of versions; none: it is not there
	Section string
}

// The kinds of Downstream.
const (
	Distribution = "distribution" // ships it in packages of its own
	Consumer     = "consumer"     // depends on it
	Plugins      = "plugin"       // extends it
	Subscriber   = "subscriber"   // pays to be told
)

// DownstreamKinds lists them, in the order in which they are told.
func DownstreamKinds() []string { return []string{Distribution, Subscriber, Consumer, Plugins} }

// Downstream is somebody who ships, uses or extends the project (section 9.3).
type Downstream struct {
	Key     string
	Name    string
	Kind    string
	Package string // what it is called there; or what it is used for
	Contact string
	Listed  bool     // the list linux-distros reaches them too
	Early   bool     // their contact is private: they can be told before the embargo is over
	Step    string   // the step of the checklist that tells them; "": none does
	Levels  []string // the levels at which they are told; none: at all, and while there is none
	Tracks  []string // the tracks on which they are told; none: on all
	If      string   // what has to be so besides, which is for people to judge
	Aliases []string
	Section string
	Extra   bool // it is not in the plan
	Source  string
}

// Version is a line of the project's file of versions.
type Version struct{ Name, Version string }

// named reports whether what was typed means a thing with one of these names: capital
// letters, blanks and signs do not count.
func named(typed string, names ...string) bool {
	typed = bare(typed)
	return typed != "" && slices.ContainsFunc(names, func(n string) bool { return bare(n) == typed })
}

// bare leaves the letters and digits of a name, small.
func bare(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune(" \t-_/.", r):
			return -1
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return r
	}, name)
}

// Library finds what the project depends on by what somebody calls it: its key, its
// name, what the file of versions calls it, or another name.
func (m DepMap) Library(typed string) (Upstream, bool) {
	for _, u := range m.Upstream {
		if named(typed, append(append([]string{u.Key, u.Name}, u.Aliases...), u.File...)...) {
			return u, true
		}
	}
	return Upstream{}, false
}

// Neighbour finds who ships, uses or extends the project by what somebody calls them.
func (m DepMap) Neighbour(typed string) (Downstream, bool) {
	for _, d := range m.Downstream {
		if named(typed, append([]string{d.Key, d.Name}, d.Aliases...)...) {
			return d, true
		}
	}
	return Downstream{}, false
}

// VersionsOf gives what the file of versions says of a library, under each of its
// names; none when it says nothing.
func (m DepMap) VersionsOf(u Upstream) []Version {
	var out []Version
	for _, v := range m.Versions {
		if slices.Contains(u.File, v.Name) {
			out = append(out, v)
		}
	}
	return out
}

// Drift is how the map of the plan and the file of versions differ.
type Drift struct {
	Unmapped []Version  // in the file, and the map knows no such library
	Unlisted []Upstream // in the map as bundled, and not in the file under any of its names
	Renamed  []Renamed  // in both, under another name
	Agreed   int        // in both
}

// Renamed is a library that the file calls otherwise than the plan.
type Renamed struct {
	Upstream
	As string
}

// Drift compares the two. Packages that are not bundled are in no such file.
func (m DepMap) Drift() Drift {
	var d Drift
	for _, v := range m.Versions {
		if !slices.ContainsFunc(m.Upstream, func(u Upstream) bool { return slices.Contains(u.File, v.Name) }) {
			d.Unmapped = append(d.Unmapped, v)
		}
	}
	for _, u := range m.Upstream {
		have := m.VersionsOf(u)
		switch {
		case u.Kind != UpstreamBundled:
		case len(have) == 0:
			d.Unlisted = append(d.Unlisted, u)
		default:
			d.Agreed++
			if have[0].Name != u.Key && have[0].Name != u.Name {
				d.Renamed = append(d.Renamed, Renamed{u, have[0].Name})
			}
		}
	}
	return d
}
