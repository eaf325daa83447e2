package pypi

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
	"time"

	"tocsin/bridges"
)

// MostFiles is more than any version has: the largest projects have some hundreds of
// files. An answer with more is not read.
const MostFiles = 5000

// mostBundles is what an answer may say about one file.
const mostBundles = 50

type wireFile struct {
	Filename string `json:"filename"`
	Digests  struct {
		SHA256 string `json:"sha256"`
	} `json:"digests"`
	Kind     string `json:"packagetype"`
	Size     int64  `json:"size"`
	Uploaded string `json:"upload_time_iso_8601"`
	Yanked   any    `json:"yanked"`
	Reason   string `json:"yanked_reason"`
}

// readRelease reads GET /pypi/<project>/<version>/json.
// https://docs.pypi.org/api/json/#get-a-release
func readRelease(body []byte, version string) (Release, bool) {
	var w struct {
		Info *struct{}  `json:"info"`
		URLs []wireFile `json:"urls"`
	}
	if !bridges.Decode(body, &w) || w.Info == nil || w.URLs == nil || len(w.URLs) > MostFiles {
		return Release{}, false
	}
	r := Release{Version: version}
	names := map[string]bool{}
	for _, f := range w.URLs {
		if !goodName(f.Filename) || names[f.Filename] {
			continue // no file has such a name
		}
		names[f.Filename] = true
		r.Files = append(r.Files, f.file())
	}
	slices.SortStableFunc(r.Files, func(a, b File) int { return a.Uploaded.Compare(b.Uploaded) })
	return r, true
}

func (w wireFile) file() File {
	f := File{Name: w.Filename, SHA256: digest(w.Digests.SHA256), Kind: bridges.Clean(w.Kind, 40), Size: max(w.Size, 0), Reason: bridges.Clean(w.Reason, 200)}
	if at, err := time.Parse(time.RFC3339, w.Uploaded); err == nil {
		f.Uploaded = at.UTC()
	}
	switch y := w.Yanked.(type) { // the index's other interface has the reason here
	case bool:
		f.Yanked = y
	case string:
		f.Yanked = true
		f.Reason = bridges.Clean(y, 200)
	}
	return f
}

// digest gives a SHA-256 in small letters, or "".
func digest(s string) string {
	s = strings.ToLower(s)
	if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(s) {
		return ""
	}
	return s
}

// Publisher is who is said to have published a file: a workflow, mostly.
type Publisher struct {
	Kind        string // GitHub, GitLab, Google, ActiveState ...
	Repository  string // "python-pillow/Pillow"
	Workflow    string // "wheels.yml"
	Environment string // "release-pypi", or ""
	Email       string // where the kind is known by one
}

// Zero reports whether nobody is named.
func (p Publisher) Zero() bool { return p == Publisher{} }

// String gives one line.
func (p Publisher) String() string {
	parts := []string{p.Kind}
	for _, s := range []string{p.Repository, p.Workflow, p.Environment, p.Email} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, " ")
}

// Is reports whether it is who is expected. What the expectation leaves empty is
// not asked for; hosts do not tell letter cases of a repository apart.
func (p Publisher) Is(want Publisher) bool {
	same := func(got, want string) bool { return want == "" || got == want }
	fold := func(got, want string) bool { return want == "" || strings.EqualFold(got, want) }
	return fold(p.Kind, want.Kind) && fold(p.Repository, want.Repository) && same(p.Workflow, want.Workflow) &&
		same(p.Environment, want.Environment) && fold(p.Email, want.Email)
}

// Provenance is what the index says about where a file comes from. The index
// checked it when the file was uploaded; here the signatures are not checked again.
// It says where a file comes from, and not that it is good.
// https://docs.pypi.org/attestations/security-model/
type Provenance struct{ Bundles []Bundle }

// Bundle is what one publisher attests.
type Bundle struct {
	Publisher  Publisher
	Statements []Statement
	Unread     int // statements that could not be read
}

// Statement is about one file, or about several.
type Statement struct{ Subjects []Subject }

// Subject is a file and its digest.
type Subject struct{ Name, SHA256 string }

type wirePublisher struct {
	Kind        string `json:"kind"`
	Repository  string `json:"repository"`
	Workflow    string `json:"workflow"`
	Path        string `json:"workflow_filepath"` // GitLab's
	Environment string `json:"environment"`
	Email       string `json:"email"`
}

func (w wirePublisher) publisher() Publisher {
	const most = 200
	if w.Workflow == "" {
		w.Workflow = w.Path
	}
	return Publisher{bridges.Clean(w.Kind, most), bridges.Clean(w.Repository, most), bridges.Clean(w.Workflow, most), bridges.Clean(w.Environment, most), bridges.Clean(w.Email, most)}
}

// readProvenance reads GET /integrity/<project>/<version>/<file>/provenance.
// https://peps.python.org/pep-0740/#provenance-objects
func readProvenance(body []byte) (Provenance, bool) {
	var w struct {
		Bundles []struct {
			Publisher    wirePublisher `json:"publisher"`
			Attestations []struct {
				Envelope struct {
					Statement string `json:"statement"`
				} `json:"envelope"`
			} `json:"attestations"`
		} `json:"attestation_bundles"`
	}
	if !bridges.Decode(body, &w) || len(w.Bundles) == 0 || len(w.Bundles) > mostBundles {
		return Provenance{}, false
	}
	var out Provenance
	for _, b := range w.Bundles {
		if len(b.Attestations) > mostBundles {
			return Provenance{}, false
		}
		bundle := Bundle{Publisher: b.Publisher.publisher()}
		for _, a := range b.Attestations {
			if s, ok := readStatement(a.Envelope.Statement); ok {
				bundle.Statements = append(bundle.Statements, s)
			} else {
				bundle.Unread++
			}
		}
		out.Bundles = append(out.Bundles, bundle)
	}
	return out, true
}

// readStatement reads an in-toto statement in base64.
// https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
func readStatement(encoded string) (Statement, bool) {
	text, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return Statement{}, false
	}
	var w struct {
		Type    string `json:"_type"`
		Subject []struct {
			Name   string `json:"name"`
			Digest struct {
				SHA256 string `json:"sha256"`
			} `json:"digest"`
		} `json:"subject"`
	}
	if !bridges.Decode(text, &w) || !strings.HasPrefix(w.Type, "https://in-toto.io/Statement/") || len(w.Subject) == 0 || len(w.Subject) > MostFiles {
		return Statement{}, false
	}
	var s Statement
	for _, one := range w.Subject {
		s.Subjects = append(s.Subjects, Subject{bridges.Clean(one.Name, 255), digest(one.Digest.SHA256)})
	}
	return s, true
}
