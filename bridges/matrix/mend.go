package matrix

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// sync asks for what is new, and gives what can be read of the answer: an event that
// cannot is left out, and holds up no other.
func (s *session) sync(ctx context.Context, req mautrix.ReqSync) (*mautrix.RespSync, error) {
	res, err := s.cli.FullSyncRequest(ctx, req)
	if mended, ok := mend(err); ok {
		s.cfg.Log.Warn("matrix: a sync had events that cannot be read")
		res, err = mended, nil
	}
	if err != nil {
		return nil, err
	}
	whole(res)
	return res, nil
}

// whole leaves out rooms and events that are nothing.
func whole(res *mautrix.RespSync) {
	there := func(list *mautrix.SyncEventsList) {
		list.Events = slices.DeleteFunc(list.Events, func(e *event.Event) bool { return e == nil })
	}
	there(&res.ToDevice)
	there(&res.AccountData)
	there(&res.Presence)
	maps.DeleteFunc(res.Rooms.Join, func(_ id.RoomID, r *mautrix.SyncJoinedRoom) bool { return r == nil })
	maps.DeleteFunc(res.Rooms.Leave, func(_ id.RoomID, r *mautrix.SyncLeftRoom) bool { return r == nil })
	maps.DeleteFunc(res.Rooms.Invite, func(_ id.RoomID, r *mautrix.SyncInvitedRoom) bool { return r == nil })
	for _, r := range res.Rooms.Join {
		there(&r.State)
		there(&r.Timeline.SyncEventsList)
		there(&r.AccountData)
		if r.StateAfter != nil {
			there(r.StateAfter)
		}
	}
	for _, r := range res.Rooms.Leave {
		there(&r.State)
		there(&r.Timeline.SyncEventsList)
		if r.StateAfter != nil {
			there(r.StateAfter)
		}
	}
	for _, r := range res.Rooms.Invite {
		there(&r.State)
	}
}

// mend reads a sync that the library could not. One event with a field of another
// kind than it expects makes it throw all of them away, for good: whoever can send
// such an event could silence the bot.
func mend(err error) (*mautrix.RespSync, bool) {
	var e mautrix.HTTPError
	if !errors.As(err, &e) || e.Response == nil || e.Response.StatusCode != http.StatusOK || e.ResponseBody == "" {
		return nil, false
	}
	var tree map[string]any
	d := json.NewDecoder(bytes.NewReader([]byte(e.ResponseBody)))
	d.UseNumber()
	if d.Decode(&tree) != nil {
		return nil, false
	}
	mendEvents(tree)
	data, err := json.Marshal(tree)
	if err != nil {
		return nil, false
	}
	res := &mautrix.RespSync{}
	return res, json.Unmarshal(data, res) == nil && res.NextBatch != ""
}

// mendEvents mends every list of events below a part of a response.
func mendEvents(part map[string]any) {
	for key, value := range part {
		switch value := value.(type) {
		case map[string]any:
			mendEvents(value)
		case []any:
			if key != "events" {
				continue
			}
			var good []any
			for _, evt := range value {
				if evt := mendEvent(evt); evt != nil {
					good = append(good, evt)
				}
			}
			part[key] = good
		}
	}
}

// mendEvent gives an event as it is when it can be read, else only with the fields
// that are needed, and nil when those are no good either.
func mendEvent(evt any) any {
	fields, ok := evt.(map[string]any)
	if !ok {
		return nil
	}
	if readable(fields) {
		return fields
	}
	bare := map[string]any{}
	for _, name := range []string{"type", "state_key", "sender", "event_id", "origin_server_ts", "content"} {
		if value, ok := fields[name]; ok {
			bare[name] = value
		}
	}
	if !readable(bare) {
		return nil
	}
	return bare
}

func readable(fields map[string]any) bool {
	data, err := json.Marshal(fields)
	return err == nil && json.Unmarshal(data, &event.Event{}) == nil
}
