package main

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/bridges"
	"tocsin/bridges/console"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

// benchBridge is a network that takes everything at once, and says when.
type benchBridge struct {
	bridges.Bridge
	said chan time.Time
}

func (b benchBridge) Say(_ context.Context, o bridges.Outgoing) (bridges.Receipt, error) {
	b.said <- time.Now()
	return bridges.Receipt{ID: o.Key}, nil
}

// benchBot is a bot on a file of its own with n incidents in it.
type benchBot struct {
	*app
	bridge benchBridge
	n      int
}

func newBenchBot(b *testing.B, n int) *benchBot {
	b.Helper()
	c := &clock{}
	p, err := rehearsalParts(filepath.Join(b.TempDir(), "bench.db"), c, quiet())
	if err != nil {
		b.Fatal(err)
	}
	con := console.New(console.Config{In: strings.NewReader(""), Out: io.Discard, People: p.roster.Names(), Now: c.Now})
	out := &benchBot{bridge: benchBridge{con, make(chan time.Time, 8)}}
	if out.app, err = newApp(b.Context(), p, out.bridge); err != nil {
		b.Fatal(err)
	}
	out.inOrder = true
	b.Cleanup(func() { out.close() })
	for done := 0; done < n; {
		err := out.store.Update(b.Context(), func(tx *store.Tx) error {
			for k := 0; k < 1000 && done < n; k++ {
				num, handle, codename, err := tx.NextIncident()
				if err != nil {
					return err
				}
				o := incidents.Opening{N: num, Handle: handle, Codename: codename, Source: "scanning", Title: incidents.Seal("title")}
				i, entries, err := incidents.OpenIncident(*p.plan, o, "alice", tx.Now())
				if err != nil {
					return err
				}
				if num > 10 { // most of a long life is closed
					var e incidents.Entry
					if i, e, err = incidents.Close(*p.plan, i, "fixed", incidents.Seal("all is done"), "alice", tx.Now()); err != nil {
						return err
					}
					entries = append(entries, e)
				}
				if _, err := tx.Add(i, entries...); err != nil {
					return err
				}
				done++
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return out
}

// line gives the bot one line and measures to the answer at the network, and
// from the commit of the line to there.
func (bb *benchBot) line(b *testing.B, text string) (whole time.Duration) {
	bb.n++
	start := time.Now()
	err := bb.Message(b.Context(), bridges.Message{
		ID: fmt.Sprintf("b%d", bb.n), Room: console.Room(), From: bridges.Account{Network: console.Network, ID: "alice"},
		Name: "alice", Text: text, At: start,
	})
	if err != nil {
		b.Fatal(err)
	}
	return (<-bb.bridge.said).Sub(start)
}

// bare is the least that keeps a line: one row, one commit, to the disk.
type bare struct {
	db *sql.DB
}

func newBare(b *testing.B) *bare {
	b.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(b.TempDir(), "bare.db")+"?_journal_mode=WAL&_synchronous=FULL&_txlock=immediate")
	if err == nil {
		_, err = db.Exec(`CREATE TABLE line (id INTEGER PRIMARY KEY, text TEXT)`)
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	return &bare{db: db}
}

func (r *bare) line(b *testing.B) time.Duration {
	start := time.Now()
	if _, err := r.db.Exec(`INSERT INTO line (text) VALUES ('a line')`); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}

// BenchmarkAnswer measures from a line at the door to its answer handed to the
// network, with 10 and with 100,000 incidents in the file
// (10 of them open), beside one bare
// commit; all in turn, so that a slow disk is slow for all.
func BenchmarkAnswer(b *testing.B) {
	small, large, base := newBenchBot(b, 10), newBenchBot(b, 100_000), newBare(b)
	for _, c := range []struct{ name, text string }{
		{"note", "!incident note INC-7 a thought"}, {"show", "!incident show INC-7"}, {"list", "!incident list"},
	} {
		b.Run(c.name, func(b *testing.B) {
			var s, l, r time.Duration
			n := 0
			for b.Loop() {
				s += small.line(b, c.text)
				l += large.line(b, c.text)
				r += base.line(b)
				n++
			}
			ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 / float64(n) }
			b.ReportMetric(ms(s), "ms/10")
			b.ReportMetric(ms(l), "ms/100k")
			b.ReportMetric(ms(r), "ms/commit")
			b.ReportMetric(float64(l)/float64(s), "100k:10")
			b.ReportMetric(float64(s)/float64(r), "10:commit")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// bareProgram is the least Go program that opens a SQLite file and waits.
const bareProgram = `package main

import (
	"bufio"
	"database/sql"
	"fmt"
	"os"

	_ "github.com/mattn/go-sqlite3"
)

func main() {
	db, err := sql.Open("sqlite3", "file:"+os.Args[1]+"?_journal_mode=WAL&_synchronous=FULL")
	if err == nil {
		_, err = db.Exec("CREATE TABLE IF NOT EXISTS line (id INTEGER PRIMARY KEY)")
	}
	fmt.Println("ready", err)
	for s := bufio.NewScanner(os.Stdin); s.Scan(); {
		_, err = db.Exec("INSERT INTO line DEFAULT VALUES")
		fmt.Println("line", err)
	}
}
`

// build compiles a package of this module into a folder of the benchmark's.
func build(b *testing.B, name, pkg string) string {
	b.Helper()
	bin := filepath.Join(b.TempDir(), name)
	if out, err := exec.Command("go", "build", "-tags", "goolm", "-o", bin, pkg).CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return bin
}

func buildBare(b *testing.B) string {
	b.Helper()
	src := filepath.Join(b.TempDir(), "main.go")
	if err := os.WriteFile(src, []byte(bareProgram), 0o600); err != nil {
		b.Fatal(err)
	}
	return build(b, "bare", src)
}

// child is a program that answers lines.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func start(b *testing.B, bin string, args ...string) *child {
	b.Helper()
	c := &child{cmd: exec.Command(bin, args...)}
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		b.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err == nil {
		err = c.cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	c.out = bufio.NewReader(out)
	return c
}

// until reads lines up to one with a prefix.
func (c *child) until(b *testing.B, prefix string) {
	b.Helper()
	for {
		line, err := c.out.ReadString('\n')
		if err != nil {
			b.Fatal(err)
		}
		if strings.HasPrefix(line, prefix) {
			return
		}
	}
}

func (c *child) stop(b *testing.B) {
	b.Helper()
	c.in.Close()
	if err := c.cmd.Wait(); err != nil {
		b.Fatal(err)
	}
}

// resident gives the child's resident memory in MiB, from the kernel.
func (c *child) resident(b *testing.B) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	if err != nil {
		b.Skipf("resident memory is read from /proc: %v", err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "VmRSS:" {
			kb, _ := strconv.ParseFloat(f[1], 64)
			return kb / 1024
		}
	}
	return 0
}

// BenchmarkStart measures from the start of the binary to ready, on a file that
// is there, beside a bare program that opens a SQLite file.
func BenchmarkStart(b *testing.B) {
	bot, least := build(b, "bot", "."), buildBare(b)
	dir := b.TempDir()
	run := func(bin, ready string, args ...string) time.Duration {
		at := time.Now()
		c := start(b, bin, args...)
		c.until(b, ready)
		d := time.Since(at)
		c.stop(b)
		return d
	}
	botArgs := []string{"-db", filepath.Join(dir, "bot.db")}
	run(bot, "Tocsin", botArgs...)
	run(least, "ready", filepath.Join(dir, "bare.db"))
	var t, r time.Duration
	n := 0
	for b.Loop() {
		t += run(bot, "Tocsin", botArgs...)
		r += run(least, "ready", filepath.Join(dir, "bare.db"))
		n++
	}
	b.ReportMetric(float64(t.Milliseconds())/float64(n), "ms/ready")
	b.ReportMetric(float64(r.Milliseconds())/float64(n), "ms/bare")
	b.ReportMetric(float64(t)/float64(r), "ready:bare")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkMemory measures resident memory after 1,000 commands, beside the
// bare program after 1,000 rows.
func BenchmarkMemory(b *testing.B) {
	bot, least := build(b, "bot", "."), buildBare(b)
	for b.Loop() {
		c := start(b, bot, "-db", filepath.Join(b.TempDir(), "bot.db"))
		c.until(b, "Tocsin")
		for k := range 1000 {
			line := fmt.Sprintf("!incident note INC-1 thought %d\n", k)
			switch {
			case k == 0:
				line = "!incident open a title\n"
			case k%3 == 0:
				line = "!incident show\n"
			}
			io.WriteString(c.in, line)
			c.until(b, "<tocsin>")
		}
		r := start(b, least, filepath.Join(b.TempDir(), "bare.db"))
		r.until(b, "ready")
		for range 1000 {
			io.WriteString(r.in, "x\n")
			r.until(b, "line")
		}
		mine, bare := c.resident(b), r.resident(b)
		b.ReportMetric(mine, "MiB")
		b.ReportMetric(bare, "MiB/bare")
		b.ReportMetric(mine/bare, "mine:bare")
		b.ReportMetric(0, "ns/op")
		c.stop(b)
		r.stop(b)
	}
}
