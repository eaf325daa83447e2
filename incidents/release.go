package incidents

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// Release is a version that carries the fixes of one or more incidents: its steps are
// done once for all of them. An advisory holds one vulnerability, a version often
// fixes several (GitHub's rules as a CNA).
type Release struct {
	N         int
	Version   Sealed    // as ReadVersion gives it
	PlannedAt time.Time // zero: it was not planned here; it is known because it was yanked
	PlannedBy string
	LiveAt    time.Time // when it was on PyPI; zero: not yet
	YankedAt  time.Time // when it was said that it is yanked; zero: it is not
	YankedBy  string
	YankedWhy Sealed
	Carries   []int // the numbers of its incidents, rising; not told in an Incident's Release
}

// versionForm is a version as people type it: final, pre-release or post-release,
// with at least one dot (PEP 440, appendix B, without epochs, development and local
// versions, which carry no fix to anybody).
func versionForm() *regexp.Regexp {
	return regexp.MustCompile(`^v?([0-9]{1,9}(?:\.[0-9]{1,9}){1,5})` +
		`(?:[-_.]?(alpha|a|beta|b|rc|c|preview|pre)[-_.]?([0-9]{0,9}))?` +
		`(?:-([0-9]{1,9})|[-_.]?(?:post|rev|r)[-_.]?([0-9]{0,9}))?$`)
}

// ReadVersion gives a version in its normal form: "v12.4.0-RC1" is "12.4.0rc1",
// "12.3.1-1" is "12.3.1.post1" (PEP 440, Normalization).
func ReadVersion(typed string) (string, error) {
	text := strings.ToLower(strings.TrimSpace(typed))
	at := versionForm().FindStringSubmatchIndex(text)
	if at == nil {
		return "", Refuse("bad-version")
	}
	part := func(k int) (string, bool) { // false when it was not typed at all
		if at[2*k] < 0 {
			return "", false
		}
		return text[at[2*k]:at[2*k+1]], true
	}
	release, _ := part(1)
	var numbers []string
	for n := range strings.SplitSeq(release, ".") {
		numbers = append(numbers, number(n))
	}
	out := strings.Join(numbers, ".")
	if pre, ok := part(2); ok {
		n, _ := part(3)
		out += map[string]string{"alpha": "a", "a": "a", "beta": "b", "b": "b"}[pre]
		if pre[0] != 'a' && pre[0] != 'b' {
			out += "rc"
		}
		out += number(n)
	}
	for _, k := range []int{4, 5} {
		if n, ok := part(k); ok {
			out += ".post" + number(n)
		}
	}
	return out, nil
}

// number gives digits without the zeros before them; "" is 0.
func number(digits string) string {
	if n := strings.TrimLeft(digits, "0"); n != "" {
		return n
	}
	return "0"
}

// FindRelease finds a release by its version; to PyPI, 12.3 and 12.3.0 are the same.
func FindRelease(all []Release, version Sealed) (Release, bool) {
	for _, r := range all {
		if versionKey(r.Version) == versionKey(version) {
			return r, true
		}
	}
	return Release{}, false
}

func versionKey(v Sealed) string {
	if v.p == nil {
		return ""
	}
	text := (*v.p)()
	at := strings.IndexFunc(text, func(r rune) bool { return r >= 'a' && r <= 'z' })
	if at < 0 {
		at = len(text)
	}
	release := strings.TrimRight(text[:at], ".")
	for strings.HasSuffix(release, ".0") {
		release = strings.TrimSuffix(release, ".0")
	}
	return release + "/" + text[at:]
}

// over refuses what cannot be done any more to a version that is live or yanked: a
// file's name on PyPI is never used again, so what was missing needs another version.
func (r Release) over() error {
	switch {
	case !r.YankedAt.IsZero():
		return Refuse("release-is-yanked", "version", r.Version, "at", r.YankedAt, "who", r.YankedBy)
	case !r.LiveAt.IsZero():
		return Refuse("release-is-live", "version", r.Version, "at", r.LiveAt)
	}
	return nil
}

// PlanRelease plans a version. r is the release of that version, if one is known:
// one that carries nothing any more can be planned again.
func PlanRelease(r Release, version Sealed, who string, now time.Time) (Release, error) {
	if err := r.over(); err != nil {
		return r, err
	}
	if len(r.Carries) > 0 {
		return r, Refuse("release-is-planned", "version", r.Version)
	}
	r.Version, r.PlannedAt, r.PlannedBy = version, now, who
	return r, nil
}

