package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/internal/chattest/ircd"
)

// BenchmarkIRC measures on a real server with its usual flood limits, from a
// command to the last line of its answer as the other side sees it, the bot
// having been idle before: five lines in the channel, and twelve directly. The
// baseline is a client without any pace of its own that sends twelve lines.
func BenchmarkIRC(b *testing.B) {
	srv := ircd.Start(b, ircd.Options{})
	dir := b.TempDir()
	oneRoom, _, _ := strings.Cut(ircConfig, "\n[[irc.room]]\nchannel = \"#private\"")
	for name, text := range map[string]string{
		"config.toml": fmt.Sprintf(oneRoom, srv.Strict, srv.CA), "password": ircd.Password("bot"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan int, 1)
	log := &output{}
	p := program{in: strings.NewReader(""), out: log, err: log, env: os.LookupEnv}
	go func() { done <- p.run(ctx, []string{"-config", filepath.Join(dir, "config.toml")}) }()
	b.Cleanup(func() { stop(); <-done })

	alice := srv.Dial(b, srv.Relaxed, "alice", "alice")
	alice.Join(b, "#desk")
	bare := srv.Dial(b, srv.Strict, "bare", "bob")
	bare.Join(b, "#desk")
	ready(b, alice)
	for range 5 {
		alice.Privmsg("#desk", "!incident open --severity high")
		alice.Expect(b, `PRIVMSG #desk :... Level High|PRIVMSG #desk :Level High`, soon)
	}
	// Idle means that neither the bot's pace nor the server's limits remember.
	idle := func() { time.Sleep(12 * time.Second) }
	measure := func(say, last string) float64 {
		idle()
		at := time.Now()
		alice.Privmsg("#desk", say)
		alice.Expect(b, last, 30*time.Second)
		return time.Since(at).Seconds()
	}
	for b.Loop() {
		five := measure("!incident list", `PRIVMSG #desk :INC-1 `)
		for range 7 {
			alice.Privmsg("#desk", "!incident open --severity high")
			alice.Expect(b, `PRIVMSG #desk :... Level High|PRIVMSG #desk :Level High`, soon)
		}
		twelve := measure("!incident list", `PRIVMSG alice :INC-1 `)
		idle()
		at := time.Now()
		for k := range 12 {
			bare.Privmsg("#desk", fmt.Sprintf("line %02d %s", k, strings.Repeat("x", 130)))
		}
		alice.Expect(b, `PRIVMSG #desk :line 11`, 30*time.Second)
		b.ReportMetric(five, "s/5-lines")
		b.ReportMetric(twelve, "s/12-lines")
		b.ReportMetric(time.Since(at).Seconds(), "s/12-bare")
		b.ReportMetric(0, "ns/op")
	}
}
