// Package chattest plays transcripts: files of what people say, what time
// passes, and what the bot answers. A transcript is an acceptance test that
// those who use the bot can read and write.
//
//	# a comment
//	room irc #desk notice alice bob      a room besides the console: who is in it,
//	                                     and what it may hear; the first line of
//	                                     that network makes it a desk
//	way mail security@example.org        the bot may send that way, from that account
//	<alice> !ping                        said on the console
//	[irc #desk] <alice> !ping            said in that room
//	[irc alice] <alice> !ping            said to the bot directly
//	-- 25h                               time passes
//	-- restart                           the bot stops and starts again
//	[matrix !desk] * mallory joins       somebody joins or leaves a room
//	[matrix !desk] <bob> (reply) !ack    in reply to what the bot said there last,
//	                                     or in its (thread); (react ✅) to it; and
//	                                     (edit) or (redact) of one's own last line
//	[pypi] * uploads 63                  what becomes of the release on the index
//	[github] * erin reports: A title     what somebody does on GitHub
//	<tocsin> ...                         what the bot says; further lines of the
//	  same message are indented
//
// Run the tests with -update to have the bot's lines written anew, and read the
// difference.
package chattest

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/bridges"
)

// Update is the flag -update: write the bot's lines into the files.
func Update() bool {
	f := flag.Lookup("update")
	return f != nil && f.Value.String() == "true"
}

// RegisterUpdate declares the flag -update; call it once, before flags are read.
func RegisterUpdate() { flag.Bool("update", false, "write what the bot says into the transcripts") }

// Start is when every transcript begins: a Monday morning.
func Start() time.Time { return time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) }

// Bot is a bot that a transcript can be played to.
type Bot interface {
	// Hear gives the bot a message and returns when everything that is due was
	// said.
	Hear(ctx context.Context, m bridges.Message) error
	// Touch gives the bot what was done to a message.
	Touch(ctx context.Context, t bridges.Touch) error
	// Event gives the bot what happened to a network.
	Event(ctx context.Context, e bridges.Event)
	// Settle returns when everything that is due was said.
	Settle(ctx context.Context) error
	// Wait lets time pass.
	Wait(ctx context.Context, span string) error
	// Restart stops the bot and starts it again on the same state.
	Restart(ctx context.Context) error
}

// RoomLine is a room that a transcript declares.
type RoomLine struct {
	Network, Room, Clearance string
	Members                  []string
}

// Script is a transcript that was read.
type Script struct {
	Path  string
	Rooms []RoomLine
	Ways  map[string]string // how the bot sends to people outside, and from which account
	lines []string
}

// Read reads a transcript. A line that is none of the forms is an error.
func Read(path string) (*Script, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s := &Script{Path: path, Ways: map[string]string{}, lines: strings.Split(strings.TrimRight(string(text), "\n"), "\n")}
	for i, line := range s.lines {
		if f := strings.Fields(line); len(f) > 4 && f[0] == "room" {
			s.Rooms = append(s.Rooms, RoomLine{f[1], f[2], f[3], f[4:]})
		} else if len(f) == 3 && f[0] == "way" {
			s.Ways[f[1]] = f[2]
		} else if kind(line) == other {
			return nil, fmt.Errorf("%s:%d: not a line of a transcript", path, i+1)
		}
	}
	return s, nil
}

type lineKind int

const (
	other   lineKind = iota
	comment          // also blank lines, rooms and ways
	typed
	wait
	said
	acted
)

func kind(line string) lineKind {
	_, who, _ := speaker(line)
	switch {
	case line == "" || line[0] == '#' || strings.HasPrefix(line, "room "), strings.HasPrefix(line, "way "):
		return comment
	case strings.HasPrefix(line, "-- "):
		return wait
	case line[0] == '[' && strings.Contains(line, "] * "):
		return acted
	case strings.HasPrefix(line, "  ") || strings.HasPrefix(who, "tocsin"):
		return said
	case who != "":
		return typed
	default:
		return other
	}
}

// speaker cuts "[irc #desk] <alice> !ping" into its parts.
func speaker(line string) (room, who, text string) {
	if rest, ok := strings.CutPrefix(line, "["); ok {
		room, line, _ = strings.Cut(rest, "] ")
	}
	rest, ok := strings.CutPrefix(line, "<")
	if !ok {
		return "", "", ""
	}
	who, text, _ = strings.Cut(rest, "> ")
	return room, who, text
}

// Input gives what people type on the console, as a console reads it; false
// when the transcript needs more than a console.
func (s *Script) Input() (string, bool) {
	var out strings.Builder
	as := "alice"
	for _, line := range s.lines {
		room, who, text := speaker(line)
		switch kind(line) {
		case comment:
			if strings.HasPrefix(line, "room ") || strings.HasPrefix(line, "way ") {
				return "", false
			}
			out.WriteString(line + "\n")
		case acted:
			return "", false
		case wait:
			if line == "-- restart" || strings.HasPrefix(line, "-- down ") {
				return "", false
			}
			out.WriteString("/wait " + line[3:] + "\n")
		case typed:
			if room != "" {
				return "", false
			}
			if who != as {
				as = who
				out.WriteString("/as " + who + "\n")
			}
			out.WriteString(text + "\n")
		}
	}
	return out.String(), true
}

