package matrix

import (
	"context"
	"slices"
	"sync"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// reader shows people how far the bot has read: a while after something was said
// in a room, with one request, and never more than one in that while.
type reader struct {
	h    *hearing
	wake chan struct{}

	mu     sync.Mutex
	newest map[id.RoomID]id.EventID
}

func newReader(h *hearing) *reader {
	return &reader{h: h, wake: make(chan struct{}, 1), newest: map[id.RoomID]id.EventID{}}
}

// saw notes what came in a room. Our own events move the marker by themselves.
func (r *reader) saw(room id.RoomID, line []*event.Event, me id.UserID) {
	for _, evt := range slices.Backward(line) {
		if evt.Sender != me && evt.ID != "" {
			r.mu.Lock()
			r.newest[room] = evt.ID
			r.mu.Unlock()
			ring(r.wake)
			return
		}
	}
}

func (r *reader) run(ctx context.Context) {
	for {
		select {
		case <-r.wake:
		case <-ctx.Done():
			return
		}
		if !sleep(ctx, r.h.s.cfg.Tuning.Read) {
			return
		}
		r.mu.Lock()
		newest := r.newest
		r.newest = map[id.RoomID]id.EventID{}
		r.mu.Unlock()
		for room, evt := range newest {
			within, cancel := r.h.s.within(ctx)
			err := r.h.s.cli.SetReadMarkers(within, room, &mautrix.ReqSetReadMarkers{Read: evt, FullyRead: evt})
			cancel()
			if err != nil { // the next marker is as good
				r.h.log.Debug("matrix: a read marker was not taken", "room", room, "why", plainError(err))
			}
		}
	}
}
