package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"tocsin/bridges/pypi"
	"tocsin/cmd/bot/config"
	"tocsin/incidents"
	"tocsin/incidents/outbox"
)

// pypiClient is what asks the index.
type pypiClient interface {
	Release(ctx context.Context, version string) (pypi.Release, error)
	Evidence(ctx context.Context, r pypi.Release, known map[string]pypi.Evidence) (map[string]pypi.Evidence, error)
}

// pypiIndex looks releases up on the index that the configuration names, and says of
// what it finds what people have to know.
type pypiIndex struct {
	client pypiClient
	c      config.PyPI
	log    *slog.Logger

	mu    sync.Mutex
	known map[string]map[string]pypi.Evidence // by version and file; asked for again after a restart
	like  []pypi.File                         // of the version to compare with; nil: not known yet
}

// withIndex adds the index of the configuration, where it names one.
func withIndex(p parts, c *config.Config, log *slog.Logger) (parts, error) {
	if c.PyPI == nil {
		return p, nil
	}
	client, err := pypi.New(pypi.Config{
		Base: c.PyPI.Base, Project: c.PyPI.Project, Loopback: true, Now: p.clock.Now, // the configuration was checked for it
		Agent: "tocsin, the incident desk of " + c.PyPI.Project,
	})
	p.index, p.every = &pypiIndex{client: client, c: *c.PyPI, log: log}, c.PyPI.Every
	return p, err
}

// Look asks what is there of a version.
func (x *pypiIndex) Look(ctx context.Context, sealed, known incidents.Sealed) (incidents.Found, error) {
	version, before := opened(sealed), readDigests(opened(known))
	r, err := x.client.Release(ctx, version)
	if err != nil && !errors.Is(err, pypi.ErrAbsent) {
		return incidents.Found{}, patience(err)
	}
	r.Version = version
	want := pypi.Expect{Count: x.expect(version), Publisher: x.publisher(), NoSdist: x.c.NoSource, Digests: before}
	if want.Like, err = x.platforms(ctx, version); err != nil {
		return incidents.Found{}, patience(err)
	}
	evidence, err := x.evidence(ctx, r)
	found := x.found(r, pypi.Compare(r, evidence, want), want)
	found.Known = incidents.Seal(digests(r.Files, before))
	if e, ok := errors.AsType[*outbox.Patience](patience(err)); ok {
		x.log.Info("the index gives no provenance now", "error", err.Error())
		found.NotBefore = e.At
	}
	return found, nil
}

// opened gives the text that only the index may be asked with.
func opened(s incidents.Sealed) string {
	v, _ := s.Value()
	text, _ := v.(string)
	return text
}

// patience says when the index wants to be asked again; nil for no error.
func patience(err error) error {
	if err == nil {
		return nil
	}
	out := &outbox.Patience{Err: err}
	if e, ok := errors.AsType[*pypi.Error](err); ok {
		out.At = e.Retry
	}
	return out
}

func (x *pypiIndex) expect(version string) int {
	if n, ok := x.c.ExpectFor[version]; ok {
		return n
	}
	return x.c.Expect
}

// publisher gives who publishes; its zero value asks for nobody.
func (x *pypiIndex) publisher() pypi.Publisher {
	p := x.c.Publisher
	if p == (config.Publisher{}) {
		return pypi.Publisher{}
	}
	return pypi.Publisher{Kind: "GitHub", Repository: p.Repository, Workflow: p.Workflow, Environment: p.Environment}
}

// evidence asks who published the files, where somebody is expected: a project that
// attests nothing would be asked about every file each time.
func (x *pypiIndex) evidence(ctx context.Context, r pypi.Release) (map[string]pypi.Evidence, error) {
	if x.publisher().Zero() {
		return nil, nil
	}
	x.mu.Lock()
	known := x.known[r.Version]
	x.mu.Unlock()
	out, err := x.client.Evidence(ctx, r, known)
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.known == nil {
		x.known = map[string]map[string]pypi.Evidence{}
	}
	x.known[r.Version] = out
	return out, err
}

