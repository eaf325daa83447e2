package incidents

import (
	"slices"
	"strings"
	"time"
)

// SayMoment writes an instant as texts for people outside name a disclosure:
// "Thursday 2026-12-03 14:00 UTC". The distributions' list wants a date, a time and
// a zone in the first mail. Source: linux-distros list policy,
// oss-security.openwall.org/wiki/mailing-lists/distros.
func SayMoment(t time.Time) string { return t.UTC().Format("Monday 2006-01-02 15:04 UTC") }

// SayDate writes the day of an instant in UTC: "2026-12-03".
func SayDate(t time.Time) string { return t.UTC().Format("2006-01-02") }

// DraftFacts gives the facts that texts for people outside are made from, as things
// are at the instant now. It is pure. All that is about the incident is sealed, but
// its phase and its level. What is not known is empty, and never made up.
//
//	project, upgrade, advisories    of the plan
//	title ... library               as !fact, !severity and !incident title set them; a version that is none is not known
//	workaround, poc, affected,      empty too where "none" was said, which noworkaround, nopoc, noaffected and
//	advice                          noadvice tell
//	reachwhy                        why it is not reachable
//	requested                       "yes": a CVE was requested, and is not there
//	id                              the CVE; while there is none, the GHSA (plan, 7.1.5)
//	link                            the address of the advisory
//	reporter, contact               personal: for the reporter's own eyes only
//	credit                          how the reporter wants to be named; empty: not to be named
//	consent                         "yes": they said how, or that they want to be anonymous
//	policy                          "yes": they said when, or by which policy, they publish
//	reported, acked                 dates, as all that follow
//	released, disclosed             empty while that is not so
//	fixedon, disclosedon            likewise, or the embargo's date while it is ahead
//	embargo                         the moment of disclosure, see SayMoment
//	published, leaked, ended        moments too: since when it is public by us, or otherwise; when the embargo was over
//	locked                          "yes": nothing may be public yet
//	fresh                           "yes": details are better left out yet (plan, section 8)
//	revoked                         "yes": every step of the track that comes before all others is done
//	pocby                           until when a proof of concept has to be published
//	safe                            "yes": a release with the fix is live, and was not yanked
//	moved, listmoved                "yes": the date of the disclosure is not the one that the reporter, or the list, was told
//	yanked                          "yes": the release that was live is yanked
//	urgent                          "yes": it is known or used outside, and no release with the fix is live
//	due                             "yes": the distros list was told and the embargo is over, and no release with the fix is live
//	audited                         "yes": tags and wheels were looked at again (plan, 7.5.2)
//	tested                          "yes": the fix has a regression test
//	grave                           "yes": the plan would have an embargo for its level
//	declines, outcomedraft          the drafts that decline a report, and that of how it was closed
//	patched, recipient              patches go with it, and whom it is for; whoever asks for a draft adds them
func DraftFacts(p Plan, i Incident, now time.Time) Facts {
	level, _ := p.Level(i.Level)
	track := TrackOf(p, i)
	f := Facts{
		"project": p.Name, "upgrade": p.Outside.Upgrade, "advisories": p.Outside.Advisories,
		"phase": string(i.Phase), "level": level.Name, "levelkey": i.Level,
		"title": i.Title, "summary": i.Summary, "details": i.Details, "affected": knownOf(i.Affected), "fixed": versionOf(i.Fixed),
		"cve": i.CVE, "ghsa": i.GHSA, "id": firstSealed(i.CVE, i.GHSA), "link": linkOf(p, i), "cwe": i.CWE,
		"vector": i.Vector, "score": lastWord(i.Score), "component": i.Library, "release": i.Release.Version,
		"bundled": sealedIf(track.Bundled), "compromise": sealedIf(track.Compromise), "regression": sealedIf(track.Regression), "embargoed": sealedIf(track.Embargo),
		"type": Seal(p.TypeOf(i).Key), "reach": i.Reach,
		"outcome": i.Outcome, "outcomename": Sealed{}, "outcomedraft": Sealed{}, "recipient": Sealed{}, "patched": Sealed{},
		"period": i.Period, "files": i.Files, "advice": i.Advice, "open": sealedIf(i.Open()),
		"requested": sealedIf(i.CVE.Empty() && happened(p, i, "step:request-cve")), "tested": sealedIf(happened(p, i, "step:test")),
		"audited": sealedIf(happened(p, i, "step:audit-tags") && happened(p, i, "step:audit-wheels")),
		"wild":    sealedIf(!i.WildAt.IsZero()), "public": sealedIf(!i.PublicAt.IsZero()),
		"mailed": sealedIf(happened(p, i, "step:notify-distros")), "broken": sealedIf(happened(p, i, "broken")),
		"waits": sealedIf(happened(p, i, "reporter")), "revoked": sealedIf(firstDone(p, i)),
	}
	var declines []string
	for _, o := range p.Outcomes {
		if o.Draft != "" {
			declines = append(declines, o.Draft)
		}
		if i.Outcome.Same(Seal(o.Key)) {
			f["outcomename"], f["outcomedraft"] = Seal(o.Name), Seal(o.Draft)
		}
	}
	f["declines"], f["grave"] = Seal(strings.Join(declines, " ")), sealedIf(slices.ContainsFunc(p.Tracks, func(t Track) bool { return t.Embargo && slices.Contains(t.Levels, i.Level) }))
	f["reachwhy"] = Sealed{}
	if i.Reach.Same(Seal("no")) {
		f["reachwhy"] = i.ReachWhy
	}
	for name, s := range map[string]Sealed{"workaround": i.Workaround, "poc": i.PoC, "affected": i.Affected, "advice": i.Advice} {
		f["no"+name] = sealedIf(saysNone(s))
		if saysNone(s) {
			f[name] = Sealed{}
		} else if name != "affected" {
			f[name] = s
		}
	}
	reporterFacts(f, i)
	dateFacts(f, p, i, now)
	return f
}

