package outbox

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

// TestFilesAreMade for rooms that may hear everything, on networks that take files; from
// facts that are opened for that room.
func TestFilesAreMade(t *testing.T) {
	broken := errors.New("it is broken")
	fails := false
	var got []incidents.Facts
	bubbleWith(t, func(r *rig) {
		i := r.open(time.Hour)
		ask := func(network, room, maker string) bridges.Outgoing {
			t.Helper()
			n := &r.irc.tries
			if network == "matrix" {
				n = &r.matrix.tries
			}
			*n = nil
			r.do(func(tx *store.Tx) error {
				f := incidents.Card(*r.c.Plan(), i, tx.Now())
				for k, v := range incidents.NewFacts("maker", maker, "seed", incidents.Seal("a secret"), "made", "", "name", "", "printed", incidents.Sealed{}) {
					f[k] = v
				}
				return tx.Queue(store.Row{
					Key: "ask " + tx.Now().String() + network, Kind: "say", Network: network, Room: room, Asker: "alice", Template: "embargo/ics", Facts: f, Incident: i.N,
				})
			})
			r.must(r.Drain(r.t.Context()))
			time.Sleep(time.Second) // of the bubble: the next key is another one
			if len(*n) != 1 {
				t.Fatalf("%d lines were said on %s", len(*n), network)
			}
			return (*n)[0].Outgoing
		}
		o := ask("matrix", "!desk", "ics")
		if o.File == nil || o.File.Name != "x.ics" || len(got) != 1 || got[0]["seed"] != "a secret" {
			t.Errorf("%+v, from %v", o.File, got)
		}
		r.matrix.failed["!desk"] = []string{"encrypted"}
		if o = ask("matrix", "!desk", "ics"); o.File != nil || len(got) != 1 || !strings.Contains(o.Text, "a private room is given the file") {
			t.Errorf("a room that is not private is given %+v: %s", o.File, o.Text)
		}
		delete(r.matrix.failed, "!desk")
		r.asks = "full"
		if o = ask("irc", "#desk", "ics"); o.File != nil || !strings.Contains(o.Text, "files are given on Matrix") {
			t.Errorf("%+v: %s", o.File, o.Text)
		}
		if o = ask("matrix", "!desk", "nobody's"); o.File != nil || !strings.Contains(o.Text, "could not be made") {
			t.Errorf("%+v: %s", o.File, o.Text)
		}
		fails = true
		if o = ask("matrix", "!desk", "ics"); o.File != nil || !strings.Contains(o.Text, "could not be made") || !strings.Contains(r.log.String(), "it is broken") {
			t.Errorf("%+v: %s", o.File, o.Text)
		}
		f, facts := r.Outbox.made(t.Context(), store.Row{}, incidents.Facts{"maker": "print"}, incidents.Clear(incidents.Grant{Network: incidents.OnConsole}, incidents.Proof{}, i.N, nil), bridges.Limits{})
		if text, _ := facts["printed"].(incidents.Sealed); f != nil || !text.Same(incidents.Seal("a\nb")) || facts["made"] != "printed" {
			t.Errorf("%+v, %v", f, facts)
		}
	}, func(r *rig, c *Config) {
		r.matrix = newHostNet()
		c.Bridges = append(c.Bridges, r.matrix)
		c.Handle = func(n int) string { return incidents.HandleOf("INC", n) }
		c.Makers = map[string]func(incidents.Facts) (*bridges.File, error){
			"ics": func(f incidents.Facts) (*bridges.File, error) {
				got = append(got, f)
				if fails {
					return nil, broken
				}
				return &bridges.File{Name: "x.ics"}, nil
			},
			"print": func(incidents.Facts) (*bridges.File, error) {
				return &bridges.File{Name: "x", Data: []byte("a\r\nb\r\n")}, nil
			},
		}
	})
}

