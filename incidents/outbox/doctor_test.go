package outbox

import (
	"context"
	"strings"
	"testing"
	"time"

	"tocsin/incidents"
	"tocsin/incidents/store"
)

// slowDoctor finds what the test says, when it says it.
type slowDoctor struct {
	asked chan struct{}
	found chan []incidents.Finding
}

func (d slowDoctor) Examine(ctx context.Context) []incidents.Finding {
	d.asked <- struct{}{}
	select {
	case f := <-d.found:
		return f
	case <-ctx.Done():
		return nil
	}
}

// askDoctor asks in the desk.
func (r *rig) askDoctor(id string) (queued bool) {
	r.do(func(tx *store.Tx) (err error) {
		queued, err = tx.QueueDoctor(store.Row{Key: "answer/irc/" + id, Network: "irc", Room: "#desk", ReplyTo: id, Asker: "alice"})
		return err
	})
	return queued
}

// TestADoctorHoldsUpNobody, is asked once for a place at a time, again after a restart,
// and answers in the room that asked: which things they are only where everything may be
// heard.
func TestADoctorHoldsUpNobody(t *testing.T) {
	found := []incidents.Finding{incidents.Find("suspended", incidents.FindingWarn, "person", "bob"), incidents.FindRoster(incidents.Roster{}, nil, nil)[0]}
	for _, asks := range []string{"notice", "full"} {
		bubble(t, func(r *rig) {
			r.asks = asks
			d := slowDoctor{make(chan struct{}), make(chan []incidents.Finding)}
			r.AskDoctor(d)
			stop := r.run()
			if !r.askDoctor("m1") || r.askDoctor("m2") {
				t.Error("it is asked twice for one room")
			}
			r.Kick()
			<-d.asked
			r.queue("irc", "meanwhile")
			r.Kick()
			time.Sleep(time.Second)
			r.is("irc", r.irc.texts(), "meanwhile")
			stop() // in the middle

			stop = r.run()
			defer stop()
			<-d.asked
			d.found <- found
			time.Sleep(time.Second)
			said := r.irc.said()
			if len(said) != 2 || said[1].ReplyTo != "m1" || !strings.Contains(said[1].Text, "1 of 2 things fails, 1 to look at") {
				t.Fatalf("%+v", said)
			}
			if tells := strings.Contains(said[1].Text, "bob is suspended"); tells != (asks == "full") {
				t.Errorf("a room that hears %s hears %s", asks, said[1].Text)
			}
			if !r.askDoctor("m3") {
				t.Error("it cannot be asked again")
			}
		})
	}
}
