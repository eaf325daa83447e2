package github

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"tocsin/bridges"
)

// ShortestHookSecret is how many bytes the secret of a webhook has at least.
const ShortestHookSecret = 16

// HookConfig says where GitHub can knock. What is 0 is as it says there.
type HookConfig struct {
	Listen string // address:port
	Path   string // of the webhook's address, such as "/github"
	Secret string // that GitHub signs with: neither printed nor part of an error
	Wake   func() // asks GitHub now; it does not wait for the answer
	Log    *slog.Logger

	Calm    time.Duration // at most one wake in this; 0: 5 s
	Arrive  time.Duration // a request is there in this, its headers in half of it; 0: 8 s
	Tell    time.Duration // what was heard is logged, as counts, once in this; 0: a minute
	Most    int           // connections at once, others wait; 0: 32
	Longest int64         // bytes of a body; 0: 25 MB, GitHub's own limit
}

// Format prints no secret, with any verb.
func (c HookConfig) Format(f fmt.State, _ rune) { io.WriteString(f, "webhook at "+c.Listen+c.Path) }

// LogValue gives no secret to package slog.
func (c HookConfig) LogValue() slog.Value { return slog.StringValue("webhook at " + c.Listen + c.Path) }

// Hook is where GitHub says that there is something new. What it says is not read: a
// body is under embargo, only its signature is reckoned, and then GitHub is asked as it
// is otherwise from time to time. So who forges, holds back or repeats a delivery
// changes when something is heard, and never what.
//
// Deliveries are known again by their id, and by their signature since the id is not
// signed: the last 10,000. That they are forgotten at a restart does no harm, since
// then one too many question is all that a repeated one brings.
//
// https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
type Hook struct {
	c    HookConfig
	wake chan struct{} // holds one while there is something new
	at   chan net.Addr // where it listens, once

	mu     sync.Mutex
	known  map[string]bool
	order  []string       // of the known; a ring
	oldest int            // in it
	heard  map[string]int // how often, by what; since it was logged last
}

// mostDeliveries are known again. Each has an id and a signature.
const mostDeliveries = 10_000

// What a hook may hear, as its log has it.
const (
	heardNews      = "news"
	heardPing      = "ping"
	heardAgain     = "repeated"
	heardElsewhere = "elsewhere" // another path
	heardMethod    = "method"    // not a POST
	heardUnsigned  = "unsigned"
	heardForged    = "forged" // signed with another secret, or something else
	heardLong      = "long"
	heardSlow      = "slow" // cut off before its end
	heardNameless  = "nameless"
)

// NewHook makes one. It listens once it runs.
func NewHook(c HookConfig) (*Hook, error) {
	set := func(d *time.Duration, to time.Duration) {
		if *d <= 0 {
			*d = to
		}
	}
	set(&c.Calm, 5*time.Second)
	set(&c.Arrive, 8*time.Second) // GitHub waits 10 s for an answer
	set(&c.Tell, time.Minute)
	if c.Most <= 0 {
		c.Most = 32
	}
	if c.Longest <= 0 {
		c.Longest = 25 << 20
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	switch {
	case !strings.HasPrefix(c.Path, "/"):
		return nil, errors.New("webhook: the path does not begin with /; write for example /github")
	case len(c.Secret) < ShortestHookSecret:
		return nil, fmt.Errorf("webhook: the secret is so short that it could be guessed; use %d characters or more", ShortestHookSecret)
	case c.Wake == nil:
		return nil, errors.New("webhook: there is nobody to wake")
	}
	return &Hook{
		c: c, wake: make(chan struct{}, 1), at: make(chan net.Addr, 1),
		known: map[string]bool{}, heard: map[string]int{},
	}, nil
}

// Format prints no secret and nothing that was heard, with any verb.
func (h *Hook) Format(f fmt.State, verb rune) { h.c.Format(f, verb) }

// LogValue gives no secret to package slog.
func (h *Hook) LogValue() slog.Value { return h.c.LogValue() }

// Run listens until ctx ends; it returns nil then, and an error where it cannot
// listen. It is called once.
func (h *Hook) Run(ctx context.Context) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", h.c.Listen)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("webhook: another program listens on %s; end that one, or write another port with listen", h.c.Listen)
	case err != nil && ctx.Err() != nil:
		return nil
	case err != nil:
		if why, ok := errors.AsType[syscall.Errno](err); ok {
			err = why // without the address, which stands there already
		}
		return fmt.Errorf("webhook: nothing can listen on %s: %w; write another address with listen", h.c.Listen, err)
	}
	h.at <- l.Addr()
	h.c.Log.Info("listening for a webhook", "address", l.Addr().String(), "path", h.c.Path)
	srv := &http.Server{
		Handler:                      h,
		ReadHeaderTimeout:            h.c.Arrive / 2,
		ReadTimeout:                  h.c.Arrive,
		WriteTimeout:                 h.c.Arrive + time.Second,
		IdleTimeout:                  h.c.Arrive,
		MaxHeaderBytes:               16 << 10,
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     log.New(io.Discard, "", 0), // it would quote strangers
	}
	// A connection has one request: whoever is done makes room.
	srv.SetKeepAlivesEnabled(false)
	ctx, stop := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer stop()
	work.Go(func() { h.work(ctx) })
	work.Go(func() {
		<-ctx.Done()
		const grace = time.Second
		last, done := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer done()
		if srv.Shutdown(last) != nil {
			srv.Close()
		}
	})
	if err := srv.Serve(&fewer{Listener: l, room: make(chan struct{}, h.c.Most), ended: ctx.Done()}); ctx.Err() == nil {
		return fmt.Errorf("webhook: listening on %s ended: %w", h.c.Listen, bridges.PlainError(err))
	}
	return nil
}

