package main

import (
	"strings"
	"testing"

	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/matrixclient"
)

// TestMatrixPatch: a patch that is uploaded on a real homeserver is kept for the
// incident that its caption names; what is no patch is not, and what is not encrypted
// is not even fetched. Nobody else's is.
func TestMatrixPatch(t *testing.T) {
	srv := dendrite.Start(t, dendrite.Options{})
	proxy := dendrite.NewProxy(t, srv)
	alice, bob, _, desk := team(t, srv)
	d := newMatrixDesk(t, srv, proxy.URL(), desk, "")
	alice.WaitMember(desk, botID, "join")
	wants(t, says(alice, desk, "!incident open --severity low Heap overflow"), "INC-1")
	wants(t, says(alice, desk, "!incident open --severity low Something else"), "INC-2")
	fetched := func() int { return len(proxy.Requests("GET", "/media/download/")) }

	send := func(name, caption, body string) matrixclient.Heard {
		t.Helper()
		return alice.WaitReply(alice.SendFileWith(desk, name, caption, "text/x-diff", []byte(body)))
	}
	wants(t, send("fix.patch", "for INC-2", markedPatch), "A patch of INC-2", "fix.patch, 88 bytes, sha256 ")
	wants(t, says(bob, desk, "!patch list INC-2"), "fix.patch, 88 bytes", "alice")
	wants(t, says(bob, desk, "!patch list INC-1"), "There are no patches")
	if n := fetched(); n != 1 {
		t.Errorf("%d downloads", n)
	}
	wants(t, send("fix.patch", "fix.patch", markedPatch), "Several incidents are open", "!patch add")
	wants(t, send("large.patch", "INC-1", strings.Repeat(markedPatch, 3000)), "too large for a patch")
	if n := fetched(); n != 1 {
		t.Errorf("%d downloads: what is not kept was fetched", n)
	}
	wants(t, send("no.diff", "INC-1", "no diff"), "That file is not kept")

	// A file in the clear, in an encrypted message.
	plain := alice.Send(desk, map[string]any{"msgtype": "m.file", "body": "INC-1", "filename": "plain.patch", "url": "mxc://hs.test/abc"})
	wants(t, alice.WaitReply(plain), "not encrypted")
	before := fetched()
	mallory := matrixclient.New(t, srv, "mallory")
	alice.Invite(desk, mallory.UserID())
	mallory.Join(desk)
	bob.WaitText(desk, "hears notices only")
	mallory.SendFileWith(desk, "fix.patch", "INC-1", "text/x-diff", []byte(markedPatch))
	wants(t, send("fix.patch", "INC-1", markedPatch), "is answered only where everything may be heard")
	if n := fetched(); n != before {
		t.Errorf("%d downloads where a stranger reads", n-before)
	}
	d.end()
	if text := d.log.String(); strings.Contains(text, "fix.patch") || strings.Contains(text, "diff --git") {
		t.Errorf("the log holds a patch:\n%s", text)
	}
}
