package outbox

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

func mxid(name string) string { return "@" + name + ":example.org" }

func account(name string) bridges.Account {
	return bridges.Account{Network: "matrix", ID: mxid(name)}
}

// hostNet is a network where rooms can be made. It remembers what arrived.
type hostNet struct {
	net
	members map[string][]string // who reads in a room, by account
	failed  map[string][]string // checks of a room that are not OK
	proofs  int
	noProof error

	make   func(n int) error // what becomes of a MakeRoom; nil: it is made
	vain   bool              // a MakeRoom that fails made nothing
	search error             // what FindRoom answers, when set
	asked  []bridges.NewRoom
	rooms  map[string]bridges.Room // by key
	invite func(n int) error
	deeds  []string // invitations and removals, as "invite !r alice bob"
}

func newHostNet() *hostNet {
	return &hostNet{
		net:     net{name: "matrix", began: time.Now()},
		members: map[string][]string{"!desk": {mxid("alice"), mxid("bob")}}, failed: map[string][]string{},
		rooms: map[string]bridges.Room{},
	}
}

var _ bridges.Host = (*hostNet)(nil)

func (n *hostNet) Limits() bridges.Limits { return bridges.Limits{Lines: n.lines, Files: true} }

func (n *hostNet) Prove(_ context.Context, r bridges.Room) (bridges.Proof, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.proofs++
	p := bridges.Proof{Room: r, State: n.proofs}
	for _, name := range []string{"encrypted", "invite-only", "history", "no-guests", "unlisted", "no-integrations", "signed-keys"} {
		ok := !slices.Contains(n.failed[r.ID], name)
		c := bridges.Check{Name: name, OK: ok, Told: "about " + name}
		if !ok {
			c.Mend = "mend " + name
		}
		p.Checks = append(p.Checks, c)
	}
	members := n.members[r.ID]
	if r.Direct {
		members = []string{r.ID}
	}
	for _, id := range members {
		p.Members = append(p.Members, bridges.Member{Account: bridges.Account{Network: "matrix", ID: id}, Name: id})
	}
	return p, n.noProof
}

// Find finds what a try brought there, unless it was said to be lost.
func (n *hostNet) Find(_ context.Context, o bridges.Outgoing) (bridges.Receipt, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lookups++
	if n.find != nil {
		return bridges.Receipt{}, n.find
	}
	for _, t := range n.tries {
		if t.Key == o.Key && t.Room == o.Room {
			return bridges.Receipt{ID: "id-" + o.Key}, nil
		}
	}
	return bridges.Receipt{}, bridges.ErrNoTrace
}

func (n *hostNet) MakeRoom(_ context.Context, w bridges.NewRoom) (bridges.Room, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked = append(n.asked, w)
	var err error
	if n.make != nil {
		err = n.make(len(n.asked))
	}
	if err != nil && n.vain {
		return bridges.Room{}, err
	}
	return n.put(w.Key), err
}

func (n *hostNet) put(key string) bridges.Room {
	r := bridges.Room{Network: "matrix", ID: fmt.Sprintf("!room%d", len(n.rooms)+1)}
	n.rooms[key], n.members[r.ID] = r, []string{mxid("alice")}
	return r
}

func (n *hostNet) FindRoom(_ context.Context, w bridges.NewRoom) (bridges.Room, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lookups++
	r, ok := n.rooms[w.Key]
	switch {
	case n.search != nil:
		return bridges.Room{}, n.search
	case !ok:
		return bridges.Room{}, bridges.ErrNoTrace
	}
	return r, nil
}

func (n *hostNet) deed(verb string, r bridges.Room, who ...bridges.Account) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, a := range who {
		verb += " " + strings.TrimSuffix(strings.TrimPrefix(a.ID, "@"), ":example.org")
	}
	n.deeds = append(n.deeds, r.ID+" "+verb)
	if n.invite != nil {
		return n.invite(len(n.deeds))
	}
	return nil
}

func (n *hostNet) Invite(_ context.Context, r bridges.Room, who []bridges.Account) error {
	return n.deed("invite", r, who...)
}

func (n *hostNet) Remove(_ context.Context, r bridges.Room, who bridges.Account) error {
	return n.deed("remove", r, who)
}

func (n *hostNet) Working(context.Context, bridges.Room, string) error { return nil }

// did gives the invitations and removals so far.
func (n *hostNet) did() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.deeds)
}

// in gives what was tried in a room.
func (n *hostNet) in(room string) []try {
	var out []try
	for _, t := range n.said() {
		if t.Room.ID == room {
			out = append(out, t)
		}
	}
	return out
}

// want queues that a room is made for an incident.
func (r *rig) want(n int, people ...string) {
	r.t.Helper()
	r.do(func(tx *store.Tx) error {
		times, _, err := tx.RoomWanted(n)
		if err != nil {
			return err
		}
		return tx.Queue(store.Row{
			Key: fmt.Sprintf("room/%d/%d", n, times+1), Kind: "room", Network: "matrix", Room: "a room", Incident: n, Mentions: people,
		})
	})
}

// made opens an incident with a room of its own, and its first board.
func (r *rig) made() (i incidents.Incident, room bridges.Room) {
	r.t.Helper()
	i = r.open(0)
	r.want(i.N)
	r.must(r.Drain(context.Background()))
	kept := r.kept(i.N)
	room = bridges.Room{Network: kept.Network, ID: kept.ID}
	if kept.Board == "" || r.own[room] != i.N {
		r.t.Fatalf("no room with a board: %+v, %v", kept, r.own)
	}
	return i, room
}

// kept gives the room that is kept for an incident.
func (r *rig) kept(n int) (room store.Room) {
	r.t.Helper()
	r.do(func(tx *store.Tx) (err error) {
		room, _, err = tx.RoomOf(n)
		return err
	})
	return room
}

// change saves an incident after a change.
func (r *rig) change(n int, fn func(i *incidents.Incident)) {
	r.t.Helper()
	r.do(func(tx *store.Tx) error {
		i, err := tx.Incident(n)
		if err != nil {
			return err
		}
		fn(&i)
		_, err = tx.Save(i, incidents.Entry{Kind: "noted", Who: "alice", At: tx.Now()})
		return err
	})
}

// states gives what became of the rows of a kind, in order.
func (r *rig) states(kind string) (out []string) {
	r.t.Helper()
	db, err := sql.Open("sqlite3", "file:"+r.path+"?mode=ro")
	r.must(err)
	defer db.Close()
	rows, err := db.Query(`SELECT state FROM outbox WHERE kind = ? ORDER BY id`, kind)
	r.must(err)
	defer rows.Close()
	for rows.Next() {
		var state string
		r.must(rows.Scan(&state))
		out = append(out, state)
	}
	r.must(rows.Err())
	return out
}

func (r *rig) drain() {
	r.t.Helper()
	r.must(r.Drain(context.Background()))
}
