package matrix

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"tocsin/bridges"
)

const (
	gapWider = 10        // times as many events are asked for at once when the first answer had a gap
	gapPage  = 100       // events of a page
	gapPages = 200       // pages, at most
	gapPast  = time.Hour // a page that is older than our position by this is behind the gap
	gapTries = 4         // failures, then the bot goes on without what the gap hid
)

// gap fetches what a sync left out of a room because it was too much: the events
// before line, oldest first. First it asks for the same sync with room for more,
// which has everything that it has in the right order; from a homeserver that does
// not give so many it takes pages.
func (h *hearing) gap(ctx context.Context, room id.RoomID, from string, line []*event.Event) ([]*event.Event, error) {
	h.log.Info("matrix: a sync left something out, fetching it", "room", room)
	older, err := h.wider(ctx, room, line)
	if err == nil {
		return older, nil
	}
	if h.fatalGap(ctx, err) {
		return nil, err
	}
	if older, err = h.pages(ctx, room, from, line); err == nil {
		return older, nil
	}
	if h.gapTries++; h.fatalGap(ctx, err) || h.gapTries < gapTries {
		return nil, fmt.Errorf("filling a gap: %w", err)
	}
	h.log.Error("matrix: what a sync left out could not be fetched", "room", room, "why", plainError(err))
	if r, ok := h.b.rooms.named(room); ok {
		h.b.event(ctx, bridges.Event{
			Kind: bridges.Trouble, Room: r,
			Told: "Some messages could not be fetched from the homeserver after a gap: what was said while I was away may be missing.",
		})
	}
	return nil, nil
}

// fatalGap says whether a failure is that of the connection, not of the gap.
func (h *hearing) fatalGap(ctx context.Context, err error) bool {
	code, _ := status(err)
	return ctx.Err() != nil || tokenDead(err) || code == http.StatusTooManyRequests
}

// errStillGap is that the homeserver does not give as much at once as is needed.
var errStillGap = fmt.Errorf("the homeserver gives no more at once")

// wider asks for the same sync once more, for one room and with room for more.
func (h *hearing) wider(ctx context.Context, room id.RoomID, line []*event.Event) ([]*event.Event, error) {
	within, cancel := h.s.within(ctx)
	defer cancel()
	res, err := h.s.sync(within, mautrix.ReqSync{
		Since: h.since, FilterID: filter(gapWider*h.s.cfg.Tuning.Timeline, room, ""), SetPresence: event.PresenceOffline,
	})
	if err != nil {
		return nil, err
	}
	data := res.Rooms.Join[room]
	if data == nil || data.Timeline.Limited && !joinedIn(data.Timeline.Events, h.s.cli.UserID) {
		return nil, errStillGap
	}
	// What came after line is in the next sync as well.
	return without(data.Timeline.Events, line), nil
}

// without gives the events that are before the first of line, or all when line is
// not among them.
func without(events, line []*event.Event) []*event.Event {
	known := map[id.EventID]bool{}
	for _, evt := range line {
		known[evt.ID] = true
	}
	for i, evt := range events {
		if known[evt.ID] {
			return slices.Clip(events[:i])
		}
	}
	return events
}

// pages goes back from a position until it meets what was there before the gap:
// our position, an event that was handed on, our own joining, or a time well
// before.
func (h *hearing) pages(ctx context.Context, room id.RoomID, from string, line []*event.Event) ([]*event.Event, error) {
	var back []*event.Event // newest first
	have := map[id.EventID]bool{}
	for _, evt := range line {
		have[evt.ID] = true
	}
	past := h.at.Add(-gapPast).UnixMilli()
	for range gapPages {
		if from == "" {
			break
		}
		page, err := h.page(ctx, room, from)
		if err != nil {
			return nil, err
		}
		met, older := false, len(page.Chunk) > 0
		for _, evt := range page.Chunk {
			if h.seen.has(string(evt.ID)) {
				met = true
				continue
			}
			if !have[evt.ID] {
				have[evt.ID] = true
				back = append(back, evt)
			}
			met = met || joining(evt, h.s.cli.UserID)
			older = older && evt.Timestamp < past
		}
		if met || older || len(page.Chunk) == 0 || page.End == from {
			break
		}
		from = page.End
	}
	slices.Reverse(back)
	return back, nil
}

func (h *hearing) page(ctx context.Context, room id.RoomID, from string) (*mautrix.RespMessages, error) {
	within, cancel := h.s.within(ctx)
	defer cancel()
	res, err := h.s.cli.Messages(within, room, from, h.since, mautrix.DirectionBackward, nil, gapPage)
	if err == nil {
		res.Chunk = slices.DeleteFunc(res.Chunk, func(e *event.Event) bool { return e == nil })
	}
	return res, err
}
