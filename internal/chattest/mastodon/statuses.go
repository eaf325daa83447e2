package mastodon

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// accountID is the account's id on the instance.
const accountID = "109000000000000007"

// defaultLanguage is the account's, and that of a code that Mastodon does not know.
const defaultLanguage = "en"

// Status is one that was posted.
type Status struct {
	ID, Text, Spoiler, Visibility, Language, InReplyTo string
	Key                                                string // Idempotency-Key that it was posted with
	Content                                            string // its HTML; "": made from Text
	At, Edited                                         time.Time
	Scheduled                                          bool // it was not posted but put off, which the bot must never ask for
	Reblog                                             bool // it is another one's
}

// Statuses lists what was posted, oldest first.
func (s *Server) Statuses() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.statuses)
}

// Add posts by another hand than the bot's. What is empty is filled in.
func (s *Server) Add(one Status) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one.Visibility == "" {
		one.Visibility = "public"
	}
	if one.At.IsZero() {
		one.At = s.o.Now().UTC()
	}
	return s.keep(one).ID
}

// keep makes ids that grow, as Mastodon's do.
func (s *Server) keep(one Status) Status {
	s.next += 1 << 16
	one.ID = strconv.FormatInt(s.next, 10)
	s.statuses = append(s.statuses, one)
	return one
}

func (s *Server) find(id string) (Status, bool) {
	i := slices.IndexFunc(s.statuses, func(one Status) bool { return one.ID == id && !one.Scheduled })
	if i < 0 {
		return Status{}, false
	}
	return s.statuses[i], true
}

// post is POST /api/v1/statuses.
// https://docs.joinmastodon.org/methods/statuses/#create
func (s *Server) post(w http.ResponseWriter, r *http.Request) {
	const keeps = time.Hour
	if err := r.ParseForm(); err != nil {
		refuse(w, http.StatusBadRequest, "Bad request")
		return
	}
	now, f, key := s.o.Now().UTC(), r.PostForm, r.Header.Get("Idempotency-Key")
	if k, ok := s.keys[key]; ok && key != "" && now.Before(k.until) {
		if old, there := s.find(k.id); there {
			send(w, s.wire(old))
			return
		}
	}
	one := Status{
		Text: strings.TrimSpace(f.Get("status")), Spoiler: strings.TrimSpace(f.Get("spoiler_text")), Visibility: f.Get("visibility"),
		Language: language(f.Get("language")), InReplyTo: f.Get("in_reply_to_id"), Key: key, At: now,
	}
	if status, why := s.invalid(one); why != "" {
		refuse(w, status, why)
		return
	}
	if at := f.Get("scheduled_at"); at != "" {
		s.putOff(w, one, at)
		return
	}
	if one.Visibility == "" || one.Visibility == "public" && s.o.Silenced {
		one.Visibility = map[bool]string{false: "public", true: "unlisted"}[s.o.Silenced]
	}
	one = s.keep(one)
	if key != "" {
		s.keys[key] = keyed{one.ID, now.Add(keeps)}
	}
	send(w, s.wire(one))
}

// invalid says why a status is not taken.
func (s *Server) invalid(one Status) (status int, why string) {
	if _, ok := s.find(one.InReplyTo); one.InReplyTo != "" && !ok {
		return http.StatusNotFound, "The post you are trying to reply to does not appear to exist."
	}
	var faults []string
	if one.Text == "" {
		faults = append(faults, "Text can't be blank")
	}
	if Length(one.Text, one.Spoiler) > s.o.MaxCharacters {
		faults = append(faults, fmt.Sprintf("Text character limit of %d exceeded", s.o.MaxCharacters))
	}
	if !slices.Contains([]string{"", "public", "unlisted", "private", "direct"}, one.Visibility) {
		faults = append(faults, "Visibility is not included in the list")
	}
	if len(faults) == 0 {
		return 0, ""
	}
	return http.StatusUnprocessableEntity, "Validation failed: " + strings.Join(faults, ", ")
}

