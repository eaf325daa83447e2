package pypi

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	fake "tocsin/internal/chattest/pypi"

	"github.com/google/go-cmp/cmp"
)

func filesOf(all []fake.File) (out []File) {
	for _, f := range all {
		kind := "sdist"
		if strings.HasSuffix(f.Name, ".whl") {
			kind = "bdist_wheel"
		}
		out = append(out, File{Name: f.Name, SHA256: fake.Digest(f.Name), Kind: kind})
	}
	return out
}

func TestWheel(t *testing.T) {
	for name, want := range map[string]string{
		"pillow-12.2.0-cp313-cp313-manylinux2014_x86_64.manylinux_2_17_x86_64.whl":     "cp313 manylinux x86_64",
		"pillow-12.2.0-cp313-cp313t-manylinux_2_27_aarch64.manylinux_2_28_aarch64.whl": "cp313t manylinux aarch64",
		"pillow-12.2.0-cp310-cp310-macosx_10_10_x86_64.whl":                            "cp310 macosx x86_64",
		"pillow-12.2.0-cp314-cp314-ios_13_0_arm64_iphoneos.whl":                        "cp314 ios arm64_iphoneos",
		"pillow-12.2.0-pp311-pypy311_pp73-win_amd64.whl":                               "pp311 win_amd64",
		"pillow-12.2.0-1-cp313-cp313-musllinux_1_2_x86_64.whl":                         "cp313 musllinux x86_64",
		"x-1-cp39-abi3-win32.whl":                                                      "cp39-abi3 win32",
		"x-1-py2.py3-none-any.whl":                                                     "py2.py3 any",
		"x-1-cp313-cp313-macosx_10_9_universal2.linux_x86_64.whl":                      "cp313 linux_x86_64 + macosx universal2",
		"x-1-cp313-cp313-android_21_arm64_v8a.whl":                                     "cp313 android arm64_v8a",
		"x-1.tar.gz":             "",
		"x-1-cp313-cp313.whl":    "",
		"x-1--cp313-any.whl":     "",
		"a-b-c-d-e-f-g-h-i.whl":  "",
		"x-1-cp313-cp313-.whl":   "",
		"x-1-cp313-cp313-any.py": "",
	} {
		python, platform, ok := wheel(name)
		if got := strings.TrimSpace(python + " " + platform); got != want || ok != (want != "") {
			t.Errorf("%s: %q", name, got)
		}
	}
	order := []string{"pp311", "cp314t", "cp310", "cp39", "cp313t", "cp315", "py3", "cp39-abi3"}
	slices.SortFunc(order, comparePython)
	if want := []string{"cp39", "cp310", "cp315", "cp39-abi3", "cp313t", "cp314t", "pp311", "py3"}; !cmp.Equal(order, want) {
		t.Error(order)
	}
}

func TestShapes(t *testing.T) {
	for old, want := range map[bool]int{true: 91, false: 87} {
		files := filesOf(fake.Wheels("Pillow", "12.3.0", old))
		names := map[string]bool{}
		for _, f := range files {
			names[f.Name] = true
		}
		if len(files) != want || len(names) != want {
			t.Errorf("%d files, %d names", len(files), len(names))
		}
		if gaps := ragged(cells(files)); len(gaps) != 0 {
			t.Errorf("a whole release lacks %v", gaps)
		}
	}
}

// TestMissing: what is missing is named.
func TestMissing(t *testing.T) {
	whole := filesOf(fake.Wheels("Pillow", "12.3.1", false))
	without := func(parts ...string) (out []File) {
		for _, f := range whole {
			if !slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(f.Name, p) }) {
				out = append(out, f)
			}
		}
		return out
	}
	old := filesOf(fake.Wheels("Pillow", "12.2.0", true))
	for name, c := range map[string]struct {
		files, like []File
		want        string
	}{
		"nothing":              {whole, nil, "[]"},
		"one wheel":            {without("cp313-cp313-win_arm64"), nil, "[cp313 win_arm64]"},
		"a system of two":      {without("cp311-macosx", "cp312-musllinux_1_2_x86"), nil, "[cp311 macosx arm64 cp311 macosx x86_64 cp312 musllinux x86_64]"},
		"a system everywhere":  {without("win_arm64"), nil, "[]"},
		"the same, known":      {without("win32"), without("cp31"), "[]"},
		"a system, known":      {without("pp311-pypy311_pp73-win_amd64", "cp314t-win32"), whole, "[cp314t win32 pp311 win_amd64]"},
		"a generation of two":  {whole, old, ""},
		"nothing there at all": {[]File{}, whole[:2], "[cp310 macosx arm64 cp310 macosx x86_64]"},
	} {
		got := Compare(Release{Files: c.files}, nil, Expect{Like: c.like})
		if text := fmt.Sprint(got.Missing); c.want != "" && text != c.want || got.Guessed != (c.like == nil) {
			t.Errorf("%s: %s", name, text)
		}
		if c.want == "" { // each of both generations was a wheel of its own
			for _, g := range got.Missing {
				if !strings.HasPrefix(g.Platform, "manylinux") || g.Have != 1 || g.Want != 2 {
					t.Errorf("%s: %+v", name, g)
				}
			}
		}
	}
}

