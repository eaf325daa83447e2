package incidents

import "time"

// ReleaseFacts gives the facts of a release and its incidents at the instant now, for
// templates. Which incident is in which release is for full clearance: a template
// names them there only.
func ReleaseFacts(p Plan, r Release, carried []Incident, now time.Time) Facts {
	var still []Incident // not those that are in another one since
	for _, i := range carried {
		if i.Release.N == r.N {
			still = append(still, i)
		}
	}
	latest, of, before := Embargoes(still)
	f := Facts{
		"version": r.Version, "planned": !r.PlannedAt.IsZero(), "plannedat": r.PlannedAt, "plannedby": r.PlannedBy,
		"live": !r.LiveAt.IsZero(), "liveat": r.LiveAt, "ago": SaySpan(now.Sub(r.LiveAt)),
		"yanked": !r.YankedAt.IsZero(), "yankedat": r.YankedAt, "yankedby": r.YankedBy, "yankedwhy": r.YankedWhy,
		"differ": len(of) > 0 && len(before) > 0, "latest": latest, "latestof": of, "before": before,
		"watched": watchedUntil(p, still), "now": now,
	}
	handles, list := []string{}, []Facts{}
	for _, i := range carried {
		l, _ := p.Level(i.Level)
		e := i.Embargo
		handles = append(handles, i.Handle)
		list = append(list, Facts{
			"handle": i.Handle, "codename": i.Codename, "open": i.Open(), "level": l.Name, "phase": string(i.Phase),
			"track": Seal(TrackOf(p, i).Name), "title": i.Title, "moved": i.Release.N != r.N, "elsewhere": i.Release.Version,
			"embargo": e.State, "embargoat": e.At, "embargodated": e.Dated(), "embargoover": e.Over(), "endedat": e.EndedAt,
		})
	}
	f["handles"], f["incidents"], f["steps"] = handles, list, releaseSteps(p, still)
	return f
}

// Embargoes gives the latest moment of the embargoes of a release's open incidents,
// whose it is, and whose ends before, is over or was never dated: those wait for it
// too. A push makes all fixes of a version public at once.
func Embargoes(carried []Incident) (latest time.Time, of, before []string) {
	of, before = []string{}, []string{}
	for _, i := range carried {
		if i.Open() && i.Embargo.Dated() {
			latest = later(latest, i.Embargo.At)
		}
	}
	for _, i := range carried {
		switch {
		case !i.Open():
		case !latest.IsZero() && i.Embargo.Dated() && i.Embargo.At.Equal(latest):
			of = append(of, i.Handle)
		default:
			before = append(before, i.Handle)
		}
	}
	return latest, of, before
}

// watchClock is the clock of the watch after a release (plan, 7.6.4).
const watchClock = "watch"

// watchedUntil gives when the last watch after the release is over; the zero time when
// none runs.
func watchedUntil(p Plan, carried []Incident) time.Time {
	var until time.Time
	for _, i := range carried {
		for _, c := range Clocks(p, i) {
			if c.Key == watchClock {
				until = later(until, c.Due)
			}
		}
	}
	return until
}

// releaseSteps gives the facts of the steps that are done once for a release, each
// with the handles of the incidents for which it is not done yet.
func releaseSteps(p Plan, carried []Incident) []Facts {
	out := []Facts{}
	for _, s := range p.Steps {
		var last Deed
		left, applies := []string{}, 0
		for _, i := range carried {
			if !s.Release || !i.Open() || !Applies(p, i, s) {
				continue
			}
			applies++
			if d := StateOf(p, i, s); d.State == StepOpen {
				left = append(left, i.Handle)
			} else if !d.At.Before(last.At) {
				last = d
			}
		}
		if applies > 0 {
			out = append(out, Facts{
				"key": Seal(s.Key), "name": Seal(s.Name), "state": last.State, "at": last.At, "who": last.Who,
				"left": left, "begun": len(left) < applies,
			})
		}
	}
	return out
}

// OpenIDs gives the ids of an incident that a text about another one of its release may
// name: none while an embargo holds, or while it is not decided whether there is to be
// one.
func OpenIDs(p Plan, i Incident, now time.Time) []Sealed {
	locked, _ := DraftFacts(p, i, now)["locked"].(Sealed)
	if !locked.Empty() || i.Level == "" && !i.Embargo.Over() && !happened(p, i, "disclosed") {
		return nil
	}
	var out []Sealed
	for _, id := range []Sealed{i.CVE, i.GHSA} {
		if !id.Empty() {
			out = append(out, id)
		}
	}
	return out
}