// putOff keeps a status for later, which may not be sooner than five minutes.
func (s *Server) putOff(w http.ResponseWriter, one Status, at string) {
	const soonest = 5 * time.Minute
	when, err := time.Parse(time.RFC3339, at)
	if err != nil || when.Before(s.o.Now().Add(soonest)) {
		refuse(w, http.StatusUnprocessableEntity, "Validation failed: The scheduled date must be in the future")
		return
	}
	one.Scheduled = true
	one = s.keep(one)
	send(w, object{"id": one.ID, "scheduled_at": at, "params": object{"text": one.Text}, "media_attachments": []any{}})
}

// language keeps codes of two or three letters; Mastodon takes the account's for
// what it does not know.
func language(code string) string {
	if base, _, _ := strings.Cut(code, "-"); len(base) == 2 || len(base) == 3 {
		return code
	}
	return defaultLanguage
}

// list is GET /api/v1/accounts/:id/statuses, newest first.
// https://docs.joinmastodon.org/methods/accounts/#statuses
func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	const usual, most = 20, 40
	q := r.URL.Query()
	limit := usual
	if n, err := strconv.Atoi(q.Get("limit")); err == nil && n > 0 {
		limit = min(n, most)
	}
	before, _ := strconv.ParseInt(q.Get("max_id"), 10, 64)
	out := []any{}
	var first, last string
	for _, one := range slices.Backward(s.statuses) {
		id, _ := strconv.ParseInt(one.ID, 10, 64)
		if one.Scheduled || before > 0 && id >= before || one.Reblog && q.Get("exclude_reblogs") == "true" {
			continue
		}
		if len(out) == limit {
			break
		}
		if first == "" {
			first = one.ID
		}
		last = one.ID
		out = append(out, s.wire(one))
	}
	var links []string
	page := func(rel, name, id string) {
		q.Set("limit", strconv.Itoa(limit))
		q.Del("max_id")
		q.Set(name, id)
		u := url.URL{Scheme: "https", Host: s.o.Domain, Path: r.URL.Path, RawQuery: q.Encode()}
		links = append(links, fmt.Sprintf("<%s>; rel=%q", &u, rel))
	}
	if len(out) == limit {
		page("next", "max_id", last)
	}
	if first != "" {
		page("prev", "min_id", first)
	}
	if len(links) > 0 {
		w.Header().Set("Link", strings.Join(links, ", "))
	}
	send(w, out)
}

const stamp = "2006-01-02T15:04:05.000Z"

// wire is a status as the API gives it.
// https://docs.joinmastodon.org/entities/Status/
func (s *Server) wire(one Status) object {
	text := func(v string) any {
		if v == "" {
			return nil
		}
		return v
	}
	o := object{
		"id": one.ID, "created_at": one.At.UTC().Format(stamp), "edited_at": nil,
		"in_reply_to_id": text(one.InReplyTo), "in_reply_to_account_id": nil,
		"sensitive": one.Spoiler != "", "spoiler_text": one.Spoiler, "visibility": one.Visibility, "language": text(one.Language),
		"uri":           "https://" + s.o.Domain + "/users/" + s.o.Account + "/statuses/" + one.ID,
		"url":           "https://" + s.o.Domain + "/@" + s.o.Account + "/" + one.ID,
		"replies_count": 0, "reblogs_count": 0, "favourites_count": 0,
		"favourited": false, "reblogged": false, "muted": false, "bookmarked": false, "pinned": false,
		"content": one.Content, "reblog": nil, "application": object{"name": "Tocsin", "website": nil},
		"account": s.account(), "media_attachments": []any{}, "mentions": []any{}, "tags": []any{}, "emojis": []any{},
		"card": nil, "poll": nil, "filtered": []any{},
	}
	if one.Content == "" {
		o["content"] = s.render(one.Text)
	}
	if !one.Edited.IsZero() {
		o["edited_at"] = one.Edited.UTC().Format(stamp)
	}
	return o
}
