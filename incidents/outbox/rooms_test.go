package outbox

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

func TestARoomIsMadeOnceForWhoHasARole(t *testing.T) {
	hosted(t, func(r *rig) {
		i := r.open(0)
		r.want(i.N, "carol")
		r.drain()
		if len(r.matrix.asked) != 1 {
			t.Fatalf("%d rooms were asked for", len(r.matrix.asked))
		}
		w := r.matrix.asked[0]
		all := []bridges.Account{account("alice"), account("bob"), account("carol")}
		if w.Key != "room/1/1" || w.Name != i.Handle+" "+i.Codename || !slices.Equal(w.Help, all) ||
			!slices.Equal(w.Invite, []bridges.Account{account("alice"), account("carol")}) {
			t.Errorf("asked for %+v", w)
		}
		if strings.Contains(fmt.Sprint(r.matrix.asked, r.log.String()), "sealed title") {
			t.Error("the room's name or the log holds what is sealed")
		}
		board := r.matrix.in("!room1")
		if len(board) != 1 || !board[0].Pin || board[0].Edit != "" || !strings.HasPrefix(board[0].Text, i.Handle) || board[0].HTML == "" {
			t.Errorf("its board: %+v", board)
		}
		if got := r.kept(i.N); (got != store.Room{Incident: i.N, Network: "matrix", ID: "!room1", Board: "id-board/1/made"}) {
			t.Errorf("kept: %+v", got)
		}
		r.is("the desk on IRC hears", r.irc.texts(), i.Handle+` "`+i.Codename+`" has a room of its own now`)
		if got := r.matrix.in("!desk"); len(got) != 1 || !strings.Contains(got[0].Text, "has a room of its own now") {
			t.Errorf("the desk on Matrix hears %+v", got)
		}
		r.drain()
		if len(r.matrix.asked) != 1 || len(r.waiting("matrix")) != 0 {
			t.Error("it is made again")
		}
	})
}

// TestWhoIsSuspendedIsNotAskedIn, though they have a role, and gets no power there.
func TestWhoIsSuspendedIsNotAskedIn(t *testing.T) {
	hosted(t, func(r *rig) {
		i := r.open(0)
		r.change(i.N, func(i *incidents.Incident) { i.Roles = map[string]string{"lead": "alice", "patch": "bob"} })
		r.do(func(tx *store.Tx) error { return tx.Suspend("bob", "alice") })
		r.want(i.N, "bob")
		r.drain()
		w := r.matrix.asked[0]
		if !slices.Equal(w.Invite, []bridges.Account{account("alice")}) || slices.Contains(w.Help, account("bob")) {
			t.Errorf("asked in: %v; may help: %v", w.Invite, w.Help)
		}
		r.do(func(tx *store.Tx) error {
			return tx.Queue(store.Row{Key: "invite/1/x", Kind: "invite", Network: "matrix", Room: "!room1", Incident: i.N, Mentions: []string{"bob", "carol"}})
		})
		r.drain()
		r.is("later", r.matrix.did(), "!room1 invite carol")
	})
}

// TestWhatBecomesOfARoomOfUnknownOutcome: it is looked for before it is made again.
func TestWhatBecomesOfARoomOfUnknownOutcome(t *testing.T) {
	for name, c := range map[string]struct {
		vain   bool
		search error
		asked  int
		rooms  int
	}{
		"it was made: it is found":              {false, nil, 1, 1},
		"it was not: it is made":                {true, nil, 2, 1},
		"the look-up fails: it is not made":     {true, errBroken, 1, 0},
		"the network is away: it is not made":   {false, bridges.ErrNotSent, 1, 1},
		"the look-up fails, though it is there": {false, errBroken, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			hosted(t, func(r *rig) {
				r.matrix.vain, r.matrix.search = c.vain, c.search
				r.matrix.make = func(n int) error {
					if n == 1 {
						return errBroken
					}
					return nil
				}
				i := r.open(0)
				r.want(i.N)
				stop := r.run()
				time.Sleep(4 * time.Hour)
				synctest.Wait()
				if len(r.matrix.asked) != c.asked || len(r.matrix.rooms) != c.rooms {
					t.Errorf("asked for %d times, %d rooms are there", len(r.matrix.asked), len(r.matrix.rooms))
				}
				if want := c.search == nil; (r.kept(i.N).Board != "") != want {
					t.Errorf("kept: %+v", r.kept(i.N))
				}
				r.matrix.search = nil
				r.Up(context.Background(), "matrix")
				time.Sleep(time.Minute)
				synctest.Wait()
				if got := r.kept(i.N); got.ID != "!room1" || got.Board == "" || len(r.matrix.rooms) != 1 {
					t.Errorf("in the end: %+v, %d rooms", got, len(r.matrix.rooms))
				}
				r.is("told", r.irc.texts(), "has a room of its own now")
				stop()
			})
		})
	}
}