func TestAlarms(t *testing.T) {
	const name = "pillow-12.3.1-cp313-cp313-macosx_10_13_x86_64.macosx_11_0_x86_64.whl"
	file, other := File{Name: name, SHA256: fake.Digest(name)}, File{Name: "pillow-12.3.1.tar.gz", SHA256: fake.Digest("x"), Kind: "sdist"}
	us := Publisher{Kind: "GitHub", Repository: "python-pillow/Pillow", Workflow: "wheels.yml", Environment: "release-pypi"}
	says := func(p Publisher, name, digest string) Evidence {
		return Evidence{Given, Provenance{[]Bundle{{Publisher: p, Statements: []Statement{{[]Subject{{name, digest}}}}}}}}
	}
	good := says(us, name, file.SHA256)
	both := Evidence{Given, Provenance{append(slices.Clone(good.Provenance.Bundles), says(Publisher{Kind: "Google", Email: "mallory@example.org"}, name, file.SHA256).Provenance.Bundles...)}}
	with := func(change func(*Publisher)) Publisher { p := us; change(&p); return p }
	for title, c := range map[string]struct {
		evidence Evidence
		expect   Publisher
		alarms   string
		unproven bool
	}{
		"good":                    {good, us, "", false},
		"other letters":           {good, with(func(p *Publisher) { p.Repository, p.Kind = "Python-Pillow/pillow", "github" }), "", false},
		"less is asked for":       {good, Publisher{Repository: us.Repository}, "", false},
		"nobody is expected":      {good, Publisher{}, "", false},
		"another repository":      {says(with(func(p *Publisher) { p.Repository = "mallory/Pillow" }), name, file.SHA256), us, "publisher", false},
		"another workflow":        {says(with(func(p *Publisher) { p.Workflow = "Wheels.yml" }), name, file.SHA256), us, "publisher", false},
		"no environment":          {says(with(func(p *Publisher) { p.Environment = "" }), name, file.SHA256), us, "publisher", false},
		"another besides":         {both, us, "publisher", false},
		"another besides, first":  {both, Publisher{}, "publisher", false},
		"another digest":          {says(us, name, fake.Digest("y")), us, "digest", false},
		"no digest":               {says(us, name, ""), us, "digest", false},
		"another file":            {says(us, "pillow-12.3.0.tar.gz", file.SHA256), us, "digest", false},
		"tags in another order":   {says(us, "Pillow-12.3.1-cp313-cp313-macosx_11_0_x86_64.macosx_10_13_x86_64.whl", file.SHA256), us, "", false},
		"cannot be read":          {Evidence{Given, Provenance{[]Bundle{{Publisher: us, Unread: 1}}}}, us, "", true},
		"nothing attested":        {Evidence{Given, Provenance{[]Bundle{{Publisher: us}}}}, us, "", true},
		"no bundle":               {Evidence{State: Given}, us, "", true},
		"not asked":               {Evidence{}, us, "", true},
		"a file in another place": {says(us, other.Name, other.SHA256), us, "digest", false},
	} {
		r := Compare(Release{Files: []File{file}}, map[string]Evidence{name: c.evidence}, Expect{Publisher: c.expect})
		var alarms []string
		if len(r.WrongPublisher) > 0 {
			alarms = append(alarms, "publisher")
		}
		if len(r.WrongDigest) > 0 {
			alarms = append(alarms, "digest")
		}
		if strings.Join(alarms, ",") != c.alarms || (len(r.Unproven) > 0) != c.unproven || r.Alarming() != (c.alarms != "") {
			t.Errorf("%s: %+v", title, r)
		}
	}
	// Between two files, where nobody is expected; and what was written down before.
	r := Compare(Release{Files: []File{file, other}}, map[string]Evidence{name: good, other.Name: says(with(func(p *Publisher) { p.Workflow = "x.yml" }), other.Name, other.SHA256)},
		Expect{Count: 2, Digests: map[string]string{name: strings.ToUpper(file.SHA256), other.Name: fake.Digest("before"), "pillow-12.3.1-cp310-cp310-win32.whl": fake.Digest("z")}})
	if len(r.WrongPublisher) != 1 || r.WrongPublisher[0].File != other.Name || r.WrongPublisher[0].Want != us || len(r.Publishers) != 2 {
		t.Errorf("%+v", r.WrongPublisher)
	}
	if !cmp.Equal(r.Changed, []string{other.Name}) || !cmp.Equal(r.Gone, []string{"pillow-12.3.1-cp310-cp310-win32.whl"}) || !r.Live(Expect{}) {
		t.Errorf("%+v", r)
	}
	none := Compare(Release{Files: []File{{Name: "x-1.whl"}}}, map[string]Evidence{"x-1.whl": {State: None}}, Expect{Count: 1})
	if len(none.NoProvenance) != 1 || len(none.NoDigest) != 1 || none.Live(Expect{}) || !none.Live(Expect{NoSdist: true}) {
		t.Errorf("%+v", none)
	}
}

