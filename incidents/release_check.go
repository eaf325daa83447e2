package incidents

import (
	"fmt"
	"time"
)

// The states of a look-up of a release on its index; "" while none was begun.
const (
	CheckLooking = "looking"
	CheckLive    = "live"    // all was there, and the release was noted as live
	CheckGaveUp  = "gave up" // not all was there for as long as it is looked for
	CheckStopped = "stopped" // it was settled by hand, or a rule said no
)

// How a release is looked for. From the push to the last wheel it takes two to three
// hours (python-pillow/Pillow 12.2.0: 12:11 to 14:46 UTC), so a day is far more than
// it needs, and more than 16 minutes between two looks would leave people waiting.
const (
	CheckMost  = 24 * time.Hour   // then it is said that it is not complete
	CheckTell  = 5 * time.Minute  // progress is told no more often
	CheckDeaf  = time.Hour        // that the index gives no answer is told after that, once
	CheckGone  = 15 * time.Minute // an index is behind a cache: what is gone for longer is gone
	checkSteps = 4                // 1, 2, 4, 8 and 16 minutes
)

// Found is what an index says of a release at one moment.
type Found struct {
	There    bool      // something of it is there
	Have     int       // files
	Want     int       // files that should be; 0: not known
	Ready    bool      // everything that should be there is there, as it should be
	LiveAt   time.Time // when the last file came; zero: the index does not say
	Guessed  bool      // Missing is a guess from what is there
	Missing  Sealed    // platforms, by name
	Lacks    []Sealed  // what else it lacks: the source, a digest, a provenance
	Yanked   Sealed    // which files, and the reason that is given
	Wrong    []Sealed  // what does not happen by accident: another publisher, another digest
	Gone     Sealed    // files that were there
	Known    Sealed    // what the next look is held against: names and digests
	ProvenBy Sealed    // who published it, as the provenance says

	NotBefore time.Time // the index asks for patience until then; not kept
}

// Facts gives what was found, for the store and for templates.
func (f Found) Facts() Facts {
	return Facts{
		"there": f.There, "have": f.Have, "want": f.Want, "ready": f.Ready, "foundat": f.LiveAt, "guessed": f.Guessed, "missing": f.Missing,
		"lacks": textFacts(f.Lacks), "takenback": f.Yanked, "wrong": textFacts(f.Wrong), "gone": f.Gone, "known": f.Known, "provenby": f.ProvenBy,
	}
}

// FoundOf is what Facts were made from.
func FoundOf(f Facts) Found {
	var out Found
	out.There, _ = f["there"].(bool)
	out.Have, _ = f["have"].(int)
	out.Want, _ = f["want"].(int)
	out.Ready, _ = f["ready"].(bool)
	out.LiveAt, _ = f["foundat"].(time.Time)
	out.Guessed, _ = f["guessed"].(bool)
	for name, s := range map[string]*Sealed{
		"missing": &out.Missing, "takenback": &out.Yanked, "gone": &out.Gone, "known": &out.Known, "provenby": &out.ProvenBy,
	} {
		*s, _ = f[name].(Sealed)
	}
	out.Lacks, out.Wrong = factTexts(f["lacks"]), factTexts(f["wrong"])
	return out
}

func textFacts(texts []Sealed) []Facts {
	out := []Facts{}
	for _, s := range texts {
		out = append(out, Facts{"text": s})
	}
	return out
}

func factTexts(v any) []Sealed {
	list, _ := v.([]Facts)
	var out []Sealed
	for _, f := range list {
		s, _ := f["text"].(Sealed)
		out = append(out, s)
	}
	return out
}