// Stage is where a transcript is played: it writes down what is said in all
// rooms, in order.
type Stage struct {
	out  strings.Builder
	n    int
	made int      // rooms that the bot made
	mute []string // ways that give no answer
	room map[bridges.Room][]string
	said map[string]string // what was said last in a room, with its network, to its id
	now  func() time.Time

	Index  func(deed string) error // does what a script says of the index
	GitHub func(deed string) error // and of GitHub
}

// NewStage makes the rooms of a script, besides the console.
func NewStage(s *Script, now func() time.Time) *Stage {
	st := &Stage{room: map[bridges.Room][]string{}, said: map[string]string{}, now: now}
	for _, r := range s.Rooms {
		st.room[bridges.Room{Network: r.Network, ID: r.Room}] = r.Members
	}
	return st
}

// Play plays a script to a bot and compares what was said with what the script
// has, or writes it there with -update.
func (st *Stage) Play(t *testing.T, s *Script, b Bot) {
	t.Helper()
	ctx := t.Context()
	for i, line := range s.lines {
		var err error
		switch kind(line) {
		case comment:
			st.out.WriteString(line + "\n")
		case wait:
			st.out.WriteString(line + "\n")
			if line == "-- restart" {
				err = b.Restart(ctx)
			} else {
				err = b.Wait(ctx, line[3:])
			}
		case typed:
			st.out.WriteString(line + "\n")
			m := st.message(line)
			if t, ok := st.touch(m); ok {
				err = b.Touch(ctx, t)
			} else {
				st.said["of "+m.Room.Network+" "+m.Room.ID] = m.ID
				err = b.Hear(ctx, m)
			}
		case acted:
			st.out.WriteString(line + "\n")
			err = st.act(ctx, line, b)
		}
		if err != nil {
			t.Fatalf("%s:%d: %v", s.Path, i+1, err)
		}
	}
	Compare(t, s, st.out.String())
}

func (st *Stage) message(line string) bridges.Message {
	st.n++
	room, who, text := speaker(line)
	r := bridges.Room{Network: "console", ID: "console"}
	if network, id, ok := strings.Cut(room, " "); ok {
		r = bridges.Room{Network: network, ID: id, Direct: id == who}
		if r.Direct {
			r.ID = AccountID(network, id)
		}
	}
	m := bridges.Message{
		ID: fmt.Sprintf("m%d", st.n), Room: r, Name: who, Text: text,
		From: bridges.Account{Network: r.Network, ID: AccountID(r.Network, who)}, At: st.now(),
	}
	last := st.said[r.Network+" "+r.ID]
	if rest, ok := strings.CutPrefix(text, "(reply) "); ok {
		m.Text, m.About = rest, last
	}
	if rest, ok := strings.CutPrefix(text, "(thread) "); ok {
		m.Text, m.Thread = rest, last
	}
	return m
}

// Compare fails the test where got differs from the script, or writes the
// script anew with -update.
func Compare(t *testing.T, s *Script, got string) {
	t.Helper()
	want := strings.Join(s.lines, "\n") + "\n"
	if got == want {
		return
	}
	if Update() {
		if err := os.WriteFile(s.Path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		var a, b string
		if i < len(g) {
			a = g[i]
		}
		if i < len(w) {
			b = w[i]
		}
		if a != b {
			t.Fatalf("%s:%d:\n  got  %q\n  want %q\n(-update writes what the bot says)", s.Path, i+1, a, b)
		}
	}
}

// Index reports whether a script has an index.
func (s *Script) Index() bool { return s.plays("pypi") }

// GitHub reports whether a script has a GitHub.
func (s *Script) GitHub() bool { return s.plays("github") }

func (s *Script) plays(who string) bool {
	return slices.ContainsFunc(s.lines, func(line string) bool { return strings.HasPrefix(line, "["+who+"] * ") })
}

// Exchange is one line of a script with what the bot says to it.
type Exchange struct {
	Who, Text string // what is typed; or
	Wait      string // how long passes
	Want      string // what the bot says to it, in one line with single blanks; "" when nothing
}

// Exchanges gives a script as exchanges, for a network that shapes text in its
// own way: comments are left out.
func (s *Script) Exchanges() []Exchange {
	var out []Exchange
	for _, line := range s.lines {
		switch kind(line) {
		case wait:
			out = append(out, Exchange{Wait: line[3:]})
		case typed:
			_, who, text := speaker(line)
			out = append(out, Exchange{Who: who, Text: text})
		case said:
			last := &out[len(out)-1]
			_, _, text := speaker(line)
			if strings.HasPrefix(line, "  ") {
				text = line
			}
			last.Want = Plain(last.Want + " " + text)
		}
	}
	return out
}

// Plain gives text in one line with single blanks.
func Plain(text string) string { return strings.Join(strings.Fields(text), " ") }
