// Package github is GitHub for tests, on loopback: the security advisories of one
// repository and the questions beside them, answered as GitHub's documentation says
// and as strictly. It keeps advisories and moves them from state to state, has a
// clock of its own, and makes trouble when it is told to.
//
// The sources are https://docs.github.com/rest/security-advisories and the pages
// beside it, and GitHub's OpenAPI description; what they leave open is said where it
// was decided here.
package github

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Role is what somebody is in the repository.
type Role int

// The roles. A collaborator is one of a single advisory, by being on its list.
const (
	Anyone Role = iota
	Manager
	Admin
)

// Token is what a token may.
type Token struct {
	Login         string
	Role          Role
	Read, Write   bool // permission "Repository security advisories"
	Alerts        bool // Dependabot and code scanning
	Expires       time.Time
	ClassicScopes string // X-OAuth-Scopes
}

// Options say what repository it is.
type Options struct {
	Owner, Repo string           // "": python-pillow, Pillow
	Tokens      map[string]Token // by their text; nil: "reader-token" and "writer-token" of a security manager, "admin-token" of an admin, "public-token" of a stranger
	NoReporting bool             // people cannot report privately
	Private     bool             // the repository is
	Comments    bool             // the interface to comments is there
	NoAlerts    bool             // neither Dependabot nor code scanning is switched on
	Limit       int              // requests in an hour; 0: 5000
	Charge304   bool             // an answer of 304 counts too
	NoETag      bool
	Down        bool          // every question is answered with 503, and nothing is done
	ForkAfter   time.Duration // until a private fork is there; 0: two minutes
	Now         func() time.Time
	Score       func(vector string) float64 // what GitHub reckons; nil: 5.0
	Check       func(Exchange)              // is shown every exchange that is not trouble
	TLS         bool                        // it is served by TLS, with a certificate that only its own client trusts
}

// Exchange is a request and its answer.
type Exchange struct {
	Method, Path, Query string // Path as the description has it
	Sent, Answered      http.Header
	Body                []byte
	Status              int
	Answer              []byte
}

// Fault is trouble with one request.
type Fault struct {
	Path     string // of the requests that it is for, "PATCH /repos/..."; "POST": every POST; "": any
	Status   int    // it answers this instead
	Body     string // with this body; "": GitHub's form
	Location string
	Header   http.Header
	After    bool // what was asked is done first
	Hang     bool // it gives no answer, until Close
	Cut      bool // what was asked is done, and the answer ends in the middle
	Slow     bool // the same, and the rest never comes
}

// Asked is a request that came, and how it was answered.
type Asked struct {
	Call, Query, Token string // "GET /repos/..."
	Version, From      string // X-GitHub-Api-Version; the address of the connection's other end
	Status             int
	Counted            bool // against the limit
}

// Server is a GitHub.
type Server struct {
	*httptest.Server

	o    Options
	stop chan struct{}

	mu       sync.Mutex
	all      []*advisory // oldest first
	alerts   []object    // Dependabot's
	scans    []object    // code scanning's
	faults   []Fault
	asked    []Asked
	hanging  chan struct{}
	windows  map[string]window // by login
	made     int               // advisories and comments, for their ids
	mistaken time.Duration     // the clock is off by this
}

type window struct {
	from time.Time
	used int
}

