package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"tocsin/incidents"
)

// states gives what became of each row, by key.
func (d *desk) states() map[string]string {
	d.t.Helper()
	out := map[string]string{}
	d.do(func(tx *Tx) error {
		return tx.each(`SELECT key, state || ' ' || facts FROM outbox`, nil, func(r *sql.Rows) error {
			var key, state string
			err := r.Scan(&key, &state)
			out[key] = strings.TrimSpace(state)
			return err
		})
	})
	return out
}

// TestWhatWasOnItsWayIsNotSaidAfterARestore: each sort of row, as it is after a
// restore, with what hangs on it.
func TestWhatWasOnItsWayIsNotSaidAfterARestore(t *testing.T) {
	d := newDesk(t)
	i := d.add()
	seal, taken := incidents.Seal, d.now
	reminder := Row{Kind: "say", Clock: "acknowledgement", Generation: 1, Rung: d.now}
	answer := Row{Kind: "say", Template: "x", Facts: incidents.Facts{"a": "b"}, ReplyTo: "m"}
	rows := []struct {
		name string
		row  Row
		try  bool
		want string
	}{
		{"an answer", answer, false, Overtaken},
		{"an answer that was tried", answer, true, Overtaken},
		{"a reminder", reminder, false, Unknown},
		{"a reminder that was tried", reminder, true, Unknown},
		{"a digest", Row{Kind: "say", Template: "digest"}, false, Unknown},
		{"a room", Row{Kind: "room"}, false, Unknown},
		{"a board", Row{Kind: "board"}, false, Unknown},
		{"a guest who is taken out", Row{Kind: "remove", Asker: "@erin:x"}, false, Unknown},
		{"a guest who is asked in", Row{Kind: "invite", Asker: "@erin:x"}, false, Overtaken},
		{"a look at everything", Row{Kind: Doctor, Network: DoctorLane, Facts: incidents.Facts{"room": "#desk"}}, false, Overtaken},
		{"a release that is looked up", Row{Kind: LookUp, Network: Index}, false, Due},
	}
	d.do(func(tx *Tx) error {
		for k, c := range rows {
			c.row.Key, c.row.Incident = c.name, i.N
			if c.row.Network == "" {
				c.row.Network = "matrix"
			}
			must(t, tx.Queue(c.row))
			if c.try {
				must(t, tx.Trying(k+1, tx.Now().Add(time.Hour)))
			}
		}
		said := Row{Key: "said", Kind: "say", Network: "matrix", Facts: incidents.Facts{}}
		must(t, tx.Queue(said))
		return tx.Finish(len(rows)+1, Sent, "id", "")
	})
	var texts []int
	d.do(func(tx *Tx) error {
		first := 0
		for part := 1; part <= 2; part++ {
			s := incidents.Sending{
				Incident: i.N, Kind: "mastodon", Way: incidents.ByMastodon, Body: seal("b"), Hash: seal("h"), Part: part, Parts: 2, First: first,
				AskedBy: "alice", Second: "bob", State: incidents.SendQueued,
			}
			id, err := tx.AddSending(s)
			must(t, err)
			if texts = append(texts, id); part == 1 {
				first, s.ID = id, id
				must(t, tx.QueueCarry(s))
			}
		}
		must(t, tx.Ask(incidents.Approval{Code: "AAAAA", Asker: "alice", Act: seal("!x"), Incident: i.N, Expires: tx.Now().Add(time.Hour)}))
		return tx.Ask(incidents.Approval{Code: "BBBBB", Asker: "alice", Act: seal("!x"), Expires: tx.Now().Add(time.Minute)})
	})
	before, err := d.Verify(context.Background())
	must(t, err)

	d.now = d.now.Add(30 * time.Minute)
	var got Restored
	d.do(func(tx *Tx) (err error) {
		got, err = tx.Restore(taken, []string{"matrix"})
		return err
	})
	states := d.states()
	for _, c := range rows {
		state, _, facts := strings.Cut(states[c.name], " ")
		if state != c.want || facts && c.want == Overtaken {
			t.Errorf("%s is %q, want %s", c.name, states[c.name], c.want)
		}
	}
	if states["said"] != Sent || states[fmt.Sprintf("carry/%d", texts[0])] != PassedOn {
		t.Errorf("%v", states)
	}
	if got.Dropped != 4 || got.Voided != 1 || len(got.Unknown) != 1 || got.Unknown[0] != texts[0] || got.Last != i.N || !got.Taken.Equal(taken) {
		t.Errorf("%+v", got)
	}
	d.reopen()
	d.do(func(tx *Tx) error {
		r, ok, err := tx.Restored()
		if err != nil || !ok || r.Told || !r.At.Equal(d.now) {
			t.Errorf("%+v %v %v", r, ok, err)
		}
		if codes, err := tx.OpenApprovals(0); err != nil || len(codes) > 0 {
			t.Errorf("open requests: %v %v", codes, err)
		}
		for _, id := range texts {
			if s, err := tx.SendingNumbered(id); err != nil || s.State != incidents.SendUnknown || s.DoneAt.IsZero() {
				t.Errorf("%+v %v", s, err)
			}
		}
		for _, c := range []struct {
			at   time.Time
			deaf bool
		}{{time.Time{}, false}, {taken.Add(-time.Hour), true}, {d.now.Add(-time.Millisecond), true}, {d.now, false}} {
			if deaf, err := tx.Deaf(c.at); err != nil || deaf != c.deaf {
				t.Errorf("what was said at %v: deaf %v, %v", c.at, deaf, err)
			}
		}
		kept, err := tx.Kept("matrix", RestoredAt)
		if err != nil || kept[RestoredAt] != fmt.Sprint(d.now.UnixMilli()) {
			t.Errorf("%v %v", kept, err)
		}
		return tx.ToldRestored(r)
	})
	after, err := d.Verify(context.Background())
	if err != nil || after.Entries != before.Entries+2 { // the text, once for its thread, and the restore
		t.Errorf("%+v after %+v: %v", after, before, err)
	}
}

// TestWhatFellDueBeforeARestoreIsDoubted, with the rows that belong to it, and what was
// tried is left as it is.
func TestWhatFellDueBeforeARestoreIsDoubted(t *testing.T) {
	d := newDesk(t)
	fell := d.now
	doubt := func(key string, at time.Time) {
		d.do(func(tx *Tx) error { return tx.DoubtRestored(key, at) })
	}
	d.do(func(tx *Tx) error {
		for _, key := range []string{"a", "a/@bob:x", "ab", "b"} {
			must(t, tx.Queue(Row{Key: key, Kind: "say", Network: "irc"}))
		}
		return nil
	})
	doubt("a", fell)
	if s := d.states(); s["a"] != Due {
		t.Errorf("without a restore: %v", s)
	}
	d.now = d.now.Add(time.Hour)
	d.do(func(tx *Tx) error { return tx.keepRestored(Restored{At: tx.now}) })
	doubt("a", fell)
	doubt("b", d.now)
	if s := d.states(); s["a"] != Unknown || s["a/@bob:x"] != Unknown || s["ab"] != Due || s["b"] != Due {
		t.Errorf("%v", s)
	}
}
