package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// pypiRows are about the index that releases are looked up on. It begins on line 19.
func pypiRows() []row {
	const whole = "[pypi]\nproject = \"pillow\"\nexpect = 87\n"
	add := func(name, lines, want string) row { return one(name, "", whole+lines, want) }
	return []row{
		one("no project", "", "[pypi]\nexpect = 87\n", `19: pypi.project: is missing; write for example project = "pillow"`),
		one("no number of files", "", "[pypi]\nproject = \"pillow\"\n", `19: pypi.expect: is missing; write for example expect = 87`),
		one("no files", "", "[pypi]\nproject = \"pillow\"\nexpect = 0\n", `21: pypi.expect: 0 is no number of files; write one from 1 to 5000`),
		one("text for a number", "", "[pypi]\nproject = \"pillow\"\nexpect = \"87\"\n", `21:1: pypi.expect: must be a whole number without quotes, not text`),
		one("a fraction", "", "[pypi]\nproject = \"pillow\"\nexpect = 8.7\n", `21:1: pypi.expect: must be a whole number without quotes, not a number`),
		one("a number in another notation", "", "[pypi]\nproject = \"pillow\"\nexpect = 0x57\n", `21:1: pypi.expect: must be a whole number without quotes, not a number`),
		one("the project is an address", "", "[pypi]\nproject = \"pypi.org/pillow\"\nexpect = 87\n", `20: pypi.project: "pypi.org/pillow" is not the name of a project there`),
		one("two indexes", "", "[[pypi]]\nproject = \"pillow\"\n", `19:3: pypi: must be one table: write its keys under [pypi], not as a list of 1 tables`),
		add("misspelt", "expct = 1\n", `22:1: pypi.expct: there is no such key; did you mean expect?`),
		add("not encrypted", "base = \"http://pypi.example.org\"\n", `22: pypi.base: "http://pypi.example.org" is not encrypted, so others could say what is there; write https://, since http:// is for this machine only`),
		add("no address", "base = \"pypi.org\"\n", `22: pypi.base: "pypi.org" is not an index's address; write it like https://pypi.org, or leave the line out`),
		add("an account in the address", "base = \"https://me:hunter2@pypi.example.org\"\n", `22: pypi.base: an account or a password cannot stand in the address; write it like https://pypi.org, or leave the line out`),
		add("often", "every = \"5s\"\n", `22: pypi.every: "5s" is not a span from 30s to 1h; write for example 2m`),
		add("no version to compare with", "like = \"twelve\"\n", `22: pypi.like: "twelve" is not a version; write it like 12.3.0`),
		add("no number for a version", "expect_for = [\"13.0.0\"]\n", `22: pypi.expect_for: "13.0.0" is not a version and its number of files; write version:files, such as "13.0.0:78"`),
		add("a version twice", "expect_for = [\"13.0.0:78\", \"v13.0.0:79\"]\n", `22: pypi.expect_for: 13.0.0 is named twice; keep one of the two`),
		add("no repository", "[pypi.publisher]\nworkflow = \"wheels.yml\"\n", `22: pypi.publisher: names no repository; write for example repository = "python-pillow/Pillow", or leave the table out`),
		add("a repository's address", "[pypi.publisher]\nrepository = \"https://github.com/python-pillow/Pillow\"\n", `23: pypi.publisher.repository: "https://github.com/python-pillow/Pillow" cannot be that; write for example repository = "python-pillow/Pillow"`),
		add("a workflow's path", "[pypi.publisher]\nrepository = \"a/b\"\nworkflow = \".github/workflows/wheels.yml\"\n", `24: pypi.publisher.workflow: ".github/workflows/wheels.yml" cannot be that; write for example workflow = "wheels.yml"`),
		add("an empty environment", "[pypi.publisher]\nrepository = \"a/b\"\nenvironment = \"\"\n", `24: pypi.publisher.environment: "" cannot be that; write for example environment = "release-pypi"`),
	}
}

func TestPyPI(t *testing.T) {
	cfg, ps, _ := load(t, base)
	if ps != nil || cfg.PyPI != nil {
		t.Fatalf("%v, %+v", ps, cfg)
	}
	if _, ps, _ = load(t, strings.ReplaceAll(strings.ReplaceAll(base, `"libera"`, `"pypi"`), `"libera:`, `"pypi:`)); ps != nil {
		t.Errorf("a network cannot be called like the index: %v", ps)
	}
	cfg, ps, _ = load(t, base+"[pypi]\nproject = \"pillow\"\nexpect = 1_00\n")
	if ps != nil {
		t.Fatal(ps)
	}
	want := &PyPI{Base: "https://pypi.org", Project: "pillow", Expect: 100, ExpectFor: map[string]int{}, Every: 2 * time.Minute}
	if diff := cmp.Diff(want, cfg.PyPI); diff != "" {
		t.Error(diff)
	}
	cfg, ps, _ = load(t, base+`[pypi]
base = "http://127.0.0.1:8080/index/"
project = "pillow"
expect = 87
expect_for = ["v13.0.0: 78"]
like = "v12.3.0"
every = "30s"
no_source = true
publisher = { repository = "python-pillow/Pillow" }
`)
	if ps != nil {
		t.Fatal(ps)
	}
	want = &PyPI{
		Base: "http://127.0.0.1:8080/index", Project: "pillow", Expect: 87, ExpectFor: map[string]int{"13.0.0": 78}, Like: "12.3.0", Every: 30 * time.Second,
		NoSource: true, Publisher: Publisher{Repository: "python-pillow/Pillow"},
	}
	if diff := cmp.Diff(want, cfg.PyPI); diff != "" {
		t.Error(diff)
	}
	cfg, ps, _ = load(t, string(Example()))
	if ps != nil || cfg.PyPI == nil || cfg.PyPI.Expect != 87 || cfg.PyPI.Publisher.Environment != "release-pypi" {
		t.Errorf("%v, %+v", ps, cfg.PyPI)
	}
}
