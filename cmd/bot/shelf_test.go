package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"tocsin/bridges/pypi"
	"tocsin/cmd/bot/config"
	fake "tocsin/internal/chattest/pypi"
)

// expected is what the tests' configuration says of the index.
func expected() config.PyPI {
	return config.PyPI{
		Project: "Pillow", Expect: 87, Like: "12.3.0", Every: 2 * time.Minute,
		Publisher: config.Publisher{Repository: "python-pillow/Pillow", Workflow: "wheels.yml", Environment: "release-pypi"},
	}
}

// shelf is an index that is only written down, with one release that fills. It outlives
// the bot.
type shelf struct {
	now func() time.Time

	mu    sync.Mutex
	files []pypi.File
	by    map[string]pypi.Publisher // by file
	down  bool
	looks int
}

// asked is the index as the bot sees it, from its start.
func (s *shelf) asked() *pypiIndex { return &pypiIndex{client: s, c: expected(), log: quiet()} }

var errDown = errors.New("the index did not answer") // never written to

func (s *shelf) Release(_ context.Context, version string) (pypi.Release, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks++
	r := pypi.Release{Version: version}
	switch {
	case s.down:
		return r, errDown
	case version == "12.3.0":
		r.Files = filesOf(fake.Wheels("Pillow", version, false))
		return r, nil
	case len(s.files) == 0 || !strings.Contains(s.files[0].Name, "-"+version):
		return r, pypi.ErrAbsent
	}
	r.Files = append(r.Files, s.files...)
	return r, nil
}

func (s *shelf) Evidence(_ context.Context, r pypi.Release, _ map[string]pypi.Evidence) (map[string]pypi.Evidence, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]pypi.Evidence{}
	for _, f := range r.Files {
		out[f.Name] = pypi.Evidence{State: pypi.Given, Provenance: pypi.Provenance{Bundles: []pypi.Bundle{{
			Publisher: s.by[f.Name], Statements: []pypi.Statement{{Subjects: []pypi.Subject{{Name: f.Name, SHA256: f.SHA256}}}},
		}}}}
	}
	return out, nil
}

func filesOf(all []fake.File) (out []pypi.File) {
	for _, f := range all {
		kind := "sdist"
		if strings.HasSuffix(f.Name, ".whl") {
			kind = "bdist_wheel"
		}
		out = append(out, pypi.File{Name: f.Name, SHA256: fake.Digest(f.Name), Kind: kind})
	}
	return out
}

// deed does what a script says: "12.3.1 has 63 files", "mallory uploads a file",
// "yanks it: reason", "is down", "is up".
func (s *shelf) deed(text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var version string
	var n int
	switch _, err := fmt.Sscanf(text, "%s has %d files", &version, &n); {
	case err == nil:
		s.upload(version, n, "python-pillow/Pillow")
	case strings.HasPrefix(text, "mallory has "):
		if _, err := fmt.Sscanf(text, "mallory has %s up to %d files", &version, &n); err != nil {
			return err
		}
		s.upload(version, n, "mallory/Pillow")
	case strings.HasPrefix(text, "is yanked: "):
		for k := range s.files {
			s.files[k].Yanked, s.files[k].Reason = true, strings.TrimPrefix(text, "is yanked: ")
		}
	case text == "is not yanked":
		for k := range s.files {
			s.files[k].Yanked = false
		}
	case text == "is down", text == "is up":
		s.down = text == "is down"
	default:
		return fmt.Errorf("an index cannot do that: %q", text)
	}
	return nil
}

func (s *shelf) upload(version string, n int, repository string) {
	if s.by == nil {
		s.by = map[string]pypi.Publisher{}
	}
	for _, f := range filesOf(fake.Wheels("Pillow", version, false))[len(s.files):n] {
		f.Uploaded = s.now()
		s.by[f.Name] = pypi.Publisher{Kind: "GitHub", Repository: repository, Workflow: "wheels.yml", Environment: "release-pypi"}
		s.files = append(s.files, f)
	}
}