func TestReadOdd(t *testing.T) {
	body := `{"info":{},"urls":[
		{"filename":"x-1.tar.gz","digests":{"sha256":"` + strings.Repeat("AB", 32) + `"},"size":-4,"yanked":"it is\nbad","upload_time_iso_8601":"soon","packagetype":"sdist"},
		{"filename":"../x","digests":[]},{"filename":7},{"filename":"x-1.tar.gz"},{"filename":"x-1-py3-none-any.whl","digests":{"sha256":"short"},"size":"1"},null]}`
	r, ok := readRelease([]byte(body), "1")
	want := Release{Version: "1", Files: []File{
		{Name: "x-1.tar.gz", SHA256: strings.Repeat("ab", 32), Kind: "sdist", Yanked: true, Reason: "it is bad"}, {Name: "x-1-py3-none-any.whl"},
	}}
	if diff := cmp.Diff(want, r); !ok || diff != "" {
		t.Error(ok, diff)
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`{"info":{},"urls":[{"filename":"x-1-cp313-cp313-win32.whl","yanked":true}]}`))
	f.Add([]byte(`{"attestation_bundles":[{"publisher":{"kind":"GitHub"},"attestations":[{"envelope":{"statement":"e30="}}]}]}`))
	f.Add([]byte(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"x","digest":{"sha256":"0"}}]}`))
	f.Add([]byte(`[[[`))
	f.Fuzz(func(t *testing.T, body []byte) {
		wrapped, _ := json.Marshal(map[string]any{"attestation_bundles": []any{map[string]any{"attestations": []any{map[string]any{"envelope": map[string]any{"statement": base64.StdEncoding.EncodeToString(body)}}}}}})
		evidence := map[string]Evidence{}
		var all []string
		for _, b := range [][]byte{body, wrapped} {
			p, ok := readProvenance(b)
			if !ok {
				continue
			}
			evidence["x"] = Evidence{Given, p}
			for _, one := range p.Bundles {
				all = append(all, one.Publisher.String())
				for _, s := range one.Statements {
					for _, sub := range s.Subjects {
						all = append(all, sub.Name, sub.SHA256)
					}
				}
			}
		}
		r, _ := readRelease(body, "1")
		r.Files = append(r.Files, File{Name: "x"})
		for _, f := range r.Files {
			all = append(all, f.Name, f.Kind, f.Reason, f.SHA256)
		}
		report := Compare(r, evidence, Expect{Count: 1})
		for _, c := range report.Cells {
			all = append(all, c.Python, c.Platform)
		}
		for _, s := range all {
			if strings.ContainsAny(s, "\x00\r\n\x1b\u202e") {
				t.Errorf("%q", s)
			}
		}
		if len(report.Missing) > len(report.Cells)*len(report.Cells) {
			t.Errorf("%d missing of %d", len(report.Missing), len(report.Cells))
		}
	})
}
