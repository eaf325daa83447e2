package incidents_test

import (
	"testing"
	"time"

	"tocsin/incidents"
)

func TestApprove(t *testing.T) {
	asked := incidents.Approval{
		Code: "K7QFM", Asker: "alice", Act: incidents.Seal("role take INC-1 lead"), Incident: 1, Version: 3,
		Network: "irc", Room: "#desk", Shown: true, Expires: noon().Add(incidents.ApprovalLife),
	}
	for _, c := range []struct {
		name, who, network, room, want string
		change                         func(*incidents.Approval, *incidents.Incident)
		after                          time.Duration
	}{
		{name: "another person, in time, where it was shown", who: "bob"},
		{name: "in the last moment", who: "bob", after: time.Hour - 1},
		{name: "an hour later", who: "bob", after: time.Hour, want: "approval-expired"},
		{name: "who asked", who: "alice", want: "approval-self"},
		{name: "another room", who: "bob", room: "#other", want: "approval-elsewhere"},
		{name: "another network", who: "bob", network: "oftc", want: "approval-elsewhere"},
		{name: "the incident was changed", who: "bob", change: func(_ *incidents.Approval, i *incidents.Incident) { i.Version++ }, want: "approval-changed"},
		{name: "nobody was shown it", who: "bob", change: func(a *incidents.Approval, _ *incidents.Incident) { a.Shown = false }, want: "approval-unseen"},
		{name: "nobody was shown it there, nor asked", who: "bob", room: "#other", change: func(a *incidents.Approval, _ *incidents.Incident) { a.Shown = false }, want: "approval-elsewhere"},
		{name: "about no incident", who: "bob", change: func(a *incidents.Approval, i *incidents.Incident) { a.Incident, a.Version, i.Version = 0, 0, 9 }},
		{name: "approved already", who: "bob", change: func(a *incidents.Approval, _ *incidents.Incident) { a.Done = "approved" }, want: "approval-done"},
		{name: "voided", who: "bob", change: func(a *incidents.Approval, _ *incidents.Incident) { a.Done = "voided" }, want: "approval-done"},
		{name: "voided and expired", who: "alice", after: time.Hour, change: func(a *incidents.Approval, _ *incidents.Incident) { a.Done = "voided" }, want: "approval-done"},
	} {
		a, i := asked, incidents.Incident{N: 1, Handle: "INC-1", Version: 3}
		if c.change != nil {
			c.change(&a, &i)
		}
		if c.network == "" {
			c.network = "irc"
		}
		if c.room == "" {
			c.room = "#desk"
		}
		t.Run(c.name, func(t *testing.T) {
			refused(t, incidents.Approve(a, i, c.who, c.network, c.room, noon().Add(c.after)), c.want)
		})
	}
}