// ReleaseCheck is how the look-up of a release on its index stands: the newest one.
type ReleaseCheck struct {
	Release   int
	N         int // the how many-th look-up of that release it is
	State     string
	By        string // who asked for it
	BegunAt   time.Time
	LookedAt  time.Time // when the index answered last
	Misses    int       // looks in a row that found nothing, or got no answer
	DeafSince time.Time // since when there is no answer; zero: there was one
	DeafTold  bool
	GoneSince time.Time // since when files are gone
	ToldAt    time.Time // when progress was told last,
	Told      Sealed    // which,
	ToldWrong Sealed    // what was told of alarms,
	ToldYank  Sealed    // and of files that were taken back
	Found     Found
}

// BeginCheck begins a look-up, after the last one of the same release.
func BeginCheck(last ReleaseCheck, r Release, who string, now time.Time) ReleaseCheck {
	return ReleaseCheck{
		Release: r.N, N: last.N + 1, State: CheckLooking, By: who, BegunAt: now,
		Found: Found{Known: last.Found.Known}, // what was written down counts on
	}
}

// News is something of a look-up that the desks should hear.
type News string

// The news; the template of each is "release/" and its name.
const (
	NewsProgress News = "progress"
	NewsWrong    News = "wrong"  // it calls everybody
	NewsYanked   News = "pulled" // files were taken back
	NewsReady    News = "ready"  // the release can be noted as live
	NewsGaveUp   News = "missed"
	NewsDeaf     News = "deaf"
)

// Saw gives a look-up after an answer of the index, and what is worth telling.
func (c ReleaseCheck) Saw(f Found, now time.Time) (ReleaseCheck, []News) {
	var news []News
	if f.There {
		c.Misses = 0
	} else {
		c.Misses++
	}
	if f.Gone.Empty() {
		c.GoneSince = time.Time{}
	} else if c.GoneSince.IsZero() {
		c.GoneSince = now
	} else if now.Sub(c.GoneSince) >= CheckGone {
		f.Wrong = append(f.Wrong[:len(f.Wrong):len(f.Wrong)], joinSealed(" ", Seal("gone from it:"), f.Gone))
	}
	back := c.DeafTold
	c.LookedAt, c.DeafSince, c.DeafTold, c.Found = now, time.Time{}, false, f
	wrong := joinSealed("\n", f.Wrong...)
	if !wrong.Empty() && !wrong.Same(c.ToldWrong) {
		c.ToldWrong, news = wrong, append(news, NewsWrong)
	}
	if !f.Yanked.Empty() && !f.Yanked.Same(c.ToldYank) {
		c.ToldYank, news = f.Yanked, append(news, NewsYanked)
	}
	told := joinSealed("\n", append([]Sealed{Seal(fmt.Sprintf("%d of %d", f.Have, f.Want)), f.Missing}, f.Lacks...)...)
	switch {
	case f.Ready && len(f.Wrong) == 0:
		c.State, news = CheckLive, append(news, NewsReady)
	case c.over(now):
		c.State, news = CheckGaveUp, append(news, NewsGaveUp)
	case len(news) > 0: // what is told now is more than how many there are
		c.ToldAt, c.Told = now, told
	case back || f.There && !told.Same(c.Told) && now.Sub(c.ToldAt) >= CheckTell:
		c.ToldAt, c.Told, news = now, told, append(news, NewsProgress)
	}
	return c, news
}

// Deaf gives a look-up after the index gave no answer.
func (c ReleaseCheck) Deaf(now time.Time) (ReleaseCheck, []News) {
	c.Misses++
	if c.DeafSince.IsZero() {
		c.DeafSince = now
	}
	switch {
	case c.over(now):
		c.State = CheckGaveUp
		return c, []News{NewsGaveUp}
	case now.Sub(c.DeafSince) >= CheckDeaf && !c.DeafTold:
		c.DeafTold = true
		return c, []News{NewsDeaf}
	}
	return c, nil
}

