package matrix

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"tocsin/bridges"
)

func TestContent(t *testing.T) {
	b := &Bridge{cfg: Config{Name: netName}}
	room := bridges.Room{Network: netName, ID: "!r"}
	for name, one := range map[string]struct {
		o    bridges.Outgoing
		want string
	}{
		"plain":    {bridges.Outgoing{Text: "a <b>"}, `{"msgtype":"m.notice","body":"a <b>","m.mentions":{},"org.tocsin.key":"K"}`},
		"reply":    {bridges.Outgoing{Text: "a", ReplyTo: "$1"}, `{"msgtype":"m.notice","body":"a","m.mentions":{},"m.relates_to":{"m.in_reply_to":{"event_id":"$1"}},"org.tocsin.key":"K"}`},
		"thread":   {bridges.Outgoing{Text: "a", Thread: "$1"}, `{"msgtype":"m.notice","body":"a","m.mentions":{},"m.relates_to":{"rel_type":"m.thread","event_id":"$1","m.in_reply_to":{"event_id":"$1"},"is_falling_back":true},"org.tocsin.key":"K"}`},
		"both":     {bridges.Outgoing{Text: "a", Thread: "$1", ReplyTo: "$2"}, `{"msgtype":"m.notice","body":"a","m.mentions":{},"m.relates_to":{"rel_type":"m.thread","event_id":"$1","m.in_reply_to":{"event_id":"$2"}},"org.tocsin.key":"K"}`},
		"mentions": {bridges.Outgoing{Text: "a", Mentions: []bridges.Account{{Network: netName, ID: "@b:s"}, {Network: "irc", ID: "c"}, {Network: netName, ID: "@b:s"}}}, `{"msgtype":"m.text","body":"a","m.mentions":{"user_ids":["@b:s"]},"org.tocsin.key":"K"}`},
		"edit":     {bridges.Outgoing{Text: "a", HTML: "<i>a</i>", Edit: "$1", ReplyTo: "$2", Tone: bridges.Alert}, `{"msgtype":"m.text","body":"* a","format":"org.matrix.custom.html","formatted_body":"* <i>a</i>","m.mentions":{},"m.new_content":{"msgtype":"m.text","body":"a","format":"org.matrix.custom.html","formatted_body":"<i>a</i>","m.mentions":{}},"m.relates_to":{"rel_type":"m.replace","event_id":"$1"},"org.tocsin.key":"K"}`},
	} {
		one.o.Key, one.o.Room = "key", room
		c, err := b.content(t.Context(), nil, one.o, true)
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.NewReplacer(txn("key"), "K", `\u003c`, "<", `\u003e`, ">").Replace(string(data))
		if !sameJSON(got, one.want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, one.want)
		}
	}
	long := strings.Repeat("ä", contentMost)
	c, err := b.content(t.Context(), nil, bridges.Outgoing{Key: "k", Room: room, Text: long, HTML: long, Edit: "$1"}, true)
	if err != nil || c.length() > contentMost+2000 || !strings.HasPrefix(long, strings.TrimSuffix(c.NewContent.Body, "…")) || c.FormattedBody != "" {
		t.Errorf("a long edit has %d bytes: %v", c.length(), err)
	}
}

func sameJSON(a, b string) bool {
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return false
	}
	return fmt.Sprint(x) == fmt.Sprint(y)
}

