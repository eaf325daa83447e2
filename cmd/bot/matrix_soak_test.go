package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/matrixclient"
)

// soak is the talk of a long week.
type soak struct {
	t       *testing.T
	srv     *dendrite.Server
	bot     *matrixChild
	typists []*typist
	random  *rand.Rand
	air     sync.RWMutex // held by who sends: the homeserver restarts between sends only

	mu     sync.Mutex
	sent   int
	notes  []string
	wanted int
}

// draw draws the next command; false when enough were said.
func (s *soak) draw(y *typist) (room, text string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sent == s.wanted {
		return "", "", false
	}
	s.sent++
	room = y.rooms[s.random.IntN(len(y.rooms))]
	incident := 1 + s.random.IntN(3)
	switch s.random.IntN(10) {
	case 0, 1, 2:
		return room, fmt.Sprintf("!incident show INC-%d", incident), true
	case 3, 4, 5, 6:
		note := fmt.Sprintf("thought number %d", s.sent)
		s.notes = append(s.notes, note)
		return room, fmt.Sprintf("!incident note INC-%d %s", incident, note), true
	case 7:
		return room, fmt.Sprintf("!severity set INC-%d %s", incident, []string{"low", "medium", "high"}[s.random.IntN(3)]), true
	case 8:
		return room, "!whoami", true
	}
	return room, "!ping", true
}

// talk has one person type until enough was said.
func (s *soak) talk(ctx context.Context, y *typist) error {
	for {
		room, text, ok := s.draw(y)
		if !ok {
			return nil
		}
		for y.open() >= y.window {
			if !wait(ctx, 50*time.Millisecond) {
				return ctx.Err()
			}
		}
		s.air.RLock()
		err := y.say(ctx, room, text)
		s.air.RUnlock()
		if err != nil {
			return fmt.Errorf("%s: %w", y.UserID(), err)
		}
	}
}

func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// strike lets something happen to the bot or to the homeserver, while commands
// are on their way.
func (s *soak) strike(kind int) string {
	server := func() {
		s.air.Lock()
		defer s.air.Unlock()
		s.srv.Kill(s.t)
		s.srv.Restart(s.t)
	}
	switch kind % 6 {
	case 0, 3:
		s.bot.kill()
		s.bot.start()
		s.mu.Lock()
		again := time.Duration(s.random.IntN(600)) * time.Millisecond
		s.mu.Unlock()
		time.Sleep(again) // somewhere in its start, or soon after
		s.bot.kill()
		s.bot.start()
		return fmt.Sprintf("the bot is killed, and again after %s", again)
	case 1:
		s.bot.term()
		s.bot.start()
		return "the bot is restarted"
	case 2:
		server()
		return "the homeserver is killed"
	case 4: // what the homeserver took from the bot it does not remember as taken
		s.bot.kill()
		s.typists[0].Shown(s.typists[0].rooms[0]) // a bot that was dead, too, cannot know what a homeserver holds back
		server()
		s.bot.start()
		return "the bot and the homeserver are killed"
	}
	s.bot.term()
	server()
	s.bot.start()
	return "the bot is restarted and the homeserver killed"
}