// work wakes, and logs what was heard. The first wake comes at once; those that come
// meanwhile are one.
func (h *Hook) work(ctx context.Context) {
	tell := time.NewTicker(h.c.Tell)
	defer tell.Stop()
	defer h.tell()
	wake, calm := h.wake, (<-chan time.Time)(nil)
	for {
		select {
		case <-ctx.Done():
			return
		case <-wake:
			h.c.Wake()
			wake, calm = nil, time.After(h.c.Calm)
		case <-calm:
			wake, calm = h.wake, nil
		case <-tell.C:
			h.tell()
		}
	}
}

// ServeHTTP answers one request, without a word: only the code says how it was.
func (h *Hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	code, what := h.hear(w, r)
	if code == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	h.count(what)
	w.WriteHeader(code)
	if what == heardNews {
		h.news()
	}
}

// news has GitHub asked as soon as it may be; it does not wait for that.
func (h *Hook) news() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// hear judges a request, and says what it was. Nothing but a good signature of a
// delivery that is not known is news.
func (h *Hook) hear(w http.ResponseWriter, r *http.Request) (code int, what string) {
	switch {
	case r.URL.Path != h.c.Path:
		return http.StatusNotFound, heardElsewhere
	case r.Method != http.MethodPost:
		return http.StatusMethodNotAllowed, heardMethod
	}
	said := signature(r.Header)
	if said == nil {
		return http.StatusUnauthorized, heardUnsigned
	}
	if r.ContentLength > h.c.Longest {
		return http.StatusRequestEntityTooLarge, heardLong
	}
	sum := hmac.New(sha256.New, []byte(h.c.Secret))
	if _, err := io.Copy(sum, http.MaxBytesReader(w, r.Body, h.c.Longest)); err != nil {
		if _, long := errors.AsType[*http.MaxBytesError](err); long {
			return http.StatusRequestEntityTooLarge, heardLong
		}
		return http.StatusRequestTimeout, heardSlow
	}
	if !hmac.Equal(said, sum.Sum(nil)) {
		return http.StatusUnauthorized, heardForged
	}
	id := r.Header.Get("X-GitHub-Delivery")
	switch {
	case !regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`).MatchString(id):
		return http.StatusBadRequest, heardNameless
	case h.knows(id, string(said)):
		return http.StatusAccepted, heardAgain
	case r.Header.Get("X-GitHub-Event") == "ping":
		return http.StatusOK, heardPing
	}
	return http.StatusAccepted, heardNews
}

// signature reads the one that GitHub sends: sha256= and 64 hexadecimal digits. It is
// nil where there is none, or more than one.
func signature(header http.Header) []byte {
	all := header.Values("X-Hub-Signature-256")
	if len(all) != 1 {
		return nil
	}
	digits, found := strings.CutPrefix(all[0], "sha256=")
	sum, err := hex.DecodeString(digits)
	if !found || err != nil || len(sum) != sha256.Size {
		return nil
	}
	return sum
}

// knows reports whether a delivery was there before, and remembers it. Only what was
// signed comes here, so a stranger makes nothing be forgotten.
func (h *Hook) knows(id, sum string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	known := false
	for _, key := range []string{"id " + id, "signature " + sum} {
		if h.known[key] {
			known = true
			continue
		}
		h.known[key] = true
		if len(h.order) < 2*mostDeliveries {
			h.order = append(h.order, key)
			continue
		}
		delete(h.known, h.order[h.oldest])
		h.order[h.oldest] = key
		h.oldest = (h.oldest + 1) % len(h.order)
	}
	return known
}

func (h *Hook) count(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.heard[what]++
}

// tell logs how often what was heard since the last time: no word of whom.
func (h *Hook) tell() {
	h.mu.Lock()
	heard := h.heard
	h.heard = map[string]int{}
	h.mu.Unlock()
	var counts []any
	for _, what := range slices.Sorted(maps.Keys(heard)) {
		counts = append(counts, what, heard[what])
	}
	if counts != nil {
		h.c.Log.Info("the webhook was called", counts...)
	}
}

// fewer takes no connection while there are as many as there is room for; the next one
// waits in the system's queue.
type fewer struct {
	net.Listener

	room  chan struct{}
	ended <-chan struct{}
}

func (f *fewer) Accept() (net.Conn, error) {
	select {
	case f.room <- struct{}{}:
	case <-f.ended:
		return nil, net.ErrClosed
	}
	c, err := f.Listener.Accept()
	if err != nil {
		<-f.room
		return nil, err
	}
	return &guest{Conn: c, leave: sync.OnceFunc(func() { <-f.room })}, nil
}

// guest gives its room back once it is closed.
type guest struct {
	net.Conn

	leave func()
}

func (g *guest) Close() error {
	defer g.leave()
	return g.Conn.Close()
}