// firstDone reports whether what comes before everything else was done, all of it
// (plan, 7.5.1). What was skipped was not done.
func firstDone(p Plan, i Incident) bool {
	some := false
	for _, s := range p.Steps {
		if s.First && Applies(p, i, s) {
			if StateOf(p, i, s).State != StepDone {
				return false
			}
			some = true
		}
	}
	return some
}

// reporterFacts adds who reported it, and how they may be named: a credit that was
// noted is their consent to it and to no more (plan, 7.1.1 and section 8).
func reporterFacts(f Facts, i Incident) {
	r := i.Reporter
	f["reporter"], f["contact"], f["credit"] = r.Name, r.Contact, r.Credit
	f["consent"], f["anonymous"], f["policy"] = sealedIf(!r.Credit.Empty()), Sealed{}, sealedIf(!i.Policy.Empty())
	if anonymous(r.Credit) {
		f["credit"], f["anonymous"] = Sealed{}, Seal("yes")
	}
}

// saysNone reports whether a fact says that there is nothing of its kind.
func saysNone(s Sealed) bool {
	return mapSealed(s, func(text string) string { return strings.ToLower(strings.TrimRight(text, ". ")) }).Same(Seal("none"))
}

// saidOf gives a fact, or nothing where it says that there is nothing of its kind.
func saidOf(s Sealed) Sealed {
	if saysNone(s) {
		return Sealed{}
	}
	return s
}

// knownOf gives a fact, or nothing where it is only a word for not knowing it.
func knownOf(s Sealed) Sealed {
	return mapSealed(s, func(text string) string {
		if notKnown(text) {
			return ""
		}
		return text
	})
}

// versionOf gives a fact that names a version, or nothing.
func versionOf(s Sealed) Sealed {
	return mapSealed(s, func(text string) string {
		if len(VersionsIn(text)) == 0 {
			return ""
		}
		return text
	})
}

// anonymous reports whether a credit says that there is to be none.
func anonymous(credit Sealed) bool {
	return slices.ContainsFunc([]string{"anonymous", "anonymously", "anonym", "anon", "none", "no", "no credit"}, func(word string) bool {
		return mapSealed(credit, func(s string) string { return strings.ToLower(strings.TrimRight(s, ". ")) }).Same(Seal(word))
	})
}

