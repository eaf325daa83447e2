package commands

import (
	"strings"
	"testing"

	"tocsin/incidents"
	"tocsin/incidents/store"
)

// drafting is a desk that may mail, with an incident that somebody reported.
func drafting(t *testing.T) *testDesk {
	d := fresh(t)
	d.Ways = func(way string) (Way, bool) {
		return Way{From: func(to []string) (string, error) {
			if to[0] == "keyless@example.org" {
				return "", incidents.Refuse("send-keys", "address", incidents.Seal(to[0]))
			}
			return "security@example.org", nil
		}}, way == incidents.ByMail
	}
	for _, text := range []string{"!incident open --source researcher A crafted file is read for ever", "!reporter set Erin --contact erin@example.org"} {
		if template, words := d.say("full", text); strings.HasPrefix(template, "refusals/") {
			t.Fatal(words)
		}
	}
	return d
}

// ownWords gives people's own words for a draft.
func (d *testDesk) ownWords(kind, recipient string) (w store.Words) {
	d.do(func(tx *store.Tx) (err error) {
		w, _, err = tx.Words(1, kind, incidents.Seal(recipient))
		return err
	})
	return w
}

// TestDraftEdit: own words may have a subject and say whom they are for, and hold what
// looks like an option.
func TestDraftEdit(t *testing.T) {
	d := drafting(t)
	for _, c := range []struct{ typed, template, recipient, subject, body string }{
		{"update Hi Erin,\n\nsay pip install --upgrade Pillow\n    indented", "draft/edited", "", "Re: your security report to Pillow (2026-11-23)", "Hi Erin,\n\nsay pip install --upgrade Pillow\n    indented"},
		{"update Subject: about it\n\nHi Erin", "draft/edited", "", "about it", "Hi Erin"},
		{"update For: Kivy\nsubject: for you\nNote: this stays\nHi", "draft/edited", "Kivy", "for you", "Note: this stays\nHi"},
		{"update Subject: about it", "refusals/empty", "", "about it", "Hi Erin"},
		{"update Subject: <b>it</b>\nHi", "refusals/html", "", "about it", "Hi Erin"},
		{"mastodon Subject: it\nHi", "refusals/draft-no-subject", "", "", ""},
		{"nothing Hi", "refusals/draft-unknown", "", "", ""},
		{"update --for Kivy Hi --upgrade it", "draft/edited", "Kivy", "for you", "Hi --upgrade it"},
		{`update --for "Django Girls" --subject "it is there" Hi\n\nyou`, "draft/edited", "Django Girls", "it is there", "Hi\n\nyou"},
		{"update --for Kivy --more and --more", "draft/edited", "Kivy", "for you", "Hi --upgrade it\n\nand --more"},
		{"update --upgrade is an option of pip", "draft/edited", "", "about it", "--upgrade is an option of pip"},
		{"update " + strings.Repeat("word ", 20), "draft/edited", "", "about it", strings.TrimSpace(strings.Repeat("word ", 14)) + "\n" + strings.TrimSpace(strings.Repeat("word ", 6))},
		{"update Subject: about it\n\nHi Erin", "draft/edited", "", "about it", "Hi Erin"},
		{"mastodon --subject it Hi", "refusals/draft-no-subject", "", "", ""},
		{"update", "refusals/usage", "", "about it", "Hi Erin"},
	} {
		template, words := d.say("full", "!draft edit INC-1 "+c.typed)
		kind, _, _ := strings.Cut(c.typed, " ")
		w := d.ownWords(kind, c.recipient)
		if template != c.template || !w.Subject.Same(incidents.Seal(c.subject)) || !w.Body.Same(incidents.Seal(c.body)) {
			t.Errorf("%q: %s, %s, kept as %q", c.typed, template, words, []incidents.Sealed{w.Subject, w.Body})
		}
	}
}

// TestDraftTellsOnce: what is missing is a list of its own, and no error beside; a patch
// that goes with a letter is a fact of it.
func TestDraftTellsOnce(t *testing.T) {
	d := drafting(t)
	_, words := d.say("full", "!draft INC-1 distro")
	if !strings.Contains(words, "Missing, without which it cannot be sent:") || strings.Contains(words, "A fact is missing") || !strings.Contains(words, "Mend what is named above first.") {
		t.Errorf("it says\n%s", words)
	}
	_, words = d.say("full", "!draft edit INC-1 update Hi <missing: name of the reporter, say !reporter set Erin>")
	if !strings.Contains(words, "A fact is missing: <missing: name of the reporter") || !strings.Contains(words, "Mend what is named above first.") {
		t.Errorf("of own words it says\n%s", words)
	}
	d.do(func(tx *store.Tx) error {
		return tx.PutPatch(incidents.Patch{Incident: 1, Name: incidents.Seal("fix.patch"), Body: incidents.Seal("--- a\n+++ b\n"), Hash: incidents.Seal("00"), Size: 12, By: "alice"})
	})
	if _, words = d.say("full", "!draft INC-1 distro"); !strings.Contains(words, "See the attached patch.") || strings.Contains(words, "regression test in") {
		t.Errorf("with a patch it says\n%s", words)
	}
}

