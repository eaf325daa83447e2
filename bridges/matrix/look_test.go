package matrix

import (
	"errors"
	"testing"

	"tocsin/bridges"
	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/matrixclient"
)

// Who only looks sees the room as the bot does, whether or not the bot runs, and takes
// nothing from it; a token that was taken back shows.
func TestLookFromOutside(t *testing.T) {
	t.Parallel()
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	c.server.Register(t, "bob", matrixclient.Password)
	bob := "@bob:" + c.server.Name()
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	public := c.desk(matrixclient.RoomOptions{JoinRule: "public"}, alice)
	l, err := NewLook(c.cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Device(c.within()); err != nil {
		t.Error(err)
	}
	for _, room := range []bridges.Room{desk, public} {
		want, err := c.bot.Prove(c.within(), room)
		if err != nil {
			t.Fatal(err)
		}
		got, err := l.Prove(c.within(), room)
		if err != nil || len(got.Members) != 1 || got.Members[0] != want.Members[0] || len(got.Checks) != len(want.Checks) {
			t.Fatalf("%+v, want %+v: %v", got, want, err)
		}
		for k, check := range got.Checks {
			if check.Name != want.Checks[k].Name || check.OK != want.Checks[k].OK {
				t.Errorf("%+v, and the bot itself says %+v", check, want.Checks[k])
			}
		}
	}
	if _, err := l.Prove(c.within(), bridges.Room{Network: netName, ID: "!none:" + c.server.Name()}); !errors.Is(err, bridges.ErrNotSent) {
		t.Errorf("a room that is not there: %v", err)
	}
	who, err := l.People(c.within(), []string{alice.UserID(), bob, "@nobody:" + c.server.Name(), c.cfg.User})
	if err != nil || who[alice.UserID()] != Signs || who[bob] == Signs || who["@nobody:"+c.server.Name()] != Nobody || who[c.cfg.User] != Signs {
		t.Errorf("%v: %v", who, err)
	}
	alice.Say(desk.ID, "still heard")
	c.book.message(t, "still heard")

	other := c.cfg
	other.Folder = t.TempDir()
	if _, err := NewLook(other); !errors.Is(err, ErrLogin) {
		t.Errorf("without a session: %v", err)
	}
	l.s.cli.AccessToken = "taken-back"
	if err := l.Device(c.within()); !errors.Is(err, ErrLogin) {
		t.Errorf("a token that was taken back: %v", err)
	}
}
