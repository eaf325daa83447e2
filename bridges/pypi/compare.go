package pypi

import (
	"regexp"
	"slices"
	"strings"
)

// Expect is what a release should be. What is left empty is not asked for.
type Expect struct {
	Count     int               // files, the source distribution among them
	Publisher Publisher         // who publishes; zero: all files by the same one
	Like      []File            // of the release before: its platforms should all be there
	NoSdist   bool              // the project publishes no source distribution
	Digests   map[string]string // SHA-256 by name, as they were written down when the release was looked at before
}

// State is what is known of a file's provenance.
type State int

// The states.
const (
	NotAsked State = iota // or there was no answer
	Given
	None
)

// Evidence is what the index said about one file.
type Evidence struct {
	State      State
	Provenance Provenance
}

// Yank is a file that was taken back: installers pass it by unless it is asked for
// by its exact version. https://docs.pypi.org/project-management/yanking/
type Yank struct{ File, Reason string }

// Change is a file that somebody else published than should have.
type Change struct {
	File      string
	Got, Want Publisher
}

// Report is how a release differs from what it should be.
type Report struct {
	Version string
	Have    int // files that are there
	Want    int // files that should be; 0 when that is not known
	Sdist   bool
	Cells   []Cell // the matrix of wheels
	Missing []Gap  // what the matrix lacks
	Guessed bool   // Missing is a guess from the release itself: there was none to compare with

	Yanked       []Yank
	NoDigest     []string
	NoProvenance []string // the index says there is none
	Unproven     []string // not asked, no answer, or one that cannot be read

	// The alarms: none of these happens by accident.
	WrongPublisher []Change
	WrongDigest    []string // the provenance is about another file than the one that is there
	Changed        []string // its digest is another one than was written down
	Gone           []string // it was written down and is there no more

	Publishers []Publisher // everybody who published, each once
}

// Live reports whether everything that should be there is there, and not yanked. A
// release with alarms can be live.
func (r Report) Live(e Expect) bool {
	return r.Want > 0 && r.Have >= r.Want && len(r.Yanked) == 0 && (r.Sdist || e.NoSdist)
}

// Alarming reports whether something is there that cannot be an accident.
func (r Report) Alarming() bool {
	return len(r.WrongPublisher)+len(r.WrongDigest)+len(r.Changed)+len(r.Gone) > 0
}

// Compare holds a release against what it should be. Evidence is by name of file.
func Compare(release Release, evidence map[string]Evidence, want Expect) Report {
	r := Report{Version: release.Version, Have: len(release.Files), Want: want.Count, Cells: cells(release.Files)}
	if want.Like == nil {
		r.Guessed, r.Missing = true, ragged(r.Cells)
	} else {
		r.Missing = lacking(r.Cells, cells(want.Like))
	}
	reference := want.Publisher
	there := map[string]bool{}
	for _, f := range release.Files {
		there[f.Name] = true
		r.Sdist = r.Sdist || f.Kind == "sdist"
		if f.Yanked {
			r.Yanked = append(r.Yanked, Yank{f.Name, f.Reason})
		}
		if f.SHA256 == "" {
			r.NoDigest = append(r.NoDigest, f.Name)
		}
		if old := want.Digests[f.Name]; old != "" && !strings.EqualFold(old, f.SHA256) {
			r.Changed = append(r.Changed, f.Name)
		}
		switch e := evidence[f.Name]; e.State {
		case None:
			r.NoProvenance = append(r.NoProvenance, f.Name)
		case Given:
			reference = r.prove(f, e.Provenance, reference)
		default:
			r.Unproven = append(r.Unproven, f.Name)
		}
	}
	for name := range want.Digests {
		if !there[name] {
			r.Gone = append(r.Gone, name)
		}
	}
	slices.Sort(r.Gone)
	return r
}

// prove looks at one file's provenance, and gives who is the publisher to compare
// the next one with: where nobody is expected, whoever came first.
func (r *Report) prove(f File, p Provenance, want Publisher) Publisher {
	unread, wrong := len(p.Bundles) == 0, false
	for _, b := range p.Bundles {
		if !slices.Contains(r.Publishers, b.Publisher) {
			r.Publishers = append(r.Publishers, b.Publisher)
		}
		if want.Zero() {
			want = b.Publisher
		}
		if !b.Publisher.Is(want) {
			r.WrongPublisher = append(r.WrongPublisher, Change{f.Name, b.Publisher, want})
		}
		unread = unread || b.Unread > 0 || len(b.Statements) == 0
		for _, s := range b.Statements {
			wrong = wrong || !slices.ContainsFunc(s.Subjects, func(s Subject) bool {
				return f.SHA256 != "" && s.SHA256 == f.SHA256 && sameFile(s.Name, f.Name)
			})
		}
	}
	if wrong {
		r.WrongDigest = append(r.WrongDigest, f.Name)
	}
	if unread {
		r.Unproven = append(r.Unproven, f.Name)
	}
	return want
}

// sameFile reports whether two names are of the same file: tags can stand in
// another order, and a distribution's name be spelled otherwise.
// https://peps.python.org/pep-0740/#attestation-statement
func sameFile(a, b string) bool { return a == b || spelled(a) == spelled(b) }

func spelled(name string) string {
	stem, isWheel := strings.CutSuffix(name, ".whl")
	if !isWheel {
		return strings.ToLower(regexp.MustCompile(`[-_.]+`).ReplaceAllString(name, "-"))
	}
	parts := strings.Split(stem, "-")
	for i, p := range parts {
		if i == 0 {
			parts[i] = strings.ToLower(regexp.MustCompile(`[_.]+`).ReplaceAllString(p, "_"))
		} else if i >= len(parts)-3 {
			tags := strings.Split(p, ".")
			slices.Sort(tags)
			parts[i] = strings.Join(tags, ".")
		}
	}
	return strings.Join(parts, "-") + ".whl"
}