// JoinRelease has a release that is not live yet carry an incident, which is in one
// release at a time. Where its last one was yanked, what was done once for that one
// is to be done again.
func JoinRelease(p Plan, r Release, i Incident, who string, now time.Time) (Release, Incident, []Entry, error) {
	if err := r.over(); err != nil {
		return r, i, nil, err
	}
	last := i.Release
	switch {
	case !i.Open():
		return r, i, nil, Refuse("is-closed", "handle", i.Handle)
	case slices.Contains(r.Carries, i.N):
		return r, i, nil, Refuse("release-has", "handle", i.Handle, "version", r.Version)
	case last.N != 0 && last.YankedAt.IsZero():
		return r, i, nil, Refuse("release-elsewhere", "handle", i.Handle, "version", last.Version, "live", !last.LiveAt.IsZero())
	}
	r.Carries = append(slices.Clone(r.Carries), i.N)
	slices.Sort(r.Carries)
	e := Entry{Kind: "release-added", Who: who, At: now, Text: r.Version}
	if last.N != 0 {
		var again Sealed
		i, again = reopen(p, i, func(s Step, _ Deed) bool { return s.Release })
		e.Text = joinSealed(", ", e.Text, joinSealed(" ", Seal("after"), last.Version), again)
	}
	i, moved := Shipped(p, i, r, who, now)
	return r, i, append([]Entry{e}, moved...), nil
}

// LeaveRelease takes an incident out of a release that is not live yet. Steps that
// were said of it stay as they are; those that were said of another incident of the
// release, and were done for it alongside, are open again: its fix was not in that.
func LeaveRelease(p Plan, r Release, i Incident, who string, now time.Time) (Release, Incident, []Entry, error) {
	if err := r.over(); err != nil {
		return r, i, nil, err
	}
	if !slices.Contains(r.Carries, i.N) {
		return r, i, nil, Refuse("release-lacks", "handle", i.Handle, "version", r.Version)
	}
	r.Carries = slices.DeleteFunc(slices.Clone(r.Carries), func(n int) bool { return n == i.N })
	i, again := reopen(p, i, func(_ Step, d Deed) bool { return d.Along != 0 })
	e := Entry{Kind: "release-removed", Who: who, At: now, Text: joinSealed(", ", r.Version, again)}
	i, moved := Shipped(p, i, Release{}, who, now)
	return r, i, append([]Entry{e}, moved...), nil
}

// reopen takes back what was said of steps, in the plan's order, and says which.
func reopen(p Plan, i Incident, which func(Step, Deed) bool) (Incident, Sealed) {
	var again []Step
	for _, s := range p.Steps {
		if d, said := i.Steps[s.Key]; said && which(s, d) {
			i.Steps = withDeed(i.Steps, s.Key, Deed{})
			again = append(again, s)
		}
	}
	if len(again) == 0 {
		return i, Sealed{}
	}
	return i, joinSealed(": ", Seal("open again"), joinKeys(again))
}

// GoLive notes that a release is on PyPI since an instant. While the embargo of one of
// its incidents holds it is refused: it ends by word, before.
func GoLive(p Plan, r Release, carried []Incident, at time.Time, who string, now time.Time) (Release, Entry, error) {
	open := slices.DeleteFunc(slices.Clone(carried), func(i Incident) bool { return !i.Open() })
	switch err := r.over(); {
	case err != nil:
		return r, Entry{}, err
	case len(open) == 0:
		return r, Entry{}, Refuse("release-empty", "version", r.Version)
	case at.After(now):
		return r, Entry{}, Refuse("release-live-future")
	}
	var last hold
	for _, i := range open {
		if at.Before(i.ReportedAt) {
			return r, Entry{}, Refuse("release-before-report", "handle", i.Handle, "reported", i.ReportedAt)
		}
		if i.Embargo.Dated() { // whatever became of the step
			last = last.or(hold{i.Handle, Lock{Why: "embargo", Until: i.Embargo.At}})
		}
		for _, s := range p.Steps {
			if s.By == "released" && Applies(p, i, s) && StateOf(p, i, s).State == StepOpen {
				last = last.or(hold{i.Handle, LockOf(p, i, s, now)})
			}
		}
	}
	if last.lock.Why != "" {
		return r, Entry{}, Refuse("release-live-locked", "version", r.Version, "handle", last.handle, "why", last.lock.Why, "until", last.lock.Until)
	}
	r.LiveAt = at
	e := Entry{Kind: "release-live", Who: who, At: now, Text: r.Version}
	if !at.Equal(now) {
		e.Plain = SayInstant(at)
	}
	return r, e, nil
}

// hold is an incident that locks a step of its release.
type hold struct {
	handle string
	lock   Lock
}

