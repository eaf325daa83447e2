package github

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// call is a request of somebody.
type call struct {
	*http.Request

	path []string
	body []byte
	who  Token
}

// manages reports whether somebody runs the repository's security.
func (c call) manages() bool { return c.who.Role >= Manager }

// sees reports whether somebody may read an advisory.
func (c call) sees(a *advisory) bool {
	return a.state == "published" || a.state == "withdrawn" || c.who.Read && (c.manages() || slices.Contains(a.users, c.who.Login) || a.reported && a.author == c.who.Login)
}

func (s *Server) route(w http.ResponseWriter, c call) {
	whole := c.Method + " " + strings.Join(c.path, "/")
	repo := "/repos/" + s.o.Owner + "/" + s.o.Repo
	switch {
	case whole == "GET rate_limit":
		s.rate(w, c)
	case len(c.path) == 2 && c.path[0] == "advisories" && c.Method == http.MethodGet:
		s.global(w, c.path[1])
	case len(c.path) < 3 || !strings.EqualFold("/"+strings.Join(c.path[:3], "/"), repo) || s.o.Private && c.who.Role == Anyone:
		refuse(w, http.StatusNotFound, "Not Found")
	default:
		c.path = c.path[3:]
		s.inRepo(w, c)
	}
}

func (s *Server) inRepo(w http.ResponseWriter, c call) {
	switch call := c.Method + " " + strings.Join(c.path, "/"); {
	case call == "GET ":
		send(w, http.StatusOK, s.repository(s.o.Repo, c.who))
	case call == "GET private-vulnerability-reporting":
		send(w, http.StatusOK, object{"enabled": !s.o.NoReporting})
	case call == "GET dependabot/alerts":
		s.listAlerts(w, c, s.alerts, "dependabot_alerts=read")
	case call == "GET code-scanning/alerts":
		s.listAlerts(w, c, s.scans, "security_events=read")
	case len(c.path) > 0 && c.path[0] == "security-advisories":
		s.inAdvisories(w, c)
	default:
		refuse(w, http.StatusNotFound, "Not Found")
	}
}

