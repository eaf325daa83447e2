package commands

import (
	"strings"
	"testing"

	"tocsin/incidents"
)

// TestReportsAreForPrivateRooms: a report is written where everything may be heard and
// nowhere else; the figures of all incidents are not for the room of one.
func TestReportsAreForPrivateRooms(t *testing.T) {
	d := hosted(t)
	d.desk("!incident open --severity high Heap overflow in the PSD decoder", "incident/opened")
	d.desk("!incident open A second one", "incident/opened")
	own := d.hasRoom(1)
	d.is(d.line("notice", "alice", "!report INC-1"), "refusals/report-private", "INC-1")
	d.is(d.line("notice", "alice", "!report public INC-1"), "refusals/report-private")
	d.is(d.line("notice", "alice", "!stats"), "stats", "2 incidents, 2 open")
	d.desk("!report INC-1", "report", "# Incident report INC-1", "Title: Heap overflow in the PSD decoder")
	d.is(d.mx(own, 1, "alice", "!report"), "report", "# Incident report INC-1")
	d.is(d.mx(own, 1, "alice", "!report INC-2"), "refusals/no-such-incident")
	d.is(d.mx(own, 1, "alice", "!stats"), "refusals/room-one-incident")
	d.desk("!report public INC-1", "refusals/report-undisclosed")
	d.desk("!stats", "stats", "2 incidents, 2 open")
}

// TestPublicReportIsHeldBack: with a name of the desk's own in it, it does not go out.
func TestPublicReportIsHeldBack(t *testing.T) {
	d := hosted(t)
	d.desk("!incident open --severity high Heap overflow in the PSD decoder", "incident/opened")
	d.desk("!embargo set INC-1 2026-12-09 14:00", "embargo/set")
	d.desk("!report public INC-1", "refusals/report-embargoed", "Wed 2026-12-09 14:00 UTC")
	d.desk("!embargo broken INC-1 a commit message names the decoder", "embargo/broken")
	d.desk("!done INC-1 wheels", "step/done")
	d.desk("!done INC-1 publish", "step/done")
	for fact, want := range map[string]string{
		"found by alice":                "It names a maintainer",
		"tracked as INC-1":              "It holds a handle",
		"the " + d.incident(1).Codename: "It holds a codename",
		"see CVE-2026-11111":            "An id is not of this incident",
		"two lines\nby **Bob**":         "It may name a maintainer",
	} {
		d.desk("!fact set INC-1 summary "+fact, "fact/set")
		d.desk("!report public INC-1", "refusals/report-held", want)
	}
	d.desk("!fact set INC-1 summary a summary", "fact/set")
	d.desk("!reporter set INC-1 Erin --contact erin@example.org", "reporter/set")
	answer, words, _ := d.hear(d.mx("!desk", 0, "alice", "!report public INC-1"))
	if answer.Template != "report/public" || strings.Contains(words, "Erin") || strings.Contains(words, "INC-1") || answer.Incident != 1 {
		t.Errorf("%s of %d:\n%s", answer.Template, answer.Incident, words)
	}
	if _, named := answer.Facts["handle"]; named {
		t.Error("its file would be named after the handle")
	}
}

// TestPublicReportIsReadAsItIsWritten: Markdown hides no name from the lint, and the
// rooms of the bot are among what no report may name.
func TestPublicReportIsReadAsItIsWritten(t *testing.T) {
	d := hosted(t)
	d.RoomNames = []string{"#pillow-security"}
	d.desk("!incident open --severity high Heap overflow in the PSD decoder", "incident/opened")
	d.desk("!incident open Another one", "incident/opened")
	d.desk("!embargo set INC-1 2026-12-09 14:00", "embargo/set")
	d.desk("!embargo broken INC-1 a commit message names the decoder", "embargo/broken")
	d.desk("!done INC-1 wheels", "step/done")
	d.desk("!done INC-1 publish", "step/done")
	d.desk("!reporter set INC-1 x_ploit --contact erin_smith@example.org", "reporter/set")
	for _, c := range [][2]string{
		{"it was found by x_ploit", "It names the reporter"},
		{"write to erin_smith@example.org", "It names the reporter"},
		{"write to erin_smith (at) example.org", "It names the reporter"},
		{"of *erin_smith@example.org*", "It names the reporter"},
		{"thanks to _alice_ for it", "It names a maintainer"},
		{"thanks to **Bob**", "It may name a maintainer"},
		{"see _INC-2_", "It holds a handle"},
		{"see INC\u20112", "It holds a handle"},
		{"the _" + strings.ReplaceAll(d.incident(2).Codename, " ", "-") + "_", "It holds a codename"},
		{"see also CVE 2026-99999 in December", "An id is not of this incident"},
		{"see also _CVE-2026-99999_", "An id is not of this incident"},
		{"ask in _#pillow-security_", "It names a room"},
	} {
		for _, fact := range []string{"summary", "affected"} {
			d.desk("!fact set INC-1 "+fact+" "+c[0], "fact/set")
			d.desk("!report public INC-1", "refusals/report-held", c[1])
			d.desk("!fact set INC-1 "+fact+" some_words, *starred* and an exploit before 12.3.1", "fact/set")
			d.desk("!report public INC-1", "report/public")
		}
	}
	d.desk("!fact set INC-1 details thanks to _alice_", "fact/set")
	d.desk("!report public INC-1", "report/public") // it leaves them out while they are fresh
	p := *d.Plan()
	p.Outside.FreshDays = 0
	d.Desk.Plan = func() *incidents.Plan { return &p }
	d.desk("!report public INC-1", "refusals/report-held", "It names a maintainer")
}

