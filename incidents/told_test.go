package incidents_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tocsin/incidents"
)

// toldNames gives who was told, with "!" for who knows of another date.
func toldNames(p incidents.Plan, i incidents.Incident, sent ...incidents.Sending) string {
	var out []string
	for _, t := range incidents.WhoWasTold(p, i, sent) {
		name := t.Name.Reveal(fullClearance())
		if t.Reporter {
			name = "reporter"
		}
		if t.Step != "" {
			name = t.Step
		}
		if t.Stale {
			name += "!"
		}
		out = append(out, name)
	}
	return strings.Join(out, "; ")
}

// TestWhoWasTold: everybody outside who was told is known by what is on record, and who
// has to hear when the date becomes another one.
func TestWhoWasTold(t *testing.T) {
	p, _ := pillow(t)
	arrive := func(i incidents.Incident, s incidents.Sending, at time.Time) incidents.Incident {
		t.Helper()
		s.Incident, s.AskedBy, s.State, s.How, s.DoneAt = 1, "alice", incidents.SendByHand, incidents.Seal("email"), at
		a, err := incidents.Arrive(p, i, nil, s, at, at)
		if err != nil {
			t.Fatal(err)
		}
		return a.Incident
	}
	is := func(what string, i incidents.Incident, want string, sent ...incidents.Sending) {
		t.Helper()
		if got := toldNames(p, i, sent...); got != want {
			t.Errorf("%s: %s\nwant %s", what, got, want)
		}
		_, untold := incidents.Happened(p, i, "untold")
		stale := strings.Contains(toldNames(p, i), "!") && i.Embargo.State != incidents.EmbargoBroken
		if untold != stale {
			t.Errorf("%s: somebody is untold: %v", what, untold)
		}
	}
	hour := func(n int) time.Time { return noon().Add(time.Duration(n) * time.Hour) }
	i := embargoed(reportedAs(t, p, incidents.Opening{Type: "vulnerability", Source: "researcher", Severity: "high"}), incidents.EmbargoSet)
	is("nobody", i, "")
	i = arrive(i, incidents.Sending{Kind: "ack", Reporter: true}, hour(1))
	i = arrive(i, incidents.Sending{Kind: "distro", To: incidents.Seal("linux-distros@vs.openwall.org")}, hour(1))
	i = arrive(i, incidents.Sending{Kind: "downstream", To: incidents.Seal("Alpine <security@alpinelinux.org>")}, hour(1))
	kivy := incidents.Sending{Incident: 1, Kind: "downstream", For: incidents.Seal("Kivy"), State: incidents.SendByHand, DoneAt: hour(1)}
	post := incidents.Sending{Incident: 1, Kind: "mastodon", Way: incidents.ByMastodon, State: incidents.SendSent, DoneAt: hour(1)}
	stopped := incidents.Sending{Incident: 1, Kind: "downstream", For: incidents.Seal("Plone"), State: incidents.SendRefused, DoneAt: hour(1)}
	all := []incidents.Sending{kivy, post, stopped}
	const list = "Debian / Ubuntu, Fedora / RHEL / CentOS, Arch Linux"
	is("three ways", i, "reporter; "+list+"; Alpine Linux; Kivy", all...)

	moved, _, err := incidents.MoveEmbargo(p, i, incidents.When{At: i.Embargo.At.Add(24 * time.Hour)}, incidents.Seal("a reason"), "alice", hour(2))
	refused(t, err, "")
	is("moved", moved, "reporter!; "+list+"!; Alpine Linux!; Kivy!", all...)
	again := arrive(moved, incidents.Sending{Kind: "update", Reporter: true}, hour(3))
	is("the reporter heard", again, "reporter; "+list+"!; Alpine Linux!; Kivy!", all...)
	again = arrive(again, incidents.Sending{Kind: "distro"}, hour(3))
	is("the list heard", again, "reporter; "+list+"; Alpine Linux!; Kivy!", all...)
	again, _, more, err := incidents.SendNotice(p, again, "alpine", incidents.Telling{At: hour(3), By: "carol"}, hour(3))
	if err != nil || !more {
		t.Errorf("Alpine was told again: %v %v", more, err)
	}
	later := kivy
	later.DoneAt = hour(3)
	is("all heard", again, "reporter; "+list+"; Alpine Linux; Kivy", append([]incidents.Sending{later}, all...)...)
	for _, l := range incidents.Audience(p, again) { // what was noted first stays
		if l.Key == "alpine" && (!l.SentAt.Equal(hour(1)) || len(l.More) != 1) {
			t.Errorf("Alpine: %+v", l.Notice)
		}
	}

	early, _, err := incidents.LiftEmbargo(i, incidents.Seal("a reason"), "alice", hour(2))
	refused(t, err, "")
	is("lifted early", early, "reporter!; "+list+"!; Alpine Linux!; Kivy!", all...)
	lifted, _, err := incidents.LiftEmbargo(moved, incidents.Seal("a reason"), "alice", moved.Embargo.At)
	refused(t, err, "")
	is("lifted at its moment, and nobody heard of the move", lifted, "reporter!; "+list+"!; Alpine Linux!; Kivy!", all...)
	lifted = arrive(lifted, incidents.Sending{Kind: "distro"}, moved.Embargo.At.Add(time.Hour))
	is("the list heard after the lift", lifted, "reporter!; "+list+"; Alpine Linux!; Kivy!", all...)
	lifted, _, err = incidents.LiftEmbargo(again, incidents.Seal("a reason"), "alice", moved.Embargo.At)
	refused(t, err, "")
	is("lifted at its moment, and all heard of the move", lifted, "reporter; "+list+"; Alpine Linux; Kivy", append([]incidents.Sending{later}, all...)...)
	lifted, _, err = incidents.LiftEmbargo(i, incidents.Seal("a reason"), "alice", i.Embargo.At)
	refused(t, err, "")
	is("never moved, lifted at its moment", lifted, "reporter; "+list+"; Alpine Linux; Kivy", all...)
	broken, _, err := incidents.BreakEmbargo(i, incidents.Seal("a commit"), "alice", hour(2))
	refused(t, err, "")
	is("broken: the checklist says whom to tell", broken, "reporter!; "+list+"!; Alpine Linux!; Kivy!", all...)

	// At Medium the plan tells nobody of the map: the list may have been told all the same.
	medium := done(embargoed(reportedAs(t, p, incidents.Opening{Type: "vulnerability", Severity: "medium"}), incidents.EmbargoSet), time.Hour, "notify-distros")
	is("the list, at Medium", medium, "notify-distros")
}

