package matrix

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"tocsin/bridges"

	"maunium.net/go/mautrix/id"
)

// fetch reads a room's state as the homeserver has it now. in is false when we are
// not a member: what it tells then is old.
func (r *rooms) fetch(ctx context.Context, s *session, roomID id.RoomID) (f *facts, in bool, err error) {
	ctx, cancel := s.within(ctx)
	defer cancel()
	body, err := s.cli.MakeRequest(ctx, http.MethodGet, s.cli.BuildClientURL("v3", "rooms", roomID, "state"), nil, nil)
	if err != nil && absent(err) && definite(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("looking at room %s: %w", roomID, err)
	}
	f, mine, ok := read(body, r.me, roomID)
	if !ok {
		return nil, false, fmt.Errorf("looking at room %s: the homeserver's answer cannot be read", roomID)
	}
	if f.unclear {
		r.b.cfg.Log.Error("matrix: a room's state can be read in more than one way", "room", roomID)
	}
	return f, mine == "join", nil
}

// load brings a room into the model as it is now. It is no error when we are not in
// it.
func (r *rooms) load(ctx context.Context, s *session, roomID id.RoomID) error {
	r.mu.Lock()
	rm := r.of(roomID)
	r.mu.Unlock()
	for try := 1; ; try++ {
		r.mu.Lock()
		before := rm.changes
		r.mu.Unlock()
		f, in, err := r.fetch(ctx, s, roomID)
		if err != nil {
			return err
		}
		if r.accept(ctx, s, rm, f, in, before) || try == again {
			return nil
		}
	}
}

// accept takes what a look saw into the model, unless the room changed since: then
// it is not known which is newer, and it is false.
func (r *rooms) accept(ctx context.Context, s *session, rm *room, f *facts, in bool, before int) bool {
	r.mu.Lock()
	if rm.changes != before {
		r.mu.Unlock()
		return false
	}
	if !in {
		if rm.in || rm.known {
			r.moveOn(rm)
		}
		rm.in, rm.known, rm.look = false, false, nil
		r.mu.Unlock()
		return true
	}
	news := rm.in && rm.known
	rm.in, rm.looked = true, time.Now()
	news = r.put(rm, f) && news
	name := r.name(rm)
	r.mu.Unlock()
	r.flush(ctx)
	if news {
		r.rotate(ctx, s, rm.id)
		r.b.event(ctx, bridges.Event{Kind: bridges.Changed, Room: name})
	}
	return true
}