// TestMatrixSoak: three people type commands into two encrypted rooms, about a
// score on their way at any time, while the bot is restarted and killed and the
// homeserver too. Each is answered exactly once, and obeyed exactly once.
func TestMatrixSoak(t *testing.T) {
	wanted, strikes := 2000, 30
	if testing.Short() {
		wanted, strikes = 200, 6
	}
	srv := dendrite.Start(t, dendrite.Options{})
	alice, bob, carol, desk := team(t, srv)
	other := alice.MakeRoom(matrixclient.RoomOptions{Invite: []string{bob.UserID(), carol.UserID(), botID}})
	bob.Join(other)
	carol.Join(other)
	s := &soak{t: t, srv: srv, wanted: wanted, bot: newMatrixChild(t, srv, srv.URL(), buildBot(t), desk, other)}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	s.random = rand.New(rand.NewPCG(seed, 0))
	s.bot.start()
	for _, room := range []string{desk, other} {
		alice.WaitMember(room, botID, "join")
	}
	for range 3 {
		wants(t, says(alice, desk, "!incident open Heap overflow"), "is open")
	}
	for _, p := range []*matrixclient.Person{alice, bob, carol} {
		s.typists = append(s.typists, &typist{Person: p, rooms: []string{desk, other}, window: 7, sent: map[string]string{}})
	}

	began := time.Now()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	talked := make(chan error, len(s.typists))
	for _, y := range s.typists {
		go func() { talked <- s.talk(ctx, y) }()
	}
	for k := range strikes {
		s.until(began, (k+1)*wanted/(strikes+1))
		t.Logf("%6.1f s: %s", time.Since(began).Seconds(), s.strike(k))
	}
	for range s.typists {
		if err := <-talked; err != nil {
			t.Fatal(err)
		}
	}
	s.answered(began)
	spent := time.Since(began)
	t.Logf("%d commands in %.1f s with %d restarts: %.1f a second", wanted, spent.Seconds(), strikes, float64(wanted)/spent.Seconds())
	s.bot.settled()
	s.bot.kill() // one more life, in which nothing is said again
	s.bot.start()
	wants(t, says(alice, desk, "!ping"), "Here")
	wants(t, says(bob, other, "!ping"), "Here")
	s.bot.settled()
	s.bot.term()
	s.check()
}

// until waits until so many commands were sent, which needs that the bot answers.
func (s *soak) until(began time.Time, n int) {
	s.t.Helper()
	for last, at := -1, time.Now(); ; time.Sleep(20 * time.Millisecond) {
		s.mu.Lock()
		sent := s.sent
		s.mu.Unlock()
		if sent >= n {
			return
		}
		if sent != last {
			last, at = sent, time.Now()
		}
		if time.Since(at) > 3*soon {
			s.t.Fatalf("%.1f s: nothing goes on after %d commands: %s", time.Since(began).Seconds(), sent, s.missing())
		}
	}
}

// answered waits until every command has an answer.
func (s *soak) answered(began time.Time) {
	s.t.Helper()
	for end := time.Now().Add(3 * soon); ; time.Sleep(20 * time.Millisecond) {
		left := 0
		for _, y := range s.typists {
			left += y.open()
		}
		if left == 0 {
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("%.1f s: %d commands have no answer: %s", time.Since(began).Seconds(), left, s.missing())
		}
	}
}

// missing names commands without an answer.
func (s *soak) missing() string {
	var b strings.Builder
	for _, y := range s.typists {
		got := y.answers()
		y.mu.Lock()
		for evt, text := range y.sent {
			if got[evt] == 0 {
				fmt.Fprintf(&b, "\n  %s %s of %s", evt, text, y.UserID())
			}
		}
		y.mu.Unlock()
	}
	return b.String()
}

// check counts: one answer to each command, one entry for each note.
func (s *soak) check() {
	s.t.Helper()
	answered := 0
	for _, y := range s.typists {
		got := y.answers()
		for evt, text := range y.sent {
			if answered++; got[evt] != 1 {
				s.t.Errorf("%s (%q of %s) was answered %d times", evt, text, y.UserID(), got[evt])
			}
		}
		for _, h := range y.All() {
			if h.Undecryptable {
				s.t.Errorf("%s cannot read %s of %s: %s", y.UserID(), h.ID, h.Sender, h.Why)
			}
		}
	}
	if answered != s.wanted {
		s.t.Errorf("%d commands were sent", answered)
	}
	count := s.bot.look()
	for _, note := range s.notes {
		if n := count(`SELECT count(*) FROM timeline WHERE kind = 'noted' AND text = ?`, note); n != 1 {
			s.t.Errorf("%q stands in the record %d times", note, n)
		}
	}
	if n := count(`SELECT count(*) FROM timeline WHERE kind = 'noted'`); n != len(s.notes) {
		s.t.Errorf("%d notes are on record, %d were said", n, len(s.notes))
	}
	s.bot.whole()
}