// Start starts it; Close ends it.
func Start(o Options) *Server {
	if o.Owner == "" {
		o.Owner, o.Repo = "python-pillow", "Pillow"
	}
	if o.Tokens == nil {
		o.Tokens = map[string]Token{
			"reader-token": {Login: "tocsin-bot", Role: Manager, Read: true, Alerts: true},
			"writer-token": {Login: "tocsin-bot", Role: Manager, Read: true, Write: true, Alerts: true},
			"admin-token":  {Login: "alice", Role: Admin, Read: true, Write: true, Alerts: true},
			"public-token": {Login: "mallory", Read: true, Write: true},
		}
	}
	if o.Limit == 0 {
		o.Limit = 5000
	}
	if o.ForkAfter == 0 {
		o.ForkAfter = 2 * time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Score == nil {
		o.Score = func(string) float64 { return 5.0 }
	}
	s := &Server{o: o, stop: make(chan struct{}), hanging: make(chan struct{}, 100), windows: map[string]window{}}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // a client that goes away is part of the tests
	if o.TLS {
		s.StartTLS()
	} else {
		s.Server.Start()
	}
	return s
}

// Close lets go who hangs and ends it.
func (s *Server) Close() {
	close(s.stop)
	s.Server.Close()
}

// Fail makes trouble with the next requests that it is for, one fault each, in order.
func (s *Server) Fail(f ...Fault) { s.locked(func() { s.faults = append(s.faults, f...) }) }

// Secondary refuses the next request by a secondary limit; after 0 it does not say
// for how long.
func (s *Server) Secondary(after time.Duration) {
	f := Fault{Status: http.StatusForbidden, Header: http.Header{}}
	f.Body = `{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again.","documentation_url":"https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits"}`
	if after > 0 {
		f.Header.Set("Retry-After", strconv.Itoa(int(after.Seconds())))
	}
	s.Fail(f)
}

// Exhaust uses up what a login may still ask in this hour.
func (s *Server) Exhaust(login string) {
	s.locked(func() { s.windows[login] = window{s.o.Now().UTC().Truncate(time.Hour), s.o.Limit} })
}

// Revoke takes a token back.
func (s *Server) Revoke(token string) { s.locked(func() { delete(s.o.Tokens, token) }) }

// Change changes the options while it runs; not those of the address or the clock.
func (s *Server) Change(f func(*Options)) { s.locked(func() { f(&s.o) }) }

// Mistake sets the clock off by d, as its answers tell it.
func (s *Server) Mistake(d time.Duration) { s.locked(func() { s.mistaken = d }) }

// Hanging is told of every request that gets no answer, once what it asked is done.
func (s *Server) Hanging() <-chan struct{} { return s.hanging }

// Asked lists what was asked, in order.
func (s *Server) Asked() []Asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// Counted is how many requests counted against the limit.
func (s *Server) Counted() (n int) {
	for _, a := range s.Asked() {
		if a.Counted {
			n++
		}
	}
	return n
}

func (s *Server) locked(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *Server) now() time.Time { return s.o.Now().UTC().Truncate(time.Second) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	rec := httptest.NewRecorder()
	s.mu.Lock()
	call := r.Method + " " + r.URL.Path
	i := slices.IndexFunc(s.faults, func(f Fault) bool { return f.Path == "" || f.Path == call || f.Path == r.Method })
	var f Fault
	if i >= 0 {
		f = s.faults[i]
		s.faults = slices.Delete(s.faults, i, i+1)
	}
	counted := true
	if i < 0 && s.o.Down {
		f = Fault{Status: http.StatusServiceUnavailable}
	} else if i < 0 || f.After || f.Cut || f.Slow {
		counted = s.answer(rec, r, body)
	}
	if f.Status != 0 {
		rec = f.answer()
	}
	rec.Header().Set("Date", s.now().Add(s.mistaken).Format(http.TimeFormat))
	s.asked = append(s.asked, Asked{call, r.URL.RawQuery, token(r), r.Header.Get("X-GitHub-Api-Version"), r.RemoteAddr, rec.Code, counted})
	s.mu.Unlock()
	if f.Hang {
		s.hanging <- struct{}{}
		<-s.stop
		return
	}
	for name, values := range rec.Header() {
		w.Header()[name] = values
	}
	out := rec.Body.Bytes()
	if f.Cut || f.Slow {
		w.Header().Set("Content-Length", strconv.Itoa(len(out)))
		out = out[:len(out)/2]
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(out)
	if f.Slow {
		_ = http.NewResponseController(w).Flush()
		s.hanging <- struct{}{}
		<-s.stop
	}
	if f.Cut || f.Slow {
		panic(http.ErrAbortHandler)
	}
}

func (f Fault) answer() *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	for name, values := range f.Header {
		rec.Header()[name] = values
	}
	if f.Location != "" {
		rec.Header().Set("Location", f.Location)
	}
	if f.Body == "" {
		refuse(rec, f.Status, http.StatusText(f.Status))
		return rec
	}
	rec.WriteHeader(f.Status)
	_, _ = rec.WriteString(f.Body)
	return rec
}

// answer is what GitHub does, and whether it counts.
func (s *Server) answer(w *httptest.ResponseRecorder, r *http.Request, body []byte) (counted bool) {
	who, known := s.o.Tokens[token(r)]
	switch {
	case token(r) != "" && !known:
		refuse(w, http.StatusUnauthorized, "Bad credentials")
		return true
	case r.UserAgent() == "":
		refuse(w, http.StatusForbidden, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header")
		return true
	case !slices.Contains([]string{"", "2022-11-28", "2026-03-10"}, r.Header.Get("X-GitHub-Api-Version")):
		refuse(w, http.StatusBadRequest, "Invalid API version")
		return true
	}
	path := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if path[0] == "repositories" && len(path) > 1 && path[1] == repoID { // as Link headers have it
		path = append([]string{"repos", s.o.Owner, s.o.Repo}, path[2:]...)
	}
	free := path[0] == "rate_limit"
	if !free && s.windowOf(who.Login).used >= s.o.Limit {
		s.tellRate(w, who.Login)
		refuse(w, http.StatusForbidden, "API rate limit exceeded for user ID 1.")
		return true
	}
	if !who.Expires.IsZero() {
		w.Header().Set("GitHub-Authentication-Token-Expiration", who.Expires.UTC().Format("2006-01-02 15:04:05 MST"))
	}
	if who.ClassicScopes != "" {
		w.Header().Set("X-OAuth-Scopes", who.ClassicScopes)
	}
	s.route(w, call{Request: r, path: path, body: body, who: who})
	if s.o.Check != nil {
		s.o.Check(Exchange{r.Method, "/" + strings.Join(path, "/"), r.URL.RawQuery, r.Header, w.Header(), body, w.Code, bytes.Clone(w.Body.Bytes())})
	}
	if w.Code < 300 {
		s.decorate(w, r)
	}
	same := w.Code == http.StatusOK && r.Method == http.MethodGet && s.unchanged(w, r)
	if counted = !free && (!same || s.o.Charge304); counted {
		win := s.windowOf(who.Login)
		win.used++
		s.windows[who.Login] = win
	}
	s.tellRate(w, who.Login)
	return counted
}

func (s *Server) windowOf(login string) window {
	win := s.windows[login]
	if from := s.now().Truncate(time.Hour); !from.Equal(win.from) {
		win = window{from: from}
	}
	return win
}

func (s *Server) tellRate(w http.ResponseWriter, login string) {
	win, h := s.windowOf(login), w.Header()
	h.Set("X-RateLimit-Limit", strconv.Itoa(s.o.Limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(s.o.Limit-win.used, 0)))
	h.Set("X-RateLimit-Used", strconv.Itoa(win.used))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(win.from.Add(time.Hour+s.mistaken).Unix(), 10))
	h.Set("X-RateLimit-Resource", "core")
}

// unchanged answers 304 where what was asked is as it was.
func (s *Server) unchanged(w *httptest.ResponseRecorder, r *http.Request) bool {
	if s.o.NoETag {
		return false
	}
	sum := sha256.Sum256(w.Body.Bytes())
	tag := `W/"` + hex.EncodeToString(sum[:]) + `"`
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") != tag {
		return false
	}
	w.Body.Reset()
	w.Code = http.StatusNotModified
	return true
}