// TestDependencies: what the plan says is for everybody on the roster; which incidents
// are about a library is sealed, and in the room of one only that one is told of.
func TestDependencies(t *testing.T) {
	d := hosted(t)
	d.desk("!incident open --type bundled-library A bug in TIFF", "incident/opened")
	d.desk("!incident open --type bundled-library Another bug in TIFF", "incident/opened")
	d.desk("!fact set INC-1 library TIFF", "fact/set", "libtiff")
	d.desk("!fact set INC-2 library lib-tiff", "fact/set", "libtiff")
	d.desk("!fact set INC-2 library libfoo", "refusals/unknown-library", "libtiff, ")
	d.holds("the library", d.incident(2).Library, "libtiff")
	own := d.hasRoom(1)
	d.desk("!deps libtiff", "deps/one", "TIFF encode/decode", "INC-1", "A bug in TIFF", "INC-2")
	for room, l := range map[string]Line{
		"of the first": d.mx(own, 1, "alice", "!deps libtiff"), "of notices": d.line("notice", "alice", "!deps libtiff"), "that hears nothing": d.line("none", "alice", "!deps libtiff"),
	} {
		r, _, _ := d.hear(l)
		v := incidents.Clear(l.Grant, l.Proof, r.Incident, func(string) bool { return false })
		doc, err := d.Book.Render(r.Template, r.Facts, v.Clearance)
		if err != nil || r.Template != "deps/one" || !r.Harmless || !strings.Contains(doc.Text, "gitlab.com/libtiff") {
			t.Errorf("in a room %s: %s %v\n%s", room, r.Template, err, doc.Text)
		}
		if strings.Contains(doc.Text, "INC-2") || strings.Contains(doc.Text, "INC-1") != (room == "of the first") {
			t.Errorf("a room %s is told:\n%s", room, doc.Text)
		}
	}
	d.desk("!deps libfoo", "refusals/unknown-library")
	d.desk("!deps drift", "refusals/no-versions")
	p := *d.Plan()
	p.Map.File, p.Map.Versions = "dependencies.json", []incidents.Version{{Name: "libxcb", Version: "1.17.0"}, {Name: "zlib-ng", Version: "2.2.5"}}
	d.Desk.Plan = func() *incidents.Plan { return &p }
	d.desk("!deps drift", "deps/drift", "2 names in dependencies.json, 1 of them", "Not in the map: libxcb 1.17.0", "Only in the map: libjpeg-turbo, ", "zlib is zlib-ng")
	d.desk("!deps zlib", "deps/one", "Bundled: zlib-ng 2.2.5.")
	d.desk("!deps libpng", "deps/one", "Bundled: not in the list of versions.")
	p.Map = incidents.DepMap{}
	d.desk("!deps list", "deps/list", "no map")
	d.desk("!deps zlib", "refusals/no-map")
	d.desk("!fact set INC-1 library whatever it is", "fact/set")
}

// TestNotifying: by name, by command, and not where notices only are heard.
func TestNotifying(t *testing.T) {
	d := hosted(t)
	d.desk("!incident open --severity high Heap overflow in the PSD decoder", "incident/opened")
	d.desk("!notify list INC-1", "notify/list", "0 of 8", "Debian / Ubuntu", "linux-distros")
	d.desk(`!notify sent INC-1 "Alpine Linux" the patch --via email`, "notify/sent", "Alpine Linux")
	d.desk("!notify answered INC-1 alpine they build on the day", "notify/answered")
	d.desk("!notify answered INC-1 homebrew", "refusals/notice-not-sent", "Homebrew")
	d.desk("!notify sent INC-1 @room", "refusals/room-mention")
	d.desk("!notify add INC-1 @everyone a contact", "refusals/room-mention")
	d.desk("!notify add INC-1 Frank", "refusals/usage")
	d.desk("!notify add INC-1 Frank frank@example.org", "notify/added", "Frank")
	d.desk("!notify list INC-1", "notify/list", "1 of 9", "answered", "they build on the day", "frank@example.org")
	for _, text := range []string{"!notify sent INC-1 alpine", "!notify answered INC-1 alpine", "!notify add INC-1 x y"} {
		d.is(d.line("notice", "alice", text), "refusals/typed-here")
	}
	if _, words, _ := d.hear(d.line("notice", "alice", "!notify list INC-1")); strings.Contains(words, "Alpine") || strings.Contains(words, "9") {
		t.Errorf("a room of notices is told: %s", words)
	}
	d.desk("!incident close INC-1 fixed it is done elsewhere", "incident/closed")
	d.desk("!notify sent INC-1 homebrew", "notify/sent", "Homebrew") // what is public is told afterwards
	if n := len(d.kindsOf(1, "notice-sent")); n != 2 {
		t.Errorf("%d times on record", n)
	}
}
