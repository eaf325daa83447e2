package chattest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tocsin/bridges"
)

// matrix is the network of the stage that has rooms of its own, threads, files and
// signs. Every other one is like IRC, or the console.
const matrix = "matrix"

// AccountID gives the account of a person of a script on a network.
func AccountID(network, name string) string {
	if network == matrix && !strings.HasPrefix(name, "@") {
		return "@" + name + ":example.org"
	}
	return name
}

// Bridge gives one network of the stage.
func (st *Stage) Bridge(network string) bridges.Bridge {
	if network == matrix {
		return stageHost{stageBridge{st, network}}
	}
	return stageBridge{st, network}
}

// stageBridge is a network that is only written down. Its rooms are private as
// far as their check goes; who is in them, the script says.
type stageBridge struct {
	st      *Stage
	network string
}

func (b stageBridge) Network() string { return b.network }

func (b stageBridge) Limits() bridges.Limits {
	switch b.network {
	case "console":
		return bridges.Limits{}
	case matrix:
		return bridges.Limits{Lines: 12, Files: true}
	default:
		return bridges.Limits{Lines: 5}
	}
}

func (b stageBridge) Run(ctx context.Context, _ bridges.Inbox) error {
	<-ctx.Done()
	return nil
}

func (b stageBridge) Prove(_ context.Context, r bridges.Room) (bridges.Proof, error) {
	p := bridges.Proof{Room: r, At: b.st.now()}
	names := []string{"tls", "authenticated", "plain", "peer-tls", "secret", "closed", "registered-only", "tls-only", "identified"}
	if b.network == matrix {
		names = []string{"encrypted", "invite-only", "history", "no-guests", "unlisted", "no-integrations", "signed-keys"}
	}
	for _, name := range names {
		p.Checks = append(p.Checks, bridges.Check{Name: name, OK: true, Told: name})
	}
	members := b.st.room[r]
	if r.Direct {
		members = []string{r.ID}
	}
	for _, m := range members {
		id := AccountID(b.network, m)
		p.Members = append(p.Members, bridges.Member{Account: bridges.Account{Network: b.network, ID: id}, Name: id})
	}
	return p, nil
}

// name gives how a script writes an account.
func (b stageBridge) name(id string) string {
	if name, ok := strings.CutSuffix(id, ":example.org"); ok {
		return strings.TrimPrefix(name, "@")
	}
	return id
}

func (b stageBridge) Say(_ context.Context, o bridges.Outgoing) (bridges.Receipt, error) {
	if b.network != "console" {
		room := o.Room.ID
		if o.Room.Direct {
			room = b.name(room)
		}
		fmt.Fprintf(&b.st.out, "[%s %s] ", b.network, room)
	}
	text := strings.ReplaceAll(o.Text, "\n", "\n  ")
	if b.network == matrix {
		text = b.shape(o) + text
	}
	speaks := "<tocsin> "
	if b.network == "console" && o.Room.Direct {
		speaks = "<tocsin to " + o.Room.ID + "> "
	}
	b.st.out.WriteString(speaks + text + "\n")
	b.st.said[b.network+" "+o.Room.ID] = o.Key
	return bridges.Receipt{ID: o.Key}, nil
}

// shape tells what a message is besides its text.
func (b stageBridge) shape(o bridges.Outgoing) string {
	var out string
	if o.Edit != "" {
		out += "(edits it) "
	}
	if o.Pin {
		out += "(pins it) "
	}
	if o.Thread != "" {
		out += "(in the thread) "
	}
	if o.File != nil {
		out += "(file " + o.File.Name + ") "
	}
	if len(o.Mentions) > 0 && o.Tone != bridges.Hint {
		var names []string
		for _, a := range o.Mentions {
			names = append(names, b.name(a.ID))
		}
		out += "(calls " + strings.Join(names, ", ") + ") "
	}
	return out
}

func (b stageBridge) Find(context.Context, bridges.Outgoing) (bridges.Receipt, error) {
	return bridges.Receipt{}, bridges.ErrCantSay
}

// stageHost is a network of the stage where rooms can be made.
type stageHost struct{ stageBridge }

func (h stageHost) tell(room, format string, args ...any) {
	fmt.Fprintf(&h.st.out, "[%s %s] <tocsin> * "+format+"\n", append([]any{h.network, room}, args...)...)
}