// Halts reports whether a look-up under way has to end, since an embargo holds one of
// the incidents of the release by now: what is asked for can be seen by others. The
// refusal is why.
func (c ReleaseCheck) Halts(p Plan, r Release, carried []Incident, now time.Time) (*Refusal, bool) {
	if c.State != CheckLooking {
		return nil, false
	}
	_, _, err := GoLive(p, r, carried, now, Tocsin, now)
	no, _ := AsRefusal(err)
	if no == nil || no.Key != "release-live-locked" {
		return nil, false
	}
	why, _ := no.Args["why"].(string)
	return no, why == "embargo" || why == "no-embargo"
}

func (c ReleaseCheck) over(now time.Time) bool { return !now.Before(c.BegunAt.Add(CheckMost)) }

// Next gives when to look again: after every, or on a ladder where there was nothing,
// and not before the index wants it; but in time to say that it took too long.
func (c ReleaseCheck) Next(every time.Duration, notBefore, now time.Time) time.Time {
	if c.Misses > 0 {
		every = time.Minute << min(c.Misses-1, checkSteps)
	}
	at := later(now.Add(every), notBefore)
	if last := c.BegunAt.Add(CheckMost); at.After(last) {
		at = last
	}
	return at
}

// GoLiveBy is GoLive by hand, with the reason why, which may be empty.
func GoLiveBy(p Plan, r Release, carried []Incident, at time.Time, why Sealed, who string, now time.Time) (Release, Entry, error) {
	r, e, err := GoLive(p, r, carried, at, who, now)
	if err == nil && !why.Empty() {
		e.Text = joinSealed(": ", e.Text, joinSealed(" ", Seal("by hand,"), why))
	}
	return r, e, err
}

// GoLiveFound is GoLive by what was found: since its last file came. It is nobody's
// word but the bot's, so that nobody counts as heard of by it.
func GoLiveFound(p Plan, r Release, carried []Incident, c ReleaseCheck, now time.Time) (Release, Entry, error) {
	at := c.Found.LiveAt
	if at.IsZero() || at.After(now) { // the two clocks differ
		at = now
	}
	r, e, err := GoLive(p, r, carried, at, Tocsin, now)
	if err == nil {
		found := fmt.Sprintf("%d of %d files, looked up for %s", c.Found.Have, c.Found.Want, c.By)
		var proven Sealed
		if !c.Found.ProvenBy.Empty() {
			proven = joinSealed(" ", Seal("published by"), c.Found.ProvenBy)
		}
		e.Text = joinSealed(", ", joinSealed(": ", r.Version, Seal(found)), proven)
	}
	return r, e, err
}

// Tocsin is who did what the bot does by itself.
const Tocsin = "tocsin"

// PushedAt gives since when the fixes of a release are public: when the first of its
// tags was pushed. The zero time when none was.
func PushedAt(p Plan, carried []Incident) time.Time {
	var at time.Time
	s, ok := p.Step("tag")
	for _, i := range carried {
		if d := StateOf(p, i, s); ok && d.State == StepDone && (at.IsZero() || d.At.Before(at)) {
			at = d.At
		}
	}
	return at
}

// CheckFacts gives the facts of a release's look-up at the instant now, for
// templates: what was found, and for how long the fix is public without wheels.
func CheckFacts(p Plan, r Release, carried []Incident, c ReleaseCheck, now time.Time) Facts {
	f := c.Found.Facts()
	public, until := "", now
	if !r.LiveAt.IsZero() {
		until = r.LiveAt
	}
	if at := PushedAt(p, carried); !at.IsZero() && until.After(at) {
		public = fmt.Sprintf("%02d:%02d", int(until.Sub(at).Hours()), int(until.Sub(at).Minutes())%60)
	}
	delete(f, "known")
	for k, v := range NewFacts(
		"check", c.State, "by", c.By, "begun", c.BegunAt, "looked", !c.LookedAt.IsZero(), "lookedat", c.LookedAt, "deaf", !c.DeafSince.IsZero(),
		"deafsince", c.DeafSince, "public", public, "most", int(CheckMost.Hours()),
	) {
		f[k] = v
	}
	return f
}
