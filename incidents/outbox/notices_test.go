package outbox

import (
	"context"
	"errors"
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

// long is an answer of twenty lines, said on Matrix.
func (r *rig) long(key, template string, room bridges.Room) {
	r.t.Helper()
	var nouns []incidents.Facts
	for k := range 10 {
		nouns = append(nouns, incidents.Facts{"usage": fmt.Sprintf("!usage %d", k), "does": "something"})
	}
	r.do(func(tx *store.Tx) error {
		return tx.Queue(store.Row{
			Key: key, Kind: "say", Network: "matrix", Room: room.ID, Direct: room.Direct, Asker: mxid("bob"), ReplyTo: "$m1", Thread: "$t1",
			Template: template, Facts: incidents.Facts{"commands": nouns, "handle": "INC-1"},
		})
	})
}

func TestALongAnswerIsAFileWhereThereAreFiles(t *testing.T) {
	hosted(t, func(r *rig) {
		desk := bridges.Room{Network: "matrix", ID: "!desk"}
		r.matrix.lines = 20
		r.long("short enough", "help/some", desk)
		r.drain()
		r.matrix.lines = 19
		r.long("long", "help/some", desk)
		r.drain()
		r.long("long, directly", "help/some", bridges.Room{Network: "matrix", ID: mxid("bob"), Direct: true})
		r.drain()
		said := r.matrix.said()
		if len(said) != 3 {
			t.Fatalf("said %+v", said)
		}
		if said[0].File != nil || !strings.Contains(said[0].Text, "!usage 9") {
			t.Errorf("twenty lines: %+v", said[0])
		}
		for _, s := range said[1:] {
			if s.Text != "20 lines, as a file." || s.HTML == "" || s.File == nil || s.ReplyTo != "$m1" || s.Thread != "$t1" {
				t.Errorf("said %+v", s)
				continue
			}
			if f := s.File; f.Name != "help-INC-1.txt" || f.Type != "text/plain" || !strings.Contains(string(f.Data), "!usage 9") || strings.Contains(string(f.Data), "<") {
				t.Errorf("the file: %s, %s\n%s", f.Name, f.Type, f.Data)
			}
		}
	})
}

// TestAFileHoldsWhatTheRoomMayHear: the text of a file is judged as words are.
func TestAFileHoldsWhatTheRoomMayHear(t *testing.T) {
	hosted(t, func(r *rig) {
		r.matrix.lines = 1
		i := r.open(0)
		show := func(key string) try {
			r.do(func(tx *store.Tx) error {
				return tx.Queue(store.Row{
					Key: key, Kind: "say", Network: "matrix", Room: "!desk", Asker: mxid("bob"), Template: "incident/show",
					Facts: incidents.Card(*r.c.Plan(), i, time.Now()), Incident: i.N,
				})
			})
			r.drain()
			for _, s := range r.matrix.in("!desk") {
				if s.Key == key {
					return s
				}
			}
			t.Fatalf("%s was not said", key)
			return try{}
		}
		if s := show("full"); s.File == nil || !strings.Contains(string(s.File.Data), "the sealed title") || len(s.Readers) != 2 {
			t.Errorf("at full: %+v", s)
		}
		r.matrix.failed["!desk"] = []string{"history"}
		if s := show("lowered"); s.File == nil || strings.Contains(string(s.File.Data), "sealed title") || s.Readers != nil {
			t.Errorf("at notice: %+v", s)
		}
	})
}

func TestWhatIsSaidComesAsHTMLToo(t *testing.T) {
	hosted(t, func(r *rig) {
		r.matrix.say = func(_ context.Context, n int, _ bridges.Outgoing) error {
			if n == 1 {
				return errBroken
			}
			return nil
		}
		r.matrix.find = bridges.ErrCantSay
		r.do(func(tx *store.Tx) error {
			return tx.Queue(store.Row{Key: "k", Kind: "say", Network: "matrix", Room: "!desk", Template: "trouble", Facts: incidents.Facts{"network": "irc", "told": "<b>no</b>"}})
		})
		r.drain()
		r.Up(context.Background(), "matrix")
		r.drain()
		said := r.matrix.said()
		if len(said) != 2 || said[0].HTML != "irc: &lt;b&gt;no&lt;/b&gt;" || said[1].HTML != "(again) "+said[0].HTML || said[1].Text != "(again) irc: <b>no</b>" {
			t.Errorf("said %+v", said)
		}
	})
}

// TestAReminderCallsWhoseClockItIs, by their accounts on each network, also in the
// incident's own room, and only there and in the desks.
func TestAReminderCallsWhoseClockItIs(t *testing.T) {
	hosted(t, func(r *rig) {
		_, room := r.made()
		before, onIRC := len(r.matrix.said()), len(r.irc.said())
		time.Sleep(24 * time.Hour)
		r.drain()
		rooms := map[string]int{}
		for _, s := range r.matrix.said()[before:] {
			if strings.HasPrefix(s.Key, "rung/") {
				rooms[s.Room.ID]++
				if !slices.Equal(s.Mentions, []bridges.Account{account("alice")}) {
					t.Errorf("%s calls %v", s.Key, s.Mentions)
				}
			} else if len(s.Mentions) > 0 {
				t.Errorf("%s calls %v", s.Key, s.Mentions)
			}
		}
		if len(rooms) != 2 || rooms[room.ID] != 1 || rooms["!desk"] != 1 {
			t.Errorf("reminded in %v", rooms)
		}
		irc := r.irc.said()[onIRC:]
		if len(irc) != 1 || !slices.Equal(irc[0].Mentions, []bridges.Account{{Network: "irc", ID: "alice"}}) {
			t.Errorf("on IRC: %+v", irc)
		}
	})
}

// lowerings gives who is told what about a room's clearance, and forgets it.
func (r *rig) lowerings() (out []string) {
	r.t.Helper()
	r.drain()
	for _, n := range []*net{r.irc, &r.matrix.net} {
		for _, s := range n.said() {
			if strings.Contains(s.Text, "hears ") {
				out = append(out, s.Room.ID+": "+s.Text)
			}
		}
		n.mu.Lock()
		n.tries = nil
		n.mu.Unlock()
	}
	slices.Sort(out)
	return out
}

// TestALoweredRoomIsToldOncePerStrangerWithHowToMendIt, and once when it is over.
func TestALoweredRoomIsToldOncePerStrangerWithHowToMendIt(t *testing.T) {
	hosted(t, func(r *rig) {
		_, room := r.made()
		r.lowerings()
		look := func(members ...string) []string {
			t.Helper()
			var ids []string
			for _, m := range members {
				ids = append(ids, mxid(m))
			}
			r.matrix.members[room.ID] = ids
			time.Sleep(time.Second)
			r.Look(context.Background(), room)
			return r.lowerings()
		}
		r.is("nothing wrong", look("alice", "bob"))
		told := look("alice", "mallory")
		r.is("a stranger", told,
			"!desk: The room of INC-1 hears notices only from now on: @mallory:example.org is not on the roster.\nTake @mallory:example.org out of the room, or let them in for this incident: !guest allow INC-1 @mallory:example.org <why>.",
			"!room1: The room of INC-1 hears notices only from now on: @mallory:example.org is not on the roster.\nTake ", "#desk: The room of INC-1 hears notices only from now on.")
		if len(told) == 3 && strings.Contains(told[2], "mallory") {
			t.Errorf("who it is was told where only notices are heard: %q", told)
		}
		r.is("the same", look("alice", "mallory"))
		told = look("alice", "mallory", "trudy")
		r.is("another stranger", told, "!desk: The room of INC-1 hears notices only from now on: @mallory:example.org is not on the roster; @trudy:", "!room1: ", "#desk: ")
		r.is("one of them left", look("alice", "trudy"))
		r.is("all left", look("alice"), "!desk: The room of INC-1 hears everything again", "!room1: The room of INC-1 hears everything again", "#desk: The room of INC-1 hears everything again")
		r.is("nothing wrong again", look("alice", "bob"))
		r.is("back within ten minutes", look("alice", "mallory"))
		r.is("and gone", look("alice"))
		time.Sleep(11 * time.Minute)
		r.is("back later", look("alice", "mallory"), "!desk", "!room1", "#desk")
		r.matrix.failed[room.ID] = []string{"history"}
		r.is("a check failed besides", look("alice", "mallory"),
			"!desk: The room of INC-1 hears notices only from now on: about history; @mallory:example.org is not on the roster. To mend it: mend history.\nTake ", "!room1", "#desk")
	})
}

func TestAGuestDoesNotLowerTheOwnRoom(t *testing.T) {
	hosted(t, func(r *rig) {
		i, room := r.made()
		r.do(func(tx *store.Tx) error {
			_, err := tx.AddGuest(i.N, incidents.Account(account("erin")), "alice and bob")
			return err
		})
		r.matrix.members[room.ID] = []string{mxid("alice"), mxid("erin")}
		r.lowerings()
		r.Look(context.Background(), room)
		r.is("with a guest", r.lowerings())
		r.do(func(tx *store.Tx) error {
			return tx.Queue(store.Row{Key: "k", Kind: "say", Network: "matrix", Room: room.ID, Template: "incident/show", Facts: incidents.Card(*r.c.Plan(), i, time.Now()), Incident: i.N})
		})
		r.drain()
		said := r.matrix.in(room.ID)
		if len(said) != 1 || !strings.Contains(said[0].Text, "the sealed title") || len(said[0].Readers) != 2 {
			t.Errorf("said with a guest there: %+v", said)
		}
		r.do(func(tx *store.Tx) error {
			_, err := tx.EndGuest(i.N, incidents.Account(account("erin")), "bob")
			return err
		})
		r.Look(context.Background(), room)
		r.is("who was a guest", r.lowerings(), "!desk: The room of INC-1 hears notices only from now on: @erin", "!room1", "#desk")
	})
}

// TestAGuestOfOneIncidentIsAStrangerElsewhere.
func TestAGuestOfOneIncidentIsAStrangerElsewhere(t *testing.T) {
	hosted(t, func(r *rig) {
		one, _ := r.made()
		_, second := r.made()
		r.do(func(tx *store.Tx) error {
			_, err := tx.AddGuest(one.N, incidents.Account(account("erin")), "alice and bob")
			return err
		})
		r.lowerings()
		for _, room := range []bridges.Room{second, {Network: "matrix", ID: "!desk"}} {
			r.matrix.members[room.ID] = []string{mxid("alice"), mxid("erin")}
			r.Look(context.Background(), room)
			if got := strings.Join(r.lowerings(), "\n"); !strings.Contains(got, "hears notices only from now on") {
				t.Errorf("a guest of INC-1 in %s: %q", room.ID, got)
			}
		}
	})
}

func TestLookingAtARoomThatMayNotHearAllOrCannotBeProvenTellsNothing(t *testing.T) {
	hosted(t, func(r *rig) {
		_, room := r.made()
		r.lowerings()
		before := r.matrix.proofs
		for _, room := range []bridges.Room{
			{Network: "matrix", ID: "!unknown"}, {Network: "matrix", ID: mxid("bob"), Direct: true}, {Network: "irc", ID: "#desk"}, {Network: "gone", ID: "!desk"},
		} {
			r.Look(context.Background(), room)
		}
		if r.matrix.proofs != before {
			t.Error("a room was proven that may not hear everything anyhow")
		}
		r.matrix.noProof = errors.New("the homeserver does not answer")
		r.Look(context.Background(), room)
		r.is("told", r.lowerings())
		if !strings.Contains(r.log.String(), "could not be proven") {
			t.Error("it is not logged either")
		}
	})
}

// TestWhereTheBotIsNotItsPeopleHearDirectly, and the desk itself later.
func TestWhereTheBotIsNotItsPeopleHearDirectly(t *testing.T) {
	hosted(t, func(r *rig) {
		r.away[Place{"matrix", "!desk"}] = true
		r.direct = "full"
		r.matrix.say = func(_ context.Context, _ int, o bridges.Outgoing) error {
			if o.Room.ID == "!desk" {
				return bridges.ErrNotSent
			}
			return nil
		}
		r.Tell(context.Background(), "trouble/matrix/!desk", "trouble", incidents.Facts{"network": "matrix", "told": "I was removed from the desk"})
		r.drain()
		var to []string
		for _, s := range r.matrix.said() {
			if s.Room.Direct {
				to = append(to, s.Room.ID)
			}
		}
		slices.Sort(to)
		if !slices.Equal(to, []string{mxid("alice"), mxid("bob"), mxid("carol")}) {
			t.Errorf("told directly: %v", to)
		}
		r.is("the other desk", r.irc.texts(), "matrix: I was removed from the desk")
		r.matrix.say = nil
		r.away = map[Place]bool{}
		r.Up(context.Background(), "matrix")
		r.drain()
		if got := r.matrix.in("!desk"); !strings.Contains(got[len(got)-1].Text, "I was removed") {
			t.Errorf("the desk, once the bot is back: %+v", got)
		}
		before := len(r.matrix.said())
		r.Tell(context.Background(), "trouble/x", "trouble", incidents.Facts{"network": "matrix", "told": "something else"})
		r.drain()
		if got := r.matrix.said()[before:]; len(got) != 1 {
			t.Errorf("the bot is back, and tells people directly: %+v", got)
		}
	})
}

func TestUnreadableIsToldOnceForEachCauseAndToTheRosterOnly(t *testing.T) {
	hosted(t, func(r *rig) {
		desk := bridges.Room{Network: "matrix", ID: "!desk"}
		fails := func(who, message, once string, room bridges.Room) {
			r.Unreadable(context.Background(), bridges.Event{Kind: bridges.Unreadable, Network: "matrix", Room: room, Who: account(who), Message: message, Once: once})
		}
		fails("bob", "$1", "bob+s1", desk)
		fails("bob", "$2", "bob+s1", desk)
		fails("bob", "$3", "bob+s2", desk)
		fails("mallory", "$4", "mallory+s1", desk)
		fails("bob", "$5", "bob+s1", bridges.Room{Network: "matrix", ID: mxid("bob"), Direct: true})
		r.do(func(tx *store.Tx) error { return tx.Suspend("carol", "alice") })
		fails("carol", "$6", "carol+s1", desk)
		r.drain()
		var got []string
		for _, s := range r.matrix.said() {
			got = append(got, fmt.Sprint(s.Room.ID, " ", s.ReplyTo, " ", s.Mentions))
			if !strings.HasPrefix(s.Text, "bob, I cannot read that message") {
				t.Errorf("said %s", s.Text)
			}
		}
		slices.Sort(got)
		r.is("told", got, "!desk $1 [{matrix @bob:example.org}]", "!desk $3 [{matrix @bob:example.org}]", "@bob:example.org $5 [{matrix @bob:example.org}]")
	})
}

// TestWhatIsSaidOfARoomThatIsBeingProvenAnew: a say that finds the room changed
// is judged anew, and says what it may hear then.
func TestWhatIsSaidIsJudgedAnewWhenTheRoomChanges(t *testing.T) {
	hosted(t, func(r *rig) {
		i := r.open(0)
		n := 0
		r.matrix.say = func(_ context.Context, _ int, o bridges.Outgoing) error {
			if n++; n == 1 { // somebody comes between the proof and the words
				r.matrix.members["!desk"] = append(r.matrix.members["!desk"], mxid("mallory"))
				return fmt.Errorf("%w: %w", bridges.ErrNotSent, bridges.ErrUnproven)
			}
			return nil
		}
		r.do(func(tx *store.Tx) error {
			return tx.Queue(store.Row{Key: "k", Kind: "say", Network: "matrix", Room: "!desk", Template: "incident/show", Facts: incidents.Card(*r.c.Plan(), i, time.Now()), Incident: i.N})
		})
		stop := r.run()
		synctest.Wait()
		stop()
		var tries []try
		for _, s := range r.matrix.said() {
			if s.Key == "k" {
				tries = append(tries, s)
			}
		}
		if len(tries) != 2 || !strings.Contains(tries[0].Text, "sealed title") || strings.Contains(tries[1].Text, "sealed title") || tries[1].Readers != nil {
			t.Errorf("tried %+v", tries)
		}
	})
}
