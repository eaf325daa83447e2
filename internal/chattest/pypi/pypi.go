// Package pypi is a Python package index for tests, on loopback: the JSON and the
// integrity interface, answered as PyPI's documentation says, for one project whose
// files a test uploads, yanks and attests one by one.
//
// The sources are https://docs.pypi.org/api/json/ and
// https://docs.pypi.org/api/integrity/.
package pypi

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"
)

// File is a file to upload. What is empty is made up from the name.
type File struct {
	Name, SHA256, Kind string
	Size               int64
	Uploaded           time.Time
}

// Publisher is who publishes; the zero one attests nothing.
type Publisher struct{ Kind, Repository, Workflow, Environment string }

// Fault is trouble with one request.
type Fault struct {
	Path   string // of the requests that it is for; "": any
	Status int
	Body   string
	Header http.Header
	Cut    bool // it ends the connection in the middle of its answer
}

// Server is an index.
type Server struct {
	*httptest.Server
	project string

	mu       sync.Mutex
	versions map[string][]*upload
	disabled bool
	faults   []Fault
	asked    []Asked
}

// Asked is a request that came, and how it was answered.
type Asked struct {
	Path, Agent, Accept string
	Status              int
}

type upload struct {
	File
	yanked  bool
	reason  string
	bundles []object
}

type object map[string]any

// Start starts an index that knows one project; Close ends it.
func Start(project string) *Server {
	s := &Server{project: strings.ToLower(project), versions: map[string][]*upload{}}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // a client that goes away is part of the tests
	s.Server.Start()
	return s
}

// Digest is the digest of a file that was given none: the name's.
func Digest(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}

// Upload adds files to a version, in this order, and attests each by p. One that is
// there is left as it is: PyPI never takes a name twice.
func (s *Server) Upload(version string, p Publisher, files ...File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range files {
		if s.find(version, f.Name) != nil {
			continue
		}
		if f.SHA256 == "" {
			f.SHA256 = Digest(f.Name)
		}
		if f.Kind == "" {
			f.Kind = map[bool]string{true: "bdist_wheel", false: "sdist"}[strings.HasSuffix(f.Name, ".whl")]
		}
		if f.Size == 0 {
			f.Size = 4_000_000 + int64(len(f.Name))
		}
		if f.Uploaded.IsZero() { // uploads are one after the other, some seconds each
			const each = 2500 * time.Millisecond
			f.Uploaded = time.Date(2026, 12, 3, 14, 42, 0, 0, time.UTC).Add(time.Duration(len(s.versions[version])) * each)
		}
		u := &upload{File: f}
		s.versions[version] = append(s.versions[version], u)
		if p != (Publisher{}) {
			u.attest(p, f.Name, f.SHA256)
		}
	}
}

// Attest adds what a publisher says about a file: a name and a digest.
func (s *Server) Attest(version, name string, p Publisher, subject, digest string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.find(version, name); u != nil {
		u.attest(p, subject, digest)
	}
}

func (u *upload) attest(p Publisher, subject, digest string) {
	statement, _ := json.Marshal(object{
		"_type":         "https://in-toto.io/Statement/v1",
		"subject":       []object{{"name": subject, "digest": object{"sha256": digest}}},
		"predicateType": "https://docs.pypi.org/attestations/publish/v1", "predicate": nil,
	})
	publisher := object{"kind": p.Kind, "repository": p.Repository, "workflow": p.Workflow, "environment": nil, "claims": nil}
	if p.Environment != "" {
		publisher["environment"] = p.Environment
	}
	u.bundles = append(u.bundles, object{"publisher": publisher, "attestations": []object{{
		"version":               1,
		"verification_material": object{"certificate": "MIIC", "transparency_entries": []object{{"logIndex": "28175749"}}},
		"envelope":              object{"statement": base64.StdEncoding.EncodeToString(statement), "signature": "MEUC"},
	}}})
}

// Yank takes a version back, or with undo puts it forth again.
func (s *Server) Yank(version, reason string, undo bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.versions[version] {
		u.yanked, u.reason = !undo, reason
	}
}

// Delete removes a file.
func (s *Server) Delete(version, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.versions[version] = slices.DeleteFunc(s.versions[version], func(u *upload) bool { return u.Name == name })
}

// Disable makes the index give no provenance, or with false give it again.
func (s *Server) Disable(off bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.disabled = off
}

// Fail makes trouble with the next requests that it is for, one fault each.
func (s *Server) Fail(f ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f...)
}

// Asked lists what was asked, in order.
func (s *Server) Asked() []Asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

func (s *Server) find(version, name string) *upload {
	for _, u := range s.versions[version] {
		if u.Name == name {
			return u
		}
	}
	return nil
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	rec := httptest.NewRecorder()
	s.mu.Lock()
	i := slices.IndexFunc(s.faults, func(f Fault) bool { return f.Path == "" || f.Path == r.URL.Path })
	cut := false
	if i >= 0 && !s.faults[i].Cut {
		for name, values := range s.faults[i].Header {
			rec.Header()[name] = values
		}
		rec.WriteHeader(s.faults[i].Status)
		_, _ = rec.WriteString(s.faults[i].Body)
	} else {
		cut = i >= 0
		s.answer(rec, r)
	}
	if i >= 0 {
		s.faults = slices.Delete(s.faults, i, i+1)
	}
	s.asked = append(s.asked, Asked{r.URL.Path, r.UserAgent(), r.Header.Get("Accept"), rec.Code})
	s.mu.Unlock()
	for name, values := range rec.Header() {
		w.Header()[name] = values
	}
	body := rec.Body.Bytes()
	if cut {
		w.Header().Set("Content-Length", "1000000")
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(body)
	if cut {
		panic(http.ErrAbortHandler)
	}
}

// answer is what PyPI does.
func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	known := len(parts) > 2 && strings.ToLower(parts[1]) == s.project
	switch {
	case r.Method != http.MethodGet:
		tell(w, http.StatusMethodNotAllowed, "Method Not Allowed")
	case known && len(parts) == 4 && parts[0] == "pypi" && parts[3] == "json" && len(s.versions[parts[2]]) > 0:
		if parts[1] != s.project { // to the usual spelling
			w.Header().Set("Location", "/pypi/"+s.project+"/"+parts[2]+"/json")
			w.WriteHeader(http.StatusMovedPermanently)
			return
		}
		s.release(w, r, parts[2])
	case known && len(parts) == 5 && parts[0] == "integrity" && parts[4] == "provenance":
		s.provenance(w, r, s.find(parts[2], parts[3]))
	default:
		tell(w, http.StatusNotFound, "Not Found")
	}
}

func (s *Server) provenance(w http.ResponseWriter, r *http.Request, u *upload) {
	const kind = "application/vnd.pypi.integrity.v1+json"
	accept := r.Header.Get("Accept")
	switch {
	case u == nil:
		tell(w, http.StatusNotFound, "Not Found")
	case accept != "" && !strings.Contains(accept, kind) && !strings.Contains(accept, "application/json") && !strings.Contains(accept, "*/*"):
		tell(w, http.StatusNotAcceptable, "Request not acceptable")
	case s.disabled:
		tell(w, http.StatusForbidden, "Attestations temporarily disabled")
	case len(u.bundles) == 0:
		tell(w, http.StatusNotFound, "No provenance available for "+u.Name)
	default:
		w.Header().Set("Content-Type", kind)
		_ = json.NewEncoder(w).Encode(object{"version": 1, "attestation_bundles": u.bundles})
	}
}

func tell(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(object{"message": text})
}