// decorate adds what GitHub's description does not have, or not yet, and takes away
// what a later version of the API has lost.
func (s *Server) decorate(w *httptest.ResponseRecorder, r *http.Request) {
	var v any
	if json.Unmarshal(w.Body.Bytes(), &v) != nil {
		return
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, one := range list {
		o, ok := one.(map[string]any)
		if !ok {
			continue
		}
		o["not_known_yet"] = object{"a": []int{1}}
		if a := s.find(str(o["ghsa_id"])); a != nil && s.o.Comments {
			o["comments"] = len(a.comments)
		}
		if r.Header.Get("X-GitHub-Api-Version") == "2026-03-10" {
			delete(o, "cvss")
			delete(o, "rate")
		}
	}
	w.Body.Reset()
	e := json.NewEncoder(w.Body)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
}

func token(r *http.Request) string {
	t, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return t
}

// object is a JSON object.
type object map[string]any

func str(v any) string { s, _ := v.(string); return s }

func send(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
}

// refuse is GitHub's form of a failure.
func refuse(w http.ResponseWriter, status int, text string) {
	send(w, status, object{"message": text, "documentation_url": "https://docs.github.com/rest", "status": strconv.Itoa(status)})
}

// invalid is a 422 with its reasons.
func invalid(w http.ResponseWriter, why ...string) {
	list := []object{}
	for _, one := range why {
		list = append(list, object{"resource": "RepositoryAdvisory", "code": "custom", "field": "base", "message": one})
	}
	send(w, http.StatusUnprocessableEntity, object{"message": "Validation Failed", "errors": list, "documentation_url": "https://docs.github.com/rest", "status": "422"})
}