func dateFacts(f Facts, p Plan, i Incident, now time.Time) {
	date := func(at time.Time, known bool) Sealed {
		if !known || at.IsZero() {
			return Sealed{}
		}
		return Seal(SayDate(at))
	}
	f["reported"], f["acked"] = date(i.ReportedAt, true), date(i.AckAt, true)
	live, isLive := i.releasedAt(p)
	out, isOut := Happened(p, i, "disclosed")
	f["released"], f["disclosed"] = date(live, isLive), date(out, isOut)
	planned := date(i.Embargo.At, i.Embargo.Dated())
	f["fixedon"] = firstSealed(date(live, isLive), planned)
	f["disclosedon"] = firstSealed(date(out, isOut), planned, date(live, isLive)) // without an embargo, both are of one day (plan, 7.3)
	e := i.Embargo
	f["embargo"], f["agreed"], f["over"] = Sealed{}, sealedIf(!e.AgreedAt.IsZero()), sealedIf(e.Over())
	if e.State != "" && !e.At.IsZero() {
		f["embargo"] = Seal(SayMoment(e.At))
	}
	moment := func(at time.Time, known bool) Sealed {
		if !known || at.IsZero() {
			return Sealed{}
		}
		return Seal(SayMoment(at))
	}
	f["published"], f["leaked"], f["ended"] = moment(i.publishedAt(p)), moment(i.leakedAt()), moment(e.EndedAt, e.Over())
	_, leaks := i.leakedAt()
	yanked := !i.Release.YankedAt.IsZero()
	f["yanked"], f["safe"] = sealedIf(yanked), sealedIf(isLive && !yanked)
	listAt, _ := Happened(p, i, "step:notify-distros")
	f["moved"], f["listmoved"] = sealedIf(!e.Over() && e.stale(i.reporterToldAt())), sealedIf(!e.Over() && e.stale(listAt))
	f["urgent"] = sealedIf((!isLive || yanked) && (leaks || !i.WildAt.IsZero()))
	f["due"] = sealedIf((!isLive || yanked) && e.Over() && happened(p, i, "step:notify-distros"))
	f["proposed"] = sealedIf(e.State == EmbargoProposed)
	f["locked"] = sealedIf(e.State != "" && !e.Over() || e.State == "" && TrackOf(p, i).Embargo)
	f["fresh"] = sealedIf(p.Outside.FreshDays > 0 && (!isOut || now.Before(out.AddDate(0, 0, p.Outside.FreshDays))))
	f["pocby"] = Sealed{}
	if happened(p, i, "step:share-poc") {
		posted, ok := Happened(p, i, "step:oss-security")
		if !ok {
			posted = now
		}
		f["pocby"] = Seal(SayMoment(posted.Add(PocMost).UTC().Truncate(24 * time.Hour))) // the same for a whole day
	}
}

// PocMost is how long after the post to oss-security a proof of concept that the
// distributions' list was given has to be published. Source: linux-distros list
// policy.
const PocMost = 7 * 24 * time.Hour

// linkOf gives the address of the advisory on GitHub.
func linkOf(p Plan, i Incident) Sealed {
	if p.Outside.Advisories == "" {
		return Sealed{}
	}
	return mapSealed(i.GHSA, func(id string) string { return p.Outside.Advisories + "/" + id })
}

// firstSealed gives the first that holds a text.
func firstSealed(all ...Sealed) Sealed {
	for _, s := range all {
		if !s.Empty() {
			return s
		}
	}
	return Sealed{}
}

// lastWord gives the number of "CVSS-B 8.7".
func lastWord(s Sealed) Sealed {
	return mapSealed(s, func(text string) string { return text[strings.LastIndexByte(text, ' ')+1:] })
}

// mapSealed makes another text of a sealed one, under seal.
func mapSealed(s Sealed, f func(string) string) Sealed {
	if s.p == nil {
		return s
	}
	return Seal(f((*s.p)()))
}
