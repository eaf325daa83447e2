package matrix

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"

	"github.com/rs/zerolog"
)

// logField says what the library may say about something besides its sentence:
// names of things, never what is in them, nor of accounts, which may be a guest's.
// Bodies of requests and texts of errors,
// which quote them, are not here.
func logField(name string) bool {
	switch name {
	case "room_id", "event_id", "session_id", "target_device_id", "device_id",
		"sender_key", "type", "event_type", "method", "status_code", "duration", "req_id", "trace_id", "component",
		"device_count", "user_count", "count", "message_index", "new_device_count", "old_device_count":
		return true
	}
	return false
}

// bridgeLog hands the library's log on to ours, cleaned.
type bridgeLog struct{ log *slog.Logger }

// Write takes one line of zerolog's.
func (w bridgeLog) Write(line []byte) (int, error) {
	var fields map[string]any
	if json.Unmarshal(line, &fields) != nil {
		return len(line), nil
	}
	said, _ := fields["message"].(string)
	args := []any{}
	for name, value := range fields {
		if logField(name) {
			args = append(args, name, value)
		}
	}
	w.log.Debug("matrix: library: "+strings.TrimSpace(said), args...)
	return len(line), nil
}

func libraryLog(log *slog.Logger) zerolog.Logger {
	if !log.Enabled(context.Background(), slog.LevelDebug) {
		return zerolog.Nop()
	}
	return zerolog.New(bridgeLog{log}).Level(zerolog.DebugLevel)
}
