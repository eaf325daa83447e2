package github_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/internal/chattest/github"
	"tocsin/internal/chattest/github/contract"
)

var described = sync.OnceValues(contract.Load)

const (
	base     = "/repos/python-pillow/Pillow"
	all      = base + "/security-advisories"
	affected = `"vulnerabilities":[{"package":{"ecosystem":"pip","name":"pillow"},"vulnerable_version_range":"< 12.1.1","patched_versions":"12.1.1"}]`
	whole    = `{"summary":"A hole","description":"Deep","severity":"high",` + affected + `}`
)

type rig struct {
	*testing.T
	*github.Server
	at time.Time
}

func start(t *testing.T, o github.Options) *rig {
	t.Helper()
	r := &rig{T: t, at: time.Date(2026, 12, 3, 14, 0, 0, 0, time.UTC)}
	o.Now = func() time.Time { return r.at }
	if d, err := described(); err == nil {
		o.Check = func(x github.Exchange) {
			if err := d.Check(x); err != nil {
				t.Error(err)
			}
		}
	} else if !errors.Is(err, contract.ErrMissing) {
		t.Fatal(err)
	}
	r.Server = github.Start(o)
	t.Cleanup(r.Server.Close)
	return r
}

type answer struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

func (r *rig) ask(token, call, body string, headers ...string) answer {
	r.Helper()
	method, path, _ := strings.Cut(call, " ")
	if !strings.HasPrefix(path, "http") {
		path = r.URL + path
	}
	q, err := http.NewRequestWithContext(r.Context(), method, path, strings.NewReader(body))
	if err != nil {
		r.Fatal(err)
	}
	if token != "" {
		q.Header.Set("Authorization", "Bearer "+token+"-token")
	}
	if body != "" {
		q.Header.Set("Content-Type", "application/json")
	}
	for k := 0; k+1 < len(headers); k += 2 {
		q.Header.Set(headers[k], headers[k+1])
	}
	res, err := r.Client().Do(q)
	if err != nil {
		r.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	a := answer{status: res.StatusCode, header: res.Header, text: string(text)}
	_ = json.Unmarshal(text, &a.body)
	return a
}

func (r *rig) make(body string) string {
	r.Helper()
	a := r.ask("writer", "POST "+all, body)
	id, _ := a.body["ghsa_id"].(string)
	if a.status != http.StatusCreated || id == "" {
		r.Fatal(a.status, a.text)
	}
	return id
}

func (r *rig) report() string {
	r.Helper()
	id, err := r.Report(github.Report{Summary: "A hole", Description: "Deep"})
	if err != nil {
		r.Fatal(err)
	}
	return id
}

// TestMoves: from every state to every other.
func TestMoves(t *testing.T) {
	for _, c := range []struct{ from, to, told string }{
		{"triage", "draft", ""},
		{"triage", "closed", ""},
		{"triage", "published", "Invalid state transition from `triage` to `published`."},
		{"draft", "closed", ""},
		{"draft", "published", ""},
		{"closed", "draft", ""},
		{"closed", "published", "Invalid state transition from `closed` to `published`."},
		{"published", "draft", "Invalid state transition from `published` to `draft`."},
		{"published", "closed", "Invalid state transition from `published` to `closed`."},
		{"withdrawn", "published", "Invalid state transition from `withdrawn` to `published`."},
		{"draft", "triage", "is not a member of"},
	} {
		r := start(t, github.Options{})
		id := r.make(whole)
		r.Set(id, c.from, "alice")
		a := r.ask("writer", "PATCH "+all+"/"+id, `{"state":"`+c.to+`"}`)
		switch {
		case c.told == "" && (a.status != 200 || r.State(id) != c.to):
			t.Errorf("%s to %s: %d %s", c.from, c.to, a.status, a.text)
		case c.told != "" && (a.status != 422 || !strings.Contains(a.text, c.told) || r.State(id) != c.from):
			t.Errorf("%s to %s: %d %s", c.from, c.to, a.status, a.text)
		}
	}
}

// TestReported: a report is triage and not accepted until it is a draft.
func TestReported(t *testing.T) {
	r := start(t, github.Options{})
	a := r.ask("public", "POST "+all+"/reports", `{"summary":"A hole","description":"Deep"}`)
	id, _ := a.body["ghsa_id"].(string)
	accepted := func() any { m, _ := a.body["submission"].(map[string]any); return m["accepted"] }
	if a.status != 201 || accepted() != false || r.State(id) != "triage" {
		t.Fatal(a.status, a.text)
	}
	if a = r.ask("writer", "PATCH "+all+"/"+id, `{"state":"draft"}`); accepted() != true {
		t.Error(a.text)
	}
	off := start(t, github.Options{NoReporting: true})
	if a := off.ask("public", "POST "+all+"/reports", `{"summary":"A hole","description":"Deep"}`); a.status != 404 {
		t.Error(a.status)
	}
	if _, err := off.Report(github.Report{Summary: "x", Description: "y"}); !errors.Is(err, github.ErrOff) {
		t.Error(err)
	}
}

// TestRoles: who may what.
func TestRoles(t *testing.T) {
	tokens := map[string]github.Token{
		"admin-token":    {Login: "alice", Role: github.Admin, Read: true, Write: true},
		"manager-token":  {Login: "carol", Role: github.Manager, Read: true, Write: true},
		"reading-token":  {Login: "carol", Role: github.Manager, Read: true},
		"poor-token":     {Login: "carol", Role: github.Manager},
		"bob-token":      {Login: "bob", Read: true, Write: true}, // a collaborator of the draft
		"stranger-token": {Login: "mallory", Read: true, Write: true},
	}
	for _, c := range []struct {
		call, body                                                  string
		admin, manager, reading, poor, bob, stranger, wrong, nobody int
	}{
		{"GET " + all + "/DRAFT", "", 200, 200, 200, 404, 200, 404, 401, 404},
		{"GET " + all + "/PUBLIC", "", 200, 200, 200, 200, 200, 200, 401, 200},
		{"GET " + all, "", 200, 200, 200, 200, 200, 200, 401, 200},
		{"GET " + all + "?state=triage", "", 200, 200, 200, 403, 200, 200, 401, 403},
		{"GET " + all + "?state=open", "", 400, 400, 400, 400, 400, 400, 401, 400},
		{"POST " + all, whole, 201, 201, 403, 403, 404, 404, 401, 403},
		{"PATCH " + all + "/DRAFT", `{"summary":"x"}`, 200, 200, 403, 404, 200, 404, 401, 404},
		{"PATCH " + all + "/DRAFT", `{"state":"closed"}`, 200, 200, 403, 404, 403, 404, 401, 404},
		{"PATCH " + all + "/PUBLIC", `{"summary":"x"}`, 200, 200, 403, 403, 403, 403, 401, 403},
		{"POST " + all + "/DRAFT/cve", "", 202, 202, 403, 404, 403, 404, 401, 404},
		{"POST " + all + "/DRAFT/forks", "", 202, 403, 403, 404, 403, 404, 401, 404},
		{"GET " + all + "/GHSA-2222-2222-2222", "", 404, 404, 404, 404, 404, 404, 401, 404},
		{"GET /repos/python-pillow/other/security-advisories", "", 404, 404, 404, 404, 404, 404, 401, 404},
		{"GET " + base, "", 200, 200, 200, 200, 200, 200, 401, 200},
		{"GET " + base + "/private-vulnerability-reporting", "", 200, 200, 200, 200, 200, 200, 401, 200},
	} {
		for who, want := range map[string]int{"admin": c.admin, "manager": c.manager, "reading": c.reading, "poor": c.poor, "bob": c.bob, "stranger": c.stranger, "wrong": c.wrong, "": c.nobody} {
			r := start(t, github.Options{Tokens: tokens})
			draft, public := r.report(), r.report()
			r.Set(draft, "draft", "alice")
			r.Collaborate(draft, "bob")
			r.Edit(public, "", "", "CVSS:3.1/AV:N")
			r.Set(public, "published", "alice")
			a := r.ask(who, strings.NewReplacer("DRAFT", draft, "PUBLIC", public).Replace(c.call), c.body)
			if a.status != want {
				t.Errorf("%s by %q: %d, not %d: %s", c.call, who, a.status, want, a.text)
			}
		}
	}
}

// TestStrict: what GitHub refuses.
func TestStrict(t *testing.T) {
	r := start(t, github.Options{})
	scored := r.make(`{"summary":"A hole","description":"Deep","cvss_vector_string":"CVSS:3.1/AV:N/AC:L",` + affected + `}`)
	plain := r.make(whole)
	for _, c := range []struct {
		id, body string
		status   int
		told     string
	}{
		{plain, `{"summary":`, 400, "Problems parsing JSON"},
		{plain, `{"title":"x"}`, 422, `"title" is not a permitted key.`},
		{plain, `{"start_private_fork":true}`, 422, "is not a permitted key."},
		{plain, `{"credits":[{"login":"dana","type":"finder","state":"accepted"}]}`, 422, "unknown field"},
		{plain, `{"summary":7}`, 422, "Invalid request"},
		{plain, `{"summary":"` + strings.Repeat("é", 1025) + `"}`, 422, "Summary is too long"},
		{plain, `{"vulnerabilities":[]}`, 422, "Advisory must have at least one vulnerability"},
		{plain, `{"vulnerabilities":[{"package":{"ecosystem":"php","name":"x"}}]}`, 422, "is not a valid ecosystem"},
		{plain, `{"severity":"high","cvss_vector_string":"CVSS:3.1/AV:N"}`, 422, "You must choose between setting"},
		{plain, `{"cvss_vector_string":"CVSS:4.0/AV:N/"}`, 422, "CVSS vector string is invalid"},
		{scored, `{"severity":"low"}`, 422, "Cannot update severity value when CVSS is set."},
		{plain, `{"cve_id":"CVE-2026-1"}`, 422, "CVE is invalid"},
		{plain, `{"cwe_ids":["787"]}`, 422, "CWE not found"},
		{plain, `{"credits":[{"login":"no-such-user","type":"finder"}]}`, 422, "Credit is invalid"},
		{plain, `{"collaborating_users":["no-such-user"]}`, 422, "Collaborating user not found"},
		{plain, `{"summary":"new","cwe_ids":["CWE-787"]}`, 200, `"cwe_id":"CWE-787"`},
	} {
		if a := r.ask("writer", "PATCH "+all+"/"+c.id, c.body); a.status != c.status || !strings.Contains(strings.ReplaceAll(a.text, `\"`, `"`), c.told) {
			t.Errorf("%.60s: %d %s", c.body, a.status, a.text)
		}
	}
	if a := r.ask("writer", "POST "+all, `{"summary":"x"}`); a.status != 422 {
		t.Error(a.status, a.text)
	}
	if a := r.ask("reader", "GET "+base, "", "X-GitHub-Api-Version", "1999-01-01"); a.status != 400 {
		t.Error(a.status)
	}
	for version, want := range map[string]bool{"": true, "2022-11-28": true, "2026-03-10": false} {
		a := r.ask("reader", "GET "+all+"/"+scored, "", "X-GitHub-Api-Version", version)
		if _, old := a.body["cvss"]; old != want || a.body["cvss_severities"] == nil || a.body["not_known_yet"] == nil {
			t.Errorf("%q: %s", version, a.text)
		}
	}
}

// TestReplace: a list is what was sent, and nothing of what was there.
func TestReplace(t *testing.T) {
	r := start(t, github.Options{})
	id := r.make(whole)
	at := "PATCH " + all + "/" + id
	r.ask("writer", at, `{"credits":[{"login":"dana","type":"finder"},{"login":"bob","type":"analyst"}],"collaborating_users":["carol"]}`)
	r.AcceptCredit(id, "dana", true)
	r.AcceptCredit(id, "bob", false)
	a := r.ask("writer", at, `{"credits":[{"login":"dana","type":"reporter"}],"collaborating_users":["alice"]}`)
	if strings.Contains(a.text, "bob") || strings.Contains(a.text, "carol") || !strings.Contains(a.text, `"state":"accepted","type":"reporter"`) {
		t.Error(a.text)
	}
}

// TestPublish: every known cause of a refusal, and what comes with it.
func TestPublish(t *testing.T) {
	r := start(t, github.Options{})
	id := r.report()
	r.Set(id, "draft", "alice")
	at := "PATCH " + all + "/" + id
	publish := func(want string) {
		t.Helper()
		if a := r.ask("writer", at, `{"state":"published"}`); a.status != 422 || !strings.Contains(a.text, want) {
			t.Errorf("not %q: %d %s", want, a.status, a.text)
		}
	}
	publish("Severity can't be blank")
	r.ask("writer", at, `{"severity":"high"}`)
	publish("Advisory must have at least one vulnerability")
	r.ask("writer", at, `{"vulnerabilities":[{"package":{"ecosystem":"pip","name":""}}]}`)
	publish("Affected product must have an ecosystem and a package name")
	r.ask("writer", at, "{"+affected+"}")
	r.OpenPull(id, true)
	publish("open pull request")
	r.OpenPull(id, false)
	if a := r.ask("admin", "POST "+all+"/"+id+"/forks", ""); a.status != 202 || a.body["full_name"] == nil {
		t.Fatal(a.status, a.text)
	}
	get := func() answer { return r.ask("reader", "GET "+all+"/"+id, "") }
	if get().body["private_fork"] != nil {
		t.Error("the private fork is there at once")
	}
	r.at = r.at.Add(2 * time.Minute)
	if get().body["private_fork"] == nil {
		t.Error("the private fork is not there")
	}
	if a := r.ask("admin", "POST "+all+"/"+id+"/forks", ""); a.status != 422 {
		t.Error(a.status)
	}
	if a := r.ask("writer", at, `{"state":"published"}`); a.status != 200 || a.body["private_fork"] != nil || a.body["published_at"] == nil {
		t.Error(a.status, a.text)
	}
	if a := r.ask("", "GET /advisories/"+id, ""); a.status != 404 {
		t.Error(a.status)
	}
	r.Review(id)
	if a := r.ask("", "GET /advisories/"+id, ""); a.status != 200 {
		t.Error(a.status, a.text)
	}
}

func TestCVE(t *testing.T) {
	r := start(t, github.Options{Comments: true})
	id := r.make(whole)
	at := "POST " + all + "/" + id + "/cve"
	if a := r.ask("writer", at, ""); a.status != 202 || !r.Requested(id) {
		t.Fatal(a.status, a.text)
	}
	r.RefuseCVE(id, "More than one")
	if a := r.ask("reader", "GET "+all+"/"+id, ""); r.Requested(id) || a.body["cve_id"] != nil || a.body["comments"] != 1.0 {
		t.Error(a.text)
	}
	r.AssignCVE(id, "CVE-2026-48123")
	if a := r.ask("writer", at, ""); a.status != 422 {
		t.Error(a.status)
	}
	r.Set(id, "closed", "alice")
	private := start(t, github.Options{Private: true})
	if a := private.ask("writer", "POST "+all+"/"+private.make(whole)+"/cve", ""); a.status != 422 {
		t.Error(a.status)
	}
}

// TestLimit: what counts against the limit, and what is told of it.
func TestLimit(t *testing.T) {
	r := start(t, github.Options{Limit: 2})
	a := r.ask("reader", "GET "+all, "")
	tag := a.header.Get("ETag")
	if a.header.Get("X-RateLimit-Remaining") != "1" || tag == "" {
		t.Error(a.header)
	}
	for range 5 {
		if a = r.ask("reader", "GET "+all, "", "If-None-Match", tag); a.status != 304 || a.text != "" || a.header.Get("X-RateLimit-Remaining") != "1" {
			t.Fatal(a.status, a.header)
		}
	}
	r.report()
	if a = r.ask("reader", "GET "+all, "", "If-None-Match", tag); a.status != 200 || r.Counted() != 2 {
		t.Error(a.status, r.Counted())
	}
	if a = r.ask("reader", "GET "+all, ""); a.status != 403 || a.header.Get("X-RateLimit-Remaining") != "0" {
		t.Error(a.status)
	}
	if a = r.ask("reader", "GET /rate_limit", ""); a.status != 200 || a.header.Get("Date") != r.at.Format(http.TimeFormat) {
		t.Error(a.status, a.header)
	}
	if a = r.ask("admin", "GET "+all, ""); a.status != 200 { // another person's
		t.Error(a.status)
	}
	r.at = r.at.Add(time.Hour)
	r.Change(func(o *github.Options) { o.Charge304 = true })
	before := r.Counted()
	tag = r.ask("reader", "GET "+all, "").header.Get("ETag")
	if a = r.ask("reader", "GET "+all, "", "If-None-Match", tag); a.status != 304 || r.Counted() != before+2 {
		t.Error(a.status, r.Counted()-before)
	}
}

// TestPages: by cursors, whatever the order.
func TestPages(t *testing.T) {
	r := start(t, github.Options{})
	var ids []string
	for range 7 {
		ids = append(ids, r.report())
		r.at = r.at.Add(time.Minute)
	}
	r.Edit(ids[0], "changed", "", "")
	for query, first := range map[string]string{"direction=asc": ids[0], "": ids[6], "sort=updated": ids[0], "sort=updated&direction=asc": ids[1]} {
		var got []string
		at, pages := all+"?per_page=3&"+query, 0
		for ; at != ""; pages++ {
			a := r.ask("reader", "GET "+at, "")
			var list []map[string]any
			if json.Unmarshal([]byte(a.text), &list) != nil {
				t.Fatal(a.text)
			}
			for _, one := range list {
				got = append(got, one["ghsa_id"].(string))
			}
			at = ""
			if _, next, ok := strings.Cut(a.header.Get("Link"), ", <"); ok {
				at, _, _ = strings.Cut(next, ">")
			}
		}
		if len(got) != 7 || pages != 3 || got[0] != first {
			t.Errorf("%s: %d pages, %v", query, pages, got)
		}
	}
}

// TestContract: the contract can fail.
func TestContract(t *testing.T) {
	d, err := described()
	if errors.Is(err, contract.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, github.Options{})
	good := github.Exchange{Method: "GET", Path: base + "/private-vulnerability-reporting", Status: 200, Answered: http.Header{"Content-Type": {"application/json"}}, Answer: []byte(`{"enabled":true}`)}
	if err := d.Check(good); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(x *github.Exchange){
		"answer": func(x *github.Exchange) { x.Answer = []byte(`{"enabled":"yes"}`) },
		"status": func(x *github.Exchange) { x.Status = 418 },
		"request": func(x *github.Exchange) {
			x.Method, x.Path, x.Status = "PATCH", all+"/"+r.make(whole), 200
			x.Sent, x.Body = http.Header{"Content-Type": {"application/json"}}, []byte(`{"title":"x"}`)
		},
	} {
		x := good
		change(&x)
		if err := d.Check(x); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
