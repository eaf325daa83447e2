package commands

import (
	"strings"
	"testing"
	"time"

	"tocsin/incidents"
)

// TestOpenReads is what people type after !incident open, and what is made of it.
func TestOpenReads(t *testing.T) {
	at := func(s string) time.Time {
		when, err := time.Parse("2006-01-02 15:04", s)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	long := strings.Repeat("x", 301)
	for _, c := range []struct{ typed, refused, title, level, kind, reported string }{
		{"", "", "", "", "", ""},
		{"Heap overflow", "", "Heap overflow", "", "", ""},
		{"it's bob’s decoder", "", "it's bob’s decoder", "", "", ""},
		{`"Heap overflow"`, "", "Heap overflow", "", "", ""},
		{"“Heap overflow”", "", "Heap overflow", "", "", ""},
		{`"Heap" overflow`, "", `"Heap" overflow`, "", "", ""},
		{`a "heap" overflow`, "", `a "heap" overflow`, "", "", ""},
		{`a 5" disk`, "", `a 5" disk`, "", "", ""},
		{"overflow — in PSD", "", "overflow — in PSD", "", "", ""},
		{"a < b", "", "a < b", "", "", ""},
		{"Überlauf im 解码器", "", "Überlauf im 解码器", "", "", ""},
		{strings.Repeat("x", 300), "", strings.Repeat("x", 300), "", "", ""},
		// Options, in front, at the end, as a telephone writes them.
		{"--severity high Heap overflow", "", "Heap overflow", "high", "", ""},
		{"Heap overflow --severity HIGH", "", "Heap overflow", "high", "", ""},
		{"—severity high “Heap overflow”", "", "Heap overflow", "high", "", ""},
		{"–severity high --TYPE Ci", "", "", "critical", "ci", ""},
		{"--type vulnerability Heap overflow --severity low", "", "Heap overflow", "low", "vulnerability", ""},
		{`"--severity high"`, "", "--severity high", "", "", ""},
		{"Heap --severity high overflow", "flag-in-text", "", "", "", ""},
		{"--sverity high x", "unknown-flag", "", "", "", ""},
		{"—x", "unknown-flag", "", "", "", ""},
		{"--severity", "flag-needs-value", "", "", "", ""},
		{"--severity --type ci", "flag-needs-value", "", "", "", ""},
		{"--severity high --severity low x", "flag-twice", "", "", "", ""},
		{"--severity extreme x", "unknown-level", "", "", "", ""},
		{"--type nonsense x", "unknown-key", "", "", "", ""},
		// Times, with their zones, and a title that looks like a zone.
		{"--reported 5h ago Heap overflow", "", "Heap overflow", "", "", "2026-11-23 04:00"},
		{"--reported 5h ago RCE in the decoder", "", "RCE in the decoder", "", "", "2026-11-23 04:00"},
		{"--reported 5h ago 12.1 crashes", "", "12.1 crashes", "", "", "2026-11-23 04:00"},
		{"--reported 2026-11-20 14:00 Heap overflow", "", "Heap overflow", "", "", "2026-11-20 14:00"},
		{"--reported 2026-11-20 14:00 UTC PSD overflow", "", "PSD overflow", "", "", "2026-11-20 14:00"},
		{"--reported 2026-11-20 14:00 Europe/Paris PSD overflow", "", "PSD overflow", "", "", "2026-11-20 13:00"},
		{"--reported 2026-11-20 14:00 +02:00 overflow", "", "overflow", "", "", "2026-11-20 12:00"},
		{"--reported 2026-11-20T14:00Z overflow", "", "overflow", "", "", "2026-11-20 14:00"},
		{"Heap overflow --reported 2026-11-20 14:00", "", "Heap overflow", "", "", "2026-11-20 14:00"},
		{"--reported 2026-11-20 Heap overflow", "", "Heap overflow", "", "", "2026-11-20 14:00"},
		{`--reported "2026-11-20 14:00" Heap`, "", "Heap", "", "", "2026-11-20 14:00"},
		{"--reported “5h ago” RCE", "", "RCE", "", "", "2026-11-23 04:00"},
		{"--reported 2026-11-20 14:00 EST x", "zone-abbreviation", "", "", "", ""},
		{"--reported 2026-11-20 14:00 PSD overflow", "zone-abbreviation", "", "", "", ""}, // who can tell
		{"--reported 20/11/2026 x", "when-slashes", "", "", "", ""},
		{"--reported 2026-11-24 x", "reported-in-future", "", "", "", ""},
		// What has no business in a title.
		{`"Heap overflow`, "open-quote", "", "", "", ""},
		{"“Heap overflow", "open-quote", "", "", "", ""},
		{"<b>Heap</b>", "html", "", "", "", ""},
		{"<script src=x", "html", "", "", "", ""},
		{"see @room", "room-mention", "", "", "", ""},
		{"see @ROOM, now", "room-mention", "", "", "", ""},
		{"over\u202eflow", "hidden-characters", "", "", "", ""},
		{"over\u200bflow", "hidden-characters", "", "", "", ""},
		{"over\x1b[31mflow", "control-characters", "", "", "", ""},
		{"over\x00flow", "control-characters", "", "", "", ""},
		{"over\nflow", "one-line", "", "", "", ""},
		{"over\xffflow", "not-utf8", "", "", "", ""},
		{"\u2800\u2800 \u2800", "empty", "", "", "", ""},
		{`""`, "empty", "", "", "", ""},
		{long, "too-long", "", "", "", ""},
		{strings.Repeat("x", 100_000), "line-too-long", "", "", "", ""},
		{strings.Repeat("“", 6_000), "line-too-long", "", "", "", ""},
		{strings.Repeat("a ", 7_000), "too-long", "", "", "", ""},
	} {
		d := fresh(t)
		before := d.dump()
		template, words := d.say("full", "!incident open "+c.typed)
		if c.refused != "" {
			if template != "refusals/"+c.refused || d.dump() != before {
				t.Errorf("%.60q: %s: %s, want the refusal %s", c.typed, template, words, c.refused)
			}
			continue
		}
		if template != "incident/opened" {
			t.Errorf("%.60q: %s: %s", c.typed, template, words)
			continue
		}
		i := d.incident(1)
		d.holds(c.typed+": the title", i.Title, c.title)
		d.holds(c.typed+": the type", i.Type, c.kind)
		if i.Level != c.level {
			t.Errorf("%.60q: the level is %q, want %q", c.typed, i.Level, c.level)
		}
		want := monday()
		if c.reported != "" {
			want = at(c.reported)
		}
		if !i.ReportedAt.Equal(want) {
			t.Errorf("%.60q: reported %s, want %s", c.typed, i.ReportedAt, want)
		}
	}
}

// TestWhichIncident: by handle in any case, else because it is the only one.
func TestWhichIncident(t *testing.T) {
	d := fresh(t)
	check := func(text, template, holds string) {
		t.Helper()
		if got, words := d.say("full", text); got != template || !strings.Contains(words, holds) {
			t.Errorf("%s: %s: %s; want %s with %q", text, got, words, template, holds)
		}
	}
	check("!incident show", "refusals/none-open", "No incident is open")
	d.say("full", "!incident open first")
	check("!incident show", "incident/show", "INC-1")
	d.say("full", "!incident open second")
	check("!incident show", "refusals/which-incident", "INC-2")
	for _, handle := range []string{"INC-1", "inc-1", "Inc-1", "INC-01", "“inc-1”", "iNc-0000001"} {
		check("!incident show "+handle, "incident/show", "first")
		check("!incident note "+handle+" hello", "incident/noted", "INC-1")
	}
	for _, handle := range []string{"INC-3", "INC-0", "INC-999999999999999999999", "inc-4"} {
		check("!incident show "+handle, "refusals/no-such-incident", "Open: INC-2")
	}
	for _, handle := range []string{"INC-", "INC--1", "INC-1x", "PIL-1", "INC-１", "7", "INC 1"} {
		check("!incident show "+handle, "refusals/usage", "!incident show [INC-n]")
	}
	check("!incident close INC-2 fixed it is done elsewhere", "incident/closed", "INC-2")
	check("!incident show", "incident/show", "INC-1")
	check("!incident title INC-2 x", "refusals/is-closed", "INC-2")
	check("!incident reopen because", "incident/reopened", "INC-2")
	check("!incident reopen because", "refusals/none-closed", "")
}

// TestTextIsKept: a note is kept as it was typed, quotes, dashes and lines too.
func TestTextIsKept(t *testing.T) {
	d := fresh(t)
	d.say("full", "!incident open x")
	for typed, want := range map[string]string{
		"—crash": "—crash", "it's a “trap” — see": "it's a “trap” — see", "a\nb\tc": "a\nb\tc", `"quoted"`: "quoted",
		`"a" and "b"`: `"a" and "b"`, "--not a flag": "--not a flag", "a  b": "a  b", "@room <b>": "@room <b>", "inc-1 x": "x",
	} {
		if template, words := d.say("full", "!fact set INC-1 summary "+typed); typed != "inc-1 x" && template != "fact/set" {
			t.Errorf("%q: %s: %s", typed, template, words)
		}
		if typed != "inc-1 x" {
			d.holds(typed, d.incident(1).Summary, want)
		}
	}
	for typed, want := range map[string][3]string{
		`Erin --contact erin@example.org --credit "Erin of Example Labs"`: {"Erin", "erin@example.org", "Erin of Example Labs"},
		`--credit “Eva of Labs” --contact eva@example.org Eva B. C.`:      {"Eva B. C.", "eva@example.org", "Eva of Labs"},
	} {
		if template, words := d.say("full", "!reporter set "+typed); template != "reporter/set" {
			t.Errorf("%s: %s: %s", typed, template, words)
		}
		r := d.incident(1).Reporter
		d.holds("the name", r.Name, want[0])
		d.holds("the contact", r.Contact, want[1])
		d.holds("the credit", r.Credit, want[2])
	}
	for _, typed := range []string{
		"Erin --credit Erin of Example Labs --contact x", "--contact", "Erin --contact <b>x</b>", `--credit "x`, "Erin @room", "--contact x",
	} {
		before := d.dump()
		if template, words := d.say("full", "!reporter set "+typed); !strings.HasPrefix(template, "refusals/") || d.dump() != before {
			t.Errorf("%s: %s: %s", typed, template, words)
		}
	}
}

// TestAckReads: when the reporter was answered, and how.
func TestAckReads(t *testing.T) {
	for typed, want := range map[string]time.Duration{
		"": 0, "--via email": 0, "--at 2h ago": -2 * time.Hour, "--at 07:30": -9999, "--via “the portal” --at 2h ago": -2 * time.Hour,
		"--at 2h ago --via email": -2 * time.Hour, "email": -9999, "--at +1h": -9999, "--at 10h ago": -9999,
	} {
		d := fresh(t)
		d.say("full", "!incident open --reported 5h ago x")
		template, words := d.say("full", "!ack sent "+typed)
		i := d.incident(1)
		if want == -9999 {
			if !strings.HasPrefix(template, "refusals/") || !i.AckAt.IsZero() {
				t.Errorf("%s: %s: %s", typed, template, words)
			}
			continue
		}
		if template != "ack/sent" || !i.AckAt.Equal(monday().Add(want)) || i.Phase != incidents.Triage {
			t.Errorf("%s: %s: %s (%s)", typed, template, words, i.AckAt)
		}
	}
}
