package store

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"tocsin/incidents"
)

// TestTextsForOthersAreKept: own words, and what was sent, come back as they were
// after a restart, each text once on its way.
func TestTextsForOthersAreKept(t *testing.T) {
	d := newDesk(t)
	i := d.add()
	seal := incidents.Seal
	var id int
	d.do(func(tx *Tx) (err error) {
		w := Words{Kind: "downstream", For: seal("Kivy"), Subject: seal("s"), Body: seal("a\nb"), By: "alice"}
		if err := tx.PutWords(i.N, w); err != nil {
			return err
		}
		s := incidents.Sending{
			Incident: i.N, Kind: "ack", Way: incidents.ByMail, Account: "a@example.org", Reporter: true, To: seal("erin@example.org, x@example.org"),
			Subject: seal("s"), Body: seal("b"), Hash: seal("h"), Part: 1, Parts: 1, AskedBy: "alice", Second: "bob", State: incidents.SendQueued,
		}
		if id, err = tx.AddSending(s); err != nil {
			return err
		}
		s.ID = id
		return tx.QueueCarry(s)
	})
	d.reopen()
	d.do(func(tx *Tx) error {
		w, ok, err := tx.Words(i.N, "downstream", seal("Kivy"))
		if err != nil || !ok || !w.Body.Same(seal("a\nb")) || w.By != "alice" || w.At.IsZero() {
			t.Errorf("own words: %v %v %v", w, ok, err)
		}
		if _, ok, _ := tx.Words(i.N, "downstream", incidents.Sealed{}); ok {
			t.Error("the words for one are those for nobody in particular")
		}
		rows, err := tx.DueRows(Lane(incidents.ByMail), nil, 9)
		if err != nil || len(rows) != 1 || rows[0].Kind != Carry {
			t.Fatalf("%v %v", rows, err)
		}
		s, err := tx.SendingOf(rows[0])
		if err != nil || s.ID != id || s.First != id || s.State != incidents.SendQueued || !s.Reporter || s.By() != "alice and bob" {
			t.Errorf("%+v %v", s, err)
		}
		c, err := tx.Cargo(s)
		if err != nil || strings.Join(c.To, "|") != "erin@example.org|x@example.org" || c.Body != "b" || c.Hash != "h" || c.After != "" {
			t.Errorf("%+v %v", c, err)
		}
		for _, want := range []bool{true, false} {
			for _, perhaps := range []bool{false, true} {
				if first, err := tx.TellWaits(id, perhaps); err != nil || first != want {
					t.Errorf("told first: %v %v", first, err)
				}
			}
		}
		if err := tx.EndSending(id, incidents.SendSent, seal("1"), incidents.Sealed{}); err != nil {
			return err
		}
		if err := tx.EndSending(id, incidents.SendRefused, incidents.Sealed{}, seal("late")); err != nil { // it ended already
			return err
		}
		all, err := tx.Sendings(i.N)
		if len(all) != 1 || all[0].State != incidents.SendSent || !all[0].SentID.Same(seal("1")) || all[0].DoneAt.IsZero() {
			t.Errorf("%+v", all)
		}
		return err
	})
}

// TestForgettingErasesTexts: every text may name the reporter, and goes; what was for
// the reporter loses its address; who else was told stays, and every hash. What was on
// its way is not sent any more.
func TestForgettingErasesTexts(t *testing.T) {
	d := newDesk(t)
	i := d.add()
	seal := incidents.Seal
	d.do(func(tx *Tx) error {
		if err := tx.PutWords(i.N, Words{Kind: "ack", Body: seal("qzx-words"), Subject: seal("qzx-subject"), By: "alice"}); err != nil {
			return err
		}
		for _, s := range []incidents.Sending{
			{Kind: "ack", Way: incidents.ByMail, Reporter: true, State: incidents.SendSent},
			{Kind: "update", Way: incidents.ByMail, Reporter: true, State: incidents.SendQueued},
			{Kind: "distro", State: incidents.SendByHand, Via: seal("email")},
			{Kind: "tried", Way: incidents.ByMail, Reporter: true, State: incidents.SendQueued},
			{Kind: "waits", Way: incidents.ByMail, Reporter: true, State: incidents.SendQueued},
		} {
			s.Incident, s.To, s.Subject, s.Body, s.Hash, s.Part, s.Parts, s.AskedBy = i.N, seal("qzx-to"), seal("qzx-subject"), seal("qzx-body"), seal("h"), 1, 1, "alice"
			id, err := tx.AddSending(s)
			if err != nil {
				return err
			}
			if s.ID = id; s.Kind == "tried" || s.Kind == "waits" {
				if err := tx.QueueCarry(s); err != nil {
					return err
				}
			}
		}
		rows, err := tx.DueRows(Lane(incidents.ByMail), nil, 9)
		if err != nil || len(rows) != 2 {
			t.Fatalf("%v %v", rows, err)
		}
		for _, r := range rows { // of one nobody knows what became, the other surely did not arrive
			if err := tx.Trying(r.ID, tx.Now().Add(time.Hour)); err != nil {
				return err
			}
		}
		if err := tx.TryAgain(rows[1].ID, Due, ""); err != nil {
			return err
		}
		if some, err := tx.TextsToForget(i.N); err != nil || !some {
			t.Errorf("nothing to forget: %v", err)
		}
		return tx.Forget(i.N)
	})
	d.reopen()
	d.do(func(tx *Tx) error {
		if _, ok, err := tx.Words(i.N, "ack", incidents.Sealed{}); ok || err != nil {
			t.Errorf("own words are still there: %v", err)
		}
		all, err := tx.Sendings(i.N)
		if len(all) != 5 {
			t.Fatalf("%d sendings: %v", len(all), err)
		}
		for _, s := range all {
			if !s.Body.Empty() || !s.Subject.Empty() || !s.Hash.Same(seal("h")) || s.Reporter != s.To.Empty() {
				t.Errorf("%s is kept as %+v", s.Kind, s)
			}
			want := map[string]string{"update": incidents.SendRefused, "waits": incidents.SendRefused, "tried": incidents.SendUnknown}[s.Kind]
			if want != "" && (s.State != want || s.Problem.Empty() || !s.DoneAt.IsZero()) {
				t.Errorf("%s, which was on its way, is %s, since %s", s.Kind, s.State, s.DoneAt)
			}
		}
		if some, err := tx.TextsToForget(i.N); err != nil || some {
			t.Errorf("there is something to forget still: %v", err)
		}
		return err
	})
}

