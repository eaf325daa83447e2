package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/matrixclient"
)

// echoProgram is the least bot on the same library, with its defaults: it commits
// one row for each message and replies.
const echoProgram = `package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto/cryptohelper"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

type session struct {
	User   id.UserID
	Device id.DeviceID
	Token  string
}

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		fmt.Println("failed", err)
		os.Exit(1)
	}
}

func run(dir, url, user, password string) error {
	ctx := context.Background()
	db, err := sql.Open("sqlite3", "file:"+dir+"/rows.db?_journal_mode=WAL&_synchronous=FULL&_txlock=immediate")
	if err != nil {
		return err
	}
	if _, err := db.Exec("CREATE TABLE IF NOT EXISTS line (id TEXT PRIMARY KEY, text TEXT)"); err != nil {
		return err
	}
	cli, err := mautrix.NewClient(url, "", "")
	if err != nil {
		return err
	}
	var s session
	text, err := os.ReadFile(dir + "/session.json")
	if err == nil {
		err = json.Unmarshal(text, &s)
	} else {
		var got *mautrix.RespLogin
		got, err = cli.Login(ctx, &mautrix.ReqLogin{
			Type: mautrix.AuthTypePassword, Password: password,
			Identifier: mautrix.UserIdentifier{Type: mautrix.IdentifierTypeUser, User: user},
		})
		if err == nil {
			s = session{got.UserID, got.DeviceID, got.AccessToken}
			text, _ = json.Marshal(s)
			err = os.WriteFile(dir+"/session.json", text, 0o600)
		}
	}
	if err != nil {
		return err
	}
	cli.UserID, cli.DeviceID, cli.AccessToken = s.User, s.Device, s.Token
	helper, err := cryptohelper.NewCryptoHelper(cli, []byte("of no secret"), dir+"/crypto.db")
	if err != nil {
		return err
	}
	helper.DBAccountID = user
	if err := helper.Init(ctx); err != nil {
		return err
	}
	cli.Crypto = helper
	if has, _, err := helper.Machine().GetOwnVerificationStatus(ctx); err != nil {
		return err
	} else if !has {
		if _, err := helper.Machine().GenerateAndVerifyWithRecoveryKey(ctx); err != nil {
			return err
		}
	}
	up := false
	syncer := cli.Syncer.(*mautrix.DefaultSyncer)
	syncer.OnSync(func(ctx context.Context, res *mautrix.RespSync, since string) bool {
		if !up {
			up = true
			fmt.Println("ready")
		}
		return true
	})
	syncer.OnEventType(event.StateMember, func(ctx context.Context, evt *event.Event) {
		if evt.Mautrix.EventSource&event.SourceInvite != 0 && evt.GetStateKey() == cli.UserID.String() {
			_, _ = cli.JoinRoomByID(ctx, evt.RoomID)
		}
	})
	syncer.OnEventType(event.EventMessage, func(ctx context.Context, evt *event.Event) {
		c := evt.Content.AsMessage()
		if evt.Sender == cli.UserID || c.MsgType != event.MsgText {
			return
		}
		if _, err := db.Exec("INSERT OR IGNORE INTO line (id, text) VALUES (?, ?)", evt.ID.String(), c.Body); err != nil {
			fmt.Println("failed", err)
		}
		reply := &event.MessageEventContent{MsgType: event.MsgNotice, Body: "heard: " + c.Body, Mentions: &event.Mentions{}}
		reply.SetReply(evt)
		if _, err := cli.SendMessageEvent(ctx, evt.RoomID, event.EventMessage, reply); err != nil {
			fmt.Println("failed", err)
		}
	})
	return cli.SyncWithContext(ctx)
}
`

// burstPeople are as many as a burst needs: the bot lets nobody have more than 50
// answers on their way.
const burstPeople = `
[[person]]
name = "dana"
zone = "Europe/Berlin"
accounts = ["rig:@dana:hs.test"]

[[person]]
name = "erin"
zone = "Europe/Berlin"
accounts = ["rig:@erin:hs.test"]
`

// contest is the bot and the echo bot, each a process of its own, on one
// homeserver, and who talks to both.
type contest struct {
	b      *testing.B
	people []*matrixclient.Person // alice first
	bot    contestant
	echo   contestant
}

// contestant is one of the two: a room of it with alice, and one with everybody.
type contestant struct {
	b         *testing.B
	cmd       []string
	ready     string // what it says when it is
	quiet     string // the room with alice only
	loud      string
	log       *output
	proc      *exec.Cmd
	commands  int
	startedIn []float64 // ms
}

