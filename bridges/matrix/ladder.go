package matrix

import (
	"encoding/json"
	"sync"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// keptLadder is the key of the ladder among what the inbox keeps.
const keptLadder = "ladder"

const (
	rungApart = 30 * time.Second // between two positions of the ladder
	rungsMost = 20
)

// rung is a position in the sync and when it was reached.
type rung struct {
	At    int64  `json:"at"` // ms since 1970
	Token string `json:"token"`
}

// ladder holds positions of the past, close together for the last minutes and
// further and further apart before, so that Find can go back to before something
// was said.
type ladder struct {
	mu    sync.Mutex
	rungs []rung // oldest first
}

// readLadder takes what was kept; nothing when it cannot be read.
func readLadder(kept string) *ladder {
	l := &ladder{}
	if json.Unmarshal([]byte(kept), &l.rungs) != nil {
		l.rungs = nil
	}
	return l
}

// add adds a position that was reached at a time, when it is far enough from the
// last one. It gives the ladder as it is to be kept.
func (l *ladder) add(token string, at time.Time) (kept string, changed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ms := at.UnixMilli()
	for n := len(l.rungs); n > 0 && l.rungs[n-1].At > ms; n-- {
		l.rungs = l.rungs[:n-1] // the clock was set back
	}
	if n := len(l.rungs); n > 0 && ms-l.rungs[n-1].At < rungApart.Milliseconds() {
		return "", false
	}
	l.rungs = append(l.rungs, rung{At: ms, Token: token})
	if len(l.rungs) > rungsMost {
		l.thin(ms)
	}
	data, _ := json.Marshal(l.rungs)
	return string(data), true
}

// thin takes away the rung that is missed least: the one whose neighbours are
// closest together for their age.
func (l *ladder) thin(now int64) {
	worst, best := 1, 0.0
	for i := 1; i < len(l.rungs)-1; i++ {
		apart := float64(l.rungs[i+1].At - l.rungs[i-1].At)
		value := apart / float64(now-l.rungs[i].At+1)
		if i == 1 || value < best {
			worst, best = i, value
		}
	}
	l.rungs = append(l.rungs[:worst], l.rungs[worst+1:]...)
}

// before gives the newest position that is not younger than a time; false when
// the ladder does not go back that far, with its oldest position if there is one.
func (l *ladder) before(at time.Time) (token string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.rungs) == 0 {
		return "", false
	}
	if at.IsZero() {
		return l.rungs[0].Token, false
	}
	for i := len(l.rungs) - 1; i >= 0; i-- {
		if l.rungs[i].At <= at.UnixMilli() {
			return l.rungs[i].Token, true
		}
	}
	return l.rungs[0].Token, false
}

// echoes knows what we said lately, by transaction id: from the homeserver's
// answers, and from our own events as they came back in a sync.
type echoes struct {
	mu   sync.Mutex
	ids  map[string]id.EventID
	list []string
	next int
}

func newEchoes(n int) *echoes {
	return &echoes{ids: map[string]id.EventID{}, list: make([]string, n)}
}

func (e *echoes) get(txn string) (id.EventID, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	evt, ok := e.ids[txn]
	return evt, ok
}

func (e *echoes) put(txn string, evt id.EventID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.ids[txn]; !ok {
		delete(e.ids, e.list[e.next])
		e.list[e.next] = txn
		e.next = (e.next + 1) % len(e.list)
	}
	e.ids[txn] = evt
}

// echoed notes our own events of a sync response.
func (h *hearing) echoed(res *mautrix.RespSync) {
	for _, room := range res.Rooms.Join {
		for _, evt := range room.Timeline.Events {
			if evt.Sender == h.s.cli.UserID && evt.Unsigned.TransactionID != "" && said(evt.Type) {
				h.echoes.put(evt.Unsigned.TransactionID, evt.ID)
			}
		}
	}
}

// said says whether an event of ours can be a Say.
func said(t event.Type) bool {
	return t.Type == event.EventEncrypted.Type || t.Type == event.EventMessage.Type
}
