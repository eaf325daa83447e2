package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/bridges/pypi"
	"tocsin/cmd/bot/config"
	"tocsin/incidents"
	fake "tocsin/internal/chattest/pypi"
)

// indexed is a bot that looks releases up on an index of its own, over HTTP.
type indexed struct {
	typing
	index *fake.Server
}

func withServer(t *testing.T) *indexed {
	d := &indexed{index: fake.Start("pillow"), typing: typing{t: t, c: startClock(), path: filepath.Join(t.TempDir(), "t.db")}}
	t.Cleanup(d.index.Close)
	d.index.Upload("12.3.0", us(), fake.Wheels("Pillow", "12.3.0", false)...)
	d.start()
	t.Cleanup(func() { _ = d.close() })
	d.says("alice", "!incident open --source scanning --severity medium a title", "!release plan 12.3.1 INC-1", "!done INC-1 tag")
	d.passes("1m")
	return d
}

func us() fake.Publisher {
	return fake.Publisher{Kind: "GitHub", Repository: "python-pillow/Pillow", Workflow: "wheels.yml", Environment: "release-pypi"}
}

func (d *indexed) start() {
	d.t.Helper()
	log := slog.New(slog.NewTextHandler(&d.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	p, err := rehearsalParts(d.path, d.c, log)
	if err != nil {
		d.t.Fatal(err)
	}
	want := expected()
	want.Base = d.index.URL
	if p, err = withIndex(p, &config.Config{PyPI: &want}, log); err != nil {
		d.t.Fatal(err)
	}
	a, err := newApp(d.t.Context(), p, &d.sheet)
	if err != nil {
		d.t.Fatal(err)
	}
	a.inOrder = true
	d.rehearsal = &rehearsal{app: a, clock: d.c}
	d.must(a.outbox.Drain(d.t.Context()))
}

func (d *indexed) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *indexed) restart() {
	d.t.Helper()
	d.must(d.close())
	d.start()
}

// uploads brings the release to n files, by a publisher.
func (d *indexed) uploads(n int, by fake.Publisher) {
	all := fake.Wheels("Pillow", "12.3.1", false)[:n]
	for k := range all {
		all[k].Uploaded = d.c.Now().Truncate(time.Second)
	}
	d.index.Upload("12.3.1", by, all...)
}

// TestAReleaseFillsOverHTTP: from nothing, over trouble and a restart, to live.
func TestAReleaseFillsOverHTTP(t *testing.T) {
	d := withServer(t)
	d.says("dana", "!release live 12.3.1")
	d.passes("20m") // 404
	d.heard("is looked up on PyPI until", "-files are on PyPI", "-live on PyPI")
	down := fake.Fault{Status: http.StatusServiceUnavailable, Path: "/pypi/pillow/12.3.1/json"}
	d.index.Fail(down, down, fake.Fault{Cut: true, Path: "/pypi/pillow/12.3.1/json"}, fake.Fault{Status: 200, Body: "<html>", Path: "/pypi/pillow/12.3.1/json"})
	d.uploads(40, us())
	asked := len(d.index.Asked())
	d.passes("77m")
	d.heard("40 of 87 files are on PyPI; missing: all of cp314, cp315, cp314t, pp311; ", "The fix is public for 01:36", "-live on PyPI")
	if n := len(d.index.Asked()) - asked; n < 45 || n > 50 { // 4 faults, 40 provenances, and a look each 2 minutes
		t.Errorf("the index was asked %d times", n)
	}
	d.uploads(63, us())
	d.restart()
	d.heard("-files are on PyPI") // not so soon after the last time
	d.passes("6m")
	d.heard("63 of 87 files", "There is no source distribution yet")
	d.restart()
	d.heard("-files are on PyPI")
	d.says("bob", "!release show 12.3.1")
	d.heard("PyPI, looked up for dana since", "63 of 87", "The fix is public for 01:4")
	d.uploads(87, us())
	live := d.c.Now()
	d.passes("2m")
	d.heard("dana 12.3.1 is live on PyPI since "+incidents.SayInstant(live), "the wheels are confirmed for INC-1. The watch goes on until "+incidents.SayInstant(live.Add(72*time.Hour)))
	asked = len(d.index.Asked())
	d.restart()
	d.passes("2h")
	d.heard("-12.3.1")
	if len(d.index.Asked()) != asked {
		t.Error("it is asked for although it is live")
	}
	for _, a := range d.index.Asked() {
		if !strings.Contains(a.Agent, "tocsin") || !strings.Contains(a.Path, "/pillow/12.3.") {
			t.Errorf("%+v", a)
		}
	}
	if strings.Contains(d.log.String(), "12.3.1") {
		t.Errorf("the log tells the version:\n%s", d.log.String())
	}
	_, err := d.store.Verify(t.Context())
	d.must(err)
}

// TestAnotherPublisherIsAnAlarm, and so is a digest that changed; what is yanked, or
// without a provenance, is not live either.
func TestAnotherPublisherIsAnAlarm(t *testing.T) {
	d := withServer(t)
	d.says("dana", "!release live 12.3.1")
	d.uploads(86, us())
	d.passes("1m")
	d.heard("86 of 87")
	mallory := us()
	mallory.Workflow = "evil.yml"
	d.uploads(87, mallory)
	d.passes("2m")
	d.heard("alice bob carol dana ALARM, 12.3.1 on PyPI is not what you publish", "published by GitHub python-pillow/Pillow evil.yml release-pypi, and not by GitHub python-pillow/Pillow wheels.yml release-pypi: pillow-12.3.1.tar.gz", "-live on PyPI since")
	d.restart()
	d.passes("6m")
	d.heard("-ALARM", "-live on PyPI since")
	d.index.Delete("12.3.1", "pillow-12.3.1.tar.gz")
	d.index.Upload("12.3.1", us(), fake.File{Name: "pillow-12.3.1.tar.gz", SHA256: fake.Digest("another"), Uploaded: d.c.Now()})
	d.passes("2m")
	d.heard("ALARM", "another digest than before: pillow-12.3.1.tar.gz")

	d = withServer(t)
	d.uploads(86, us())
	d.uploads(87, fake.Publisher{})
	d.says("dana", "!release live 12.3.1")
	d.heard("87 of 87 files are on PyPI. pillow-12.3.1.tar.gz has no provenance.", "-live on PyPI since")
	d.index.Attest("12.3.1", "pillow-12.3.1.tar.gz", us(), "pillow-12.3.1.tar.gz", fake.Digest("pillow-12.3.1.tar.gz"))
	d.index.Yank("12.3.1", "it crashes", false)
	d.passes("2m")
	d.heard("87 of 87 files, it crashes", "an Owner delete it", "-live on PyPI since")
	d.index.Yank("12.3.1", "", true)
	d.passes("2m")
	d.heard("12.3.1 is live on PyPI since")
}

// TestTheIndexIsDown for hours, which is told once, and when it is over.
func TestTheIndexIsDown(t *testing.T) {
	d := withServer(t)
	d.index.Close()
	d.says("dana", "!release live 12.3.1")
	d.passes("5h")
	if text := d.heard("dana PyPI gives no answer about 12.3.1 since"); strings.Count(text, "gives no answer") != 1 {
		t.Error(text)
	}
	d.passes("19h")
	d.heard("12.3.1 is not live after 24 hours, and I look no longer: PyPI gives no answer since")
	d.says("dana", `!release live 12.3.1 --by-hand "PyPI was down, we looked"`, "!timeline INC-1 1")
	d.heard("12.3.1 is live on PyPI since", "by hand, PyPI was down, we looked")
}

// TestTheIndexAsksForPatience, and gets it over a restart too. Who asks by hand need not
// have any.
func TestTheIndexAsksForPatience(t *testing.T) {
	d := withServer(t)
	d.index.Fail(fake.Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"3600"}}})
	d.says("dana", "!release live 12.3.1")
	asked := len(d.index.Asked())
	d.restart()
	d.passes("59m")
	if n := len(d.index.Asked()) - asked; asked == 0 || n != 0 {
		t.Errorf("asked %d times, and %d times more before the hour was over", asked, n)
	}
	d.passes("2m")
	if n := len(d.index.Asked()) - asked; n == 0 {
		t.Error("not asked after the hour")
	}
	d.restart() // the index wants nothing any more: what waits is looked up at once
	if n := len(d.index.Asked()) - asked; n < 2 {
		t.Errorf("asked %d times after the hour", n)
	}
	d.index.Fail(fake.Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"3600"}}})
	d.passes("10m")
	asked = len(d.index.Asked())
	d.says("dana", "!release live 12.3.1")
	if n := len(d.index.Asked()) - asked; n == 0 {
		t.Error("not asked when somebody asked")
	}
}

