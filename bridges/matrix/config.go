package matrix

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"strings"
	"time"

	"maunium.net/go/mautrix/id"

	"tocsin/bridges"
)

// complete fills in what was left out and says what is wrong.
func (c *Config) complete() error {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Tuning.complete()
	_, _, err := id.UserID(c.User).Parse()
	switch {
	case c.Name == "":
		return errors.New("the network has no name")
	case err != nil || len(c.User) > 255 || strings.ContainsAny(c.User, " \t\r\n"):
		return fmt.Errorf("user %q is not an account like @name:server", c.User)
	case c.Folder == "":
		return errors.New("the folder for session and keys is not named")
	case c.PickleKey != nil && len(c.PickleKey) < 16:
		return errors.New("the pickle key has less than 16 bytes")
	}
	return errors.Join(c.server(), c.rooms())
}

// server checks the homeserver's address: what a token goes to is encrypted, or
// does not leave this machine.
func (c *Config) server() error {
	u, err := url.Parse(c.Homeserver)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("homeserver %q is not an address like https://matrix.example.org", c.Homeserver)
	}
	switch u.Scheme {
	case "https":
		return nil
	case "http":
		if bridges.Loopback(u.Hostname()) {
			return nil
		}
		return fmt.Errorf("homeserver %q: without TLS only an address of this machine will do", c.Homeserver)
	}
	return fmt.Errorf("homeserver %q is neither https:// nor http://", c.Homeserver)
}

// rooms checks the configured rooms. A room's id may come without a server name.
func (c *Config) rooms() error {
	seen := map[string]bool{}
	for _, r := range c.Rooms {
		if len(r.ID) < 2 || r.ID[0] != '!' || len(r.ID) > 255 || strings.ContainsAny(r.ID, " \t\r\n") {
			return fmt.Errorf("room %q is not a room's id: it begins with ! (an alias with # will not do)", r.ID)
		}
		if seen[r.ID] {
			return fmt.Errorf("room %s is there twice", r.ID)
		}
		seen[r.ID] = true
	}
	return nil
}

func (t *Tuning) complete() {
	set := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	set(&t.BackoffBase, 500*time.Millisecond)
	set(&t.BackoffMax, 30*time.Second)
	set(&t.Poll, 30*time.Second)
	set(&t.Hang, 15*time.Second)
	set(&t.Request, 30*time.Second)
	set(&t.KeyWait, 25*time.Second)
	set(&t.KeyAsk, 3*time.Second)
	set(&t.Read, 2*time.Second)
	set(&t.Fresh, time.Second)
	set(&t.Late, 35*time.Second) // Dendrite works in what it was killed over when its queue gives it out again, after 30 s
	if t.Timeline == 0 {
		t.Timeline = 1000
	}
	if t.Most == 0 {
		t.Most = 50
	}
}

// backoff doubles base up to limit and takes away up to a third at random, so that
// many clients of a server that comes back do not all come at once.
func backoff(base, limit time.Duration, failures int) time.Duration {
	d := limit
	if failures < 20 && base<<failures < limit {
		d = base << failures
	}
	return d - time.Duration(rand.Int64N(int64(d)/3+1))
}

// sleep waits, and says whether it was not ended by ctx.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
