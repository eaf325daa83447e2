package outbox

import (
	"context"
	"fmt"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

// Doctor looks at everything that can be wrong before an incident. It ends by itself,
// whoever does not answer it, and what it finds holds nothing that others said.
type Doctor interface {
	Examine(ctx context.Context) []incidents.Finding
}

// AskDoctor has rows looked after by a doctor, on a lane of its own: a check that hangs
// holds up no network. It is called before Run.
func (o *Outbox) AskDoctor(d Doctor) {
	o.Lane(store.DoctorLane)
	o.Register(store.Doctor, doctorHand{o, d})
}

// doctorHand has everything looked at, and answers where that was asked for.
type doctorHand struct {
	o      *Outbox
	doctor Doctor
}

// Find gives that nothing is known, so that it is looked again: that does no harm.
func (doctorHand) Find(context.Context, store.Row) (string, error) { return "", bridges.ErrNoTrace }

// Do looks, and queues the answer.
func (h doctorHand) Do(ctx context.Context, r store.Row) (string, error) {
	found := h.doctor.Examine(ctx)
	if ctx.Err() != nil {
		return "", fmt.Errorf("%w: interrupted", bridges.ErrNotSent)
	}
	answer := store.DoctorAnswer(r)
	answer.Tone, answer.Template, answer.Facts = int(bridges.Answer), "doctor", incidents.DoctorCard(found)
	err := h.o.c.Store.Update(ctx, func(tx *store.Tx) error { return tx.Queue(answer) })
	if err != nil {
		return "", notSent(err)
	}
	h.o.Kick()
	return "", nil
}