// TestAnOlderFileForgets: a file of before clears whom the texts of a reporter who was
// forgotten were for, and knows again when an embargo was moved.
func TestAnOlderFileForgets(t *testing.T) {
	d := ofSchema(t, 15)
	add := func(n int, state string) {
		d.raw(fmt.Sprintf(`INSERT INTO incident VALUES (%d, 'name-%d', 1, '', 'fixing', '', 'alice', 1000, 1000, 'UTC', NULL, NULL,
			'', 'github', 'T', '', '', '', '', '', '', '', '', '', '', '', '', '')`, n, n))
		d.raw(fmt.Sprintf(`INSERT INTO response (incident, embargo, embargo_at, embargo_zone, handoff_to, handoff_from, handoff_by, track, reach, policy)
			VALUES (%d, '%s', 900000, 'UTC', '', '', '', '', '', '')`, n, state))
	}
	entry := func(seq, n, at int, kind string) {
		d.raw(fmt.Sprintf(`INSERT INTO timeline (seq, incident, at, who, kind, plain, text, commits, hash) VALUES (%d, %d, %d, 'alice', '%s', '', '', '', 'h%d')`, seq, n, at, kind, seq))
	}
	sent := func(n, at int, reporter int, name string) {
		d.raw(fmt.Sprintf(`INSERT INTO sending (incident, kind, channel, account, reporter, recipient, subject, body, hash, basis, part, parts, first,
			asked_by, second, at, state, via, sent_id, problem, done_at, name, told)
			VALUES (%d, 'ack', '', '', %d, '', '', '', '', '', 1, 1, 0, 'alice', '', %d, 'by hand', '', '', '', %d, '%s', 0)`, n, reporter, at, at, name))
	}
	add(1, "moved")
	add(2, "lifted")
	add(3, "set")
	entry(1, 1, 2000, "embargo-moved")
	entry(2, 1, 3000, "embargo-moved")
	entry(3, 2, 2000, "embargo-moved")
	entry(4, 1, 5000, "forgot")
	sent(1, 4000, 1, "qzx-forgotten")
	sent(1, 4000, 0, "Foo")
	sent(1, 6000, 1, "Erin")
	sent(2, 4000, 1, "Carol")
	d.open()
	defer func() { d.Close() }()
	d.do(func(tx *Tx) error {
		moved := map[int]int64{1: 3000, 2: 0, 3: 0}
		for n, want := range moved {
			i, err := tx.Incident(n)
			if err != nil {
				return err
			}
			if got := i.Embargo.MovedAt; got.IsZero() != (want == 0) || want != 0 && got.UnixMilli() != want {
				t.Errorf("embargo %d moved at %v, want %d", n, got, want)
			}
		}
		var names []string
		err := tx.each(`SELECT name FROM sending ORDER BY id`, nil, func(r *sql.Rows) error {
			var name string
			err := r.Scan(&name)
			names = append(names, name)
			return err
		})
		if got := strings.Join(names, ","); got != ",Foo,Erin,Carol" {
			t.Errorf("texts are for %q", got)
		}
		return err
	})
	for _, tail := range []string{"", "-wal"} {
		if text, err := os.ReadFile(d.path + tail); err != nil || bytes.Contains(text, []byte("qzx-forgotten")) {
			t.Errorf("t.db%s has the name still: %v", tail, err)
		}
	}
}
