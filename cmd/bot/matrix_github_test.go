package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/freeport"
	fake "tocsin/internal/chattest/github"
	"tocsin/internal/chattest/ircd"
)

// watchesGitHub is a repository that is looked at seldom, and a webhook.
const watchesGitHub = `
[github]
base = %q
repository = "python-pillow/Pillow"
token_file = "reader"
write_token_file = "writer"
publish = true
every = "1h"

[github.webhook]
listen = "127.0.0.1:%d"
secret_file = "hook"
`

// knock tells the bot's webhook that there is something new, as GitHub does.
func knock(t *testing.T, port int, id, secret, body string) int {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, fmt.Sprintf("http://127.0.0.1:%d/github", port), bytes.NewBufferString(body))
	must(t, err)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	q.Header.Set("X-GitHub-Delivery", id)
	q.Header.Set("X-GitHub-Event", "repository_advisory")
	q.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	res, err := http.DefaultClient.Do(q)
	must(t, err)
	res.Body.Close()
	return res.StatusCode
}

// TestAdvisoryOnBothNetworks plays a private report from its coming in to its
// publishing, on a real homeserver and a real IRC server: the one side hears all of it,
// the other that there is something.
func TestAdvisoryOnBothNetworks(t *testing.T) {
	hs, irc := dendrite.Start(t, dendrite.Options{}), ircd.Start(t, ircd.Options{})
	alice, _, carol, desk := team(t, hs)
	bob := irc.Dial(t, irc.Relaxed, "robert", "bob")
	bob.Join(t, "#desk")
	hub := fake.Start(fake.Options{Score: func(string) float64 { return 6.9 }})
	t.Cleanup(hub.Close)
	free, err := freeport.Get(1)
	must(t, err)
	port := free[0]
	const secret = "It's a Secret to Everybody"
	d := newPairWith(t, hs, irc, desk, fmt.Sprintf(watchesGitHub, hub.URL, port), map[string]string{"reader": "reader-token\n", "writer": "writer-token\n", "hook": secret + "\n"})
	alice.WaitMember(desk, botID, "join")
	ready(t, bob)
	channel := func(line string) { t.Helper(); bob.Expect(t, `:tocsin!\S+ PRIVMSG #desk :`+line, soon) }
	alice.WaitText(desk, "I watch the security advisories of python-pillow/Pillow from now on. There are none yet.")

	id, err := hub.Report(fake.Report{Login: "erin", Summary: "Heap overflow in the PSD decoder", Description: "Open this file."})
	must(t, err)
	if code := knock(t, port, "1", "another secret", "{}"); code != http.StatusUnauthorized {
		t.Errorf("a forged delivery is answered with %d", code)
	}
	if code := knock(t, port, "1", secret, `{"action":"reported"}`); code != http.StatusAccepted {
		t.Errorf("a delivery is answered with %d", code)
	}
	came := alice.WaitText(desk, "a private report came in on GitHub, by erin: Heap overflow in the PSD decoder")
	if len(came.Mentions) != 3 || !slices.Contains(came.Mentions, alice.UserID()) || !strings.Contains(came.Text, "!role take INC-1 lead") {
		t.Errorf("it calls %v: %s", came.Mentions, came.Text)
	}
	channel(`robert: INC-1 "[a-z ]+" was opened, and nobody leads it yet`)
	wants(t, says(carol, desk, "!role take lead"), "carol leads INC-1")
	wants(t, says(carol, desk, "!ack sent --via GitHub"), "was answered")
	does := func(command, done string) {
		t.Helper()
		wants(t, says(carol, desk, command), "I ask GitHub to")
		alice.WaitText(desk, done)
	}
	does("!advisory accept", "the report is accepted: it is a draft")
	for _, line := range []string{
		"!severity set medium", "!fact set affected 10.3.0 to 12.3.0", "!fact set fixed 12.3.1", "!fact set cwe CWE-787",
		"!fact set summary A crafted PSD file overflows a heap buffer.", "!fact set details The decoder trusts the length of a layer.", "!reporter set erin --credit Erin",
		"!severity set CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:P/VC:L/VI:L/VA:N/SC:N/SI:N/SA:N", "!release plan 12.3.1 INC-1", "!done INC-1 tag",
	} {
		says(carol, desk, line)
	}
	does("!advisory push", "fixed version: 12.3.1")
	does("!advisory cve", "a CVE is requested")
	hub.AssignCVE(id, "CVE-2026-12345")
	knock(t, port, "2", secret, "{}")
	alice.WaitText(desk, "The CVE is noted in the incident")
	wants(t, says(carol, desk, "!advisory publish"), "12.3.1 is not live")
	for _, step := range []string{"reproduce", "fix", "test", "merge", "commit-ids"} {
		says(carol, desk, "!done "+step)
	}
	wants(t, says(carol, desk, "!release live 12.3.1"), "is live on PyPI")
	says(carol, desk, "!advisory push")
	alice.WaitText(desk, "its description was changed")
	wants(t, says(carol, desk, "!advisory publish"), "publish is locked until this is done: review")
	wants(t, says(alice, desk, "!done review"), "review is done")
	asked := says(carol, desk, "!advisory publish")
	wants(t, asked, "There is no way back", "CVE-2026-12345")
	code := regexp.MustCompile(`!approve (\w{5})`).FindStringSubmatch(asked.Text)
	if code == nil || hub.State(id) != "draft" {
		t.Fatalf("it is %s: %s", hub.State(id), asked.Text)
	}
	wants(t, says(carol, desk, "!approve "+code[1]), "another maintainer has to approve")
	wants(t, says(alice, desk, "!approve "+code[1]), "I ask GitHub to publish the advisory")
	alice.WaitText(desk, "the advisory is PUBLIC, as I read it back")
	if hub.State(id) != "published" {
		t.Errorf("it is %s", hub.State(id))
	}
	// Started again, it says nothing again.
	before := len(alice.All())
	d.end()
	d.start()
	wants(t, says(alice, desk, "!ping"), "Here")
	for _, h := range alice.All()[before:] {
		if strings.Contains(h.Text, "GitHub") || strings.Contains(h.Text, "PUBLIC") {
			t.Errorf("said again: %s", h.Text)
		}
	}
	for _, line := range bob.Lines(`PRIVMSG`) {
		if strings.Contains(line, "PSD") || strings.Contains(line, "erin") || strings.Contains(line, id) || strings.Contains(line, "CVE-") {
			t.Errorf("the channel heard: %s", line)
		}
	}
	if log := d.log.String(); strings.Contains(log, "PSD") || strings.Contains(log, "erin") || strings.Contains(log, id) {
		t.Error("the log tells of it")
	}
}