func (h stageHost) MakeRoom(_ context.Context, n bridges.NewRoom) (bridges.Room, error) {
	h.st.made++
	r := bridges.Room{Network: h.network, ID: fmt.Sprintf("!room%d", h.st.made)}
	h.tell(r.ID, "makes the room %q", n.Name)
	h.st.room[r] = nil
	return r, h.Invite(context.Background(), r, n.Invite)
}

func (h stageHost) FindRoom(context.Context, bridges.NewRoom) (bridges.Room, error) {
	return bridges.Room{}, bridges.ErrNoTrace
}

func (h stageHost) Invite(_ context.Context, r bridges.Room, who []bridges.Account) error {
	for _, a := range who {
		if !slices.Contains(h.st.room[r], h.name(a.ID)) {
			h.st.room[r] = append(h.st.room[r], h.name(a.ID))
			h.tell(r.ID, "asks %s in", h.name(a.ID))
		}
	}
	return nil
}

func (h stageHost) Remove(_ context.Context, r bridges.Room, who bridges.Account) error {
	h.st.room[r] = slices.DeleteFunc(h.st.room[r], func(m string) bool { return m == h.name(who.ID) })
	h.tell(r.ID, "takes %s out", h.name(who.ID))
	return nil
}

func (h stageHost) Working(context.Context, bridges.Room, string) error { return nil }

// Said gives what was said so far.
func (st *Stage) Said() string { return st.out.String() }

// Carried writes down what the bot gave to a way to people outside.
func (st *Stage) Carried(way, text string) {
	fmt.Fprintf(&st.out, "[%s] <tocsin> %s\n", way, strings.ReplaceAll(text, "\n", "\n  "))
}

// Mute reports whether a way gives no answer from now on: "[mastodon] * gives no answer".
func (st *Stage) Mute(way string) bool { return slices.Contains(st.mute, way) }

// act plays what somebody does without words: "[matrix !desk] * mallory joins".
func (st *Stage) act(ctx context.Context, line string, b Bot) error {
	place, deed, _ := strings.Cut(strings.TrimPrefix(line, "["), "] * ")
	network, id, _ := strings.Cut(place, " ")
	switch network {
	case "pypi":
		return st.Index(deed)
	case "github":
		return st.GitHub(deed)
	}
	if deed == "gives no answer" {
		st.mute = append(st.mute, network)
		return nil
	}
	who, verb, _ := strings.Cut(deed, " ")
	who = stageBridge{st, network}.name(who)
	r := bridges.Room{Network: network, ID: id}
	switch verb {
	case "joins":
		if !slices.Contains(st.room[r], who) {
			st.room[r] = append(st.room[r], who)
		}
	case "leaves":
		st.room[r] = slices.DeleteFunc(st.room[r], func(m string) bool { return m == who })
	default:
		return fmt.Errorf("nobody can do that: %q", deed)
	}
	a := bridges.Account{Network: network, ID: AccountID(network, who)}
	b.Event(ctx, bridges.Event{Kind: bridges.Changed, Network: network, Room: r, At: st.now()})
	if verb == "joins" {
		b.Event(ctx, bridges.Event{Kind: bridges.Joined, Network: network, Room: r, Who: a, At: st.now()})
	}
	return b.Settle(ctx)
}

// touch gives what somebody does to the last message of a room: "(react ✅)" to
// what the bot said, "(edit) ..." or "(redact)" to their own.
func (st *Stage) touch(m bridges.Message) (bridges.Touch, bool) {
	t := bridges.Touch{ID: m.ID, Room: m.Room, From: m.From, At: m.At}
	place := m.Room.Network + " " + m.Room.ID
	sign, reacts := strings.CutPrefix(m.Text, "(react ")
	switch {
	case reacts:
		t.Kind, t.Sign, t.Target = bridges.Reacted, strings.TrimSuffix(sign, ")"), st.said[place]
	case strings.HasPrefix(m.Text, "(edit)"):
		t.Kind, t.Target = bridges.Edited, st.said["of "+place]
	case m.Text == "(redact)":
		t.Kind, t.Target = bridges.Redacted, st.said["of "+place]
	default:
		return t, false
	}
	return t, true
}
