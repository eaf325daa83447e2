package main

import (
	"net/http"
	"testing"

	fake "tocsin/internal/chattest/github"
)

// TestWhatOthersDidMeanwhileIsNotLost: what changed on GitHub since the last look, and is
// met by an act before the next one, is told and taken as any other change.
func TestWhatOthersDidMeanwhileIsNotLost(t *testing.T) {
	d := onHub(t)
	d.start()
	id := d.report("Overflow")
	d.passes("2m")
	d.says("alice", "!advisory accept INC-1")
	d.heard()
	d.AssignCVE(id, "CVE-2026-12345")
	d.says("alice", "!fact set INC-1 fixed 12.3.1", "!advisory push INC-1 fixed")
	d.heard("its advisory on GitHub: CVE: CVE-2026-12345", "The CVE is noted in the incident", "fixed version: 12.3.1")
	d.says("alice", "!fact show INC-1", "!timeline INC-1 9")
	d.heard("CVE-2026-12345", "changed the advisory: cve: CVE-2026-12345")
	d.passes("2m")
	d.heard("-CVE-2026")
	// A conflict that nobody had seen yet: what is offered can be said at once.
	d.Edit(id, "Overflow in the PSD decoder", "", "")
	d.says("alice", "!incident title INC-1 Heap overflow", "!advisory push INC-1 title")
	d.heard("nothing was written", "there Overflow in the PSD decoder")
	d.says("alice", "!advisory push INC-1 title --over")
	d.heard("written to the advisory", "Overflow in the PSD decoder → Heap overflow")
}

// TestAPublicAdvisoryIsReadBack: what GitHub only says that it did is not told as done.
func TestAPublicAdvisoryIsReadBack(t *testing.T) {
	d := onHub(t)
	d.hub.c.Publish = true
	d.start()
	id := d.report("Overflow")
	d.passes("2m")
	d.says("alice", "!advisory accept INC-1", "!severity set INC-1 medium", "!fact set INC-1 affected < 12.3.1", "!fact set INC-1 fixed 12.3.1", "!advisory push INC-1")
	d.heard("written to the advisory")
	for _, step := range []string{"acknowledge", "reproduce", "request-cve", "fix", "test", "review", "merge", "commit-ids", "tag"} {
		d.says("bob", "!skip INC-1 "+step+" it is exploited")
	}
	d.heard()
	d.Fail(fake.Fault{Path: "PATCH /repos/python-pillow/Pillow/security-advisories/" + id, Status: http.StatusOK, Body: `{"ghsa_id": "` + id + `", "state": "published"}`})
	for _, want := range []string{"I asked GitHub to publish the advisory; it did not refuse, and still shows a draft", "the advisory is PUBLIC"} {
		d.heard("-PUBLIC,")
		d.says("alice", "!advisory publish INC-1 it is exploited")
		d.says("bob", "!approve")
		d.heard("asks to PUBLISH", want)
	}
}

// TestAnUnreviewedEntryIsNotTheEnd: Dependabot alerts nobody before GitHub reviewed it, so
// it is looked for until then.
func TestAnUnreviewedEntryIsNotTheEnd(t *testing.T) {
	d := onHub(t)
	d.start()
	id := d.report("Overflow")
	d.passes("2m")
	d.Set(id, "published", "alice")
	d.Fail(fake.Fault{Path: "GET /advisories/" + id, Status: http.StatusOK, Body: `{"ghsa_id": "` + id + `", "type": "unreviewed"}`})
	d.passes("2h")
	d.heard("PUBLISHED", "-global database")
	d.Review(id)
	d.passes("2h")
	d.heard("global database, reviewed: Dependabot tells its users")
}