// or gives the one of two that opens last. What opens at no known instant is later
// than all.
func (h hold) or(g hold) hold {
	switch {
	case g.lock.Why == "":
		return h
	case h.lock.Why == "", g.lock.Until.IsZero():
		return g
	case h.lock.Until.IsZero(), !g.lock.Until.After(h.lock.Until):
		return h
	}
	return g
}

// YankRelease notes that a version is yanked, also one that was never planned here.
// carried are its incidents, which can be planned into another version then.
func YankRelease(r Release, version, why Sealed, who string, now time.Time) (Release, Entry, error) {
	if !r.YankedAt.IsZero() {
		return r, Entry{}, r.over()
	}
	if r.N == 0 {
		r.Version = version
	}
	r.YankedAt, r.YankedBy, r.YankedWhy = now, who, why
	return r, Entry{Kind: "release-yanked", Who: who, At: now, Text: joinSealed(": ", r.Version, why)}, nil
}

// UndoRelease takes back what was said last of a release: that it is yanked, unless
// one of its incidents is in another one by now, or that it is live.
func UndoRelease(r Release, carried []Incident, why Sealed, who string, now time.Time) (Release, Entry, error) {
	e := Entry{Kind: "release-undone", Who: who, At: now}
	switch {
	case !r.YankedAt.IsZero():
		for _, i := range carried {
			if i.Release.N != r.N {
				return r, Entry{}, Refuse("release-elsewhere", "handle", i.Handle, "version", i.Release.Version, "live", !i.Release.LiveAt.IsZero())
			}
		}
		r.YankedAt, r.YankedBy, r.YankedWhy = time.Time{}, "", Sealed{}
		e.Text = joinSealed(": ", joinSealed(" ", r.Version, Seal("is not yanked")), why)
	case !r.LiveAt.IsZero():
		r.LiveAt = time.Time{}
		e.Text = joinSealed(": ", joinSealed(" ", r.Version, Seal("is not live")), why)
	default:
		return r, Entry{}, Refuse("release-not-live", "version", r.Version)
	}
	return r, e, nil
}

// Shipped gives an incident as it is with its release as that is now. Where the one
// that it was live with does not count any more, it is to be released again.
func Shipped(p Plan, i Incident, r Release, who string, now time.Time) (Incident, []Entry) {
	was := i.Release
	i.Release = r
	if i.Phase != Recovering || was.LiveAt.IsZero() || !r.LiveAt.IsZero() || len(required(p, i, Releasing)) == 0 {
		return i, nil
	}
	i.Phase = Releasing
	return i, []Entry{{Kind: "phase", Who: who, At: now, Plain: string(Releasing)}}
}

// Alongside does to the other incidents of a release what a rule did to one of them,
// i as it was before, for a step that is done once for all. An incident that the step
// is none of, or of which it was said already, is left as it is; what was taken back
// is taken back where it was said together. One that locks the step, and the one that
// locks it longest, refuses it for all. It gives who was changed, with an entry each.
func Alongside(p Plan, i Incident, others []Incident, s Step, rule func(Incident) (Incident, Entry, error)) ([]Incident, []Entry, error) {
	var out []Incident
	var entries []Entry
	var last hold
	told, undone := i.Steps[s.Key] // something was said of it before: the rule takes it back
	for _, o := range others {
		have, said := o.Steps[s.Key]
		together := said && have.At.Equal(told.At) && have.Who == told.Who
		if o.N == i.N || !o.Open() || undone && !together || !undone && !Applies(p, o, s) {
			continue
		}
		next, e, err := rule(o)
		no, refused := AsRefusal(err)
		switch {
		case err == nil:
			e.Text = Seal(s.Key) // what was typed of one incident is on no other's record
			if d, ok := next.Steps[s.Key]; ok {
				d.Along, d.Note = i.N, Sealed{}
				next.Steps = withDeed(next.Steps, s.Key, d)
			}
			out, entries = append(out, next), append(entries, e)
		case !refused:
			return nil, nil, err
		case no.Key == "step-locked":
			why, _ := no.Args["why"].(string)
			until, _ := no.Args["until"].(time.Time)
			last = last.or(hold{o.Handle, Lock{Why: why, Until: until}})
		case no.Key == "step-closed":
		default:
			return nil, nil, err
		}
	}
	if last.lock.Why != "" {
		return nil, nil, Refuse("release-locked", "step", Seal(s.Key), "version", i.Release.Version,
			"handle", last.handle, "why", last.lock.Why, "until", last.lock.Until)
	}
	return out, entries, nil
}
