// Package mastodon is a Mastodon instance for tests, on loopback: the few questions
// that the bot asks, answered as Mastodon's documentation says and as strictly. It
// has a clock of its own, and makes trouble when it is told to.
//
// The sources are https://docs.joinmastodon.org/methods/statuses/,
// /methods/accounts/, /methods/instance/, /api/rate-limits/ and /api/oauth-scopes/.
package mastodon

import (
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

// Options say what instance it is.
type Options struct {
	Domain        string           // in handles; "": social.example.org
	Account       string           // user name of the account; "": "pillow"
	Token         string           // what it takes; "": "token-of-pillow"
	Scopes        []string         // what the token may; nil: profile, read:statuses and write:statuses
	MaxCharacters int              // 0: 500
	Limit         int              // requests in five minutes; 0: 300
	Version1      bool             // it is older than 4.0 and has no second version of the instance's description
	Silenced      bool             // a moderator has limited the account: public becomes unlisted
	Known         []string         // accounts that a mention finds, "alice" or "alice@example.org"
	Now           func() time.Time // nil: time.Now
	TLS           bool             // it is served by TLS, with a certificate that only its own client trusts
}

// Fault is trouble with one request.
type Fault struct {
	Path     string // of the requests that it is for, "POST /api/v1/statuses"; "": any
	Status   int    // it answers this instead
	Body     string // with this body; "": Mastodon's own words for it
	Location string // with this Location
	Header   http.Header
	After    bool // what was asked is done first
	Hang     bool // it gives no answer, until Close
	Cut      bool // it ends the connection in the middle of its answer
}

// Server is an instance.
type Server struct {
	*httptest.Server

	o    Options
	stop chan struct{}

	mu       sync.Mutex
	statuses []Status // oldest first
	keys     map[string]keyed
	faults   []Fault
	asked    []string
	hanging  chan struct{} // one for each request that hangs now
	window   time.Time
	used     int
	next     int64
}

type keyed struct {
	id    string
	until time.Time
}

// Start starts an instance; Close ends it.
func Start(o Options) *Server {
	set := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	set(&o.Domain, "social.example.org")
	set(&o.Account, "pillow")
	set(&o.Token, "token-of-pillow")
	if o.Scopes == nil {
		o.Scopes = []string{"profile", "read:statuses", "write:statuses"}
	}
	if o.MaxCharacters == 0 {
		o.MaxCharacters = 500
	}
	if o.Limit == 0 {
		o.Limit = 300
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	const first = 115_000_000_000_000_000
	s := &Server{o: o, stop: make(chan struct{}), keys: map[string]keyed{}, hanging: make(chan struct{}, 100), next: first}
	h := http.HandlerFunc(s.serve)
	s.Server = httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // a client that does not trust us is part of the tests
	if o.TLS {
		s.StartTLS()
	} else {
		s.Server.Start()
	}
	return s
}

// Close lets go who hangs and ends the instance.
func (s *Server) Close() {
	close(s.stop)
	s.Server.Close()
}

// Fail makes trouble with the next requests that it is for, one fault each, in order.
func (s *Server) Fail(f ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f...)
}

// Hanging is told of every request that gets no answer, once what it asked is done.
func (s *Server) Hanging() <-chan struct{} { return s.hanging }

// Asked lists what was asked, "GET /api/v2/instance", in order.
func (s *Server) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// SetToken takes the token back and takes another one from now on.
func (s *Server) SetToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.o.Token = token
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	call := r.Method + " " + r.URL.Path
	s.mu.Lock()
	s.asked = append(s.asked, call)
	fault, wrong := s.fault(call)
	s.mu.Unlock()
	if !wrong {
		s.answer(w, r, call)
		return
	}
	if fault.After {
		s.answer(httptest.NewRecorder(), r, call)
	}
	if fault.Hang {
		s.hanging <- struct{}{}
		<-s.stop
		return
	}
	for name, values := range fault.Header {
		w.Header()[name] = values
	}
	if fault.Location != "" {
		w.Header().Set("Location", fault.Location)
	}
	if fault.Cut {
		s.cut(w, r, call)
		return
	}
	if fault.Body == "" {
		refuse(w, fault.Status, http.StatusText(fault.Status))
		return
	}
	w.WriteHeader(fault.Status)
	_, _ = w.Write([]byte(fault.Body))
}

// fault takes the next one that is for a request.
func (s *Server) fault(call string) (Fault, bool) {
	i := slices.IndexFunc(s.faults, func(f Fault) bool { return f.Path == "" || f.Path == call })
	if i < 0 {
		return Fault{}, false
	}
	f := s.faults[i]
	s.faults = slices.Delete(s.faults, i, i+1)
	return f, true
}

// cut does what was asked and sends one half of the answer.
func (s *Server) cut(w http.ResponseWriter, r *http.Request, call string) {
	whole := httptest.NewRecorder()
	s.answer(whole, r, call)
	for name, values := range whole.Header() {
		w.Header()[name] = values
	}
	body := whole.Body.Bytes()
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(whole.Code)
	_, _ = w.Write(body[:len(body)/2])
	panic(http.ErrAbortHandler)
}

// answer is what Mastodon does.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, call string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.allowed(w) {
		return
	}
	switch rest, ok := strings.CutPrefix(r.URL.Path, "/api/v1/accounts/"); {
	case call == "GET /api/v2/instance" && !s.o.Version1:
		send(w, s.instance())
	case call == "GET /api/v1/instance":
		send(w, s.instance1())
	case call == "GET /api/v1/accounts/verify_credentials":
		if s.may(w, r, "profile", "read:accounts", "read") {
			send(w, s.account())
		}
	case ok && rest == accountID+"/statuses" && r.Method == http.MethodGet:
		if s.may(w, r, "read:statuses", "read") {
			s.list(w, r)
		}
	case call == "POST /api/v1/statuses":
		if s.may(w, r, "write:statuses", "write") {
			s.post(w, r)
		}
	default:
		refuse(w, http.StatusNotFound, "Record not found")
	}
}

// allowed counts requests, 300 in every five minutes, and says so in each answer.
// https://docs.joinmastodon.org/api/rate-limits/
func (s *Server) allowed(w http.ResponseWriter) bool {
	const period = 5 * time.Minute
	now := s.o.Now().UTC()
	if window := now.Truncate(period); !window.Equal(s.window) {
		s.window, s.used = window, 0
	}
	s.used++
	h := w.Header()
	h.Set("X-RateLimit-Limit", strconv.Itoa(s.o.Limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(s.o.Limit-s.used, 0)))
	h.Set("X-RateLimit-Reset", s.window.Add(period).Format("2006-01-02T15:04:05.000000Z"))
	if s.used > s.o.Limit {
		refuse(w, http.StatusTooManyRequests, "Too many requests")
		return false
	}
	return true
}

// may looks at the token, and what it is for.
// https://docs.joinmastodon.org/api/oauth-scopes/
func (s *Server) may(w http.ResponseWriter, r *http.Request, scopes ...string) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case !ok || token == "":
		refuse(w, http.StatusUnauthorized, "This method requires an authenticated user")
	case token != s.o.Token:
		refuse(w, http.StatusUnauthorized, "The access token is invalid")
	case !slices.ContainsFunc(scopes, func(one string) bool { return slices.Contains(s.o.Scopes, one) }):
		refuse(w, http.StatusForbidden, "This action is outside the authorized scopes")
	default:
		return true
	}
	return false
}

// object is a JSON object.
type object map[string]any

func send(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
}

func refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(object{"error": text})
}