// TestUntoldIsWhoWasTold: the clock runs exactly while somebody is named who knows of
// another date, whatever was sent, noted, moved and lifted, in any order.
func TestUntoldIsWhoWasTold(t *testing.T) {
	p, _ := pillow(t)
	r := rand.New(rand.NewPCG(7, 7))
	ran := 0
	for range 300 {
		now := noon()
		i := reportedAs(t, p, incidents.Opening{Severity: []string{"low", "high"}[r.IntN(2)]})
		i.Track = incidents.Seal("embargoed")
		var sent []incidents.Sending
		for k := range 12 {
			now = now.Add(time.Hour)
			j, err := i, error(nil)
			when := incidents.When{At: now.Add(time.Duration(3+r.IntN(5)) * day), Zone: "UTC"}
			switch r.IntN(6) {
			case 0:
				j, _, err = incidents.SetEmbargo(p, i, when, "bob", now)
			case 1:
				j, _, err = incidents.MoveEmbargo(p, i, when, incidents.Seal("so"), "bob", now)
			case 2:
				if r.IntN(3) == 0 {
					j, _, err = incidents.LiftEmbargo(i, incidents.Seal("so"), "bob", now)
				}
			default:
				s := incidents.Sending{
					ID: k + 1, Kind: []string{"distro", "downstream", "update"}[r.IntN(3)], State: incidents.SendByHand, AskedBy: "bob", DoneAt: now,
					To: incidents.Seal([]string{"linux-distros", "Foo", "Kivy"}[r.IntN(3)]),
				}
				var a incidents.Arrival
				a, err = incidents.Arrive(p, i, nil, s, now, now)
				j, sent = a.Incident, append([]incidents.Sending{s}, sent...)
			}
			if err != nil {
				continue
			}
			i = j
			stale := false
			for _, o := range incidents.WhoWasTold(p, i, sent) {
				stale = stale || o.Stale
			}
			if _, runs := incidents.Happened(p, i, "untold"); runs != stale {
				t.Fatalf("untold is %t, and who was told %t", runs, stale)
			}
			if stale {
				ran++
			}
		}
	}
	if ran == 0 {
		t.Error("it never ran")
	}
}
