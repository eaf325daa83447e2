package incidents

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// How one thing stands that an incident will need.
const (
	FindingOK      = "ok"
	FindingUnknown = "unknown" // nobody could tell; its words say how to know it
	FindingWarn    = "warn"    // it works, and somebody has to look at it
	FindingFail    = "fail"    // it does not work
)

// Finding is how one thing stands. Its words are the template finding/<Key>, over its
// facts; they are one line, and say what to do where it is not ok.
type Finding struct {
	Key   string
	State string
	Facts Facts // strings, ints, bools and times
}

// Find makes a finding from pairs of name and value.
func Find(key, state string, pairs ...any) Finding {
	return Finding{Key: key, State: state, Facts: NewFacts(pairs...)}
}

// FindingKeys lists what can be found, by the keys of its words.
func FindingKeys() []string {
	return []string{
		"account", "alerts", "backup", "certificate", "clock", "config", "credential", "credentials", "device", "disk", "github", "identity", "key", "keys", "legible",
		"person", "plan", "reach", "record", "rehearsal", "reporting", "rights", "room", "room-asks", "roster", "seen", "silent", "state",
		"suspended", "templates", "token",
	}
}

// What is too little, too late or too far. A clock that is off by more than 5 minutes
// refuses what people say as too old, and servers refuse it.
const (
	skewWarn, skewFail     = 30 * time.Second, 5 * time.Minute
	expiryWarn             = 30 * 24 * time.Hour
	diskWarn, diskFail     = 1 << 30, 100 << 20 // bytes
	diskWarnShare          = 20                 // a 20th of all, 5 %
	backupWarn             = 7 * 24 * time.Hour
	maintainersThatApprove = 2
)

// FindUnseen is what could not be looked at, with another way to know it.
func FindUnseen(what, way string) Finding {
	return Find("silent", FindingUnknown, "what", what, "seconds", 0, "way", way)
}

// FindSkew judges how far somebody else's clock is before ours.
func FindSkew(against string, d time.Duration) Finding {
	state := FindingOK
	switch off := d.Abs(); {
	case off > skewFail:
		state = FindingFail
	case off > skewWarn:
		state = FindingWarn
	}
	return Find("clock", state, "against", against, "off", SaySpan(d.Abs()), "behind", d > 0)
}

// FindNoClock is that nobody could be asked what time it is.
func FindNoClock() Finding {
	return Find("clock", FindingUnknown, "against", "", "off", "", "behind", false)
}

// FindDisk judges what is left of a disk, in bytes.
func FindDisk(free, all uint64) Finding {
	state := FindingOK
	switch {
	case free < diskFail:
		state = FindingFail
	case free < diskWarn || free < all/diskWarnShare:
		state = FindingWarn
	}
	return Find("disk", state, "free", fmt.Sprintf("%d MB", free>>20))
}

// FindBackup judges when the last backup was made; have is false where there never was
// one.
func FindBackup(at time.Time, have bool, now time.Time) Finding {
	state := FindingOK
	if !have || now.Sub(at) > backupWarn {
		state = FindingWarn
	}
	age := time.Duration(0)
	if have {
		age = max(now.Sub(at), 0)
	}
	return Find("backup", state, "have", have, "at", at, "age", SaySpan(age))
}

// FindExpiry judges when something expires; the zero time is never, or that nobody says.
func FindExpiry(key, name string, expires, now time.Time) Finding {
	state := FindingOK
	switch {
	case expires.IsZero():
	case !now.Before(expires):
		state = FindingFail
	case expires.Sub(now) <= expiryWarn:
		state = FindingWarn
	}
	return Find(key, state, "name", name, "expires", expires, "ever", !expires.IsZero(), "left", SaySpan(expires.Sub(now).Abs()))
}

// FindCredentials judges what was noted with readiness token. Which one ends is told;
// what holds is only counted.
func FindCredentials(all []Token, now time.Time) []Finding {
	var out []Finding
	for _, t := range all {
		if f := FindExpiry("credential", "", t.Expires, now); f.State != FindingOK {
			f.Facts["name"] = t.Name
			out = append(out, f)
		}
	}
	if len(out) == 0 {
		out = append(out, Find("credentials", FindingOK, "count", len(all)))
	}
	return out
}