// platforms gives the files of the version to compare with; none where there is none.
func (x *pypiIndex) platforms(ctx context.Context, version string) ([]pypi.File, error) {
	x.mu.Lock()
	like := x.like
	x.mu.Unlock()
	if x.c.Like == "" || x.c.Like == version || like != nil {
		return like, nil
	}
	r, err := x.client.Release(ctx, x.c.Like)
	if errors.Is(err, pypi.ErrAbsent) {
		return nil, nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.like = r.Files
	return r.Files, err
}

// found says what a report means.
func (x *pypiIndex) found(r pypi.Release, p pypi.Report, want pypi.Expect) incidents.Found {
	f := incidents.Found{
		There: p.Have > 0, Have: p.Have, Want: p.Want, Guessed: p.Guessed, Missing: incidents.Seal(missing(p)), Gone: incidents.Seal(some(p.Gone)),
	}
	for _, file := range r.Files {
		if file.Uploaded.After(f.LiveAt) {
			f.LiveAt = file.Uploaded
		}
	}
	lacks := func(files []string, one, many string) {
		switch n := len(files); {
		case n == 1:
			f.Lacks = append(f.Lacks, incidents.Seal(files[0]+" "+one))
		case n > 1:
			f.Lacks = append(f.Lacks, incidents.Seal(fmt.Sprintf("%d files %s: %s", n, many, some(files))))
		}
	}
	if f.There && !p.Sdist && !want.NoSdist {
		f.Lacks = append(f.Lacks, incidents.Seal("There is no source distribution yet"))
	}
	if p.Have > p.Want {
		f.Lacks = append(f.Lacks, incidents.Seal("That is more than it should have"))
	}
	lacks(p.NoDigest, "has no digest", "have no digest")
	proven := want.Publisher.Zero()
	if !proven {
		lacks(p.NoProvenance, "has no provenance", "have no provenance")
		lacks(p.Unproven, "is not proven yet", "are not proven yet")
		proven = len(p.NoProvenance)+len(p.Unproven) == 0
	}
	if n := len(p.Yanked); n > 0 {
		why := p.Yanked[0].Reason
		f.Yanked = incidents.Seal(fmt.Sprintf("%d of %d files, %s", n, p.Have, cmp.Or(why, "without a reason")))
	}
	var by []string
	for _, one := range p.Publishers {
		by = append(by, one.String())
	}
	f.ProvenBy, f.Wrong = incidents.Seal(strings.Join(by, "; ")), wrong(p)
	f.Ready = p.Live(want) && !p.Alarming() && proven && len(p.NoDigest) == 0
	return f
}

// wrong says what no accident explains. Files that are gone are told otherwise: a
// cache can be behind.
func wrong(p pypi.Report) []incidents.Sealed {
	var out []incidents.Sealed
	by := map[pypi.Publisher][]string{}
	var order []pypi.Change
	for _, c := range p.WrongPublisher {
		if by[c.Got] == nil {
			order = append(order, c)
		}
		by[c.Got] = append(by[c.Got], c.File)
	}
	for _, c := range order {
		out = append(out, incidents.Seal(fmt.Sprintf("published by %s, and not by %s: %s", c.Got, c.Want, some(by[c.Got]))))
	}
	if len(p.WrongDigest) > 0 {
		out = append(out, incidents.Seal("the provenance is of another file than the one that is there: "+some(p.WrongDigest)))
	}
	if len(p.Changed) > 0 {
		out = append(out, incidents.Seal("another digest than before: "+some(p.Changed)))
	}
	return out
}

// missing names what lacks wheels: Pythons of which nothing is there, platforms of which
// nothing is there, and for others which Pythons lack them.
func missing(p pypi.Report) string {
	has := func(is func(pypi.Cell) bool) bool { return slices.ContainsFunc(p.Cells, is) }
	var none, order []string
	pythons := map[string][]string{}
	for _, g := range p.Missing {
		switch {
		case len(p.Cells) > 0 && !has(func(c pypi.Cell) bool { return c.Python == g.Python }):
			if !slices.Contains(none, g.Python) {
				none = append(none, g.Python)
			}
		case pythons[g.Platform] == nil:
			order = append(order, g.Platform)
			fallthrough
		default:
			pythons[g.Platform] = append(pythons[g.Platform], g.Python)
		}
	}
	slices.Sort(order)
	var out []string
	if len(none) > 0 {
		out = append(out, "all of "+someOf(none, mostPythons))
	}
	for _, platform := range order {
		said := cut(platform)
		if has(func(c pypi.Cell) bool { return c.Platform == platform }) {
			said += " (" + someOf(pythons[platform], mostPythons) + ")"
		}
		out = append(out, said)
	}
	const most = 6
	if len(out) > most {
		out = append(out[:most-1], fmt.Sprintf("and %d more platforms", len(out)-most+1))
	}
	return strings.Join(out, "; ")
}

// How much of what an index says is told and kept: an index of another mind could make
// every word long, and name other files each time.
const (
	mostKept    = 5000 // files of a release whose digests are kept; a large project's has 100
	mostPythons = 12   // that are named
	maxToldName = 120  // bytes of a name that is told
)

// some names a few of many files.
func some(files []string) string { return someOf(files, 3) }

// someOf names the first ones of many, and says how many more there are.
func someOf(all []string, most int) string {
	more := ""
	if n := len(all); n > most {
		all, more = all[:most-1], fmt.Sprintf(" and %d more", n-most+1)
	}
	var out []string
	for _, name := range all {
		out = append(out, cut(name))
	}
	return strings.Join(out, ", ") + more
}

// cut gives a name, or the beginning of a long one.
func cut(name string) string {
	if len(name) <= maxToldName {
		return name
	}
	return strings.ToValidUTF8(name[:maxToldName], "") + "…"
}

// digests writes down every file's digest, a line each. The first one that was seen of
// a file counts, also of one that is gone. Once there are too many, those that come
// later are not written down.
func digests(files []pypi.File, before map[string]string) string {
	lines := []string{}
	add := func(name, sum string) {
		if len(lines) < mostKept && sum != "" {
			lines = append(lines, name+" "+sum)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		add(name, before[name])
	}
	for _, f := range files {
		if before[f.Name] == "" {
			add(f.Name, f.SHA256)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func readDigests(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(text) {
		if name, sum, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			out[name] = sum
		}
	}
	return out
}
