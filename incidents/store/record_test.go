package store

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"tocsin/incidents"
)

// reported notes a reporter of an incident.
func (d *desk) reported(i incidents.Incident, name, contact string) incidents.Incident {
	d.t.Helper()
	d.do(func(tx *Tx) error {
		j, e := incidents.SetReporter(i, incidents.Reporter{Name: incidents.Seal(name), Contact: incidents.Seal(contact)}, "alice", tx.Now())
		var err error
		i, err = tx.Save(j, e)
		return err
	})
	return i
}

func (d *desk) forget(n int) {
	d.t.Helper()
	d.do(func(tx *Tx) error {
		i, err := tx.Incident(n)
		if err != nil {
			return err
		}
		i, e, err := incidents.ForgetReporter(i, false, "alice", tx.Now())
		if err != nil {
			return err
		}
		if err := tx.Forget(n); err != nil {
			return err
		}
		_, err = tx.Save(i, e)
		return err
	})
}

func TestTheRecordRefusesToBeChanged(t *testing.T) {
	d := newDesk(t)
	d.add()
	d.do(func(tx *Tx) error {
		return tx.Queue(Row{Key: "k", Kind: "say", Network: "irc", Room: "#desk", Template: "ping", Facts: incidents.Facts{}})
	})
	for _, q := range []string{
		`UPDATE timeline SET who = 'mallory'`, `DELETE FROM timeline`, `DELETE FROM outbox`,
		`INSERT OR REPLACE INTO timeline SELECT * FROM timeline`,
	} {
		if _, err := d.db.Exec(q); err == nil || !strings.Contains(err.Error(), "never") {
			t.Errorf("%s: %v", q, err)
		}
	}
	if _, err := d.Verify(context.Background()); err != nil {
		t.Error(err)
	}
}

// TestVerifyFinds changes the file behind the bot's back, in every way that the
// record promises to show.
func TestVerifyFinds(t *testing.T) {
	off := []string{`DROP TRIGGER timeline_keeps`, `DROP TRIGGER timeline_stays`}
	for name, c := range map[string]struct{ change, want string }{
		"nothing where nothing was changed": {`SELECT 1`, ""},
		"another text":                      {`UPDATE timeline SET text = 'other' WHERE seq = 2`, "entry 2 is not as it was written"},
		"another person":                    {`UPDATE timeline SET who = 'mallory' WHERE seq = 1`, "entry 1 is not"},
		"another time":                      {`UPDATE timeline SET at = at + 1 WHERE seq = 3`, "entry 3 is not"},
		"another incident":                  {`UPDATE timeline SET incident = 2 WHERE seq = 1`, "entry 1 is not"},
		"no incident":                       {`UPDATE timeline SET incident = NULL WHERE seq = 1`, "entry 1 is not"},
		"a text moved to another field":     {`UPDATE timeline SET plain = text, text = plain WHERE seq = 1`, "entry 1 is not"},
		"an entry taken out":                {`DELETE FROM timeline WHERE seq = 2`, "entry 2 is missing"},
		"the first entry taken out":         {`DELETE FROM timeline WHERE seq = 1`, "entry 1 is missing"},
		"an entry taken out and closed up": {
			`DELETE FROM timeline WHERE seq = 2; UPDATE timeline SET seq = seq - 1 WHERE seq > 2`, "entry 2 is not",
		},
		"two entries swapped": {
			`UPDATE timeline SET seq = 99 WHERE seq = 2; UPDATE timeline SET seq = 2 WHERE seq = 3; UPDATE timeline SET seq = 3 WHERE seq = 99`,
			"entry 2 is not",
		},
		"another name of the reporter":      {`UPDATE personal SET value = 'Mallory' WHERE field = 'name'`, "a personal value of entry 4"},
		"another name with its hash":        {`UPDATE personal SET value = 'M', salt = x'00', hash = 'c0' WHERE id = 1`, "of entry 4"},
		"a personal value taken out":        {`DELETE FROM personal WHERE field = 'contact'`, "the personal values of entry 4"},
		"two personal values swapped":       {`UPDATE personal SET id = 9 WHERE id = 1`, "the personal values of entry 4"},
		"a reporter put in from nowhere":    {`INSERT INTO personal SELECT 9, 2, 1, field, hash, salt, value FROM personal WHERE id = 1`, "of entry 1"},
		"a reporter of another incident":    {`UPDATE personal SET incident = 2`, "of entry 4"},
		"a name made a contact":             {`UPDATE personal SET field = iif(field = 'name', 'contact', 'name')`, "of entry 4"},
		"a reporter erased by nobody":       {`UPDATE personal SET value = NULL, salt = NULL`, "nobody on record erased it"},
		"another title":                     {`UPDATE incident SET title = 'tampered' WHERE n = 1`, "incident 1 has a title"},
		"an incident closed by nobody":      {`UPDATE incident SET phase = 'closed' WHERE n = 2`, "incident 2 was closed"},
		"an incident from nowhere":          {`UPDATE incident SET n = 7 WHERE n = 2`, "incident 7"},
		"somebody suspended by nobody":      {`INSERT INTO suspension (person, at, by) VALUES ('bob', 1, 'mallory')`, "whether bob is suspended"},
		"the end cut off shows in the head": {`DELETE FROM personal; DELETE FROM timeline WHERE seq = 4`, "head"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			i := d.add()
			d.add()
			d.do(func(tx *Tx) error {
				return tx.Record(incidents.Entry{Incident: i.N, Kind: "noted", Who: "bob", At: tx.Now(), Text: incidents.Seal("a note")})
			})
			d.reported(i, "Erin", "erin@example.org")
			head, err := d.Verify(context.Background())
			must(t, err)
			must(t, d.Close())
			d.raw(append(off, c.change)...)
			d.open()
			after, err := d.Verify(context.Background())
			switch {
			case c.want == "head":
				if err != nil || after.Head == head.Head {
					t.Errorf("the head did not change: %v", err)
				}
			case c.want == "" && (err != nil || after != head):
				t.Errorf("verify: %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("verify says %v, want %q", err, c.want)
			}
		})
	}
}

