package main

import (
	"fmt"
	"io"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/bridges"
	"tocsin/bridges/console"
	"tocsin/incidents/store"
)

// heardOf gives how long ago each person was heard last.
func (r *rehearsal) heardOf(t *testing.T) map[string]time.Duration {
	t.Helper()
	out := map[string]time.Duration{}
	must(t, r.store.Update(t.Context(), func(tx *store.Tx) error {
		all, err := tx.HeardOf()
		for person, at := range all {
			out[person] = tx.Now().Sub(at)
		}
		return err
	}))
	return out
}

// TestWhoIsHeard: whatever somebody on the roster says counts, a command or not,
// and nothing that may be somebody else's.
func TestWhoIsHeard(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r, err := openRehearsal(t.Context(), rehearsalOptions{dbPath: filepath.Join(dir, "t.db"), out: io.Discard, log: quiet(), clock: startClock(), random: dull()})
		must(t, err)
		defer r.close()
		n := 0
		says := func(who, text string, change func(*bridges.Message)) {
			n++
			m := bridges.Message{
				ID: fmt.Sprint("m", n), Room: console.Room(), Text: text, Name: who,
				From: bridges.Account{Network: console.Network, ID: who}, At: r.clock.Now(),
			}
			if change != nil {
				change(&m)
			}
			must(t, r.Message(t.Context(), m))
		}
		is := func(what string, who string, want time.Duration, heard bool) {
			t.Helper()
			got, ok := r.heardOf(t)[who]
			if ok != heard || got != want {
				t.Errorf("%s: %s was heard %v ago, %v", what, who, got, ok)
			}
		}
		for _, text := range []string{"good morning", "!ping", "!frobnicate", "!incident show", "!", "!!"} {
			time.Sleep(2 * time.Minute)
			says("alice", text, nil)
			is(text, "alice", 0, true)
		}
		says("mallory", "good morning", nil)
		is("a stranger", "mallory", 0, false)
		says("bob", "good morning", func(m *bridges.Message) { m.Room.ID = "elsewhere" })
		is("a room that the configuration does not name", "bob", 0, false)
		says("bob", "!ping", func(m *bridges.Message) { m.Room.ID = "elsewhere" })
		is("a command there", "bob", 0, false)
		for _, doubt := range []bridges.Doubt{bridges.Plain, bridges.Unsigned, bridges.Replaced} {
			says("bob", "good morning", func(m *bridges.Message) { m.Doubt = doubt })
			says("bob", "!ping", func(m *bridges.Message) { m.Doubt = doubt })
			is("a message that may be another's", "bob", 0, false)
		}
		says("bob", "good morning", func(m *bridges.Message) { m.At = m.At.Add(-5 * time.Hour) })
		is("a message that came late", "bob", 5*time.Hour, true)
		says("bob", "!ping", func(m *bridges.Message) { m.At = m.At.Add(-3 * time.Hour) })
		is("a command that came late", "bob", 3*time.Hour, true)
		says("bob", "hello", func(m *bridges.Message) { m.At = m.At.Add(time.Hour) })
		is("a message from a clock that runs ahead", "bob", 0, true)
		says("carol", "hello", func(m *bridges.Message) {
			m.Room, m.Doubt = bridges.Room{Network: console.Network, ID: "carol", Direct: true}, bridges.Open
		})
		is("where others could have written it", "carol", 0, false)
		says("carol", "hello", func(m *bridges.Message) {
			m.Room = bridges.Room{Network: console.Network, ID: "carol", Direct: true}
		})
		is("directly", "carol", 0, true)
		says("dana", "good morning", nil)
		time.Sleep(10 * time.Minute)
		says("alice", "!suspend dana", nil)
		for _, text := range []string{"good evening", "!ping", "!here", "!frobnicate"} {
			says("dana", text, nil)
			is("suspended, "+text, "dana", 10*time.Minute, true)
		}
		says("carol", "one", nil)
		time.Sleep(59 * time.Second)
		says("carol", "two", nil)
		is("within a minute", "carol", 59*time.Second, true)
		time.Sleep(time.Second)
		says("carol", "three", nil)
		is("after a minute", "carol", 0, true)
	})
}