func (s *Server) inAdvisories(w http.ResponseWriter, c call) {
	needs := "repository_advisories=read"
	if c.Method != http.MethodGet {
		needs = "repository_advisories=write"
	}
	w.Header().Set("X-Accepted-GitHub-Permissions", needs)
	if len(c.path) == 1 {
		switch c.Method {
		case http.MethodGet:
			s.list(w, c)
		case http.MethodPost:
			s.create(w, c)
		default:
			refuse(w, http.StatusNotFound, "Not Found")
		}
		return
	}
	if c.Method == http.MethodPost && c.path[1] == "reports" && len(c.path) == 2 {
		s.report(w, c)
		return
	}
	a := s.find(c.path[1])
	if a == nil || !c.sees(a) {
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	if c.Method != http.MethodGet && !c.who.Write {
		refuse(w, http.StatusForbidden, "Resource not accessible by personal access token")
		return
	}
	switch call := c.Method + " " + strings.Join(c.path[2:], "/"); {
	case call == "GET ":
		send(w, http.StatusOK, s.wire(a))
	case call == "PATCH ":
		s.update(w, c, a)
	case call == "POST cve":
		s.requestCVE(w, c, a)
	case call == "POST forks":
		s.fork(w, c, a)
	case s.o.Comments && strings.HasPrefix(strings.Join(c.path[2:], "/"), "comments"):
		s.inComments(w, c, a)
	default:
		refuse(w, http.StatusNotFound, "Not Found")
	}
}

// list is GET .../security-advisories. What somebody may not see is not in it; a
// token without the permission that asks for what is not public is refused, which
// GitHub does not document.
func (s *Server) list(w http.ResponseWriter, c call) {
	q := c.URL.Query()
	state := q.Get("state")
	if !slices.Contains([]string{"", "triage", "draft", "published", "closed"}, state) {
		refuse(w, http.StatusBadRequest, "Bad Request")
		return
	}
	if state != "" && state != "published" && !c.who.Read {
		refuse(w, http.StatusForbidden, "Resource not accessible by personal access token")
		return
	}
	var found []*advisory
	for _, a := range s.all {
		if c.sees(a) && (state == "" || a.state == state) {
			found = append(found, a)
		}
	}
	key := func(a *advisory) time.Time {
		return map[string]time.Time{"updated": a.updated, "published": a.published}[q.Get("sort")]
	}
	slices.SortStableFunc(found, func(a, b *advisory) int {
		if at := key(a).Compare(key(b)); at != 0 {
			return at
		}
		return slices.Index(s.all, a) - slices.Index(s.all, b)
	})
	if q.Get("direction") != "asc" {
		slices.Reverse(found)
	}
	out := []any{}
	for _, a := range page(w, s, c, found, func(a *advisory) string { return a.id }) {
		out = append(out, s.wire(a))
	}
	send(w, http.StatusOK, out)
}

// page cuts a page out of a list, by a cursor that says after which one it begins.
func page[T any](w http.ResponseWriter, s *Server, c call, all []T, name func(T) string) []T {
	const usual, most = 30, 100
	q := c.URL.Query()
	n, err := strconv.Atoi(q.Get("per_page"))
	if err != nil || n < 1 {
		n = usual
	}
	n = min(n, most)
	if cursor, err := base64.StdEncoding.DecodeString(q.Get("after")); err == nil && len(cursor) > 0 {
		all = all[1+slices.IndexFunc(all, func(one T) bool { return name(one) == string(cursor) }):]
	}
	if len(all) <= n {
		return all
	}
	q.Set("after", base64.StdEncoding.EncodeToString([]byte(name(all[n-1]))))
	s.link(w, c, q)
	return all[:n]
}

// link gives the address of the next page, as GitHub does: by the repository's
// number.
func (s *Server) link(w http.ResponseWriter, c call, q url.Values) {
	at := s.URL + "/repositories/" + repoID + "/" + strings.Join(c.path, "/")
	w.Header().Set("Link", fmt.Sprintf(`<%s?per_page=1>; rel="first", <%s?%s>; rel="next"`, at, at, q.Encode()))
}

func (s *Server) create(w http.ResponseWriter, c call) {
	switch in, status, why := read(c.body, fieldsOf("create")); {
	case !c.who.Write:
		refuse(w, http.StatusForbidden, "Resource not accessible by personal access token")
	case !c.manages():
		refuse(w, http.StatusNotFound, "Not Found")
	case status != 0:
		refuse(w, status, why)
	case in.Summary == nil || in.Description == nil || in.Vulnerabilities == nil:
		refuse(w, http.StatusUnprocessableEntity, "Invalid request.\n\nsummary, description and vulnerabilities are required.")
	default:
		s.make(w, in, advisory{state: "draft", author: c.who.Login})
	}
}

// report is POST .../reports, by anybody.
func (s *Server) report(w http.ResponseWriter, c call) {
	switch in, status, why := read(c.body, fieldsOf("report")); {
	case s.o.NoReporting:
		refuse(w, http.StatusNotFound, "Not Found")
	case c.who.Login == "" || !c.who.Write:
		refuse(w, http.StatusForbidden, "Resource not accessible by personal access token")
	case status != 0:
		refuse(w, status, why)
	case in.Summary == nil || in.Description == nil:
		refuse(w, http.StatusUnprocessableEntity, "Invalid request.\n\nsummary and description are required.")
	default:
		s.make(w, in, advisory{state: "triage", author: c.who.Login, reported: true, credits: []credit{{c.who.Login, "reporter", "pending"}}})
	}
}

func (s *Server) make(w http.ResponseWriter, in input, a advisory) {
	if why := s.keep(in, &a); why != "" {
		invalid(w, why)
		return
	}
	send(w, http.StatusCreated, s.wire(&a))
}

// keep takes a new advisory in.
func (s *Server) keep(in input, a *advisory) string {
	a.created = s.now()
	if why := a.apply(s, in, a.author); why != "" {
		return why
	}
	s.made++
	a.id = ghsa(s.made)
	if in.Fork != nil && *in.Fork {
		a.forkAt = s.now().Add(s.o.ForkAfter)
	}
	s.all = append(s.all, a)
	return ""
}

// update is PATCH. A collaborator changes metadata only.
func (s *Server) update(w http.ResponseWriter, c call, a *advisory) {
	in, status, why := read(c.body, fieldsOf("update"))
	switch {
	case !c.manages() && (!slices.Contains(a.users, c.who.Login) || in.State != nil || in.Users != nil || in.Teams != nil):
		refuse(w, http.StatusForbidden, "Must have admin rights to Repository.")
		return
	case status != 0:
		refuse(w, status, why)
		return
	}
	if why := a.apply(s, in, c.who.Login); why != "" {
		invalid(w, why)
		return
	}
	send(w, http.StatusOK, s.wire(a))
}

func (s *Server) requestCVE(w http.ResponseWriter, c call, a *advisory) {
	switch {
	case !c.manages():
		refuse(w, http.StatusForbidden, "Must have admin rights to Repository.")
	case s.o.Private:
		invalid(w, "CVEs can only be requested for advisories of public repositories")
	case a.cve != "":
		invalid(w, "Advisory already has a CVE")
	case a.state == "closed":
		invalid(w, "Advisory is closed")
	default:
		a.requested = true
		send(w, http.StatusAccepted, object{})
	}
}

func (s *Server) fork(w http.ResponseWriter, c call, a *advisory) {
	switch {
	case c.who.Role != Admin:
		refuse(w, http.StatusForbidden, "Must have admin rights to Repository.")
	case a.state != "draft":
		invalid(w, "A temporary private fork needs a draft advisory")
	case !a.forkAt.IsZero():
		invalid(w, "A temporary private fork already exists")
	default:
		a.forkAt = s.now().Add(s.o.ForkAfter)
		send(w, http.StatusAccepted, s.repository(s.forkName(a), c.who))
	}
}

// inComments is the public preview of October 2026.
func (s *Server) inComments(w http.ResponseWriter, c call, a *advisory) {
	switch c.Method {
	case http.MethodGet:
		since, _ := time.Parse(time.RFC3339, c.URL.Query().Get("since"))
		found := slices.DeleteFunc(slices.Clone(a.comments), func(k comment) bool { return k.at.Before(since) })
		out := []any{}
		for _, k := range page(w, s, c, found, func(k comment) string { return strconv.Itoa(k.id) }) {
			out = append(out, s.wireComment(k))
		}
		send(w, http.StatusOK, out)
	case http.MethodPost:
		var in map[string]string
		if json.Unmarshal(c.body, &in) != nil || len(in) != 1 || in["body"] == "" {
			invalid(w, "Body can't be blank")
			return
		}
		send(w, http.StatusCreated, s.wireComment(s.comment(a, c.who.Login, in["body"])))
	default:
		refuse(w, http.StatusNotFound, "Not Found")
	}
}

func (s *Server) comment(a *advisory, login, body string) comment {
	s.made++
	k := comment{s.made, login, body, s.now()}
	a.comments = append(a.comments, k)
	a.updated = s.now()
	return k
}

// listAlerts is both lists of alerts: Dependabot's has cursors, code scanning's has
// numbers of pages.
func (s *Server) listAlerts(w http.ResponseWriter, c call, all []object, needs string) {
	const usual, most = 30, 100
	w.Header().Set("X-Accepted-GitHub-Permissions", needs)
	q := c.URL.Query()
	switch {
	case !c.who.Alerts:
		refuse(w, http.StatusForbidden, "Resource not accessible by personal access token")
		return
	case s.o.NoAlerts:
		refuse(w, http.StatusForbidden, "Alerts are disabled for this repository.")
		return
	}
	levels := strings.Split(q.Get("severity"), ",")
	found := []object{}
	for _, a := range slices.Backward(all) {
		if (q.Get("state") == "" || q.Get("state") == a["state"]) && (q.Get("severity") == "" || slices.Contains(levels, levelOf(a))) {
			found = append(found, a)
		}
	}
	if c.path[0] == "dependabot" {
		send(w, http.StatusOK, page(w, s, c, found, func(a object) string { return fmt.Sprint(a["number"]) }))
		return
	}
	n, at := usual, 1
	if v, err := strconv.Atoi(q.Get("per_page")); err == nil {
		n = min(max(v, 1), most)
	}
	if v, err := strconv.Atoi(q.Get("page")); err == nil {
		at = max(v, 1)
	}
	rest := found[min((at-1)*n, len(found)):]
	if len(rest) > n {
		rest = rest[:n]
		q.Set("page", strconv.Itoa(at+1))
		s.link(w, c, q)
	}
	send(w, http.StatusOK, rest)
}

// global is GET /advisories/{id}.
func (s *Server) global(w http.ResponseWriter, id string) {
	a := s.find(id)
	if a == nil || a.global.IsZero() {
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	send(w, http.StatusOK, s.wireGlobal(a))
}

func (s *Server) rate(w http.ResponseWriter, c call) {
	win := s.windowOf(c.who.Login)
	core := object{"limit": s.o.Limit, "used": win.used, "remaining": max(s.o.Limit-win.used, 0), "reset": win.from.Add(time.Hour + s.mistaken).Unix()}
	send(w, http.StatusOK, object{"resources": object{"core": core, "search": core}, "rate": core})
}

func (s *Server) find(id string) *advisory {
	if k := slices.IndexFunc(s.all, func(a *advisory) bool { return a.id == id }); k >= 0 {
		return s.all[k]
	}
	return nil
}
