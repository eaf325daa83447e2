package incidents

// DraftFits reports whether a text for people outside is one that an incident can need
// as things are: by its track and by what happened. A kind that is not known here, a
// project's own, always fits.
func DraftFits(p Plan, i Incident, kind string) bool {
	track := TrackOf(p, i)
	leaked, unreachable := happened(p, i, "broken") || happened(p, i, "public"), happened(p, i, "not-reachable")
	over := i.Embargo.Over() || leaked || happened(p, i, "disclosed")
	for _, o := range p.Outcomes {
		if o.Draft == kind {
			return declineFits(p, i, o)
		}
	}
	switch kind {
	case "ack":
		return i.Open() && i.AckAt.IsZero() && happened(p, i, "reporter")
	case "update":
		return i.Open() && !i.AckAt.IsZero() && happened(p, i, "reporter")
	case "distro":
		return i.Open() && track.Embargo && !over
	case "advisory":
		return !track.Compromise && !track.Regression && !unreachable && !declinedAs(p, i)
	case "mastodon", "release-notes":
		return (!track.Compromise || kind == "mastodon") && !unreachable && !declinedAs(p, i)
	case "downstream":
		return !track.Regression && i.Level != "" && !unreachable && !declinedAs(p, i)
	case "oss-security":
		return happened(p, i, "step:notify-distros") || leaked || happened(p, i, "wild") || track.Compromise
	case "leak":
		return i.Open() && leaked
	case "not-reachable":
		return unreachable
	case "compromise":
		return track.Compromise
	case "upstream":
		return i.Open() && (track.Bundled || !i.Library.Empty()) && !unreachable
	}
	return true
}

// declineFits: of an incident that was closed fits how it was, and while one is looked
// at all that nothing speaks against.
func declineFits(p Plan, i Incident, o Outcome) bool {
	if !i.Open() {
		return i.Outcome.Same(Seal(o.Key))
	}
	if o.Key == "not-reachable" {
		return happened(p, i, "not-reachable")
	}
	return happened(p, i, "reporter") && (i.Phase == Reported || i.Phase == Triage) && i.CVE.Empty() && i.Embargo.State == "" && !happened(p, i, "disclosed")
}

// declinedAs reports whether an incident was closed with an outcome that declines it.
func declinedAs(p Plan, i Incident) bool {
	for _, o := range p.Outcomes {
		if o.Draft != "" && i.Outcome.Same(Seal(o.Key)) {
			return true
		}
	}
	return false
}