// TestACrashAfterARoomWasMade, before it was kept: the next life finds it.
func TestACrashAfterARoomWasMade(t *testing.T) {
	hosted(t, func(r *rig) {
		i := r.open(0)
		r.want(i.N)
		r.do(func(tx *store.Tx) error { return tx.Trying(1, tx.Now().Add(time.Minute)) })
		r.matrix.put("room/1/1")
		r.Up(context.Background(), "matrix")
		r.drain()
		if got := r.kept(i.N); len(r.matrix.asked) != 0 || got.ID != "!room1" || got.Board == "" {
			t.Errorf("asked for %d more; kept %+v", len(r.matrix.asked), got)
		}
	})
}

func TestARoomThatIsRefusedIsToldOnceAndCanBeAskedForAgain(t *testing.T) {
	hosted(t, func(r *rig) {
		r.matrix.vain = true
		r.matrix.make = func(n int) error {
			if n == 1 {
				return fmt.Errorf("%w: rooms are not for bots", bridges.ErrRefused)
			}
			return nil
		}
		i := r.open(0)
		r.want(i.N)
		stop := r.run()
		time.Sleep(5 * time.Hour)
		synctest.Wait()
		r.is("told", r.irc.texts(), "refused to make a room for "+i.Handle)
		if len(r.matrix.asked) != 1 || r.kept(i.N).ID != "" {
			t.Errorf("asked for %d times; kept %+v", len(r.matrix.asked), r.kept(i.N))
		}
		r.want(i.N)
		r.Kick()
		synctest.Wait()
		if got := r.kept(i.N); got.ID != "!room1" || r.matrix.asked[1].Key != "room/1/2" {
			t.Errorf("then: %+v, %+v", r.matrix.asked, got)
		}
		stop()
	})
}

func TestANetworkWithoutRoomsMakesNone(t *testing.T) {
	hosted(t, func(r *rig) {
		i := r.open(0)
		r.do(func(tx *store.Tx) error {
			for _, kind := range []string{"room", "invite", "remove", "board"} {
				if err := tx.Queue(store.Row{Key: kind, Kind: kind, Network: "irc", Room: "#x", Incident: i.N, Asker: "mallory"}); err != nil {
					return err
				}
			}
			return nil
		})
		r.drain()
		for _, kind := range []string{"room", "invite", "remove", "board"} {
			r.is(kind, r.states(kind), store.Refused)
		}
		r.is("said", r.irc.texts())
	})
}

func TestInvitationsAndRemovalsAreDoneAgainWhenNobodyKnows(t *testing.T) {
	hosted(t, func(r *rig) {
		i, room := r.made()
		erin, frank := account("erin"), account("frank")
		r.do(func(tx *store.Tx) error {
			for _, a := range []bridges.Account{erin, frank, {Network: "other", ID: "grace"}} {
				if _, err := tx.AddGuest(i.N, incidents.Account(a), "alice and bob"); err != nil {
					return err
				}
			}
			_, err := tx.EndGuest(i.N, incidents.Account(frank), "alice")
			return err
		})
		r.matrix.invite = func(n int) error { return []error{errBroken, bridges.ErrNotSent, nil, errBroken, nil}[n-1] }
		r.do(func(tx *store.Tx) error {
			return tx.Queue(store.Row{Key: "invite/1/x", Kind: "invite", Network: "matrix", Room: room.ID, Incident: i.N, Mentions: []string{"bob"}, Asker: erin.ID})
		})
		stop := r.run()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		r.is("invited", r.matrix.did(), "!room1 invite bob erin", "!room1 invite bob erin", "!room1 invite bob erin")
		r.do(func(tx *store.Tx) error {
			return tx.Queue(store.Row{Key: "remove/1/x", Kind: "remove", Network: "matrix", Room: room.ID, Incident: i.N, Asker: frank.ID})
		})
		r.Kick()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		r.is("removed", r.matrix.did()[3:], "!room1 remove frank", "!room1 remove frank")
		r.is("waiting", r.waiting("matrix"))
		stop()
	})
}

