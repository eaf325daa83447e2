package matrix

import (
	"context"
	"errors"
	"net/http"
	"time"

	"maunium.net/go/mautrix"

	"tocsin/bridges"
)

// errRunning is that Run was called twice.
var errRunning = errors.New("it is running already")

// Run opens the session, hears and speaks until ctx ends. It returns an error
// only for what needs somebody's hand: no login, a revoked token, another process
// on the same account.
func (b *Bridge) Run(ctx context.Context, in bridges.Inbox) error {
	b.mu.Lock()
	if b.in != nil {
		b.mu.Unlock()
		return errRunning
	}
	b.in = in
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		b.in = nil
		b.mu.Unlock()
	}()

	state := &uptime{b: b}
	for ctx.Err() == nil {
		err := b.serve(ctx, in, state)
		if ctx.Err() != nil {
			break
		}
		if errors.Is(err, ErrLogin) || errors.Is(err, errBusy) {
			state.down(ctx, err)
			return err // whoever runs several networks says which it is
		}
		if !state.pause(ctx, err) {
			break
		}
	}
	return nil
}

// serve is one session from its opening to its end.
func (b *Bridge) serve(ctx context.Context, in bridges.Inbox, state *uptime) error {
	s, err := openSession(ctx, &b.cfg)
	if err != nil {
		return err
	}
	defer s.close()
	life, end := context.WithCancel(ctx)
	s.use(b.rooms.store())
	s.learned = b.mouth.renew
	h, err := b.ear.open(life, s, in, state)
	if err == nil {
		err = h.renew(life)
	}
	if err == nil {
		err = b.mouth.open(life, s, h)
		b.mouth.forget(b.mouth.readSigns(h.kept))
	}
	if err == nil {
		b.mu.Lock()
		b.s, b.ready = s, false
		b.mu.Unlock()
		err = b.rooms.start(life, s)
	}
	if err == nil {
		err = h.loop(life)
	} else {
		err = s.explain(err)
	}
	end()
	b.mu.Lock()
	b.s, b.ready = nil, false
	b.mu.Unlock()
	b.mouth.close()
	h.close()
	b.rooms.wait()
	return err
}

// uptime knows whether the bot was told that the network is up, and how long to
// wait after a failure.
type uptime struct {
	b        *Bridge
	failures int
	isUp     bool
	isDown   bool
}

// up is told after each good sync; the first after a failure is an event.
func (u *uptime) up(ctx context.Context) {
	u.failures = 0
	u.b.mouth.returned()
	if u.isUp {
		return
	}
	u.isUp, u.isDown = true, false
	u.b.event(ctx, bridges.Event{Kind: bridges.Up})
}

// down is told after each failure; the first is an event.
func (u *uptime) down(ctx context.Context, err error) {
	if u.isDown {
		return
	}
	u.isUp, u.isDown = false, true
	u.b.cfg.Log.Warn("matrix: down", "network", u.b.cfg.Name, "why", plainError(err))
	u.b.event(ctx, bridges.Event{Kind: bridges.Down, Told: u.b.cfg.Name + " cannot be reached."})
}

// pause waits before the next try, as long as the homeserver asks for or longer;
// false when ctx ended.
func (u *uptime) pause(ctx context.Context, err error) bool {
	if code, _ := status(err); code == 0 || code >= http.StatusInternalServerError {
		u.b.mouth.away() // what is in its place may answer for it
	}
	u.down(ctx, err)
	t := &u.b.cfg.Tuning
	wait := backoff(t.BackoffBase, t.BackoffMax, u.failures)
	u.failures++
	if asked := retryAfter(err); asked > 0 {
		wait = min(max(wait, asked), 10*time.Minute)
	}
	u.b.cfg.Log.Debug("matrix: again later", "network", u.b.cfg.Name, "why", plainError(err), "wait", wait.Round(time.Millisecond))
	return sleep(ctx, wait)
}

// tokenDead says that the homeserver does not know our token any more.
func tokenDead(err error) bool {
	return errors.Is(err, mautrix.MUnknownToken) || errors.Is(err, mautrix.MMissingToken)
}
