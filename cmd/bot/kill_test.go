package main

import (
	"bufio"
	"bytes"
	"database/sql"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestKillingTheRealBotLosesAndRepeatsNothing types notes into the real program
// and kills it with SIGKILL at random moments, again and again on one file. What
// was not answered before the kill is answered by the next start, or was never
// obeyed; then it is typed again. In the end every note is on record once.
func TestKillingTheRealBotLosesAndRepeatsNothing(t *testing.T) {
	kills := 50
	if testing.Short() {
		kills = 5
	}
	dir := t.TempDir()
	k := &killer{t: t, bin: filepath.Join(dir, "bot"), db: filepath.Join(dir, "t.db"), answers: map[int][]string{}}
	build := exec.Command("go", "build", "-tags", "goolm", "-o", k.bin, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	k.random = rand.New(rand.NewPCG(seed, 0))
	k.note = 1
	for range kills {
		k.life(true)
	}
	k.life(false)
	t.Logf("%d notes, %d answered by the next start, %d typed again", k.note-1, k.late, k.retyped)
	k.everyNoteOnce()
	out, err := exec.Command(k.bin, "verify", "-db", k.db).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "the record is whole") {
		t.Fatalf("verify: %v\n%s", err, out)
	}
}

// killer is who types and kills.
type killer struct {
	t       *testing.T
	bin, db string
	random  *rand.Rand
	opened  bool // the incident's opening was answered
	note    int  // the note that is typed next, or was typed and is not answered
	heard   bool // whether a bot read it: the console repeats what it reads
	wrote   int  // the note that was typed last
	answers map[int][]string
	late    int // notes that the next start answered
	retyped int // notes that were typed more than once
}

const fence = "!whoami" // its answer says nothing that another one says

// life starts the bot, types, and kills it at some moment or ends it in order.
func (k *killer) life(kill bool) {
	k.t.Helper()
	cmd := exec.Command(k.bin, "-db", k.db)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	must(k.t, err)
	out, err := cmd.StdoutPipe()
	must(k.t, err)
	must(k.t, cmd.Start())
	if kill {
		after := time.Duration(k.random.IntN(60_000)) * time.Microsecond
		killing := time.AfterFunc(after, func() { _ = cmd.Process.Kill() }) // an error says that it ended already
		defer killing.Stop()
	}
	lines := bufio.NewScanner(out)
	enough := k.note + 3 + k.random.IntN(10)
	if k.settled(in, lines) {
		for k.note < enough || kill {
			if !k.say(in, lines) {
				break
			}
		}
	}
	_ = in.Close() // fails when the bot was killed
	for lines.Scan() {
		k.hear(lines.Text())
	}
	if err := cmd.Wait(); err != nil && !kill {
		k.t.Fatalf("the bot ended with %v:\n%s", err, stderr.String())
	}
}

// settled types a fence and reads up to it: what comes before is what the bot
// owed from its last life. It is false when the bot was killed meanwhile.
func (k *killer) settled(in io.Writer, lines *bufio.Scanner) bool {
	note := k.note
	if _, err := io.WriteString(in, fence+"\n"); err != nil {
		return false
	}
	for lines.Scan() {
		if lines.Text() == "<alice> "+fence {
			k.late += k.note - note
			k.heard = false // it was not obeyed, or is answered
			return true
		}
		k.hear(lines.Text())
	}
	return false
}

// say types what comes next and reads up to its answer; false when the bot was
// killed meanwhile.
func (k *killer) say(in io.Writer, lines *bufio.Scanner) bool {
	line := fmt.Sprintf("!incident note INC-1 note number %d", k.note)
	if !k.opened {
		line = "!incident open --source scanning A crash for the test"
	}
	if k.wrote == k.note {
		k.retyped++
	}
	k.wrote = k.note
	if _, err := io.WriteString(in, line+"\n"); err != nil {
		return false
	}
	for lines.Scan() {
		if k.hear(lines.Text()) {
			return true
		}
	}
	return false
}

// hear reports whether a line is the answer to what was typed last.
func (k *killer) hear(line string) bool {
	switch {
	case strings.HasPrefix(line, "<alice>"):
		k.heard = !strings.HasSuffix(line, fence)
		return false
	case !strings.HasPrefix(line, "<tocsin> "):
		return false
	case strings.Contains(line, "Noted on INC-1"):
		if !k.heard { // it was said before the kill already
			k.answers[k.note-1] = append(k.answers[k.note-1], line)
			return false
		}
		k.answers[k.note] = append(k.answers[k.note], line)
		k.note, k.heard = k.note+1, false
		return true
	case strings.Contains(line, "INC-1") && strings.Contains(line, "is open"):
		again := k.opened
		k.opened, k.heard = true, false
		return !again
	case strings.Contains(line, "You are alice"):
		return false
	default:
		k.t.Errorf("the bot said: %s", line)
		return false
	}
}

// everyNoteOnce checks that each note was answered, twice only if that was
// marked, and stands in the record once; and that one incident is there.
func (k *killer) everyNoteOnce() {
	db, err := sql.Open("sqlite3", "file:"+k.db+"?mode=rw")
	must(k.t, err)
	defer db.Close()
	count := func(query string, args ...any) (n int) {
		must(k.t, db.QueryRow(query, args...).Scan(&n))
		return n
	}
	for n := 1; n < k.note; n++ {
		text := fmt.Sprintf("note number %d", n)
		if got := count(`SELECT count(*) FROM timeline WHERE kind = 'noted' AND text = ?`, text); got != 1 {
			k.t.Errorf("%q stands in the record %d times", text, got)
		}
		plain := 0
		for _, a := range k.answers[n] {
			if !strings.Contains(a, "(again)") {
				plain++
			}
		}
		if len(k.answers[n]) == 0 || plain > 1 {
			k.t.Errorf("%q was answered %q", text, k.answers[n])
		}
	}
	if n := count(`SELECT count(*) FROM timeline WHERE kind = 'noted'`); n != k.note-1 {
		k.t.Errorf("%d notes are on record, %d were answered", n, k.note-1)
	}
	if n := count(`SELECT count(*) FROM incident`); n != 1 {
		k.t.Errorf("%d incidents are there", n)
	}
	if n := count(`SELECT count(*) FROM outbox WHERE state IN ('due', 'unknown')`); n != 0 {
		k.t.Errorf("%d rows still wait", n)
	}
}