// away makes a network take nothing until it is told otherwise.
func (n *net) away() (back func()) {
	var is bool
	n.say = func(context.Context, int, bridges.Outgoing) error {
		if is {
			return nil
		}
		return bridges.ErrNotSent
	}
	return func() { is = true }
}

func TestABoardIsEditedInPlaceAndTheNewestOnly(t *testing.T) {
	hosted(t, func(r *rig) {
		i, room := r.made()
		board := r.kept(i.N).Board
		r.change(i.N, func(i *incidents.Incident) { i.Level = "high" })
		r.drain()
		got := r.matrix.in(room.ID)
		if len(got) != 2 || got[1].Edit != board || got[1].Pin || !strings.Contains(got[1].Text, "Level: High") {
			t.Fatalf("after a change: %+v", got[1:])
		}
		for k := range 10 {
			level := []string{"low", "critical"}[k%2]
			r.change(i.N, func(i *incidents.Incident) { i.Level = level })
		}
		r.drain()
		got = r.matrix.in(room.ID)
		if len(got) != 3 || got[2].Edit != board || !strings.Contains(got[2].Text, "Level: Critical") {
			t.Errorf("after ten changes: %d more: %+v", len(got)-2, got[2:])
		}
		states := r.states("board")
		overtaken := slices.DeleteFunc(slices.Clone(states), func(s string) bool { return s != store.Overtaken })
		if len(states) != 12 || len(overtaken) != 9 || states[11] != store.Sent {
			t.Errorf("the rows: %q", states)
		}
		if r.kept(i.N).Board != board {
			t.Errorf("the board is %q now", r.kept(i.N).Board)
		}
	})
}

// TestABoardThatCouldNotBeEditedSaysHowThingsAreInTheEnd: an older row that comes
// through late does not take the board back.
func TestABoardThatCouldNotBeEditedSaysHowThingsAreInTheEnd(t *testing.T) {
	hosted(t, func(r *rig) {
		i, room := r.made()
		back := r.matrix.away()
		r.change(i.N, func(i *incidents.Incident) { i.Level = "high" })
		r.drain()
		r.change(i.N, func(i *incidents.Incident) { i.Level = "low" })
		back()
		r.drain()
		time.Sleep(time.Hour)
		r.drain()
		got := r.matrix.in(room.ID)
		if last := got[len(got)-1]; !strings.Contains(last.Text, "Level: Low") || last.Edit == "" {
			t.Errorf("in the end it says %s", last.Text)
		}
		r.is("waiting", r.waiting("matrix"))
	})
}

// TestWhoJoinsGetsTheBoardAnew, pinned, and from then on that one is edited; what
// is queued around it is not said besides.
func TestWhoJoinsGetsTheBoardAnew(t *testing.T) {
	hosted(t, func(r *rig) {
		i, room := r.made()
		r.change(i.N, func(i *incidents.Incident) { i.Level = "high" })
		r.do(func(tx *store.Tx) error { return tx.QueueBoard(i.N, "joined/1", true) })
		r.change(i.N, func(i *incidents.Incident) { i.Level = "low" })
		r.drain()
		got := r.matrix.in(room.ID)
		if len(got) != 3 || !got[1].Pin || got[1].Edit != "" || got[2].Edit != "id-board/1/joined/1" || got[2].Pin {
			t.Fatalf("said %+v", got[1:])
		}
		if !strings.Contains(got[2].Text, "Level: Low") || r.kept(i.N).Board != "id-board/1/joined/1" {
			t.Errorf("it says %s; kept %+v", got[2].Text, r.kept(i.N))
		}
		r.do(func(tx *store.Tx) error { return tx.QueueBoard(i.N, "joined/1", true) }) // the same joiner once more
		r.drain()
		if len(r.matrix.in(room.ID)) != 3 {
			t.Error("one joiner got it twice")
		}
	})
}