func TestForgettingLeavesNothingOnTheDiskAndTheChainVerifies(t *testing.T) {
	d := newDesk(t)
	i := d.add()
	const name, contact = "Erin-of-the-Examples", "erin@mail.example.org"
	d.reported(i, name, contact)
	facts := incidents.Facts{"reporter": incidents.Seal(name), "more": []incidents.Facts{{"contact": incidents.Seal(contact)}}}
	d.do(func(tx *Tx) error {
		for _, r := range []Row{
			{Key: "waits", Incident: i.N, Facts: facts},
			{Key: "said", Incident: i.N, Facts: facts},
			{Key: "reminds", Incident: i.N},
		} {
			r.Kind, r.Network, r.Room, r.Template = "say", "irc", "#desk", "incident/show"
			if err := tx.Queue(r); err != nil {
				return err
			}
		}
		return errors.Join(tx.Finish(2, Sent, "", ""), tx.Ask(incidents.Approval{
			Code: "ABCDE", Asker: "alice", Act: incidents.Seal("reporter set INC-1 " + name), Incident: i.N, Expires: tx.Now(),
		}))
	})
	d.forget(i.N)
	check := func(when string) {
		t.Helper()
		for _, tail := range []string{"", "-wal"} {
			b, err := os.ReadFile(d.path + tail)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			for _, secret := range []string{name, contact} {
				if strings.Contains(string(b), secret) {
					t.Errorf("%s: %q stands in t.db%s", when, secret, tail)
				}
			}
		}
		v, err := d.Verify(context.Background())
		if err != nil || v.Erased != 2 || v.Personal != 0 {
			t.Errorf("%s: verify: %+v, %v", when, v, err)
		}
	}
	check("at once")
	d.do(func(tx *Tx) error {
		rows, err := tx.DueRows("irc", nil, 10)
		for _, r := range rows {
			if r.Key == "waits" && r.Template != "erased" || r.Key == "reminds" && r.Facts != nil {
				t.Errorf("%s is said as %s with %v", r.Key, r.Template, r.Facts)
			}
		}
		j, err2 := tx.Incident(i.N)
		if !j.Reporter.Empty() {
			t.Error("the reporter is still there")
		}
		return errors.Join(err, err2)
	})
	d.reopen()
	check("after a restart")
	d.reported(i, "Frank", "frank@example.org") // somebody else can be noted
	if v, err := d.Verify(context.Background()); err != nil || v.Personal != 2 || v.Erased != 2 {
		t.Errorf("verify: %+v, %v", v, err)
	}
}

func TestForgettingOneIncidentKeepsTheOthers(t *testing.T) {
	d := newDesk(t)
	one, two := d.add(), d.add()
	d.reported(one, "Erin", "erin@example.org")
	d.reported(two, "Frank", "frank@example.org")
	d.forget(one.N)
	d.do(func(tx *Tx) error {
		i, err := tx.Incident(two.N)
		if !i.Reporter.Name.Same(incidents.Seal("Frank")) {
			t.Error("the other reporter was erased as well")
		}
		return err
	})
}
