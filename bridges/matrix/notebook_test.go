package matrix

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/bridges"
)

// notebook is a bot's memory as tests need it: it takes what comes once by its id,
// keeps what it is given over restarts, and can be made to fail.
type notebook struct {
	mu       sync.Mutex
	messages []bridges.Message
	touches  []bridges.Touch
	events   []bridges.Event
	seen     map[string]int // how often each id came
	values   map[string]string
	keeps    int
	dead     bool // the process has been killed: nothing gets in any more
	fail     func(m bridges.Message) error
	onHear   func(m bridges.Message)
	grew     chan struct{}
}

func newNotebook() *notebook {
	return &notebook{seen: map[string]int{}, values: map[string]string{}, grew: make(chan struct{})}
}

var errDead = errors.New("killed")

func (n *notebook) changed() {
	close(n.grew)
	n.grew = make(chan struct{})
}

func (n *notebook) Message(_ context.Context, m bridges.Message) error {
	n.mu.Lock()
	fail := n.fail
	n.mu.Unlock()
	if fail != nil {
		if err := fail(m); err != nil {
			return err
		}
	}
	n.mu.Lock()
	if n.dead {
		n.mu.Unlock()
		return errDead
	}
	n.seen[m.ID]++
	if n.seen[m.ID] == 1 {
		n.messages = append(n.messages, m)
	}
	onHear := n.onHear
	n.changed()
	n.mu.Unlock()
	if onHear != nil {
		onHear(m)
	}
	return nil
}

func (n *notebook) Touch(_ context.Context, t bridges.Touch) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.dead {
		return errDead
	}
	if n.seen[t.ID]++; n.seen[t.ID] == 1 {
		n.touches = append(n.touches, t)
	}
	n.changed()
	return nil
}

func (n *notebook) Event(_ context.Context, e bridges.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.events = append(n.events, e)
	n.changed()
}

func (n *notebook) Keep(_ context.Context, network string, values map[string]string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.dead {
		return errDead
	}
	n.keeps++
	for key, value := range values {
		if value == "" {
			delete(n.values, network+" "+key)
		} else {
			n.values[network+" "+key] = value
		}
	}
	n.changed()
	return nil
}

func (n *notebook) Kept(_ context.Context, network, prefix string) (map[string]string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := map[string]string{}
	for key, value := range n.values {
		if rest, ok := strings.CutPrefix(key, network+" "); ok && strings.HasPrefix(rest, prefix) {
			out[rest] = value
		}
	}
	return out, nil
}

// kept is a value that is kept now.
func (n *notebook) kept(key string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.values[netName+" "+key]
}

func (n *notebook) kill() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dead = true
}

func (n *notebook) revive() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dead = false
}

func (n *notebook) texts() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []string
	for _, m := range n.messages {
		out = append(out, m.Text)
	}
	return out
}

// until waits until something is so; so is called with the lock held.
func (n *notebook) until(t *testing.T, what string, so func() bool) {
	t.Helper()
	end := time.After(30 * time.Second)
	for {
		n.mu.Lock()
		ok, grew := so(), n.grew
		n.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-grew:
		case <-end:
			n.mu.Lock()
			defer n.mu.Unlock()
			t.Fatalf("waited in vain for %s; %d messages, %d touches, events %v", what, len(n.messages), len(n.touches), n.kinds())
		}
	}
}

func (n *notebook) kinds() []string {
	var out []string
	for _, e := range n.events {
		out = append(out, fmt.Sprintf("%d:%s %s", e.Kind, e.Room.ID, e.Told))
	}
	return out
}

// message waits for a message with this text.
func (n *notebook) message(t *testing.T, text string) bridges.Message {
	t.Helper()
	var m bridges.Message
	n.until(t, "the message "+text, func() bool {
		i := slices.IndexFunc(n.messages, func(m bridges.Message) bool { return m.Text == text })
		if i >= 0 {
			m = n.messages[i]
		}
		return i >= 0
	})
	return m
}

// count is how many events of a kind there were.
func (n *notebook) count(kind bridges.EventKind) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := 0
	for _, e := range n.events {
		if e.Kind == kind && (e.Room.ID == "" || kind == bridges.Unreadable) {
			c++
		}
	}
	return c
}

// copyOf is what is kept now.
func (n *notebook) copyOf() map[string]string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.values)
}