// TestACrashAfterABoardWasSaid, before it was kept: the next life finds it, and
// edits that one.
func TestACrashAfterABoardWasSaid(t *testing.T) {
	for _, template := range []string{store.BoardPost, store.BoardEdit} { // an edit, too, is posted where there is none
		hosted(t, func(r *rig) {
			i := r.open(0)
			r.do(func(tx *store.Tx) error {
				if err := tx.PutRoom(store.Room{Incident: i.N, Network: "matrix", ID: "!own"}); err != nil {
					return err
				}
				if template == store.BoardEdit {
					if err := tx.Finish(1, store.Refused, "", ""); err != nil {
						return err
					}
					return tx.QueueBoard(i.N, "later", false)
				}
				return nil
			})
			room := bridges.Room{Network: "matrix", ID: "!own"}
			r.own[room] = i.N
			r.matrix.say = func(context.Context, int, bridges.Outgoing) error { return errBroken } // it arrives, and nobody knows
			stop := r.run()
			time.Sleep(2 * time.Minute)
			synctest.Wait()
			stop()
			r.matrix.say = nil
			got := r.kept(i.N)
			if len(r.matrix.said()) != 1 || got.Board != "id-"+r.matrix.said()[0].Key {
				t.Errorf("%s: said %d times; kept %+v", template, len(r.matrix.said()), got)
			}
			r.change(i.N, func(i *incidents.Incident) { i.Level = "high" })
			r.drain()
			if said := r.matrix.said(); len(said) != 2 || said[1].Edit != got.Board {
				t.Errorf("%s: then: %+v", template, said[1:])
			}
			// An edit of unknown outcome is found by its own id, and the board stays.
			r.matrix.say = func(_ context.Context, n int, _ bridges.Outgoing) error { return errBroken }
			r.change(i.N, func(i *incidents.Incident) { i.Level = "low" })
			r.drain()
			r.Up(context.Background(), "matrix")
			r.drain()
			if after := r.kept(i.N); after != got || len(r.matrix.said()) != 3 {
				t.Errorf("%s: after an edit of unknown outcome %+v, said %d", template, after, len(r.matrix.said()))
			}
		})
	}
}

// TestABoardSaysNothingSealed where only notices are heard: which steps are open is
// for those who were proven to read there, and neither says what was typed.
func TestABoardSaysNothingSealed(t *testing.T) {
	hosted(t, func(r *rig) {
		i, room := r.made()
		full := r.matrix.in(room.ID)[0]
		r.matrix.members[room.ID] = append(r.matrix.members[room.ID], mxid("mallory"))
		r.do(func(tx *store.Tx) error { return tx.QueueBoard(i.N, "again", true) })
		r.drain()
		lowered := r.matrix.in(room.ID)
		board := lowered[len(lowered)-1]
		for _, b := range lowered {
			if b.Pin {
				board = b
			}
		}
		if strings.Contains(fmt.Sprint(full, lowered), "sealed title") {
			t.Error("it says what is sealed")
		}
		step := "Acknowledge receipt"
		if full.Readers == nil || board.Readers != nil || !strings.Contains(full.Text, step) || strings.Contains(board.Text, step) {
			t.Errorf("full: %+v\nlowered: %+v", full, board)
		}
		r.own = map[bridges.Room]int{} // and where nothing may be heard, none is said
		before := len(r.matrix.in(room.ID))
		r.change(i.N, func(i *incidents.Incident) { i.Level = "high" })
		r.drain()
		if len(r.matrix.in(room.ID)) != before {
			t.Error("a board was said where nothing may be heard")
		}
	})
}

// TestABoardIsProvenAnewWhenTheRoomChanges between the proof and the words.
func TestABoardIsProvenAnewWhenTheRoomChanges(t *testing.T) {
	hosted(t, func(r *rig) {
		i, room := r.made()
		unproven := func(times int) {
			k := 0
			r.matrix.say = func(_ context.Context, _ int, o bridges.Outgoing) error {
				if o.Room == room && k < times {
					k++
					return fmt.Errorf("%w: %w", bridges.ErrNotSent, bridges.ErrUnproven)
				}
				return nil
			}
		}
		unproven(2)
		r.change(i.N, func(i *incidents.Incident) { i.Level = "high" })
		r.drain()
		got := r.matrix.in(room.ID)
		if len(got) != 4 || got[3].State <= got[2].State {
			t.Errorf("two changes: said %d times", len(got)-1)
		}
		unproven(100)
		r.change(i.N, func(i *incidents.Incident) { i.Level = "low" })
		r.drain()
		got = r.matrix.in(room.ID)
		if len(got) != 4+proofs || len(r.waiting("matrix")) != 1 {
			t.Errorf("a room that never rests: tried %d times, waiting %v", len(got)-4, r.waiting("matrix"))
		}
		unproven(0)
		time.Sleep(time.Minute)
		r.drain()
		r.is("waiting", r.waiting("matrix"))
	})
}