// FindRoom judges a room by what the rule of clearance says of it: one that was granted
// everything and is not proven private fails.
func FindRoom(name string, v Verdict) Finding {
	state, mend := FindingOK, ""
	if v.Grant.Asks == "full" && !v.Clearance.Full() {
		state = FindingFail
		for _, c := range v.Failed() {
			mend = cmp.Or(mend, c.Mend)
		}
	}
	return Find("room", state, "name", name, "clearance", v.Clearance.String(), "why", strings.TrimSuffix(v.Why, "."), "mend", mend,
		"readers", v.Readers, "proven", true)
}

// FindNoProof is a room of which nothing could be proven.
func FindNoProof(name string) Finding {
	return Find("room", FindingFail, "name", name, "clearance", "", "why", "", "mend", "", "readers", 0, "proven", false)
}

// FindRoster judges who is on the roster: who has no account on the network of a desk,
// who is suspended, and whether two are left to approve.
func FindRoster(r Roster, desks []string, suspended map[string]bool) []Finding {
	var out []Finding
	left := 0
	for _, p := range r.People() {
		if suspended[p.Name] {
			out = append(out, Find("suspended", FindingWarn, "person", p.Name))
			continue
		}
		left++
		var lacks []string
		for _, d := range desks {
			if !slices.ContainsFunc(p.Accounts, func(a Account) bool { return a.Network == d }) && !slices.Contains(lacks, d) {
				lacks = append(lacks, d)
			}
		}
		if len(lacks) > 0 {
			out = append(out, Find("person", FindingWarn, "person", p.Name, "networks", strings.Join(lacks, ", ")))
		}
	}
	state := FindingOK
	if left < maintainersThatApprove {
		state = FindingFail
	}
	return append(out, Find("roster", state, "count", left))
}

// FindAccounts judges what a network knows of people's accounts: who has none, and who
// has no identity that their devices are signed with. The lists are people's names.
func FindAccounts(network string, gone, unsigned, unsure []string, all int) []Finding {
	var out []Finding
	say := func(key, state string, who []string) {
		if len(who) > 0 {
			out = append(out, Find(key, state, "network", network, "people", strings.Join(who, ", "), "one", len(who) == 1, "count", all))
		}
	}
	say("account", FindingFail, gone)
	say("identity", FindingFail, unsigned)
	say("account", FindingUnknown, unsure)
	if len(out) == 0 {
		out = append(out, Find("account", FindingOK, "network", network, "people", "", "one", all == 1, "count", all))
	}
	return out
}

// FindSeen judges who of a network's roster is in its rooms at the moment, logged in:
// the others' accounts may be wrong, and only they can show it.
func FindSeen(network string, absent []string, all int) Finding {
	state := FindingOK
	if len(absent) > 0 {
		state = FindingUnknown
	}
	return Find("seen", state, "network", network, "people", strings.Join(absent, ", "), "one", len(absent) == 1, "count", all)
}

// DoctorCard gives the facts of what was found: what fails first, what is ok last. How it
// stands with each, and whom it is about, is sealed: that helps an attacker. How many are not.
func DoctorCard(found []Finding) Facts {
	order := []string{FindingFail, FindingWarn, FindingUnknown, FindingOK}
	f := Facts{"all": len(found)}
	list := []Facts{}
	for _, state := range order {
		n := 0
		for _, one := range found {
			if one.State != state {
				continue
			}
			n++
			line := Facts{"kind": one.Key, "state": Seal(one.State)}
			for k, v := range one.Facts {
				if text, ok := v.(string); ok {
					v = Seal(text)
				}
				line[k] = v
			}
			list = append(list, line)
		}
		f[state] = n
	}
	f["findings"] = list
	return f
}

// Ill reports whether anything fails.
func Ill(found []Finding) bool {
	return slices.ContainsFunc(found, func(f Finding) bool { return f.State == FindingFail })
}