// TestAnEmbargoStopsALookUp: whichever way it comes into the release, the index is not
// asked any more, and that is told.
func TestAnEmbargoStopsALookUp(t *testing.T) {
	d := withServer(t)
	d.says("dana", "!release live 12.3.1")
	d.says("alice", "!incident open --source scanning --severity high another", "!embargo set INC-2 +5d")
	d.passes("1m")
	d.heard()
	asked := len(d.index.Asked())
	d.says("alice", "!release add 12.3.1 INC-2")
	d.heard("12.3.1 carries INC-2 too", "I look it up on PyPI no longer: an embargo holds in it now")
	d.uploads(87, us())
	d.passes("1h")
	d.heard("-PyPI")
	d.says("alice", "!release remove 12.3.1 INC-2", "!release live 12.3.1")
	d.heard("is looked up on PyPI until", "12.3.1 is live on PyPI since")
	if len(d.index.Asked()) == asked {
		t.Error("it is not looked up again")
	}

	d = withServer(t) // the embargo comes to an incident that is in it already
	d.says("dana", "!release live 12.3.1")
	d.passes("1m")
	asked = len(d.index.Asked())
	d.says("alice", "!severity set INC-1 high", "!embargo set INC-1 +5d")
	d.passes("1h")
	d.heard("dana I look 12.3.1 up on PyPI no longer", "The embargo of INC-1 holds until")
	if len(d.index.Asked()) != asked {
		t.Error("it is looked up under an embargo")
	}
}