func TestPlainName(t *testing.T) {
	for in, want := range map[string]string{
		"a.eml": "a.eml", "../../etc/passwd": "passwd", `C:\x\y.md`: "y.md", "": "file", "/": "file", "..": "..", "a/": "a",
	} {
		if got := plainName(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if n := len(plainName(strings.Repeat("ä", 300))); n > 210 {
		t.Errorf("%d bytes", n)
	}
}

// answer is an error as the library makes it of a homeserver's answer.
func answer(code int, errcode, text string, header ...string) error {
	res := &http.Response{StatusCode: code, Header: http.Header{}}
	for i := 0; i+1 < len(header); i += 2 {
		res.Header.Set(header[i], header[i+1])
	}
	e := mautrix.HTTPError{Response: res}
	if errcode != "" {
		e.RespError = &mautrix.RespError{ErrCode: errcode, Err: text, StatusCode: code, ExtraData: map[string]any{}}
	}
	return e
}

func TestOutcome(t *testing.T) {
	refused := mautrix.HTTPError{Message: "request error", WrappedError: &net.OpError{Op: "dial", Err: errors.New("connection refused")}}
	broke := mautrix.HTTPError{Message: "request error", WrappedError: errors.New("EOF")}
	unknown := errors.New("unknown")
	for name, one := range map[string]struct {
		err   error
		began bool
		want  error
	}{
		"no connection":    {refused, false, bridges.ErrNotSent},
		"broke off":        {broke, true, unknown},
		"no answer":        {mautrix.HTTPError{WrappedError: context.DeadlineExceeded}, true, unknown},
		"half an answer":   {mautrix.HTTPError{Response: &http.Response{StatusCode: 200}, WrappedError: errors.New("EOF")}, true, unknown},
		"500":              {answer(500, "M_UNKNOWN", ""), true, unknown},
		"502":              {answer(502, "", ""), true, unknown},
		"408":              {answer(408, "", ""), true, unknown},
		"429":              {answer(429, "M_LIMIT_EXCEEDED", ""), true, bridges.ErrNotSent},
		"401":              {answer(401, "M_UNKNOWN_TOKEN", ""), true, bridges.ErrNotSent},
		"403":              {answer(403, "M_FORBIDDEN", ""), true, bridges.ErrRefused},
		"403 of a proxy":   {answer(403, "", ""), true, bridges.ErrNotSent},
		"404 of a proxy":   {answer(404, "", ""), true, bridges.ErrNotSent},
		"413":              {answer(413, "M_TOO_LARGE", ""), true, bridges.ErrRefused},
		"413 of a proxy":   {answer(413, "", ""), true, bridges.ErrRefused},
		"302 of a captive": {answer(302, "", ""), true, unknown},
	} {
		err := outcome(one.err, one.began)
		known := errors.Is(err, bridges.ErrNotSent) || errors.Is(err, bridges.ErrRefused)
		if one.want == unknown && known || one.want != unknown && !errors.Is(err, one.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// No word that a homeserver chose is in an error: it could quote what we sent.
func TestErrorsHoldNoWords(t *testing.T) {
	const secret = "quiet harbour has a hole"
	for _, err := range []error{
		answer(400, "M_BAD_JSON", secret), answer(400, secret, ""),
		mautrix.HTTPError{Response: &http.Response{StatusCode: 502}, ResponseBody: secret},
		mautrix.HTTPError{WrappedError: errors.New(secret)},
		mautrix.HTTPError{Message: secret},
		mautrix.HTTPError{Response: &http.Response{StatusCode: 200}, ResponseBody: secret, WrappedError: errors.New(secret)},
	} {
		for _, e := range []error{plainError(err), outcome(err, true), outcome(err, false)} {
			if strings.Contains(e.Error(), "quiet") {
				t.Errorf("%v", e)
			}
		}
	}
	err := guarded("a test", func() { panic(secret) })
	if err == nil || strings.Contains(err.Error()+where(err), "quiet") {
		t.Errorf("%v", err)
	}
}

func TestRetryAfterSays(t *testing.T) {
	e := answer(429, "M_LIMIT_EXCEEDED", "")
	var he mautrix.HTTPError
	errors.As(e, &he)
	he.RespError.ExtraData["retry_after_ms"] = 1500.0
	for want, err := range map[time.Duration]error{
		1500 * time.Millisecond: e, 7 * time.Second: answer(429, "", "", "Retry-After", "7"), time.Second: answer(429, "", ""), 0: answer(502, "", "", "Retry-After", "7"),
	} {
		if got := retryAfter(err); got != want {
			t.Errorf("%v: %s, want %s", err, got, want)
		}
	}
}

// The library's log is passed on without what was said, whatever it logs.
func TestLibraryLogHoldsNoWords(t *testing.T) {
	var out strings.Builder
	log := libraryLog(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	log.Debug().Str("room_id", "!r").Str("req_body", "secret words").RawJSON("content", []byte(`{"body":"secret words"}`)).
		Err(errors.New("secret words")).Str("url", "https://hs/secret words").Msg("Request completed")
	log.Trace().Str("room_id", "secret words").Msg("secret words")
	if got := out.String(); !strings.Contains(got, "room_id=!r") || !strings.Contains(got, "Request completed") || strings.Contains(got, "secret") {
		t.Errorf("logged %s", got)
	}
	out.Reset()
	quiet := libraryLog(slog.New(slog.NewTextHandler(&out, nil)))
	quiet.Error().Msg("anything")
	if out.Len() != 0 {
		t.Errorf("logged %s", out.String())
	}
}

func TestConfigIsChecked(t *testing.T) {
	good := Config{Name: "hs", Homeserver: "https://matrix.example.org", User: "@tocsin:example.org", Folder: "x", Rooms: []Room{{ID: "!abc:example.org"}, {ID: "!withoutserver"}}}
	if _, err := New(good); err != nil {
		t.Errorf("good: %v", err)
	}
	for want, change := range map[string]func(*Config){
		"name":          func(c *Config) { c.Name = "" },
		"account":       func(c *Config) { c.User = "tocsin" },
		"folder":        func(c *Config) { c.Folder = "" },
		"without TLS":   func(c *Config) { c.Homeserver = "http://matrix.example.org" },
		"neither":       func(c *Config) { c.Homeserver = "ftp://matrix.example.org" },
		"address":       func(c *Config) { c.Homeserver = "https://user:pass@matrix.example.org" },
		"begins with !": func(c *Config) { c.Rooms = []Room{{ID: "#desk:example.org"}} },
		"twice":         func(c *Config) { c.Rooms = append(c.Rooms, c.Rooms[0]) },
		"16 bytes":      func(c *Config) { c.PickleKey = []byte("short") },
	} {
		cfg := good
		change(&cfg)
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestSinceJoin(t *testing.T) {
	me := "@bot:hs"
	member := func(id, user, membership, before string) *event.Event {
		e := &event.Event{ID: evtID(id), Type: event.StateMember, StateKey: &user}
		e.Content.VeryRaw = fmt.Appendf(nil, `{"membership":%q}`, membership)
		if before != "" {
			e.Unsigned.PrevContent = &event.Content{VeryRaw: fmt.Appendf(nil, `{"membership":%q}`, before)}
		}
		return e
	}
	text := func(id string) *event.Event { return &event.Event{ID: evtID(id), Type: event.EventMessage} }
	for want, line := range map[string][]*event.Event{
		"[b]":     {text("a"), member("j", me, "join", "invite"), text("b")},
		"[c]":     {text("a"), member("j", me, "join", ""), text("b"), member("l", me, "leave", "join"), member("k", me, "join", "leave"), text("c")},
		"[a n b]": {text("a"), member("n", me, "join", "join"), text("b")},
		"[a o b]": {text("a"), member("o", "@alice:hs", "join", ""), text("b")},
	} {
		var got []string
		for _, e := range sinceJoin(line, usrID(me)) {
			got = append(got, string(e.ID))
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%v, want %s", got, want)
		}
	}
}

func evtID(s string) id.EventID { return id.EventID(s) }
func usrID(s string) id.UserID  { return id.UserID(s) }
