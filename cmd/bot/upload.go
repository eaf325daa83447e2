package main

import (
	"context"
	"errors"
	"time"

	"tocsin/bridges"
	"tocsin/commands"
	"tocsin/incidents"
)

// fetchFor is how long an upload is waited for. Nothing else is heard meanwhile.
const fetchFor = 20 * time.Second

// uploaded keeps a patch that somebody uploaded. It is fetched only where it would be
// kept by all that is known before, and judged again, with the room proven anew, when
// it is there.
func (a *app) uploaded(ctx context.Context, m bridges.Message) error {
	text, ok := a.desk.PatchLine(m)
	if !ok {
		return nil
	}
	file := m.Upload
	m.Text, m.Upload = text, nil
	dealt := a.watch(ctx, m)
	defer dealt()
	line := a.line(ctx, m, true)
	line.Upload = &commands.Upload{Name: incidents.Seal(file.Name), Awaited: true}
	switch {
	case !file.Sealed && line.Grant.Network != incidents.OnConsole:
		line.Upload.Problem = "patch-plain"
	case file.Size > incidents.PatchBytes:
		line.Upload.Problem = "patch-large"
	}
	awaits, err := a.desk.Awaits(ctx, line)
	if err != nil {
		a.p.log.Error("an upload was not dealt with", "network", m.Room.Network, "message", m.ID, "error", err.Error())
		return err
	}
	if !awaits {
		return a.obey(ctx, line)
	}
	within, cancel := context.WithTimeout(ctx, fetchFor)
	data, err := file.Fetch(within, incidents.PatchBytes)
	cancel()
	if ctx.Err() != nil {
		return ctx.Err() // it comes again
	}
	got := &commands.Upload{Name: line.Upload.Name, Body: incidents.Seal(string(data))}
	switch {
	case errors.Is(err, bridges.ErrTooLarge):
		got.Problem = "patch-large"
	case err != nil:
		a.p.log.Warn("an upload could not be fetched", "network", m.Room.Network, "message", m.ID, "error", err.Error())
		got.Problem = "patch-lost"
	}
	line = a.line(ctx, m, true)
	line.Upload = got
	return a.obey(ctx, line)
}
