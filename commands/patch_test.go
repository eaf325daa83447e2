package commands

import (
	"context"
	"strings"
	"testing"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

const aDiff = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"

// uploads has somebody upload a file whose room is proven for that: as it is when the
// file is not fetched, and, where it is awaited, when it is there.
func (d *testDesk) uploads(l Line, name, body string) (template, words string) {
	d.t.Helper()
	l.Upload = &Upload{Name: incidents.Seal(name), Awaited: true}
	text, ok := d.PatchLine(l.Message)
	if !ok {
		return "nobody", ""
	}
	l.Text = text
	before := d.dump()
	awaits, err := d.Awaits(context.Background(), l)
	if err != nil {
		d.t.Fatal(err)
	}
	if d.dump() != before {
		d.t.Errorf("%s: looking whether it would be kept changed something", name)
	}
	if awaits {
		l.Upload = &Upload{Name: l.Upload.Name, Body: incidents.Seal(body)}
	}
	r, words, _ := d.hear(l)
	if !awaits && r.Template == "patch/kept" {
		d.t.Errorf("%s is kept and was not awaited", name)
	}
	return r.Template, words
}

func (d *testDesk) patchNames(n int) (out []string) {
	d.do(func(tx *store.Tx) error {
		list, err := tx.Patches(n)
		for _, p := range list {
			for _, name := range []string{"fix.patch", "two.diff", "for-b.patch", "x.patch"} {
				if p.Name.Same(incidents.Seal(name)) {
					out = append(out, name)
				}
			}
		}
		return err
	})
	return out
}

// TestPatchesGoToTheirIncident: by the room, the caption, or because no other is open.
func TestPatchesGoToTheirIncident(t *testing.T) {
	d := hosted(t)
	d.desk("!incident open --severity low a title", "incident/opened")
	for _, c := range []struct {
		who, room string
		own       int
		caption   string
		name      string
		want      string
		part      string
	}{
		{"alice", "!desk", 0, "", "fix.patch", "patch/kept", "fix.patch, 34 bytes, sha256 "},
		{"alice", "!desk", 0, "this is the fix", "fix.patch", "patch/kept", "in place of the one of that name"},
		{"alice", "!desk", 0, "!incident close fixed", "two.diff", "patch/kept", "INC-1"}, // a caption is no other command
		{"mallory", "!desk", 0, "", "x.patch", "nobody", ""},
		{"alice", "!desk", 0, "inc-9", "x.patch", "refusals/no-such-incident", ""},
		{"", "", 0, "!incident open --severity low another", "", "incident/opened", ""},
		{"alice", "!desk", 0, "", "x.patch", "refusals/which-patch", "INC-2"},
		{"alice", "!desk", 0, "the fix (for inc-2).", "for-b.patch", "patch/kept", "INC-2"},
		{"alice", "!desk", 0, "!patch add INC-2", "for-b.patch", "patch/kept", "INC-2"},
		{"alice", "!desk", 0, "INC-1 and INC-2", "x.patch", "refusals/usage", "!patch add"},
		{"alice", "!own", 1, "", "two.diff", "patch/kept", "INC-1"},
		{"alice", "!own", 1, "for INC-2", "x.patch", "refusals/no-such-incident", ""},
	} {
		if c.who == "" {
			d.desk(c.caption, c.want)
			continue
		}
		template, words := d.uploads(d.mx(c.room, c.own, c.who, c.caption), c.name, aDiff)
		if template != c.want || !strings.Contains(words, c.part) {
			t.Errorf("%s %q in %s: %s, %s", c.name, c.caption, c.room, template, words)
		}
	}
	if got := strings.Join(d.patchNames(1), " ") + "; " + strings.Join(d.patchNames(2), " "); got != "fix.patch two.diff; for-b.patch" {
		t.Errorf("kept: %s", got)
	}
	l := d.mx("!desk", 0, "alice", "!patch list INC-1")
	d.is(l, "patch/list", "two.diff", "fix.patch", "distro, downstream, update, upstream")
	d.is(d.mx("!desk", 0, "alice", "!patch drop INC-1 two.diff"), "patch/dropped", "two.diff")
	d.is(d.mx("!desk", 0, "alice", "!patch drop INC-1 two.diff"), "refusals/patch-unknown")
	d.is(d.mx("!desk", 0, "alice", "!patch add INC-1"), "refusals/patch-how", "!patch add INC-1")
	d.is(d.mx("!desk", 0, "alice", "!timeline INC-1"), "timeline", "kept a patch for letters: 34 bytes, sha256 ", "took a patch away")
}

// TestPatchesThatAreNotFetched: for nobody who may not have one kept, and nowhere where
// not everything may be heard, also not when that was so a moment before.
func TestPatchesThatAreNotFetched(t *testing.T) {
	d := hosted(t)
	d.desk("!incident open --severity low a title", "incident/opened")
	lowered := func(l Line) Line { l.Proof.Checks = l.Proof.Checks[1:]; return l }
	doubted := d.mx("!desk", 0, "alice", "")
	doubted.Doubt = bridges.Unsigned
	nowhere := d.mx("!desk", 0, "alice", "")
	nowhere.Grant = incidents.Grant{}
	for name, c := range map[string]struct {
		l    Line
		want string
	}{
		"not proven": {lowered(d.mx("!desk", 0, "alice", "")), "refusals/needs-full"}, "own room, not proven": {lowered(d.mx("!own", 1, "alice", "")), "refusals/needs-full"},
		"notices": {d.line("notice", "alice", ""), "refusals/needs-full"}, "doubted": {doubted, "refusals/doubt-unsigned"}, "unknown room": {nowhere, "refusals/room-unknown"},
	} {
		c.l.Upload = &Upload{Name: incidents.Seal("x.patch"), Awaited: true}
		c.l.Text, _ = d.PatchLine(c.l.Message)
		if awaits, err := d.Awaits(context.Background(), c.l); awaits || err != nil {
			t.Errorf("%s: it is awaited: %v", name, err)
		}
		if r, words, _ := d.hear(c.l); r.Template != c.want {
			t.Errorf("%s: %s %s", name, r.Template, words)
		}
	}
	for _, problem := range []string{"patch-plain", "patch-large", "patch-lost"} {
		l := d.mx("!desk", 0, "alice", "!patch add")
		l.Upload = &Upload{Name: incidents.Seal("x.patch"), Awaited: true, Problem: problem}
		if awaits, err := d.Awaits(context.Background(), l); awaits || err != nil {
			t.Errorf("%s: it is awaited: %v", problem, err)
		}
		d.is(l, "refusals/"+problem)
	}
	if template, _ := d.uploads(d.mx("!desk", 0, "alice", ""), "x.patch", "no diff"); template != "refusals/patch-no-diff" {
		t.Error(template)
	}
	// Between the look and the file somebody came in who is not on the roster.
	l := lowered(d.mx("!desk", 0, "alice", "!patch add"))
	l.Upload = &Upload{Name: incidents.Seal("x.patch"), Body: incidents.Seal(aDiff)}
	d.is(l, "refusals/needs-full")
	d.desk("!suspend bob", "suspended")
	if template, _ := d.uploads(d.mx("!desk", 0, "bob", ""), "x.patch", aDiff); template != "" {
		t.Errorf("a suspended person is answered with %s", template)
	}
	if got := d.patchNames(1); len(got) != 0 {
		t.Errorf("kept: %s", got)
	}
}

// TestAPatchIsPartOfWhatIsApproved: one that comes or goes between asking and
// approving voids it.
func TestAPatchIsPartOfWhatIsApproved(t *testing.T) {
	d := drafting(t)
	file := func(name, body string) {
		t.Helper()
		if template, words := d.uploads(d.line("full", "alice", ""), name, body); template != "patch/kept" {
			t.Fatal(template, words)
		}
	}
	ask := func() string {
		t.Helper()
		template, words := d.say("full", "!send update")
		_, code, ok := strings.Cut(words, "`!approve ")
		if !ok {
			_, code, ok = strings.Cut(words, "!approve ")
		}
		if template != "send/asked" || !ok {
			t.Fatal(template, words)
		}
		d.shown("#full", code[:5])
		return code[:5]
	}
	approve := func(code, want string) {
		t.Helper()
		r, ok := d.answerTo(d.line("full", "bob", "!approve "+code))
		if !ok || r.Template != want {
			t.Errorf("approved: %s, want %s", r.Template, want)
		}
	}
	d.Approve = func(string) bool { return true }
	code := ask()
	file("fix.patch", aDiff)
	approve(code, "refusals/send-changed")
	code = ask()
	file("fix.patch", aDiff+"+c\n")
	approve(code, "refusals/send-changed")
	if _, words := d.say("full", "!draft update"); !strings.Contains(words, "Attached: fix.patch, 37 bytes, sha256 ") {
		t.Errorf("the draft says %s", words)
	}
	if _, words := d.say("full", "!draft ack"); strings.Contains(words, "Attached") {
		t.Errorf("a draft without patches says %s", words)
	}
	code = ask()
	d.say("full", "!patch drop fix.patch")
	approve(code, "refusals/send-changed")
	file("fix.patch", aDiff)
	approve(ask(), "send/queued")
}

// TestAPatchIsChecked: with each letter that it goes with, and when it is kept.
func TestAPatchIsChecked(t *testing.T) {
	d := drafting(t)
	message := "From: alice <alice@example.org>\nSubject: [PATCH] Read no further\n\nReported-by: Erin <erin@example.org>\nSee INC-1.\n---\n"
	template, words := d.uploads(d.line("full", "alice", ""), "fix.patch", message+aDiff)
	for _, want := range []string{
		"Before it does, look at it:", "A patch names the reporter, a contact of theirs or their words, and they have not agreed to that: fix.patch: Erin; fix.patch: erin@example.org.",
		"A patch holds a handle, a codename or a room of the maintainers: fix.patch: INC-1.",
	} {
		if template != "patch/kept" || strings.Count(words, want) != 1 {
			t.Errorf("%s, without %q once: %s", template, want, words)
		}
	}
	_, words = d.say("full", "!draft update") // to the reporter: their own name is theirs
	if !strings.Contains(words, "fix.patch: INC-1") || strings.Contains(words, "A patch names the reporter") {
		t.Error(words)
	}
	if template, words = d.say("full", "!send update"); !strings.HasPrefix(template, "refusals/") || !strings.Contains(words, "fix.patch: INC-1") {
		t.Error(template, words)
	}
	if template, words = d.uploads(d.line("full", "alice", ""), "fix.patch", aDiff); template != "patch/kept" || strings.Contains(words, "look at it") {
		t.Error(template, words)
	}
}
