package matrix

import (
	"context"
	"errors"
	"fmt"

	"maunium.net/go/mautrix/id"
)

// What is kept of rooms over a restart.
const (
	keptMoved     = "moved/"     // + room: the one that replaced it
	keptEncrypted = "encrypted/" // + room: it is, or was once
	keptDirect    = "direct/"    // + account: our room of two with it
	keptInvite    = "invite/"    // + room: who invited us, until we are in
)

// recall reads what was kept.
func (r *rooms) recall(ctx context.Context) error {
	take := func(prefix string, put func(key, value string)) error {
		kept, err := r.kept(ctx, prefix)
		if err != nil {
			return fmt.Errorf("reading what was kept of rooms: %w", err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for key, value := range kept {
			if len(key) > len(prefix) && value != "" {
				put(key[len(prefix):], value)
			}
		}
		return nil
	}
	return errors.Join(
		take(keptMoved, func(key, value string) { r.link(id.RoomID(key), id.RoomID(value)) }),
		take(keptEncrypted, func(key, _ string) { r.of(id.RoomID(key)).was = true }),
		take(keptDirect, func(key, value string) { r.directs[id.UserID(key)] = id.RoomID(value) }),
		take(keptInvite, func(key, value string) { r.invited(id.RoomID(key), value) }),
	)
}

func (r *rooms) kept(ctx context.Context, prefix string) (map[string]string, error) {
	r.b.mu.Lock()
	in := r.b.in
	r.b.mu.Unlock()
	if in == nil {
		return nil, nil
	}
	return in.Kept(ctx, r.b.cfg.Name, prefix)
}

// keep has values on disk as soon as that can be done.
func (r *rooms) keep(ctx context.Context, values map[string]string) {
	r.mu.Lock()
	for key, value := range values {
		r.unkept[key] = value
	}
	r.mu.Unlock()
	r.flush(ctx)
}

func (r *rooms) flush(ctx context.Context) {
	r.b.mu.Lock()
	in := r.b.in
	r.b.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	if in == nil || len(r.unkept) == 0 {
		return
	}
	if err := in.Keep(ctx, r.b.cfg.Name, r.unkept); err != nil {
		r.b.cfg.Log.Error("matrix: what is known of rooms could not be kept", "why", err)
		return // at the next sync again
	}
	r.unkept = map[string]string{}
}
