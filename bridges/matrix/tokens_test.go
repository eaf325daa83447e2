package matrix

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"maunium.net/go/mautrix/id"
	"pgregory.net/rapid"
)

// record is a disk for positions.
type record struct {
	mu   sync.Mutex
	kept []string
	fail bool
}

func (r *record) keep(_ context.Context, token string, _ time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail {
		return errors.New("the disk is full")
	}
	r.kept = append(r.kept, token)
	return nil
}

func (r *record) last() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.kept) == 0 {
		return ""
	}
	return r.kept[len(r.kept)-1]
}

func (r *record) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.kept)
}

// However the work of responses ends, the position that is kept never runs ahead
// of a message that is not dealt with, and reaches the end when all are.
func TestTokensNeverRunAhead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		left := map[int]int{}
		var open []int
		var batches []*batch
		tk := newTokens(nil)
		check := func() {
			for {
				x, wait := tk.take(time.Time{})
				if x == nil {
					if wait != 0 {
						t.Fatalf("a first position waits %s", wait)
					}
					return
				}
				var n int
				_, _ = fmt.Sscan(x.next, &n)
				for i := range n + 1 {
					if left[i] > 0 {
						t.Fatalf("%d is kept though %d of %d are left", n, left[i], i)
					}
				}
			}
		}
		n := rapid.IntRange(1, 12).Draw(t, "responses")
		for i := range n {
			left[i] = rapid.IntRange(0, 3).Draw(t, "messages")
			batches = append(batches, tk.begin(fmt.Sprint(i), time.Now(), left[i], rapid.Bool().Draw(t, "keys")))
			for range left[i] {
				open = append(open, i)
			}
			check()
			for len(open) > 0 && rapid.Bool().Draw(t, "one more is dealt with") {
				j := rapid.IntRange(0, len(open)-1).Draw(t, "which")
				i := open[j]
				open = append(open[:j], open[j+1:]...)
				left[i]--
				batches[i].finish()
				check()
			}
		}
		for _, i := range open {
			left[i]--
			batches[i].finish()
			check()
		}
		if len(tk.open) != 0 || tk.done != nil {
			t.Fatal("not everything was kept")
		}
	})
}

// Idle syncs are written once a minute, messages after a moment, keys at once, and
// whatever is left at the end.
func TestTokensAreNotWrittenMoreThanNeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &record{}
		tk := newTokens(r.keep)
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { tk.run(ctx) })
		step := func(name string, n int, keys bool) {
			x := tk.begin(name, time.Now(), n, keys)
			for range n {
				x.finish()
			}
			synctest.Wait()
		}
		step("first", 0, true)
		if r.last() != "first" {
			t.Errorf("kept %q", r.last())
		}
		for i := range 100 { // fifty seconds of nothing
			step(fmt.Sprint("idle ", i), 0, false)
			time.Sleep(500 * time.Millisecond)
		}
		if r.last() != "first" {
			t.Errorf("kept %q", r.last())
		}
		time.Sleep(11 * time.Second)
		if r.last() != "idle 99" {
			t.Errorf("kept %q", r.last())
		}
		for i := range 100 {
			step(fmt.Sprint("busy ", i), 1, false)
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(tokenBusy)
		if r.last() != "busy 99" || r.count() > 8 {
			t.Errorf("kept %q, %d in all", r.last(), r.count())
		}
		step("keys", 0, true)
		if r.last() != "keys" {
			t.Errorf("kept %q", r.last())
		}
		r.mu.Lock()
		r.fail = true
		r.mu.Unlock()
		step("more keys", 0, true)
		time.Sleep(3 * time.Second)
		r.mu.Lock()
		r.fail = false
		r.mu.Unlock()
		time.Sleep(3 * time.Second)
		if r.last() != "more keys" {
			t.Errorf("kept %q after a failure", r.last())
		}
		step("the end", 0, false)
		stop()
		wg.Wait()
		tk.last(t.Context())
		if r.last() != "the end" {
			t.Errorf("kept %q at the end", r.last())
		}
	})
}

func TestTokensHoldBackAFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tk := newTokens(nil)
		x := tk.begin("a", time.Now(), 10, false)
		through := false
		go func() { tk.room(t.Context(), 5); through = true }()
		for range 5 {
			x.finish()
			synctest.Wait()
		}
		if through {
			t.Error("there is no room yet")
		}
		for range 2 {
			x.finish()
			synctest.Wait()
		}
		if !through {
			t.Error("there is room")
		}
	})
}

func TestLadder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := readLadder("")
		now := time.UnixMilli(1_700_000_000_000)
		var all []time.Time
		for i := range rapid.IntRange(0, 200).Draw(t, "syncs") {
			now = now.Add(time.Duration(rapid.IntRange(1, 600).Draw(t, "seconds")) * time.Second)
			kept, changed := l.add(fmt.Sprint(i), now)
			if changed {
				all = append(all, now)
				l = readLadder(kept)
			}
			if len(l.rungs) > rungsMost {
				t.Fatalf("%d rungs", len(l.rungs))
			}
			for j := 1; j < len(l.rungs); j++ {
				if l.rungs[j].At-l.rungs[j-1].At < rungApart.Milliseconds() {
					t.Fatal("rungs are too close")
				}
			}
		}
		if len(all) == 0 {
			return
		}
		at := all[rapid.IntRange(0, len(all)-1).Draw(t, "which")]
		token, ok := l.before(at)
		if !ok || token == "" {
			t.Fatalf("no position before %s", at)
		}
		if _, ok := l.before(all[0].Add(-time.Millisecond)); ok {
			t.Fatal("a position from before the first")
		}
		// The first is never given up, and the last minutes are close together.
		if l.rungs[0].At != all[0].UnixMilli() || l.rungs[len(l.rungs)-1].At != all[len(all)-1].UnixMilli() {
			t.Fatal("an end was given up")
		}
		// The clock is set back: what seems to lie in the future is of no use.
		l.add("back", all[0].Add(-time.Hour))
		if token, ok := l.before(all[0]); !ok || token != "back" || len(l.rungs) != 1 {
			t.Fatalf("after the clock was set back: %q, %d rungs", token, len(l.rungs))
		}
	})
}

func TestEchoesAndRecent(t *testing.T) {
	e, r := newEchoes(3), newRecent(3)
	for i := range 5 {
		s := fmt.Sprint(i)
		e.put(s, "x")
		e.put(s, "y")
		r.add(s)
		r.add(s)
	}
	for i := range 5 {
		s := fmt.Sprint(i)
		if _, ok := e.get(s); ok != (i > 1) || r.has(s) != (i > 1) {
			t.Errorf("%d: %v %v", i, ok, r.has(s))
		}
	}
	if len(e.ids) != 3 || len(r.ids) != 3 {
		t.Error("more are kept than were asked for")
	}
}

// In a room one after the other, no room waits for another, and nobody is left
// behind.
func TestQueues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		q := newQueues(ctx)
		var mu sync.Mutex
		var got []string
		gate := make(chan struct{})
		add := func(room, name string, wait bool) {
			q.add(id.RoomID("!"+room), func(context.Context) {
				if wait {
					<-gate
				}
				mu.Lock()
				defer mu.Unlock()
				got = append(got, name)
			})
		}
		add("a", "a1", true)
		add("a", "a2", false)
		add("b", "b1", false)
		add("b", "b2", false)
		synctest.Wait()
		close(gate)
		synctest.Wait()
		if fmt.Sprint(got) != "[b1 b2 a1 a2]" || len(q.rooms) != 0 {
			t.Errorf("done %v, %d rooms left", got, len(q.rooms))
		}
		stop()
		add("a", "late", false)
		q.wait()
		if len(got) != 4 {
			t.Error("worked after the end")
		}
	})
}
