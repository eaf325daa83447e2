package main

import (
	"testing"
	"time"

	"tocsin/internal/chattest/dendrite"
)

// TestMatrixCrashLost lets the homeserver take what the bot sends and loses its
// answer: the bot is killed while it waits for it, or only the connection breaks
// off. In between the homeserver may be restarted, and then does not know the
// transaction any more.
func TestMatrixCrashLost(t *testing.T) {
	var proxy *dendrite.Proxy
	c := newCrash(t, func(srv *dendrite.Server) string {
		proxy = dendrite.NewProxy(t, srv)
		return proxy.URL()
	})
	for len(c.notes) < 15 {
		c.alice.WaitReply(c.note())
	}
	file := func() string { return c.command("!timeline INC-1 50") }
	for _, lost := range []struct {
		what, method, path string
		command            func() string
	}{
		{"an answer", "PUT", "/send/m.room.encrypted", c.note},
		{"an upload", "POST", "/upload", file},
		{"an answer with a file", "PUT", "/send/m.room.encrypted", file},
	} {
		for _, kill := range []bool{false, true} {
			for _, restart := range []bool{true, false} {
				c.lose(proxy, dendrite.Rule{Method: lost.method, Path: lost.path, After: true, Times: 1}, kill, restart, lost.command)
			}
		}
	}
	c.check()
}

// lose loses the answer to one request, and waits for the command's.
func (c *crash) lose(p *dendrite.Proxy, r dendrite.Rule, kill, restart bool, command func() string) {
	c.t.Helper()
	if r.Do = dendrite.Cut; kill {
		r.Do = dendrite.Hang
	}
	at := time.Now()
	lost := p.Trouble(r)
	event := command()
	lost.Wait(c.t, 1)
	if kill {
		c.bot.kill()
		lost.End()
	}
	if restart {
		if kill {
			c.alice.Shown(c.desk) // it cannot know what a homeserver holds back: one that lives waits for it
		}
		c.srv.Kill(c.t)
		c.srv.Restart(c.t)
	}
	if kill {
		c.bot.start()
	}
	for end := time.Now().Add(100 * time.Second); c.alice.answers()[event] == 0; <-time.After(20 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("%s %s, killed %v, homeserver restarted %v: no answer", r.Method, r.Path, kill, restart)
		}
	}
	c.t.Logf("%s %s, killed %v, homeserver restarted %v: answered after %.1f s", r.Method, r.Path, kill, restart, time.Since(at).Seconds())
}

// TestMatrixServerStops stops the homeserver in an orderly way right after it took
// a command. While it ends it may answer a sync with a new position and without
// the command, since it cannot look any more: the bot does not take its word.
func TestMatrixServerStops(t *testing.T) {
	times := 30
	if testing.Short() {
		times = 5
	}
	c := newCrash(t, nil)
	for range times {
		event := c.command("!ping")
		c.srv.Restart(t)
		c.seen(event)
	}
	c.check()
}

// seen waits for an answer, which this client too may have to look for. One that the
// homeserver may have taken before it stopped waits until it must have shown it.
func (c *crash) seen(event string) {
	c.t.Helper()
	for began := time.Now(); c.alice.answers()[event] == 0; <-time.After(20 * time.Millisecond) {
		if time.Since(began) > 35*time.Second+soon {
			c.t.Fatalf("%s has no answer", event)
		}
		if time.Since(began) > 2*time.Second {
			must(c.t, c.alice.whole(c.t.Context()))
		}
	}
}
