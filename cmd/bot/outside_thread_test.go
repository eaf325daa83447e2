package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"tocsin/incidents"
	"tocsin/internal/chattest/mastodon"
)

// TestAThreadIsCut: what is out of a thread is on record, and told, whatever keeps the
// rest of it.
func TestAThreadIsCut(t *testing.T) {
	const long = "Pillow 12.3.1 fixes CVE-2026-25990. Please upgrade: python3 -m pip install --upgrade Pillow\n\n"
	later := mastodon.Fault{Path: posts, Status: http.StatusInternalServerError, After: true} // the first post is there, and found
	for name, c := range map[string]struct {
		faults             []mastodon.Fault
		between            []string // what is said before the first post is found
		state, told, noted string
		then               []mastodon.Fault // after the first post is found
		out                int              // posts on the instance
	}{
		"422":          {[]mastodon.Fault{later, {Path: posts, Status: http.StatusUnprocessableEntity}}, nil, incidents.SendRefused, "was NOT sent on Mastodon, from post 2 of 3 on", "1 of 3 posts went out", nil, 1},
		"nobody knows": {[]mastodon.Fault{later, {Path: posts, Cut: true, After: true}}, nil, incidents.SendUnknown, "may or may not have been sent on Mastodon, post 2 of 3", "1 of 3 posts went out, and the next one may have", []mastodon.Fault{{Path: lookedUp, Status: http.StatusForbidden}}, 2},
		"suspended":    {[]mastodon.Fault{later}, []string{"!suspend bob"}, incidents.SendRefused, "was NOT sent on Mastodon, from post 2 of 3 on: bob is not obeyed any more", "1 of 3 posts went out", nil, 1},
		"other facts":  {[]mastodon.Fault{later}, []string{"!fact set cwe CWE-400"}, incidents.SendRefused, "from post 2 of 3 on: the facts,", "1 of 3 posts went out", nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPosting(t, filepath.Join(t.TempDir(), "t.db"))
			for _, line := range facts() {
				p.says("alice", line)
			}
			p.says("alice", "!draft edit mastodon "+long+strings.Repeat("A file can be read for ever. ", 33))
			asked := p.says("alice", "!send mastodon --thread")
			p.server.Fail(c.faults...)
			said := p.says("bob", "!approve "+p.code(asked))
			for _, line := range c.between {
				p.says("carol", line)
			}
			said += p.waits("1m") // the first post is found, and the second one tried
			p.server.Fail(c.then...)
			said += p.waits("2h")
			must(t, p.Restart(t.Context()))
			said += p.waits("2h")
			if strings.Count(said, c.told) != 1 || !strings.Contains(said, "What comes before it is out: https://social.example.org/@pillow/") || strings.Contains(said, "To ask anew") {
				t.Errorf("told is %s", said)
			}
			all := p.sendings()
			if len(p.server.Statuses()) != c.out || len(all) != 3 || all[0].State != incidents.SendRefused || all[1].State != c.state || all[2].State != incidents.SendSent {
				t.Errorf("%d posts are out, kept as %v %v %v", len(p.server.Statuses()), all[2].State, all[1].State, all[0].State)
			}
			record := p.says("alice", "!timeline INC-1 3")
			if p.onRecord("sent") != 1 || p.onRecord("send-cut") != 1 || p.onRecord("step-done") != 0 || !strings.Contains(record, "post 1 of 3") || !strings.Contains(record, c.noted) {
				t.Errorf("on record is %s", record)
			}
		})
	}
}

// TestAThreadOverCrashes: each post of a thread is out once, and on record once,
// wherever the bot crashed after it gave one to the network.
func TestAThreadOverCrashes(t *testing.T) {
	for at := 1; at <= 3; at++ {
		p := newPosting(t, filepath.Join(t.TempDir(), "t.db"))
		for _, line := range facts() {
			p.says("alice", line)
		}
		p.says("alice", "!draft edit mastodon Pillow 12.3.1 fixes CVE-2026-25990. Please upgrade: python3 -m pip install --upgrade Pillow\n\n"+strings.Repeat("A file can be read for ever. ", 33))
		code, carried := p.code(p.says("alice", "!send mastodon --thread")), 0
		p.fail = func(step string) {
			if step == "carried" {
				if carried++; carried == at {
					panic("crash")
				}
			}
		}
		must(t, p.Restart(t.Context()))
		func() {
			defer func() { recover() }()
			p.says("bob", "!approve "+code)
		}()
		p.fail = nil
		must(t, p.Restart(t.Context()))
		p.waits("10m")
		if n := len(p.server.Statuses()); n != 3 || p.onRecord("sent") != 3 || p.onRecord("step-done") != 1 || p.onRecord("send-cut") != 0 {
			t.Errorf("after a crash with post %d: %d posts, and %d on record", at, n, p.onRecord("sent"))
		}
	}
}