// TestWhatIsFound holds the words for what an index says against a table.
func TestWhatIsFound(t *testing.T) {
	whole := filesOf(fake.Wheels("Pillow", "12.3.1", false))
	publisher := pypi.Publisher{Kind: "GitHub", Repository: "python-pillow/Pillow", Workflow: "wheels.yml", Environment: "release-pypi"}
	for name, c := range map[string]struct {
		change func(*pypi.Report)
		ready  bool
		want   string
	}{
		"whole":         {func(*pypi.Report) {}, true, ""},
		"less":          {func(r *pypi.Report) { r.Have = 86 }, false, ""},
		"more":          {func(r *pypi.Report) { r.Have = 88 }, true, "That is more than it should have"},
		"no source":     {func(r *pypi.Report) { r.Sdist = false }, false, "There is no source distribution yet"},
		"no digest":     {func(r *pypi.Report) { r.NoDigest = []string{"a"} }, false, "a has no digest"},
		"no provenance": {func(r *pypi.Report) { r.NoProvenance = []string{"a", "b", "c", "d"} }, false, "4 files have no provenance: a, b and 2 more"},
		"not asked":     {func(r *pypi.Report) { r.Unproven = []string{"a", "b"} }, false, "2 files are not proven yet: a, b"},
		"digest":        {func(r *pypi.Report) { r.WrongDigest = []string{"a"} }, false, "the provenance is of another file than the one that is there: a"},
		"changed":       {func(r *pypi.Report) { r.Changed = []string{"a"} }, false, "another digest than before: a"},
		"gone":          {func(r *pypi.Report) { r.Gone = []string{"a"} }, false, "a"},
		"yanked":        {func(r *pypi.Report) { r.Yanked = []pypi.Yank{{File: "a"}} }, false, "1 of 87 files, without a reason"},
		"two others": {func(r *pypi.Report) {
			other := pypi.Publisher{Kind: "Google", Email: "mallory@example.org"}
			r.WrongPublisher = []pypi.Change{{File: "a", Got: other, Want: publisher}, {File: "b", Got: other, Want: publisher}}
		}, false, "published by Google mallory@example.org, and not by GitHub python-pillow/Pillow wheels.yml release-pypi: a, b"},
	} {
		x := (&shelf{now: time.Now}).asked()
		r := pypi.Report{Have: 87, Want: 87, Sdist: true}
		c.change(&r)
		f := x.found(pypi.Release{Files: whole}, r, pypi.Expect{Count: 87, Publisher: publisher})
		var said []string
		for _, s := range append(append([]incidents.Sealed{f.Yanked, f.Gone}, f.Wrong...), f.Lacks...) {
			if text := opened(s); text != "" {
				said = append(said, text)
			}
		}
		if got := strings.Join(said, "; "); got != c.want || f.Ready != c.ready {
			t.Errorf("%s: %q, ready %v", name, got, f.Ready)
		}
	}
	x := (&shelf{now: time.Now}).asked()
	x.c.ExpectFor = map[string]int{"13.0.0": 78}
	if x.expect("13.0.0") != 78 || x.expect("12.3.1") != 87 {
		t.Error("the number of files is not that of the version")
	}
	x.c.Publisher = config.Publisher{}
	f := x.found(pypi.Release{}, pypi.Report{Have: 87, Want: 87, Sdist: true, NoProvenance: []string{"a"}}, pypi.Expect{Count: 87})
	if !f.Ready || len(f.Lacks) != 0 || !x.publisher().Zero() {
		t.Errorf("nobody is expected, and it lacks %v", f.Lacks)
	}
	if got := readDigests(digests(whole[:2], map[string]string{whole[0].Name: "first", "gone": "x"})); len(got) != 3 || got[whole[0].Name] != "first" || got["gone"] != "x" {
		t.Error(got)
	}
	crowd := map[string]string{}
	for k := range 3 * mostKept {
		crowd[fmt.Sprintf("%06d-%s", k, strings.Repeat("x", 100))] = "sum"
	}
	if kept := readDigests(digests(whole[:2], crowd)); len(kept) > mostKept || kept["000000-"+strings.Repeat("x", 100)] == "" {
		t.Errorf("%d are kept", len(kept))
	}
	if got := missing(pypi.Report{Missing: manyGaps()}); len(got) > 2000 {
		t.Errorf("%d bytes of what is missing are told", len(got))
	}
	if got := some([]string{strings.Repeat("x", 5000)}); len(got) > maxToldName+10 {
		t.Errorf("a name of %d bytes is told", len(got))
	}
	if p, err := withIndex(parts{}, &config.Config{}, nil); err != nil || p.index != nil {
		t.Error("an index is asked although none is configured")
	}
	if _, err := withIndex(parts{clock: startClock()}, &config.Config{PyPI: &config.PyPI{Base: "ftp://x", Project: "pillow"}}, nil); err == nil {
		t.Error("an address that is none is taken")
	}
	if err := patience(nil); err != nil || patience(errDown) == nil || !errors.Is(patience(errDown), errDown) {
		t.Error(err)
	}
}

// manyGaps are those of an index that names a thousand Pythons, and long platforms.
func manyGaps() []pypi.Gap {
	var out []pypi.Gap
	for k := range 1000 {
		out = append(out, pypi.Gap{Python: fmt.Sprintf("cp%d", k), Platform: strings.Repeat("p", 250)})
	}
	return out
}

// markedIndex is an index whose every word is sealed; now and then it does not answer.
type markedIndex struct{}

func (markedIndex) Look(_ context.Context, version, known incidents.Sealed) (incidents.Found, error) {
	if !known.Empty() {
		return incidents.Found{}, errDown
	}
	return incidents.Found{
		There: true, Have: 1, Want: 2, Missing: incidents.Seal("qzx-missing"), Lacks: []incidents.Sealed{incidents.Seal("qzx-lacks")}, Known: version,
		Yanked: incidents.Seal("qzx-yank"), Wrong: []incidents.Sealed{incidents.Seal("qzx-wrong")}, Gone: incidents.Seal("qzx-gone"), ProvenBy: incidents.Seal("qzx-by"),
	}, nil
}
