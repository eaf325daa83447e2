// Package console is a chat network of one room: the terminal, or a pipe. It is
// for rehearsals, so whoever types can be anybody of the roster, and its clock
// can be moved.
package console

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"tocsin/bridges"
)

// Network is the console's name as a network.
const Network = "console"

// Room is the console's one room.
func Room() bridges.Room { return bridges.Room{Network: Network, ID: "console"} }

// Config is what a console is made of.
type Config struct {
	In     io.Reader
	Out    io.Writer
	Prompt bool     // a person sits there: prompt, and do not repeat what they type
	People []string // who can type; the first one does at the start
	Now    func() time.Time
	// Wait moves the bot's clock by a span as people type it, "25h"; its error
	// is shown. It calls Passing before, and returns when everything due on the
	// way was said.
	Wait func(ctx context.Context, span string) error
}

// Console is the terminal as a bridge.
type Console struct {
	c       Config
	session string
	mu      sync.Mutex // one writes at a time
	as      string
	lines   int
}

// New makes a console.
func New(c Config) *Console {
	b := make([]byte, 6)
	_, _ = rand.Read(b) // never fails, by its documentation
	return &Console{c: c, session: hex.EncodeToString(b), as: c.People[0]}
}

// Network names the network.
func (c *Console) Network() string { return Network }

// Limits are none: a terminal scrolls.
func (c *Console) Limits() bridges.Limits { return bridges.Limits{} }

// maxInput is more than any command may have, so that what is too long is
// refused by the one rule for that.
const maxInput = 1 << 20

// Run reads lines until the input ends, /quit is typed, or ctx ends.
func (c *Console) Run(ctx context.Context, in bridges.Inbox) error {
	lines := make(chan string)
	fail := make(chan error, 1)
	go c.read(ctx, lines, fail)
	c.prompt()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-fail:
			if errors.Is(err, io.EOF) {
				if c.c.Prompt {
					_ = c.print("") // the shell's prompt begins a line of its own
				}
				return nil
			}
			return err
		case line := <-lines:
			if stop, err := c.take(ctx, in, line); stop || err != nil {
				return err
			}
			c.prompt()
		}
	}
}

// read hands over lines. It cannot be stopped while it waits for a terminal;
// then it ends with the program.
func (c *Console) read(ctx context.Context, lines chan<- string, fail chan<- error) {
	r := bufio.NewReaderSize(io.LimitReader(c.c.In, 1<<30), 64<<10)
	for {
		line, err := r.ReadString('\n')
		if len(line) > maxInput {
			line = line[:maxInput]
		}
		if line = strings.TrimRight(line, "\r\n"); line != "" || (c.c.Prompt && err == nil) {
			select {
			case lines <- line:
			case <-ctx.Done():
				return
			}
		}
		if err != nil {
			fail <- err
			return
		}
	}
}

func (c *Console) prompt() {
	if c.c.Prompt {
		c.mu.Lock()
		fmt.Fprintf(c.c.Out, "%s> ", c.as)
		c.mu.Unlock()
	}
}

// take deals with one line: a word to the console itself, or a message.
func (c *Console) take(ctx context.Context, in bridges.Inbox, line string) (stop bool, err error) {
	word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	rest = strings.TrimSpace(rest)
	switch word {
	case "/quit":
		return true, nil
	case "/as":
		c.become(rest)
		return false, nil
	case "/wait":
		if err := c.c.Wait(ctx, rest); err != nil {
			c.print("! " + err.Error())
		}
		return false, ctx.Err()
	}
	if strings.HasPrefix(line, "#") {
		if !c.c.Prompt {
			c.print(line)
		}
		return false, nil
	}
	if strings.HasPrefix(word, "/") {
		c.print("! The console knows /as NAME, /wait 25h and /quit; everything else is for the bot, like !help.")
		return false, nil
	}
	if !c.c.Prompt {
		c.print(fmt.Sprintf("<%s> %s", c.as, shown(line)))
	}
	c.lines++
	return false, in.Message(ctx, bridges.Message{
		ID: fmt.Sprintf("%s-%d", c.session, c.lines), Room: Room(), Name: c.as, Text: line,
		From: bridges.Account{Network: Network, ID: c.as}, At: c.c.Now(),
	})
}

// shown is a line as it is repeated: not longer than a screen, and without what
// would move a terminal's cursor.
func shown(line string) string {
	line = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return '\ufffd'
		}
		return r
	}, line)
	if runes := []rune(line); len(runes) > 500 {
		return string(runes[:500]) + " ..."
	}
	return line
}

// Passing shows that time passes, where a person does not see what they typed.
func (c *Console) Passing(span string) {
	if !c.c.Prompt {
		_ = c.print("-- " + span)
	}
}

func (c *Console) become(name string) {
	if !slices.Contains(c.c.People, name) {
		c.print("! Nobody here has that name; there are " + strings.Join(c.c.People, ", ") + ".")
		return
	}
	c.as = name
}

func (c *Console) print(text string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := fmt.Fprintln(c.c.Out, text)
	return err
}

// Prove tells that everybody of the roster reads the console.
func (c *Console) Prove(_ context.Context, r bridges.Room) (bridges.Proof, error) {
	p := bridges.Proof{Room: r, At: c.c.Now()}
	for _, name := range c.c.People {
		if !r.Direct || name == r.ID {
			p.Members = append(p.Members, bridges.Member{Account: bridges.Account{Network: Network, ID: name}, Name: name})
		}
	}
	return p, nil
}

// Say prints.
func (c *Console) Say(_ context.Context, o bridges.Outgoing) (bridges.Receipt, error) {
	from := "<tocsin> "
	if o.Room.Direct {
		from = "<tocsin to " + o.Room.ID + "> "
	}
	if err := c.print(from + strings.ReplaceAll(o.Text, "\n", "\n  ")); err != nil {
		return bridges.Receipt{}, err
	}
	return bridges.Receipt{ID: o.Key}, nil
}

// Find cannot tell: a terminal has no memory.
func (c *Console) Find(context.Context, bridges.Outgoing) (bridges.Receipt, error) {
	return bridges.Receipt{}, bridges.ErrCantSay
}