func newContest(b *testing.B) *contest {
	b.Helper()
	srv := dendrite.Start(b, dendrite.Options{})
	c := &contest{b: b, bot: contestant{b: b, ready: `msg=up network=rig room=""`}, echo: contestant{b: b, ready: "ready"}}
	for _, name := range []string{"alice", "bob", "carol", "dana", "erin"} {
		c.people = append(c.people, matrixclient.New(b, srv, name))
	}
	srv.Register(b, "tocsin", botPassword)
	echoID := srv.Register(b, "echo", botPassword)
	alice := c.people[0]
	room := func(who string, people ...*matrixclient.Person) string {
		invite := []string{who}
		for _, p := range people {
			invite = append(invite, p.UserID())
		}
		r := alice.MakeRoom(matrixclient.RoomOptions{Invite: invite})
		for _, p := range people {
			p.Join(r)
		}
		return r
	}
	c.bot.quiet, c.bot.loud = room(botID), room(botID, c.people[1:]...)
	c.echo.quiet, c.echo.loud = room(echoID), room(echoID, c.people[1:]...)

	d := newMatrixChild(b, srv, srv.URL(), buildBot(b), c.bot.quiet, c.bot.loud)
	text, err := os.ReadFile(d.path("config.toml"))
	must(b, err)
	d.write("config.toml", string(text)+burstPeople)
	c.bot.cmd = append([]string{d.bin}, d.args...)
	dir := b.TempDir()
	must(b, os.WriteFile(filepath.Join(dir, "main.go"), []byte(echoProgram), 0o600))
	c.echo.cmd = []string{build(b, "echo", filepath.Join(dir, "main.go")), dir, srv.URL(), echoID, botPassword}
	c.bot.start()
	c.echo.start()
	for room, who := range map[string]string{c.bot.quiet: botID, c.bot.loud: botID, c.echo.quiet: echoID, c.echo.loud: echoID} {
		alice.WaitMember(room, who, "join")
	}
	alice.WaitReply(alice.Say(c.bot.quiet, "!incident open Heap overflow"))
	b.Cleanup(func() { c.bot.stop(); c.echo.stop() })
	return c
}

// start starts the process and waits until it is ready.
func (c *contestant) start() {
	c.b.Helper()
	c.log = &output{}
	c.proc = exec.Command(c.cmd[0], c.cmd[1:]...)
	c.proc.Stdout, c.proc.Stderr = c.log, c.log
	at := time.Now()
	must(c.b, c.proc.Start())
	for !strings.Contains(c.log.String(), c.ready) {
		if time.Since(at) > soon {
			c.b.Fatalf("%s is not ready: %s", c.cmd[0], c.log)
		}
		time.Sleep(200 * time.Microsecond)
	}
	c.startedIn = append(c.startedIn, float64(time.Since(at).Microseconds())/1000)
}

func (c *contestant) stop() {
	_ = c.proc.Process.Kill()
	_ = c.proc.Wait()
}

// ask says a line and measures until its answer is read.
func (c *contestant) ask(p *matrixclient.Person, line string) (ms float64) {
	c.commands++
	at := time.Now()
	p.WaitReply(p.Say(c.quiet, line))
	return float64(time.Since(at).Microseconds()) / 1000
}

// spent gives the processor time that the process has used, in ms.
func (c *contestant) spent() float64 {
	c.b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.proc.Process.Pid))
	if err != nil {
		c.b.Skipf("processor time is read from /proc: %v", err)
	}
	_, rest, _ := bytes.Cut(text, []byte(") "))
	f := strings.Fields(string(rest))
	user, _ := strconv.ParseFloat(f[11], 64)
	system, _ := strconv.ParseFloat(f[12], 64)
	return (user + system) * 10 // the kernel counts in hundredths of a second
}

// resident gives the resident memory of the process in MiB.
func (c *contestant) resident() float64 { return (&child{cmd: c.proc}).resident(c.b) }

// part gives the value below which this part of the values is.
func part(values []float64, p float64) float64 {
	s := slices.Sorted(slices.Values(values))
	return s[min(int(p*float64(len(s))), len(s)-1)]
}

