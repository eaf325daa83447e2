package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/bridges"
	"tocsin/commands"
	"tocsin/incidents"
	"tocsin/incidents/outbox"
	"tocsin/internal/chattest"
)

func TestMain(m *testing.M) {
	chattest.RegisterUpdate()
	os.Exit(m.Run())
}

// dull gives the same "random" bytes in every run.
func dull() func([]byte) {
	n := byte(0)
	return func(p []byte) {
		for i := range p {
			n += 7
			p[i] = n
		}
	}
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// staged is a bot on a stage.
type staged struct {
	t      *testing.T
	script *chattest.Script
	stage  *chattest.Stage
	clock  *clock
	path   string
	random func([]byte)
	log    *slog.Logger
	index  *shelf         // nil: no index is configured
	hub    *hub           // nil: no GitHub is
	ways   map[string]way // to people outside, instead of those of the script
	mail   letters        // the zero value: no keys, and no address of ours
	fail   func(step string)
	*rehearsal
}

func (s *staged) Hear(ctx context.Context, m bridges.Message) error { return s.Message(ctx, m) }
func (s *staged) Settle(ctx context.Context) error                  { return s.outbox.Drain(ctx) }

// Wait lets time pass; "down 3d" lets it pass while the bot is down.
func (s *staged) Wait(ctx context.Context, span string) error {
	away, down := strings.CutPrefix(span, "down ")
	if !down {
		return s.wait(ctx, span)
	}
	d, err := incidents.ReadSpan(away)
	if err != nil {
		return err
	}
	s.clock.moveTo(s.clock.Now().Add(d))
	return s.Restart(ctx)
}

func (s *staged) Restart(ctx context.Context) error {
	if s.rehearsal != nil {
		if err := s.close(); err != nil {
			return err
		}
	}
	p, err := rehearsalParts(s.path, s.clock, s.log)
	if err != nil {
		return err
	}
	p.random, p.failpoint, p.letters = s.random, s.fail, s.mail
	if s.index != nil {
		p.index, p.every = s.index.asked(), 2*time.Minute
	}
	if s.hub != nil {
		if p.github, err = s.hub.watched(); err != nil {
			return err
		}
	}
	bs := []bridges.Bridge{s.stage.Bridge("console")}
	seen := map[string]bool{}
	people := p.roster.People()
	for _, r := range s.script.Rooms {
		kind, direct := incidents.OnIRC, "notice"
		if r.Network == "matrix" {
			kind, direct = incidents.OnMatrix, "full"
			p.roomsFor = map[string][]string{r.Network: {"critical"}}
			p.maxAge = map[string]time.Duration{r.Network: 10 * time.Minute}
		}
		p.grants[bridges.Room{Network: r.Network, ID: r.Room}] = incidents.Grant{Network: kind, Asks: r.Clearance, Desk: true}
		p.desks = append(p.desks, commands.Place{Network: r.Network, Room: r.Room})
		if !seen[r.Network] {
			seen[r.Network] = true
			bs = append(bs, s.stage.Bridge(r.Network))
			p.direct[r.Network] = incidents.Grant{Network: kind, Asks: direct}
			for i := range people {
				id := chattest.AccountID(r.Network, people[i].Name)
				people[i].Accounts = append(people[i].Accounts, incidents.Account{Network: r.Network, ID: id})
			}
		}
	}
	p.roster = incidents.NewRoster(people...)
	if len(s.script.Rooms)+len(s.script.Ways) > 0 { // else it is a rehearsal as it is
		p.outside, p.pretend = map[string]way{}, false
	}
	for name, account := range s.script.Ways {
		p.outside[name] = way{courier: stageCourier{s.stage, name}, known: func() commands.Way { return commands.Way{From: func([]string) (string, error) { return account, nil }} }}
	}
	if s.ways != nil {
		p.outside = s.ways
	}
	p.approve = func(network string) bool { return network == "console" || network == "matrix" }
	a, err := newApp(ctx, p, bs...)
	if err != nil {
		return err
	}
	a.inOrder = true
	s.rehearsal = &rehearsal{app: a, clock: s.clock}
	return s.outbox.Drain(ctx)
}

// stageCourier writes down what is carried.
type stageCourier struct {
	stage *chattest.Stage
	name  string
}

func (c stageCourier) Carry(_ context.Context, p outbox.Parcel) (string, error) {
	head := ""
	if len(p.To) > 0 {
		head = "To: " + strings.Join(p.To, ", ") + "\nSubject: " + p.Subject + "\n\n"
	}
	c.stage.Carried(c.name, head+p.Body)
	if c.stage.Mute(c.name) {
		return "", errNoAnswer
	}
	if c.name == incidents.ByMastodon {
		return "17 https://mastodon.example.org/@pillow/17", nil
	}
	return "250 OK", nil
}

var errNoAnswer = errors.New("it gave no answer")

func (c stageCourier) Find(context.Context, outbox.Parcel) (string, error) {
	if c.stage.Mute(c.name) && c.name == incidents.ByMastodon { // a mail server cannot be asked
		return "", errNoAnswer
	}
	return "", bridges.ErrCantSay
}

// TestTranscripts plays every transcript, and those that need no more than a
// console on the real console as well: both have to say the same.
func TestTranscripts(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.chat")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".chat"), func(t *testing.T) {
			script, err := chattest.Read(path)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) { playStaged(t, script) })
			if input, ok := script.Input(); ok && !chattest.Update() {
				synctest.Test(t, func(t *testing.T) { playConsole(t, script, input) })
			}
		})
	}
}

func startClock() *clock {
	c := &clock{}
	c.offset.Store(int64(time.Until(chattest.Start())))
	return c
}

func playStaged(t *testing.T, script *chattest.Script) {
	s := &staged{t: t, script: script, clock: startClock(), path: filepath.Join(t.TempDir(), "t.db"), random: dull(), log: quiet()}
	s.stage = chattest.NewStage(script, s.clock.Now)
	if script.Index() {
		s.index = &shelf{now: s.clock.Now}
		s.stage.Index = s.index.deed
	}
	if script.GitHub() {
		s.hub = newHub(t, s.clock.Now)
		s.stage.GitHub = s.hub.deed
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { // also when the play fails: a bubble wants everything ended
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}()
	s.stage.Play(t, script, s)
	if _, err := s.store.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

// playConsole plays a transcript as a pipe into the console.
func playConsole(t *testing.T, script *chattest.Script, input string) {
	var out strings.Builder
	c := startClock()
	r, err := openRehearsal(t.Context(), rehearsalOptions{
		dbPath: filepath.Join(t.TempDir(), "t.db"), in: strings.NewReader(input), out: &out, log: quiet(), clock: c, random: dull(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	if err := r.run(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	chattest.Compare(t, script, out.String())
}
