package store

import (
	"context"
	"errors"
	"slices"
	"testing"

	"tocsin/incidents"
)

func TestAnIncidentKeepsItsFirstRoom(t *testing.T) {
	d := newDesk(t)
	one, two := d.add(), d.add()
	d.do(func(tx *Tx) error {
		if _, ok, err := tx.RoomOf(one.N); ok || err != nil {
			t.Errorf("a room before there is one: %v", err)
		}
		return tx.QueueBoard(one.N, "nothing", true)
	})
	if got := d.keys("matrix"); len(got) != 0 {
		t.Errorf("without a room there is a board: %q", got)
	}
	d.do(func(tx *Tx) error {
		return errors.Join(tx.PutRoom(matrixRoom(one.N, "!a")), tx.SetBoard(Row{ID: 1, Incident: one.N}, "$board"), tx.PutRoom(matrixRoom(one.N, "!b")))
	})
	d.reopen()
	d.do(func(tx *Tx) error {
		r, ok, err := tx.RoomOf(one.N)
		if want := (Room{one.N, "matrix", "!a", "$board"}); !ok || r != want {
			t.Errorf("the room is %+v, want %+v", r, want)
		}
		if _, ok, err := tx.RoomOf(two.N); ok || err != nil {
			t.Errorf("the other incident has a room, too: %v", err)
		}
		all, err2 := tx.Rooms()
		if len(all) != 1 || all[0] != r {
			t.Errorf("all rooms: %+v", all)
		}
		// One room is not for two incidents.
		return errors.Join(err, err2, tx.PutRoom(matrixRoom(two.N, "!a")))
	})
	d.do(func(tx *Tx) error {
		_, ok, err := tx.RoomOf(two.N)
		if ok {
			t.Error("two incidents share a room")
		}
		return err
	})
	if got := d.keys("matrix"); !slices.Equal(got, []string{"board/1/made"}) {
		t.Errorf("rows: %q", got)
	}
}

// TestEveryChangeBringsTheBoardUpToDate, in the transaction of the change.
func TestEveryChangeBringsTheBoardUpToDate(t *testing.T) {
	d := newDesk(t)
	i := d.add()
	d.change(i.N, func(i *incidents.Incident) { i.Level = "high" })
	d.do(func(tx *Tx) error { return tx.PutRoom(matrixRoom(i.N, "!a")) })
	d.change(i.N, func(i *incidents.Incident) { i.Level = "low" })
	d.change(i.N, func(i *incidents.Incident) { i.Phase = incidents.Closed })
	if got, want := d.keys("matrix"), []string{"board/1/made", "board/1/v3", "board/1/v4"}; !slices.Equal(got, want) {
		t.Errorf("rows: %q, want %q", got, want)
	}
	err := d.Update(context.Background(), func(tx *Tx) error {
		j, err := tx.Incident(i.N)
		if err == nil {
			_, err = tx.Save(j)
		}
		return errors.Join(err, errors.New("broken"))
	})
	if err == nil || len(d.keys("matrix")) != 3 {
		t.Errorf("a change that was not kept has its board: %v", d.keys("matrix"))
	}
}

// TestNewerBoard: an edit is made needless by anything that follows, a posting
// only by another posting: who joined has to see one.
func TestNewerBoard(t *testing.T) {
	const edit, post = BoardEdit, BoardPost
	for _, c := range []struct {
		first, second string
		state         string // what became of the second one
		want          bool
	}{
		{edit, edit, Due, true},
		{edit, post, Due, true},
		{post, edit, Due, false},
		{post, post, Due, true},
		{edit, edit, Unknown, true},
		{post, post, Unknown, true},
		{edit, edit, Sent, true},
		{edit, post, Sent, true},
		{post, edit, Sent, false},
		{post, post, Sent, true},
		{edit, post, Refused, false},
		{post, post, Overtaken, false},
	} {
		d := newDesk(t)
		one, two := d.add(), d.add()
		d.do(func(tx *Tx) error {
			row := func(key, template string, n int, kind string) Row {
				return Row{Key: key, Kind: kind, Network: "matrix", Room: "!a", Template: template, Incident: n}
			}
			err := errors.Join(tx.Queue(row("first", c.first, one.N, "board")), tx.Queue(row("second", c.second, one.N, "board")),
				tx.Queue(row("of another", post, two.N, "board")), tx.Queue(row("of another kind", post, one.N, "say")))
			if c.state == Unknown {
				err = errors.Join(err, tx.TryAgain(2, Unknown, ""))
			} else if c.state != Due {
				err = errors.Join(err, tx.Finish(2, c.state, "", ""))
			}
			got, err2 := tx.NewerBoard(Row{ID: 1, Template: c.first, Incident: one.N})
			if got != c.want {
				t.Errorf("%s, then %s (%s): newer is %t", c.first, c.second, c.state, got)
			}
			last, err3 := tx.NewerBoard(Row{ID: 2, Template: c.second, Incident: one.N})
			if last {
				t.Errorf("%s, then %s: the last one has a newer one", c.first, c.second)
			}
			return errors.Join(err, err2, err3)
		})
	}
}