// TestFilesHaveTheirPatches: the patches that a row names are given to the maker alone, as
// they are when it is said; where one is another by then nothing is made.
func TestFilesHaveTheirPatches(t *testing.T) {
	const body = "--- a\n+++ b\n+marked\n"
	var got [][]incidents.Facts
	bubbleWith(t, func(r *rig) {
		i := r.open(time.Hour)
		p, err := incidents.NewPatch(i.N, incidents.Seal("fix.patch"), incidents.Seal(body), "alice", time.Now())
		r.must(err)
		r.do(func(tx *store.Tx) error { return tx.PutPatch(p) })
		ask := func(network, room string) bridges.Outgoing {
			t.Helper()
			said := &r.irc.tries
			if network == "matrix" {
				said = &r.matrix.tries
			}
			*said = nil
			r.do(func(tx *store.Tx) error {
				f := incidents.Card(*r.c.Plan(), i, tx.Now())
				seal, none := incidents.Seal, []incidents.Facts{}
				for k, v := range incidents.NewFacts("maker", "eml", "made", "", "name", "", "printed", incidents.Sealed{}, "enclosed", []incidents.Facts{{"name": p.Name, "sum": p.Hash}},
					"draft", seal("update"), "for", seal(""), "from", seal("a@example.org"), "to", seal("b@example.org"), "readers", none, "also", seal(""), "signed", false,
					"hash", seal("0123"), "patches", none, "errors", none, "warnings", none) {
					f[k] = v
				}
				return tx.Queue(store.Row{Key: "ask " + tx.Now().String() + network, Kind: "say", Network: network, Room: room, Asker: "alice", Template: "draft/eml", Facts: f, Incident: i.N})
			})
			r.must(r.Drain(r.t.Context()))
			time.Sleep(time.Second) // of the bubble: the next key is another one
			if len(*said) != 1 {
				t.Fatalf("%d lines were said on %s", len(*said), network)
			}
			return (*said)[0].Outgoing
		}
		if o := ask("matrix", "!desk"); o.File == nil || len(got) != 1 || len(got[0]) != 1 || got[0][0]["name"] != "fix.patch" || got[0][0]["body"] != body {
			t.Errorf("%+v, from %v", o.File, got)
		}
		r.matrix.failed["!desk"] = []string{"encrypted"}
		if o := ask("matrix", "!desk"); o.File != nil || len(got) != 1 || strings.Contains(o.Text, "example.org") {
			t.Errorf("a room that is not private is given %+v: %s", o.File, o.Text)
		}
		delete(r.matrix.failed, "!desk")
		r.asks = "full"
		if o := ask("irc", "#desk"); o.File != nil || len(got) != 1 || o.Text != "A letter is a file, and files are given on Matrix: say that there. Here !draft INC-1 update gives the text." {
			t.Errorf("%+v: %s", o.File, o.Text)
		}
		r.do(func(tx *store.Tx) error {
			other, err := incidents.NewPatch(i.N, p.Name, incidents.Seal(body+"+more\n"), "bob", time.Now())
			return errors.Join(err, tx.PutPatch(other))
		})
		if o := ask("matrix", "!desk"); o.File != nil || len(got) != 1 || !strings.Contains(o.Text, "is another one by now") {
			t.Errorf("another patch: %+v: %s", o.File, o.Text)
		}
		r.do(func(tx *store.Tx) error { return tx.DropPatch(p) })
		if o := ask("matrix", "!desk"); o.File != nil || len(got) != 1 || !strings.Contains(o.Text, "or gone") {
			t.Errorf("no patch: %+v: %s", o.File, o.Text)
		}
	}, func(r *rig, c *Config) {
		r.matrix = newHostNet()
		c.Bridges = append(c.Bridges, r.matrix)
		c.Handle = func(n int) string { return incidents.HandleOf("INC", n) }
		c.Makers = map[string]func(incidents.Facts) (*bridges.File, error){
			"eml": func(f incidents.Facts) (*bridges.File, error) {
				files, _ := f["files"].([]incidents.Facts)
				got = append(got, files)
				return &bridges.File{Name: "x.eml"}, nil
			},
		}
	})
}

// slowIndex answers when the test lets it.
type slowIndex struct {
	asked chan string
	found chan incidents.Found
}

func (x slowIndex) Look(ctx context.Context, version, _ incidents.Sealed) (incidents.Found, error) {
	text, _ := version.Value()
	x.asked <- text.(string)
	select {
	case f := <-x.found:
		return f, nil
	case <-ctx.Done():
		return incidents.Found{}, ctx.Err()
	}
}

// TestAnIndexThatHangs holds up no network, and what is settled by hand meanwhile stays.
func TestAnIndexThatHangs(t *testing.T) {
	bubble(t, func(r *rig) {
		x, i, check := r.lookingUp()
		stop := r.run()
		defer stop()
		if got := <-x.asked; got != "12.3.1" {
			t.Errorf("it is asked for %q", got)
		}
		r.queue("irc", "meanwhile")
		r.Kick()
		time.Sleep(time.Second)
		r.is("irc", r.irc.texts(), "meanwhile")
		r.do(func(tx *store.Tx) error {
			check.State = incidents.CheckStopped
			return tx.SaveReleaseCheck(check)
		})
		x.found <- incidents.Found{There: true, Have: 87, Want: 87, Ready: true}
		time.Sleep(time.Second)
		r.do(func(tx *store.Tx) error {
			rel, err := tx.ReleaseOf(i.N)
			if !rel.LiveAt.IsZero() {
				t.Error("it is live although somebody settled it by hand")
			}
			return err
		})
		r.is("irc", r.irc.texts(), "meanwhile")
		if got := r.waiting(store.Index); len(got) != 0 {
			t.Errorf("it is looked up again in %v", got)
		}
	})
}

// lookingUp has a release looked up that carries an incident.
func (r *rig) lookingUp() (x slowIndex, i incidents.Incident, check incidents.ReleaseCheck) {
	x = slowIndex{make(chan string), make(chan incidents.Found)}
	r.AskIndex(x, 2*time.Minute)
	i = r.open(time.Hour)
	r.do(func(tx *store.Tx) error {
		rel, err := tx.SaveRelease(incidents.Release{Version: incidents.Seal("12.3.1"), PlannedAt: tx.Now(), Carries: []int{i.N}})
		if err != nil {
			return err
		}
		check = incidents.BeginCheck(check, rel, "alice", tx.Now())
		return errors.Join(tx.SaveReleaseCheck(check), tx.QueueLookUp(check))
	})
	return x, i, check
}

// TestAnOvertakenLookUpIsStopped, before it asks and after: nothing looks for it any more.
func TestAnOvertakenLookUpIsStopped(t *testing.T) {
	for _, asked := range []bool{false, true} {
		bubble(t, func(r *rig) {
			x, i, _ := r.lookingUp()
			yank := func() {
				r.do(func(tx *store.Tx) error {
					rel, err := tx.ReleaseOf(i.N)
					if err == nil {
						rel.YankedAt = tx.Now()
						_, err = tx.SaveRelease(rel)
					}
					return err
				})
			}
			if !asked {
				yank()
			}
			stop := r.run()
			defer stop()
			if asked {
				<-x.asked
				yank()
				x.found <- incidents.Found{}
			}
			time.Sleep(time.Second)
			r.do(func(tx *store.Tx) error {
				check, err := tx.ReleaseCheck(1)
				if check.State != incidents.CheckStopped {
					t.Errorf("asked %v: it is %q", asked, check.State)
				}
				return err
			})
			if got := r.waiting(store.Index); len(got) != 0 {
				t.Errorf("asked %v: it is looked up again in %v", asked, got)
			}
		})
	}
}
