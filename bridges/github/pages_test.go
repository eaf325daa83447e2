package github

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	fake "tocsin/internal/chattest/github"
)

// many reports n holes, and gives their identifiers.
func (r rig) many(n int) []string {
	r.Helper()
	var ids []string
	for k := range n {
		id, err := r.server.Report(fake.Report{Summary: fmt.Sprint(k), Description: marker})
		if err != nil {
			r.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

// TestThreeHundred: all of them once, then only what changed, at the price of what
// changed.
func TestThreeHundred(t *testing.T) {
	r := start(t, fake.Options{})
	ids := r.many(300)
	var seen Seen
	look := func() (found []string) {
		t.Helper()
		all, err := r.ListAdvisories(t.Context(), &seen)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range all {
			found = append(found, a.ID)
		}
		return found
	}
	got := look()
	slices.Reverse(got)
	if !slices.Equal(got, ids) || r.server.Counted() != 3 {
		t.Errorf("%d of 300, %d requests", len(got), r.server.Counted())
	}
	for range 10 {
		look()
	}
	// The last page is full: one more and it has another after it, without having
	// changed. So it is read each time.
	if n := r.server.Counted(); n != 3+10 {
		t.Error(n)
	}
	// One is changed: its page is read, and no other but the last.
	r.server.Edit(ids[150], "changed", "", "")
	if got := look(); len(got) != 200 || !slices.Contains(got, ids[150]) || r.server.Counted() != 15 {
		t.Error(len(got), r.server.Counted())
	}
	// A new one moves all by one place.
	more := r.many(1)
	if got := look(); !slices.Contains(got, more[0]) || len(got) != 301 {
		t.Error(len(got))
	}
	before := r.server.Counted()
	if got := look(); len(got) != 0 || r.server.Counted() != before {
		t.Error(len(got), r.server.Counted()-before)
	}
	// Where 304 costs as much, or where there are no tags, it still works.
	r.server.Change(func(o *fake.Options) { o.Charge304 = true })
	if got := look(); len(got) != 0 || r.server.Counted() != before+4 {
		t.Error(len(got), r.server.Counted()-before)
	}
	r.server.Change(func(o *fake.Options) { o.NoETag = true })
	if got := look(); len(got) != 301 {
		t.Error(len(got))
	}
	for _, p := range seen.Pages {
		if p.ETag != "" {
			t.Error("a tag is kept of an answer that had none")
		}
	}
}

// TestFullPage: a last page that is full is read each time, any other is not.
func TestFullPage(t *testing.T) {
	for n, tagged := range map[int]bool{0: true, 99: true, 100: false} {
		r := start(t, fake.Options{})
		r.many(n)
		var seen Seen
		if all, err := r.ListAdvisories(t.Context(), &seen); err != nil || len(all) != n || len(seen.Pages) != 1 || (seen.Pages[0].ETag != "") != tagged {
			t.Errorf("%d: %d %+v %v", n, len(all), seen, err)
		}
	}
}

// TestCutWalk: a look that breaks in the middle has not been.
func TestCutWalk(t *testing.T) {
	r := start(t, fake.Options{})
	r.many(250)
	var seen Seen
	if _, err := r.ListAdvisories(t.Context(), &seen); err != nil {
		t.Fatal(err)
	}
	r.server.Edit(r.many(1)[0], "", marker, "")
	before := Seen{Pages: slices.Clone(seen.Pages)}
	r.server.Fail(fake.Fault{Path: "GET /repositories/3271/security-advisories", Cut: true})
	got, err := r.ListAdvisories(t.Context(), &seen)
	if problem(t, err).Kind != Silent || len(got) != 0 || !reflect.DeepEqual(seen, before) {
		t.Error(len(got), err)
	}
	if got, err = r.ListAdvisories(t.Context(), &seen); err != nil || len(got) != 251 {
		t.Error(len(got), err)
	}
}

// TestLinks: where a page may not lead.
func TestLinks(t *testing.T) {
	other := start(t, fake.Options{})
	for name, c := range map[string]struct {
		next string
		kind Kind
	}{
		"another host":   {other.server.URL + "/repos/python-pillow/Pillow/security-advisories", Moved},
		"another scheme": {"https://SELF/repositories/3271/security-advisories", Moved},
		"a part of it":   {"http://SELF.example.org/", Moved},
		"a user":         {"http://SELF@example.org/", Moved},
		"no web address": {"mailto:SELF", Moved},
		"itself":         {"http://SELF/repositories/3271/security-advisories?after=x", Strange},
	} {
		r := start(t, fake.Options{})
		link := strings.ReplaceAll(c.next, "SELF", strings.TrimPrefix(r.server.URL, "http://"))
		for range 2 {
			r.server.Fail(fake.Fault{Status: 200, Body: "[]", Header: http.Header{"Link": {`<https://x/>; rel="prev", <` + link + `>; rel="next"`}}})
		}
		var seen Seen
		_, err := r.ListAdvisories(t.Context(), &seen)
		if problem(t, err).Kind != c.kind || len(seen.Pages) != 0 {
			t.Errorf("%s: %v", name, err)
		}
		discreet(t, err)
	}
	if n := len(other.server.Asked()); n != 0 {
		t.Error("the token went to another host")
	}
}

// TestRedirects: a question follows on the same host only, and a write never.
func TestRedirects(t *testing.T) {
	other, r := start(t, fake.Options{}), start(t, fake.Options{})
	id := r.report()
	path := "/repos/python-pillow/Pillow/security-advisories/" + id
	for _, status := range []int{301, 302, 307, 308} {
		r.server.Fail(fake.Fault{Status: status, Location: other.server.URL + path})
		if _, err := r.GetAdvisory(t.Context(), id); problem(t, err).Kind != Moved {
			t.Error(status, err)
		}
		r.server.Fail(fake.Fault{Status: status, Location: path})
		if _, err := r.GetAdvisory(t.Context(), id); err != nil {
			t.Error(status, err)
		}
		before := len(r.server.Asked())
		r.server.Fail(fake.Fault{Status: status, Location: path + "/cve"})
		if err := r.RequestCVE(t.Context(), id); problem(t, err).Kind != Moved || outcome(err) != "refused" || len(r.server.Asked()) != before+1 {
			t.Error(status, err)
		}
	}
	if n := len(other.server.Asked()); n != 0 {
		t.Error("the token went to another host")
	}
	for range 10 {
		r.server.Fail(fake.Fault{Path: "GET " + path, Status: 302, Location: path})
	}
	if _, err := r.GetAdvisory(t.Context(), id); problem(t, err).Kind != Moved {
		t.Error(err)
	}
}
