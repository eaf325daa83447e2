package templates

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"tocsin/incidents"
)

// TestPillowsMap holds section 9 of plan.toml against what Pillow's plan says there in
// words.
func TestPillowsMap(t *testing.T) {
	m := pillow(t).Map
	names := func(kind string) (out []string) {
		for _, u := range m.Upstream {
			if u.Kind == kind {
				out = append(out, u.Name)
			}
		}
		for _, d := range m.Downstream {
			if d.Kind == kind {
				out = append(out, d.Name)
			}
		}
		return out
	}
	for kind, want := range map[string][]string{
		incidents.UpstreamBundled: {
			"libjpeg-turbo", "libpng", "libtiff", "libwebp", "libavif", "aom", "dav1d", "openjpeg", "freetype2", "lcms2", "harfbuzz", "raqm",
			"fribidi", "zlib", "liblzma / xz-utils", "bzip2", "zstd", "brotli", "libyuv",
		},
		incidents.UpstreamPython: {"setuptools", "pybind11", "olefile", "defusedxml"},
		incidents.Distribution:   {"Debian / Ubuntu", "Fedora / RHEL / CentOS", "Alpine Linux", "Arch Linux", "Homebrew", "conda-forge"},
		incidents.Consumer: {
			"matplotlib", "scikit-image", "torchvision", "Keras / TensorFlow", "Django", "Wagtail", "Plone", "Jupyter / IPython", "ReportLab",
		},
		incidents.Subscriber: {"Tidelift subscribers"}, // the tenth row of the consumers
		incidents.Plugins:    {"Authors of plugins"},
	} {
		if got := names(kind); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", kind, got, want)
		}
	}
	if b, py, d, c := len(names("bundled")), len(names("python")), len(names("distribution")), len(names("consumer"))+len(names("subscriber")); b != 19 || py != 4 || d != 6 || c != 10 {
		t.Errorf("%d bundled, %d beside it, %d distributions, %d consumers; the plan has 19, 4, 6 and 10", b, py, d, c)
	}
	// Whom the list reaches: domain facts, D2.
	listed := map[string]bool{"debian-ubuntu": true, "redhat": true, "arch": true}
	for _, d := range m.Downstream {
		if d.Listed != listed[d.Key] || d.Section != "9.3" || (d.Step == "notify-distros") != d.Listed {
			t.Errorf("downstream %+v", d)
		}
		want := map[string]string{"distribution": "critical high", "consumer": "critical", "plugin": "critical high", "subscriber": ""}[d.Kind]
		if strings.Join(d.Levels, " ") != want || (d.If != "") != (d.Kind == "plugin") || slices.Contains(d.Tracks, "regression") {
			t.Errorf("downstream %s is told at %q of %q", d.Key, d.Levels, d.Tracks)
		}
	}
	for _, u := range m.Upstream {
		inFile := !slices.Contains([]string{"aom", "dav1d", "raqm", "libyuv"}, u.Key) && u.Kind == "bundled"
		if (len(u.File) > 0) != inFile || u.Section != "9.1" || (u.Need != "") != (u.Kind == "python") {
			t.Errorf("upstream %+v", u)
		}
	}
}

