package matrix

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
)

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