// TestFactRemove: a fact is taken away where everything may be heard, and that is on
// record.
func TestFactRemove(t *testing.T) {
	d := drafting(t)
	for _, c := range [][2]string{
		{"!fact remove INC-1 cve", "refusals/fact-not-set"},
		{"!fact set INC-1 fixed soon", "refusals/bad-fixed"},
		{"!fact set INC-1 affected ?", "refusals/bad-affected"},
		{"!fact set INC-1 cve CVE-2026-25990", "fact/set"},
		{"!fact remove INC-1 colour", "refusals/one-of"},
	} {
		if template, words := d.say("full", c[0]); template != c[1] {
			t.Errorf("%s: %s, %s", c[0], template, words)
		}
	}
	if template, _ := d.say("notice", "!fact remove INC-1 cve"); template != "refusals/typed-here" {
		t.Errorf("where notices are heard: %s", template)
	}
	if template, words := d.say("full", "!fact remove INC-1 cve"); template != "fact/removed" || !strings.Contains(words, "cve is not set any more") {
		t.Errorf("%s, %s", template, words)
	}
	if template, words := d.say("full", "!timeline INC-1 1"); !strings.Contains(words, "took the fact cve away") {
		t.Errorf("%s, %s", template, words)
	}
	d.do(func(tx *store.Tx) error {
		i, err := tx.Incident(1)
		if !i.CVE.Empty() || !i.CVEAt.IsZero() {
			t.Error("it is still there")
		}
		return err
	})
}

// TestRationaleIsTheReason: what says why a bug is not reachable gives the reason that was
// given for it, which is kept, and goes when that is asked anew.
func TestRationaleIsTheReason(t *testing.T) {
	d := drafting(t)
	for _, typed := range []string{
		"!incident track INC-1 upstream it is a bug of libwebp", "!fact set INC-1 library libwebp", "!fact set INC-1 details The heap is written past its end.",
		"!incident reachable INC-1 no our build leaves its decoder out",
	} {
		if template, words := d.say("full", typed); strings.HasPrefix(template, "refusals/") {
			t.Fatal(words)
		}
	}
	for _, kind := range []string{"not-reachable", "decline-not-reachable"} {
		if _, words := d.say("full", "!draft INC-1 "+kind); !strings.Contains(words, "our build leaves its decoder out") || strings.Contains(words, "past its end") {
			t.Errorf("%s", words)
		}
	}
	if _, words := d.say("full", "!fact show INC-1"); !strings.Contains(words, "not reachable: our build") {
		t.Errorf("%s", words)
	}
	d.say("full", "!incident track INC-1 standard it is our own bug")
	d.say("full", "!incident track INC-1 upstream it is not")
	if _, words := d.say("full", "!draft INC-1 not-reachable"); strings.Contains(words, "our build leaves its decoder out") || !strings.Contains(words, "why it is not reachable: !incident reachable no") {
		t.Errorf("%s", words)
	}
}

// TestFactsAreKept: every fact is there after it was set, as it was typed.
func TestFactsAreKept(t *testing.T) {
	d := drafting(t)
	for name, value := range map[string]string{
		"workaround": "Leave the decoder out.", "poc": "Open x.tiff,\nthen save it.", "period": "since 2026-11-20 08:00 UTC", "files": "pillow-1.whl\npillow-2.whl", "advice": "Rotate your keys.",
	} {
		if template, words := d.say("full", "!fact set INC-1 "+name+" "+value); template != "fact/set" {
			t.Errorf("%s: %s", name, words)
		}
		if _, words := d.say("full", "!fact show INC-1"); !strings.Contains(words, name+": "+strings.ReplaceAll(value, "\n", "\n  ")) {
			t.Errorf("%s is not in\n%s", name, words)
		}
	}
}

// TestHelpNamesTheKinds: whoever asks for help with drafts is told which there are.
func TestHelpNamesTheKinds(t *testing.T) {
	d := fresh(t)
	for _, typed := range []string{"!help draft", "!help draft edit", "!help sent"} {
		if _, words := d.say("full", typed); !strings.Contains(words, "kind: ack, advisory, compromise") {
			t.Errorf("%s: %s", typed, words)
		}
	}
}

// TestSendIsRefused: everything that stops a text before anybody is asked.
func TestSendIsRefused(t *testing.T) {
	d := drafting(t)
	for typed, want := range map[string]string{
		"!send ack": "send/asked",
		"!send upstream --to keyless@example.org":      "refusals/send-keys",
		"!send ack --to dana@example.org":              "refusals/send-elsewhere",
		"!send ack --to nobody":                        "refusals/send-to",
		"!send upstream":                               "refusals/send-to",
		"!send ack --thread":                           "refusals/send-flag",
		"!send ack --hash 0a":                          "refusals/unknown-flag",
		"!send mastodon":                               "refusals/send-off",
		"!send distro":                                 "refusals/send-by-hand",
		"!send decline":                                "refusals/draft-which-decline",
		"!send decline-already-fixed":                  "refusals/send-blocked",
		"!send ack --to linux-distros@vs.openwall.org": "refusals/send-elsewhere",
		"!send ack --to " + strings.Repeat("a@example.org, ", 2) + "b@example.org": "refusals/flag-in-text", // without quotes
		`!sent distro --via email --to linux-distros the first one`:                "sent/noted",
		`!sent distro --to linux-distros`:                                          "refusals/sent-how",
	} {
		if template, words := d.say("full", typed); template != want {
			t.Errorf("%s: %s, want %s: %s", typed, template, want, words)
		}
	}
	if template, _ := d.say("notice", "!draft list"); template != "refusals/needs-full" {
		t.Errorf("where notices are heard: %s", template)
	}
}
