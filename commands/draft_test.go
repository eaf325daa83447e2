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
		{"update Hi Erin,\n\nsay pip install --upgrade Pillow\n    indented", "draft/edited", "", "Re: [Security] A crafted file is read for ever", "Hi Erin,\n\nsay pip install --upgrade Pillow\n    indented"},
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

// TestSendIsRefused: everything that stops a text before anybody is asked.
func TestSendIsRefused(t *testing.T) {
	d := drafting(t)
	for typed, want := range map[string]string{
		"!send ack": "send/asked",
		"!send upstream --to keyless@example.org":      "refusals/send-keys",
		"!send ack --to dana@example.org":              "refusals/send-elsewhere",
		"!send upstream --to ërin@example.org":         "refusals/send-address",
		"!send upstream --to erin@[127.0.0.1]":         "refusals/send-address",
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
