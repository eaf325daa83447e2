package matrix

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"tocsin/bridges"
)

// What the inbox keeps for us under these keys.
const (
	keptSince   = "since"   // where the sync goes on
	keptAt      = "at"      // when that was, in ms since 1970
	keptAccount = "account" // whose position it is
)

// mostWaiting is how many messages may wait to be dealt with before no more are
// fetched.
const mostWaiting = 4000

// ear hears for the bridge. What it remembers outlives a session.
type ear struct {
	b      *Bridge
	echoes *echoes
}

func newEar(b *Bridge) *ear {
	return &ear{b: b, echoes: newEchoes(4096)}
}

// hearing is the ear of one session.
type hearing struct {
	*ear
	s        *session
	in       bridges.Inbox
	log      *slog.Logger
	state    *uptime
	speakers map[id.UserID]bool // nil: everybody
	since    string
	at       time.Time // when since was
	path     []rung    // positions of the last seconds, oldest first
	seen     *recent   // what was handed on in this session
	unknown  *recent   // senders' keys of devices that nobody knows
	gapTries int       // failures in a row to fill a gap

	deafUntil time.Time // what was said before it is not asked after: the bot was restored then
	counted   time.Time // when we last knew how many one-time keys are left

	unacquainted atomic.Int64 // when devices could last not be fetched, in ns since 1970

	queues  *queues
	tokens  *tokens
	ladder  *ladder
	pending *pending
	reader  *reader
	kept    map[string]string // as it was when the session began
	working sync.WaitGroup
	stop    context.CancelFunc
}

