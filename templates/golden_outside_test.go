package templates

import (
	"strings"
	"time"

	"tocsin/incidents"
)

// outsideFacts are those of what is drafted for people outside, and sent.
func outsideFacts(p incidents.Plan, i incidents.Incident, name string, many bool, seal func(string) incidents.Sealed) incidents.Facts {
	family, kind, _ := strings.Cut(name, "/")
	about := strings.HasPrefix(kind, "patch-") || strings.HasPrefix(kind, "draft-") || strings.HasPrefix(kind, "send-") || strings.HasPrefix(kind, "sent-") || kind == "close-waits" || kind == "needs-full"
	if family != "draft" && family != "patch" && family != "send" && family != "sent" && !(family == "refusals" && about) {
		return incidents.Facts{}
	}
	s := incidents.Sending{
		Kind: "ack", Way: incidents.ByMail, Account: "security@example.org", To: seal("erin@example.org"), Hash: incidents.Seal("0123456789abcdef"), Part: 1, Parts: 1,
		AskedBy: "alice", Second: "bob", At: now(), State: incidents.SendSent, DoneAt: now(), SentID: seal("17 https://mastodon.example.org/@pillow/17"),
	}
	byHand := incidents.Sending{Kind: "distro", AskedBy: "alice", At: now(), State: incidents.SendByHand, Via: seal("email")}
	f := incidents.SendingFacts(s)
	finding := func(text string) []incidents.Facts { return []incidents.Facts{{"told": seal(text)}} }
	for k, v := range incidents.NewFacts(
		"says", incidents.Seal("acknowledgement of a report"), "channel", incidents.Seal("mail"), "for", seal("Kivy"), "section", incidents.Seal("A.1"), "origin", incidents.Seal("the list's policy"),
		"subject", seal("Re: [Security] a title"), "body", seal("Hi Erin,\n\nthank you."), "own", many, "wroteby", "carol", "wroteat", now(), "lines", 31,
		"errors", finding("A fact is missing: title."), "warnings", finding("Lines are wider than 72 columns."), "waysend", true, "mails", true, "posts", []incidents.Facts{},
		"notes", []incidents.Facts{{"text": incidents.Seal("A subject is never encrypted.")}},
		"missing", []incidents.Facts{{"what": seal("title"), "mend": seal("!incident title Out-of-bounds write")}, {"what": seal("credit"), "mend": incidents.Sealed{}}},
		"drafts", []incidents.Facts{
			{"draft": incidents.Seal("ack"), "says": incidents.Seal("acknowledgement"), "section": incidents.Seal("A.1"), "missing": 0, "errors": 0, "own": false, "sent": []incidents.Facts{incidents.SendingFacts(s)}},
			{"draft": incidents.Seal("leak"), "says": incidents.Seal("holding statement"), "section": incidents.Sealed{}, "missing": 2, "errors": 1, "own": true, "sent": []incidents.Facts{}},
		},
		"address", seal("erin@example.org"), "code", "K7QFM", "who", "alice", "expires", now(), "most", 500, "length", 812, "shown", "",
		"earlier", []incidents.Facts{incidents.SendingFacts(byHand)}, "completed", incidents.Seal("ack sent"), "moved", true, "why", seal("the instance finds it wrong (422)"),
		"until", now().Add(incidents.CarryLife), "then", incidents.Seal("ack sent"), "command", "!draft", "kinds", []string{"ack", "update"}, "outcomes", []string{"duplicate", "out-of-scope"},
		"act", seal("send INC-7 ack"), "handle", i.Handle, "codename", i.Codename, "phase", "triage", "usage", "!sent [INC-n] [--via HOW] [--to WHOM] <kind> [note]",
		"patches", []incidents.Facts{{"name": seal("fix.patch"), "size": incidents.Seal("2 KiB"), "sum": incidents.Seal("0123456789ab"), "wroteby": "carol", "wroteat": now()}},
		"letters", incidents.Seal("distro, update"), "replaces", many, "via", seal("email"), "max", 20,
		"made", "printed", "name", "INC-7-ack.eml", "printed", seal("Date: Thu, 26 Nov 2026 12:00:00 +0000"), "from", seal("dana@example.org"), "signed", many,
		"readers", []incidents.Facts{{"address": seal("erin@example.org"), "key": seal("0123456789ABCDEF")}}, "also", seal("dana@example.org"), "eml", !many,
		"at", now(), "reporter", true,
	) {
		f[k] = v
	}
	f["blocked"], f["others"] = many, f["drafts"].([]incidents.Facts)[1:]
	if name == "draft/line" {
		for k, v := range f["drafts"].([]incidents.Facts)[0] {
			f[k] = v
		}
		return f
	}
	if name == "patch/kept" {
		f["found"] = []incidents.Facts{}
		if many {
			f["found"] = []incidents.Facts{{"told": seal("A patch names an id that is not of this incident: fix.patch: CVE-2026-99999.")}}
		}
	}
	for k, v := range completionOf(name, incidents.Completion{Say: "done notify-distros", Step: incidents.Step{Key: "notify-distros"}, Done: many, Early: many, Lock: incidents.Lock{Why: "embargo", Until: now()}}, now()) {
		f[k] = v
	}
	for k, v := range incidents.NewFacts(
		"told", seal("Alpine Linux"), "leaks", many, "typed", seal("bob"), "other", "bob", "ago", many, "assumed", many, "embargodated", many, "sentat", now(), "ended", "refused", "what", seal("ack"), "waits", []incidents.Facts{{"what": incidents.Seal("ack"), "for": seal("Kivy")}, {"what": incidents.Seal("K7QFM"), "for": incidents.Sealed{}}},
		"last", []incidents.Facts{incidents.SendingFacts(byHand)}, "declines", []string{"decline-duplicate", "decline-out-of-scope"}, "reported", now(),
	) {
		f[k] = v
	}
	f["pretended"] = !many
	if !many && name == "send/stopped" {
		f["code"] = ""
	}
	if name == "send/asked" || name == "send/asked/preview" {
		f["posts"] = []incidents.Facts{{"number": 1, "length": 412, "text": seal("Pillow fixes a security issue.")}, {"number": 2, "length": 40, "text": seal("Please upgrade.")}}
	}
	if !many {
		for _, k := range []string{"for", "section", "subject", "to", "completed", "then", "also"} {
			f[k] = incidents.Sealed{}
		}
		f["made"], f["readers"] = "file", []incidents.Facts{}
		for _, k := range []string{"errors", "warnings", "missing", "notes", "earlier", "posts", "drafts"} {
			f[k] = []incidents.Facts{}
		}
		f["waysend"], f["moved"], f["reporter"], f["state"] = false, false, false, incidents.SendUnknown
	}
	return f
}

// completionOf gives what a text did, for the templates that say it.
func completionOf(name string, c incidents.Completion, at time.Time) incidents.Facts {
	if !strings.HasPrefix(name, "sent/") {
		return incidents.Facts{}
	}
	return incidents.CompletionFacts(c, at)
}