// BenchmarkMatrix measures on a real homeserver, encrypted, as another client sees
// it, in turn with the echo bot: the round trip of a command that shows and of one
// that changes, processor time for each, a burst, memory, and the start.
func BenchmarkMatrix(b *testing.B) {
	c := newContest(b)
	alice := c.people[0]
	for range 100 { // the first ones fill caches on both sides
		c.bot.ask(alice, "!incident show INC-1")
		c.echo.ask(alice, "hello")
	}
	for _, line := range []struct{ name, text string }{{"show", "!incident show INC-1"}, {"note", "!incident note INC-1 a thought"}} {
		b.Run(line.name, func(b *testing.B) {
			for b.Loop() {
				c.roundTrips(b, line.text)
			}
		})
	}
	b.Run("burst", func(b *testing.B) {
		for b.Loop() {
			c.burst(b)
		}
	})
	b.Run("memory", func(b *testing.B) {
		for b.Loop() {
			for c.bot.commands < 1000 {
				c.bot.ask(alice, fmt.Sprintf("!incident note INC-1 thought %d", c.bot.commands))
				c.echo.ask(alice, "hello")
			}
			mine, echo := c.bot.resident(), c.echo.resident()
			b.ReportMetric(mine, "MiB")
			b.ReportMetric(echo, "MiB/echo")
			b.ReportMetric(float64(c.bot.commands), "commands")
			b.ReportMetric(0, "ns/op")
		}
	})
	b.Run("start", func(b *testing.B) {
		for b.Loop() {
			c.starts(b)
		}
	})
}

// roundTrips asks both in turn.
func (c *contest) roundTrips(b *testing.B, line string) {
	const n = 300
	var mine, echo []float64
	was, wasEcho := c.bot.spent(), c.echo.spent()
	for range n {
		mine = append(mine, c.bot.ask(c.people[0], line))
		echo = append(echo, c.echo.ask(c.people[0], line))
	}
	cpu, cpuEcho := (c.bot.spent()-was)/n, (c.echo.spent()-wasEcho)/n
	b.ReportMetric(part(mine, 0.5), "ms")
	b.ReportMetric(part(mine, 0.9), "ms/p90")
	b.ReportMetric(part(echo, 0.5), "ms/echo")
	b.ReportMetric(part(echo, 0.9), "ms/echo-p90")
	b.ReportMetric(part(mine, 0.5)/part(echo, 0.5), "mine:echo")
	b.ReportMetric(cpu, "cpu-ms")
	b.ReportMetric(cpuEcho, "cpu-ms/echo")
	b.ReportMetric(cpu/cpuEcho, "cpu:echo")
	b.ReportMetric(0, "ns/op")
}

// burst has five people say forty commands each, all at once, and measures until
// the last one is answered.
func (c *contest) burst(b *testing.B) {
	for _, x := range []struct {
		who        *contestant
		line, unit string
	}{{&c.bot, "!incident show INC-1", "s/200"}, {&c.echo, "hello", "s/200-echo"}} {
		at := time.Now()
		var wg sync.WaitGroup
		crowd := make([]*typist, len(c.people))
		for k, p := range c.people {
			crowd[k] = &typist{Person: p, sent: map[string]string{}}
			for range 4 {
				wg.Go(func() {
					for range 10 {
						if err := crowd[k].say(b.Context(), x.who.loud, x.line); err != nil {
							b.Error(err)
						}
					}
				})
			}
		}
		wg.Wait()
		left := func() (n int) {
			for _, y := range crowd {
				n += y.open()
			}
			return n
		}
		n, last := left(), time.Now() // when the last answer came
		for n > 0 && time.Since(last) < soon {
			time.Sleep(10 * time.Millisecond)
			if now := left(); now < n {
				n, last = now, time.Now()
			}
		}
		b.ReportMetric(last.Sub(at).Seconds(), x.unit)
		b.ReportMetric(float64(n), strings.Replace(x.unit, "s/200", "lost", 1))
		x.who.commands += 200
	}
	b.ReportMetric(0, "ns/op")
}

// starts starts both again on what they have, in turn.
func (c *contest) starts(b *testing.B) {
	c.bot.startedIn, c.echo.startedIn = nil, nil
	for range 10 {
		for _, x := range []*contestant{&c.bot, &c.echo} {
			x.stop()
			x.start()
		}
	}
	b.ReportMetric(part(c.bot.startedIn, 0.5), "ms/ready")
	b.ReportMetric(part(c.bot.startedIn, 0.9), "ms/ready-p90")
	b.ReportMetric(part(c.echo.startedIn, 0.5), "ms/echo")
	b.ReportMetric(0, "ns/op")
}