// open makes the ear of a session, from what was kept.
func (e *ear) open(ctx context.Context, s *session, in bridges.Inbox, state *uptime) (*hearing, error) {
	b := e.b
	kept, err := in.Kept(ctx, b.cfg.Name, "")
	if err != nil {
		return nil, fmt.Errorf("reading what was kept: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	h := &hearing{
		ear: e, s: s, in: in, log: b.cfg.Log.With("network", b.cfg.Name), state: state, stop: stop, kept: kept,
		seen: newRecent(4096), unknown: newRecent(512),
	}
	if kept[keptAccount] == h.account() {
		h.since = kept[keptSince]
		h.at = time.UnixMilli(parseInt(kept[keptAt]))
	}
	if at := parseInt(kept[keptRestored]); at > 0 {
		h.deafUntil = time.UnixMilli(at)
		s.restored(h.deafUntil)
	}
	if b.cfg.Speakers != nil {
		h.speakers = map[id.UserID]bool{}
		for _, who := range b.cfg.Speakers {
			h.speakers[id.UserID(who)] = true
		}
	}
	h.ladder = readLadder(kept[keptLadder])
	h.tokens = newTokens(h.keep)
	h.queues = newQueues(ctx)
	h.reader = newReader(h)
	h.pending = newPending(h, kept)
	s.mach.SessionReceived = h.pending.arrived
	h.working.Go(func() { h.tokens.run(ctx) })
	h.working.Go(func() { h.reader.run(ctx) })
	h.working.Go(func() { h.pending.run(ctx) })
	return h, nil
}

// close ends what the session started and waits for it.
func (h *hearing) close() {
	if h == nil {
		return
	}
	h.stop()
	h.queues.wait()
	h.working.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	h.tokens.last(ctx)
}

// account is whose position in the sync is kept: another's is of no use.
func (h *hearing) account() string { return h.s.cfg.User + " " + string(h.s.cli.DeviceID) }

// keep writes a position. It is called for positions whose messages are all safe.
func (h *hearing) keep(ctx context.Context, token string, at time.Time) error {
	h.b.step("keep")
	values := map[string]string{
		keptSince: token, keptAt: fmt.Sprint(at.UnixMilli()), keptAccount: h.account(),
	}
	rungs, changed := h.ladder.add(token, at)
	if changed {
		values[keptLadder] = rungs
	}
	if err := h.in.Keep(ctx, h.b.cfg.Name, values); err != nil {
		h.log.Warn("matrix: the position could not be kept", "why", err)
		return err
	}
	h.b.step("kept")
	return nil
}

// loop syncs until ctx ends. It returns an error only for what no waiting mends.
func (h *hearing) loop(ctx context.Context) error {
	wait := time.Duration(0) // the first answer must come at once, also when there is nothing
	doubted := false
	for ctx.Err() == nil {
		h.tokens.room(ctx, mostWaiting)
		begun := time.Now()
		res, err := h.poll(ctx, wait)
		if err == nil && !doubted && h.hollow(res) && time.Since(begun) < max(wait-time.Second, wait/2, time.Second) {
			doubted, wait = true, 0
			continue
		}
		doubted = false
		if err == nil {
			err = h.take(ctx, res)
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			h.since, h.at, wait = res.NextBatch, time.Now(), h.s.cfg.Tuning.Poll
			h.passed(h.since, h.at)
			continue
		case tokenDead(err):
			return h.s.explain(err)
		}
		wait = 0
		h.back()
		h.s.cli.Client.CloseIdleConnections()
		if !h.state.pause(ctx, err) {
			return nil
		}
	}
	return nil
}

// hollow says whether a response moves on and brings nothing. A homeserver that is
// being stopped answers so when it could not look any more: taken at its word, what
// it did not look up would be lost. So the same is asked once more.
func (h *hearing) hollow(res *mautrix.RespSync) bool {
	for _, r := range res.Rooms.Join {
		if len(r.Timeline.Events)+len(r.State.Events) > 0 {
			return false
		}
	}
	return h.since != "" && res.NextBatch != h.since && len(res.Rooms.Invite)+len(res.Rooms.Leave) == 0 &&
		len(res.ToDevice.Events) == 0 && res.DeviceLists.IsZero()
}

// How far back a sync begins after one that failed: a homeserver that is stopped may
// have moved on past what it did not tell.
const (
	stepBack  = 10 * time.Second
	stepsMost = 64
)

// passed notes a position that was reached.
func (h *hearing) passed(token string, at time.Time) {
	h.path = append(h.path, rung{At: at.UnixMilli(), Token: token})
	if len(h.path) > stepsMost {
		h.path = slices.Delete(h.path, 1, 2+len(h.path)-stepsMost)
	}
	for len(h.path) > 1 && at.UnixMilli()-h.path[1].At > stepBack.Milliseconds() {
		h.path = h.path[1:]
	}
}

// back goes to the oldest position of the last seconds: what comes twice is known by
// its id.
func (h *hearing) back() {
	if len(h.path) > 0 {
		h.since = h.path[0].Token
	}
}

// poll asks for what is new. A homeserver that says nothing at all for longer than
// it was given is given up.
func (h *hearing) poll(ctx context.Context, wait time.Duration) (*mautrix.RespSync, error) {
	ctx, cancel := context.WithTimeout(ctx, wait+h.s.cfg.Tuning.Hang)
	defer cancel()
	limit := h.s.cfg.Tuning.Timeline
	if h.since == "" {
		limit = 1 // nothing of it will be obeyed
	}
	res, err := h.s.sync(ctx, mautrix.ReqSync{
		Timeout: int(wait.Milliseconds()), Since: h.since, FilterID: filter(limit, "", ""),
		SetPresence: event.PresenceOffline,
	})
	if err == nil && res.NextBatch == "" {
		return nil, errors.New("a sync without an end")
	}
	return res, err
}

// filter asks for what the bot needs, and for all of it: every member of a room,
// or keys would go to some of them only. With a room it asks for that one alone,
// and with a sender for what that one sent.
func filter(limit int, room id.RoomID, sender id.UserID) string {
	none := map[string]any{"not_types": []string{"*"}}
	timeline := map[string]any{"limit": limit}
	if sender != "" {
		timeline["senders"] = []id.UserID{sender}
	}
	rooms := map[string]any{
		"timeline": timeline, "ephemeral": none, "account_data": none,
		"state": map[string]any{"lazy_load_members": false},
	}
	if room != "" {
		rooms["rooms"] = []id.RoomID{room}
	}
	data, _ := json.Marshal(map[string]any{
		"presence": none, "account_data": map[string]any{"types": []string{"m.direct"}}, "room": rooms,
	})
	return string(data)
}

// take works a response in: keys, then who is in the rooms, then what was said.
// When it fails nothing was handed on, and the same will come again.
func (h *hearing) take(ctx context.Context, res *mautrix.RespSync) error {
	h.b.step("synced")
	came := time.Now()
	first := h.since == ""
	if err := h.keys(ctx, res); err != nil {
		return err
	}
	h.b.step("keys")
	if err := guarded("rooms", func() { h.b.rooms.sync(ctx, h.s, res) }); err != nil {
		h.log.Error("matrix: a response could not be worked in", "why", err)
		return err
	}
	h.b.step("rooms")
	h.echoed(res)
	lines := map[id.RoomID][]*event.Event{}
	if !first {
		var err error
		if lines, err = h.lines(ctx, res); err != nil {
			return err
		}
	}
	h.ready(ctx, came, res)
	total := 0
	for _, line := range lines {
		total += len(line)
	}
	x := h.tokens.begin(res.NextBatch, came, total, first || len(res.ToDevice.Events) > 0)
	for room, line := range lines {
		for _, evt := range line {
			h.queues.add(room, func(ctx context.Context) {
				if h.hear(ctx, evt) {
					x.finish()
				}
			})
		}
	}
	h.supply(ctx, res.DeviceOTKCount)
	h.b.step("taken")
	return nil
}

// ready is called after each response was worked in, before what was said in it
// is handed on. The first makes the bridge one that can speak.
func (h *hearing) ready(ctx context.Context, came time.Time, res *mautrix.RespSync) {
	b := h.b
	b.mu.Lock()
	was := b.ready
	b.ready = true
	b.mu.Unlock()
	if !was {
		// Find goes back to a position from before a message was tried. Whatever is
		// said from now on is said after this one.
		token, at := h.since, came
		if token == "" {
			token = res.NextBatch
		}
		if rungs, changed := h.ladder.add(token, at); changed {
			if err := h.in.Keep(ctx, b.cfg.Name, map[string]string{keptLadder: rungs}); err != nil {
				h.log.Warn("matrix: a position could not be kept", "why", err)
			}
		}
		h.pending.retry()
	}
	h.state.up(ctx)
}

// lines is what was said in each room and is to be handed on: oldest first, with
// what a gap hid, without what is not for us.
func (h *hearing) lines(ctx context.Context, res *mautrix.RespSync) (map[id.RoomID][]*event.Event, error) {
	out := map[id.RoomID][]*event.Event{}
	for room, data := range res.Rooms.Join {
		line := data.Timeline.Events
		if data.Timeline.Limited && !joinedIn(line, h.s.cli.UserID) {
			older, err := h.gap(ctx, room, data.Timeline.PrevBatch, line)
			if err != nil {
				return nil, err
			}
			line = append(older, line...)
		}
		line = sinceJoin(line, h.s.cli.UserID)
		h.reader.saw(room, line, h.s.cli.UserID)
		if line = slices.DeleteFunc(line, func(evt *event.Event) bool { return !h.wanted(room, evt) }); len(line) > 0 {
			out[room] = line
		}
	}
	h.gapTries = 0
	for _, line := range out {
		for _, evt := range line {
			h.seen.add(string(evt.ID))
		}
	}
	return out, nil
}

// wanted says whether an event may be something that a speaker said or did, and
// readies it.
func (h *hearing) wanted(room id.RoomID, evt *event.Event) bool {
	if evt.StateKey != nil || evt.Sender == h.s.cli.UserID || evt.ID == "" || h.seen.has(string(evt.ID)) {
		return false
	}
	switch evt.Type.Type {
	case event.EventRedaction.Type:
		h.pending.drop(redacted(evt))
	case event.EventEncrypted.Type, event.EventMessage.Type, event.EventReaction.Type:
	default:
		return false
	}
	if h.speakers != nil && !h.speakers[evt.Sender] {
		return false
	}
	evt.RoomID, evt.Type.Class = room, event.MessageEventType
	return true
}

// joinedIn says whether a line has our own joining in it.
func joinedIn(line []*event.Event, me id.UserID) bool {
	return slices.ContainsFunc(line, func(evt *event.Event) bool { return joining(evt, me) })
}

// sinceJoin leaves out what was said before we joined: it was not said to us.
func sinceJoin(line []*event.Event, me id.UserID) []*event.Event {
	for i := len(line) - 1; i >= 0; i-- {
		if joining(line[i], me) {
			return line[i+1:]
		}
	}
	return line
}

// joining says whether an event made us a member. A change of our name is a join
// event too, after a join.
func joining(evt *event.Event, me id.UserID) bool {
	if evt.Type.Type != event.StateMember.Type || evt.StateKey == nil || *evt.StateKey != string(me) {
		return false
	}
	var now, before struct {
		Membership string `json:"membership"`
	}
	_ = json.Unmarshal(evt.Content.VeryRaw, &now)
	if evt.Unsigned.PrevContent != nil {
		_ = json.Unmarshal(evt.Unsigned.PrevContent.VeryRaw, &before)
	}
	return now.Membership == "join" && before.Membership != "join"
}

// step is where a test may end the bot.
func (b *Bridge) step(name string) {
	if b.cfg.Failpoint != nil {
		b.cfg.Failpoint(name)
	}
}

// guarded runs what may panic on what others sent. The error holds where, and no
// word of it.
func guarded(what string, do func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &panicked{what: what, stack: debug.Stack()}
		}
	}()
	do()
	return nil
}

// panicked is a panic without its value, which may quote a message.
type panicked struct {
	what  string
	stack []byte
}

func (p *panicked) Error() string { return p.what + " panicked" }