// TestAnOldBoardThatIsFoundLateIsNotTheBoard: who joined after it cannot read it.
func TestAnOldBoardThatIsFoundLateIsNotTheBoard(t *testing.T) {
	d := newDesk(t)
	i := d.add()
	d.do(func(tx *Tx) error {
		err := errors.Join(tx.PutRoom(matrixRoom(i.N, "!a")), tx.QueueBoard(i.N, "joined", true))
		first, second := Row{ID: 1, Incident: i.N}, Row{ID: 2, Incident: i.N}
		err = errors.Join(err, tx.TryAgain(1, Unknown, ""), tx.SetBoard(second, "$second"), tx.Finish(2, Sent, "$second", ""), tx.SetBoard(first, "$first"))
		r, _, err2 := tx.RoomOf(i.N)
		if r.Board != "$second" {
			t.Errorf("the board is %q", r.Board)
		}
		if newer, err := tx.NewerBoard(Row{ID: 1, Incident: i.N, Template: BoardPost}); !newer || err != nil {
			t.Errorf("one that was posted later is not newer: %v", err)
		}
		return errors.Join(err, err2, tx.SetBoard(Row{ID: 3, Incident: i.N}, "$third"))
	})
	d.do(func(tx *Tx) error {
		r, _, err := tx.RoomOf(i.N)
		if r.Board != "$third" {
			t.Errorf("then it is %q", r.Board)
		}
		return err
	})
}

func TestABoardThatIsStillToBePostedIsWaitedFor(t *testing.T) {
	d := newDesk(t)
	one, two := d.add(), d.add()
	d.do(func(tx *Tx) error {
		err := errors.Join(tx.PutRoom(matrixRoom(one.N, "!a")), tx.PutRoom(matrixRoom(two.N, "!b")), tx.QueueBoard(one.N, "v2", false))
		for _, c := range []struct {
			name string
			r    Row
			want bool
		}{
			{"the posting itself", Row{ID: 1, Network: "matrix", Incident: one.N}, false},
			{"an edit after it", Row{ID: 3, Network: "matrix", Incident: one.N}, true},
			{"an edit after an edit", Row{ID: 4, Network: "matrix", Incident: one.N}, true},
			{"the other incident's", Row{ID: 2, Network: "matrix", Incident: two.N}, false},
		} {
			if got, err := tx.BoardWaits(c.r); got != c.want || err != nil {
				t.Errorf("%s: %t, %v", c.name, got, err)
			}
		}
		edit := Row{ID: 3, Network: "matrix", Incident: one.N}
		for _, state := range []string{Unknown, Refused} {
			if state == Unknown {
				err = errors.Join(err, tx.TryAgain(1, Unknown, ""))
			} else {
				err = errors.Join(err, tx.Finish(1, state, "", ""))
			}
			if got, err := tx.BoardWaits(edit); got != (state == Unknown) || err != nil {
				t.Errorf("%s: %t, %v", state, got, err)
			}
		}
		return err
	})
}

// TestAnEditThatHadToPostIsNewerThanAnOldPosting.
func TestAnEditThatHadToPostIsNewerThanAnOldPosting(t *testing.T) {
	d := newDesk(t)
	i := d.add()
	d.do(func(tx *Tx) error {
		err := errors.Join(tx.PutRoom(matrixRoom(i.N, "!a")), tx.QueueBoard(i.N, "v2", false), tx.QueueBoard(i.N, "v3", false))
		post := Row{ID: 1, Incident: i.N, Template: BoardPost}
		if newer, err := tx.NewerBoard(post); newer || err != nil {
			t.Errorf("an edit is newer than a posting: %v", err)
		}
		err = errors.Join(err, tx.PostBoard(Row{ID: 2}))
		if newer, err := tx.NewerBoard(post); !newer || err != nil {
			t.Errorf("it is not newer: %v", err)
		}
		rows, err2 := tx.DueRows("matrix", nil, 9)
		if len(rows) != 3 || rows[1].Template != BoardPost || rows[2].Template != BoardEdit {
			t.Errorf("rows: %+v", rows)
		}
		return errors.Join(err, err2)
	})
}

func TestRoomWanted(t *testing.T) {
	d := newDesk(t)
	one, two := d.add(), d.add()
	check := func(n, times int, waits bool) {
		t.Helper()
		d.do(func(tx *Tx) error {
			got, w, err := tx.RoomWanted(n)
			if got != times || w != waits {
				t.Errorf("asked for %d times, waits: %t; want %d, %t", got, w, times, waits)
			}
			return err
		})
	}
	check(one.N, 0, false)
	d.do(func(tx *Tx) error {
		return tx.Queue(Row{Key: "room/1/1", Kind: "room", Network: "matrix", Room: "x", Incident: one.N})
	})
	check(one.N, 1, true)
	check(two.N, 0, false)
	d.do(func(tx *Tx) error { return tx.TryAgain(1, Unknown, "") })
	check(one.N, 1, true)
	d.do(func(tx *Tx) error { return tx.Finish(1, Refused, "", "") })
	check(one.N, 1, false)
	d.do(func(tx *Tx) error {
		return tx.Queue(Row{Key: "room/1/2", Kind: "room", Network: "matrix", Room: "x", Incident: one.N})
	})
	check(one.N, 2, true)
}
