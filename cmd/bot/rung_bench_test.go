package main

import (
	"fmt"
	"testing"
	"time"

	"tocsin/incidents"
	"tocsin/incidents/store"
)

// ring keeps an incident whose acknowledgement is due at once, in a file with others
// whose clocks run, and measures from there to the reminder handed to the network.
func (bb *benchBot) ring(b *testing.B) time.Duration {
	err := bb.store.Update(b.Context(), func(tx *store.Tx) error { return bb.opened(tx, tx.Now().Add(-80*time.Hour)) })
	if err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	if err := bb.outbox.Drain(b.Context()); err != nil {
		b.Fatal(err)
	}
	return (<-bb.bridge.said).Sub(start)
}

// opened keeps one more open incident that was reported at an instant.
func (bb *benchBot) opened(tx *store.Tx, reported time.Time) error {
	n, handle, codename, err := tx.NextIncident()
	if err != nil {
		return err
	}
	o := incidents.Opening{N: n, Handle: handle, Codename: codename, Source: "github", Reported: incidents.When{At: reported, Zone: "UTC"}}
	i, entries, err := incidents.OpenIncident(*bb.p.plan, o, "alice", tx.Now())
	if err != nil {
		return err
	}
	_, err = tx.Add(i, entries...)
	return err
}

// BenchmarkRung measures from a rung that is due to its reminder handed to the
// network, with 10 and with 100,000 clocks that run besides, beside one bare commit.
func BenchmarkRung(b *testing.B) {
	bots := map[int]*benchBot{10: newBenchBot(b, 0), 100_000: newBenchBot(b, 0)}
	for n, bot := range bots {
		for done := 0; done < n; done += min(n, 1000) {
			err := bot.store.Update(b.Context(), func(tx *store.Tx) error {
				for range min(n, 1000) {
					if err := bot.opened(tx, tx.Now()); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	base := newBare(b)
	b.Run(fmt.Sprintf("clocks-%d-%d", 10, 100_000), func(b *testing.B) {
		var s, l, r time.Duration
		n := 0
		for b.Loop() {
			s += bots[10].ring(b)
			l += bots[100_000].ring(b)
			r += base.line(b)
			n++
		}
		ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 / float64(n) }
		b.ReportMetric(ms(s), "ms/10")
		b.ReportMetric(ms(l), "ms/100k")
		b.ReportMetric(ms(r), "ms/commit")
		b.ReportMetric(float64(l)/float64(s), "100k:10")
		b.ReportMetric(float64(s)/float64(r), "10:commit")
		b.ReportMetric(0, "ns/op")
	})
}
