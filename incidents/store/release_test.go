package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/incidents"
)

// shipPlan has a step that a release completes, and a watch that counts from it.
func shipPlan() *incidents.Plan {
	p := onePlan()
	p.Steps = []incidents.Step{{Key: "wheels", Phase: incidents.Releasing, By: "released", Release: true}}
	p.Clocks = append(p.Clocks, incidents.ClockRule{
		Key: "watch", From: "step:wheels", Due: 72 * time.Hour, Rungs: []time.Duration{72 * time.Hour}, Repeat: 24 * time.Hour, Role: "lead",
	})
	return p
}

// releaseOf gives the release of an incident, as it is kept, and as the incident has it.
func (d *desk) releaseOf(n int) (r incidents.Release, i incidents.Incident) {
	d.t.Helper()
	d.do(func(tx *Tx) (err error) {
		if r, err = tx.ReleaseOf(n); err == nil {
			i, err = tx.Incident(n)
		}
		return err
	})
	return r, i
}

func TestAReleaseIsKept(t *testing.T) {
	d := newDesk(t)
	for range 3 {
		d.add()
	}
	if r, i := d.releaseOf(1); r.N != 0 || i.Release.N != 0 {
		t.Fatalf("it is in a release: %+v", r)
	}
	want := incidents.Release{
		Version: incidents.Seal("12.3.1"), PlannedAt: monday(), PlannedBy: "dana", LiveAt: monday().Add(time.Hour),
		YankedAt: monday().Add(2 * time.Hour), YankedBy: "bob", YankedWhy: incidents.Seal("it crashes"), Carries: []int{1, 3},
	}
	next := incidents.Release{Version: incidents.Seal("12.3.2"), PlannedAt: monday(), Carries: []int{3}}
	d.do(func(tx *Tx) (err error) {
		if want, err = tx.SaveRelease(want); err == nil {
			next, err = tx.SaveRelease(next)
		}
		return err
	})
	d.reopen()
	check := func(got, want incidents.Release) {
		t.Helper()
		if got.N != want.N || got.N == 0 || !got.Version.Same(want.Version) || !got.PlannedAt.Equal(want.PlannedAt) || got.PlannedBy != want.PlannedBy ||
			!got.LiveAt.Equal(want.LiveAt) || !got.YankedAt.Equal(want.YankedAt) || got.YankedBy != want.YankedBy || !got.YankedWhy.Same(want.YankedWhy) ||
			!slices.Equal(got.Carries, want.Carries) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	r, i := d.releaseOf(1)
	check(r, want)
	want.Carries = nil // which an incident does not know
	check(i.Release, want)
	if r, i = d.releaseOf(2); r.N != 0 || i.Release.N != 0 {
		t.Errorf("INC-2 is in %+v", r)
	}
	r, _ = d.releaseOf(3) // of the yanked one and the next, it is the next
	check(r, next)
	want.Carries = []int{1, 3}
	d.do(func(tx *Tx) error {
		all, err := tx.Releases(-1)
		if err == nil && len(all) == 2 {
			check(all[0], next)
			check(all[1], want)
		} else {
			t.Errorf("%d releases, %v", len(all), err)
		}
		one, err := tx.Releases(1)
		if len(one) != 1 {
			t.Errorf("%d releases of at most one", len(one))
		}
		r, err2 := tx.Release(want.N)
		check(r, want)
		carried, err3 := tx.Carried(r) // INC-3 is in the next one since
		if len(carried) != 1 || carried[0].N != 1 {
			t.Errorf("it carries %v", carried)
		}
		none, err4 := tx.Release(9)
		if none.N != 0 {
			t.Errorf("release 9 is %+v", none)
		}
		return errors.Join(err, err2, err3, err4)
	})
	want.YankedAt, want.Carries = time.Time{}, []int{2, 3} // changed, and not added
	d.do(func(tx *Tx) (err error) {
		_, err = tx.SaveRelease(want)
		return err
	})
	d.reopen()
	r, _ = d.releaseOf(2)
	check(r, want)
	if r, _ = d.releaseOf(1); r.N != 0 {
		t.Errorf("INC-1 is still in %+v", r)
	}
}

// TestVersionsAreThereOnce: two releases of a version cannot be kept.
func TestVersionsAreThereOnce(t *testing.T) {
	d := newDesk(t)
	r := incidents.Release{Version: incidents.Seal("12.3.1")}
	d.do(func(tx *Tx) error {
		_, err := tx.SaveRelease(r)
		return err
	})
	err := d.Update(context.Background(), func(tx *Tx) error {
		_, err := tx.SaveRelease(r)
		return err
	})
	if err == nil || strings.Contains(err.Error(), "12.3.1") {
		t.Errorf("a version is kept twice, or quoted: %v", err)
	}
}

// TestLiveMovesTheClocks: the clocks of an incident are derived with its release, in
// the transaction of the change.
func TestLiveMovesTheClocks(t *testing.T) {
	d := newDesk(t)
	d.plan = shipPlan()
	i := d.add()
	live := monday().Add(-time.Hour)
	watch := func() (at time.Time) {
		d.do(func(tx *Tx) error {
			for generation := range 4 {
				c, ok, err := tx.Clock(1, "watch", generation)
				if err != nil {
					return err
				}
				if ok {
					at = c.Due
				}
			}
			return nil
		})
		return at
	}
	r := incidents.Release{Version: incidents.Seal("12.3.1"), Carries: []int{1}}
	turn := func(at time.Time) {
		t.Helper()
		r.LiveAt = at
		d.do(func(tx *Tx) (err error) {
			if r, err = tx.SaveRelease(r); err != nil {
				return err
			}
			i.Release = r
			i, err = tx.Save(i, incidents.Entry{Kind: "release-live", Who: "dana", At: tx.Now(), Text: r.Version})
			return err
		})
		d.reopen()
	}
	turn(time.Time{})
	if at := watch(); !at.IsZero() {
		t.Errorf("it is watched until %v", at)
	}
	turn(live)
	if at := watch(); !at.Equal(live.Add(72 * time.Hour)) {
		t.Errorf("it is watched until %v", at)
	}
	d.change(1, func(*incidents.Incident) {}) // any other change leaves it as it is
	if at := watch(); !at.Equal(live.Add(72 * time.Hour)) {
		t.Errorf("after another change it is watched until %v", at)
	}
	turn(time.Time{})
	if at := watch(); !at.IsZero() {
		t.Errorf("it is still watched until %v", at)
	}
}

// TestADeedKnowsWhoseItIs: that a step was said of another incident is kept.
func TestADeedKnowsWhoseItIs(t *testing.T) {
	d := newDesk(t)
	d.add()
	for _, along := range []int{0, 7, 0} {
		d.change(1, func(i *incidents.Incident) {
			i.Steps = map[string]incidents.Deed{"tag": {State: incidents.StepDone, At: monday(), Who: "dana", Along: along}}
		})
		d.reopen()
		if _, i := d.releaseOf(1); i.Steps["tag"].Along != along || i.Steps["tag"].Who != "dana" {
			t.Errorf("got %+v, want it along %d", i.Steps["tag"], along)
		}
	}
}

// addTag puts a line into the ledger as the command does.
func (d *desk) addTag(name, sha string) error {
	return d.Update(context.Background(), func(tx *Tx) error {
		return tx.AddTag(incidents.Tag{Name: incidents.Seal(name), SHA: incidents.Seal(sha), At: tx.Now(), Who: "dana"},
			incidents.Entry{Kind: "tag-recorded", Who: "dana", At: tx.Now(), Text: incidents.Seal(name + " " + sha)})
	})
}

func TestTheLedgerIsKept(t *testing.T) {
	d := newDesk(t)
	must(t, d.addTag("12.3.0", "aa"))
	must(t, d.addTag("12.3.1", "bb"))
	if err := d.addTag("12.3.1", "cc"); err == nil || strings.Contains(err.Error(), "12.3.1") {
		t.Errorf("a tag is recorded twice, or quoted: %v", err)
	}
	d.reopen()
	d.do(func(tx *Tx) error {
		got, ok, err := tx.Tag(incidents.Seal("12.3.1"))
		if err != nil || !ok || !got.SHA.Same(incidents.Seal("bb")) || !got.At.Equal(monday()) || got.Who != "dana" {
			t.Errorf("%+v, %v, %v", got, ok, err)
		}
		if _, ok, err = tx.Tag(incidents.Seal("12.3.2")); ok || err != nil {
			t.Errorf("a tag that nobody recorded: %v, %v", ok, err)
		}
		tags, count, err := tx.Tags(1)
		if len(tags) != 1 || count != 2 || !tags[0].Name.Same(incidents.Seal("12.3.1")) {
			t.Errorf("%d of %d tags", len(tags), count)
		}
		return err
	})
	for _, q := range []string{
		`UPDATE tag SET sha = 'cc'`, `DELETE FROM tag`, `INSERT OR REPLACE INTO tag (n, name, sha, at, who) VALUES (1, '12.3.0', 'cc', 0, 'mallory')`,
	} {
		err := d.Update(context.Background(), func(tx *Tx) error {
			_, err := tx.exec(q)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "the ledger of tags is never") {
			t.Errorf("%s: %v", q, err)
		}
	}
	if _, err := d.Verify(context.Background()); err != nil {
		t.Error(err)
	}
}

// TestATamperedLedgerDoesNotVerify: who has the file can take the triggers away, and
// is found out by the record.
func TestATamperedLedgerDoesNotVerify(t *testing.T) {
	for change, told := range map[string]string{
		`UPDATE tag SET sha = 'cc' WHERE name = '12.3.0'`:                             "line 1 of the ledger",
		`DELETE FROM tag WHERE name = '12.3.0'`:                                       "the tag of entry 1 is not in the ledger",
		`INSERT INTO tag (name, sha, at, who) VALUES ('12.2.0', 'dd', 0, 'mallory')`:  "line 3 of the ledger",
		`UPDATE tag SET name = '12.3.9' WHERE name = '12.3.1'`:                        "line 2 of the ledger",
		`UPDATE tag SET sha = upper(sha) WHERE name = '12.3.1' AND sha <> upper(sha)`: "line 2 of the ledger",
	} {
		d := newDesk(t)
		must(t, d.addTag("12.3.0", "aa"))
		must(t, d.addTag("12.3.1", "bb"))
		must(t, d.Close())
		d.raw(`DROP TRIGGER tag_keeps`, `DROP TRIGGER tag_stays`, change)
		d.open()
		if _, err := d.Verify(context.Background()); err == nil || !strings.Contains(err.Error(), told) || strings.Contains(err.Error(), "12.3") {
			t.Errorf("%s: %v", change, err)
		}
	}
}