// TestBadMaps: a map that makes no sense is an error that names the place.
func TestBadMaps(t *testing.T) {
	for _, c := range []struct{ old, new, names string }{
		{`key = "libpng"`, `key = "libtiff"`, `"libtiff" is there twice`},
		{`key = "libpng"`, `key = "Lib PNG"`, "upstream Lib PNG: a key"},
		{`key = "libpng"`, `key = "1png"`, "upstream 1png: a key is lower case letters, digits and dashes, and begins with a letter"},
		{`key = "libpng"`, `key = ""`, "upstream : a key"},
		{`file = ["libpng"]`, `file = ["tiff"]`, `"tiff" means both libpng and libtiff`},
		{`kind = "bundled"`, `kind = "shipped"`, "upstream libjpeg-turbo: kind"},
		{`tracker = "https://zlib.net/"`, ``, "upstream zlib: what is bundled has a tracker"},
		{`tracker = "https://zlib.net/"`, `tracker = "ask them"`, `upstream zlib: "ask them"`},
		{`purpose = "Deflate compression"`, ``, "upstream zlib: name"},
		{`purpose = "Deflate compression"`, `purpos = "Deflate compression"`, `the key "upstream.purpos"`},
		{`aliases = ["brew"]`, `aliases = ["Debian"]`, `"debian" means both debian-ubuntu and homebrew`},
		{`kind = "subscriber"`, `kind = "customer"`, "downstream tidelift: kind"},
		{"step = \"tidelift\"\n", "step = \"sing\"\n", `downstream tidelift: "sing" is no step`},
		{"listed = true\nearly = true", "listed = true", "downstream debian-ubuntu: whom the list reaches"},
		{`contact = "https://plone.org/"`, `extra = true`, "downstream plone: what is extra"},
		{"contact = \"https://plone.org/\"\nlevels = [\"critical\"]", "contact = \"https://plone.org/\"\nlevels = [\"dire\"]", `downstream plone: "dire" is no level`},
		{"contact = \"https://plone.org/\"\nlevels = [\"critical\"]\ntracks = [\"standard\"", "contact = \"https://plone.org/\"\nlevels = [\"critical\"]\ntracks = [\"fast\"", `downstream plone: "fast" is no track`},
		{"hour = 14", "hour = 14\ndependencies = \"../dependencies.json\"\n#", "dependencies is the name of a file"},
		{"hour = 14", "hour = 14\ndependencies = \"/etc/passwd\"\n#", "dependencies is the name of a file"},
	} {
		text := strings.Replace(pillowText(t), c.old, c.new, 1)
		if text == pillowText(t) {
			t.Fatalf("%q is not in the plan any more", c.old)
		}
		if _, err := parsePlan("plan.toml", []byte(text)); err == nil || !strings.HasPrefix(err.Error(), "plan.toml: ") || !strings.Contains(err.Error(), c.names) {
			t.Errorf("%s -> %s: %v; want an error with %q", c.old, c.new, err, c.names)
		}
	}
}

// TestVersions reads the project's list of versions beside the plan.
func TestVersions(t *testing.T) {
	text := strings.Replace(pillowText(t), "hour = 14", "hour = 14\ndependencies = \"dependencies.json\"\n#", 1)
	read := func(file *fstest.MapFile) (*incidents.Plan, error) {
		files := fstest.MapFS{"our/plan.toml": {Data: []byte(text)}}
		if file != nil {
			files["our/dependencies.json"] = file
		}
		return ReadPlan(files, "our/plan.toml")
	}
	p, err := read(&fstest.MapFile{Data: []byte(`{"zlib-ng": "1.0", "tiff": "2.0", "libxcb": "3"}`)})
	if err != nil {
		t.Fatal(err)
	}
	if d := p.Map.Drift(); d.Agreed != 2 || len(d.Unmapped) != 1 || d.Unmapped[0].Name != "libxcb" || len(d.Unlisted) != 17 {
		t.Errorf("%+v", d)
	}
	var many []string
	for k := range maxVersions + 1 {
		many = append(many, fmt.Sprintf(`"a%d":"1"`, k))
	}
	for name, c := range map[string]struct {
		file *fstest.MapFile
		want string
	}{
		"no file":        {nil, "reading the versions"},
		"no JSON":        {&fstest.MapFile{Data: []byte("zlib: 1.0")}, "dependencies.json: it is no JSON object"},
		"a list":         {&fstest.MapFile{Data: []byte(`["zlib"]`)}, "dependencies.json: it is no JSON object"},
		"nothing":        {&fstest.MapFile{}, "dependencies.json: it is no JSON object"},
		"too long":       {&fstest.MapFile{Data: []byte(`{"zlib":"` + strings.Repeat(" ", maxVersionsFile) + `"}`)}, "more than 65536 bytes"},
		"too many names": {&fstest.MapFile{Data: []byte("{" + strings.Join(many, ",") + "}")}, "501 names"},
	} {
		if _, err := read(c.file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// TestParseVersions is lenient with what it understands and passes over the rest.
func TestParseVersions(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:                                        "",
		`{"b": "2", "a": "1"}`:                      "a 1, b 2",
		`{"a": 1.50}`:                               "a 1.50",
		`{"a": {"version": "3"}}`:                   "a 3",
		`{"a": {"v": "3"}}`:                         "",
		`{"a": null, "b": ["1"]}`:                   "",
		`{"a": "", "": "1"}`:                        "",
		`{"a": "1\n2", "b\n": "1"}`:                 "b 1",
		`{"a": "<b>1</b>"}`:                         "",
		`{"a": "1"} and more`:                       "a 1",
		`{"a": "` + strings.Repeat("1", 101) + `"}`: "",
	} {
		got, err := parseVersions([]byte(text))
		var said []string
		for _, v := range got {
			said = append(said, v.Name+" "+v.Version)
		}
		if err != nil || strings.Join(said, ", ") != want {
			t.Errorf("%s: %q, %v; want %q", text, strings.Join(said, ", "), err, want)
		}
	}
}
