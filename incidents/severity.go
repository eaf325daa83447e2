package incidents

import (
	"fmt"
	"strings"
	"time"
)

// SetSeverity sets the level from a level's key or from a CVSS vector (plan,
// section 5). A level that differs from the score's wants a reason, which is
// kept; both are shown. A type with a floor keeps its level whatever is typed.
func SetSeverity(p Plan, i Incident, typed string, why Sealed, who string, now time.Time) (Incident, Entry, error) {
	floor, had := p.TypeOf(i).Floor, i.Level
	e := Entry{Kind: "severity", Who: who, At: now}
	if LooksLikeVector(typed) {
		s, err := ReadVector(typed)
		if err != nil {
			return i, e, err
		}
		l, ok := p.LevelFor(s.Tenths)
		if !ok && floor == "" {
			return i, e, Refuse("score-none")
		}
		i.Vector, i.Score, i.ScoreLevel, i.Reason = Seal(s.Vector), Seal(SayScore(s)), Seal(l.Key), why
		i.Level = l.Key
		if floor != "" {
			i.Level = floor
		}
		if i.Level != had {
			i.LevelAt = now
		}
		e.Plain = p.levelName(i.Level)
		e.Text = joinSealed("; ", i.Vector, i.Score, why)
		return i, e, nil
	}
	l, ok := p.Level(strings.ToLower(typed))
	switch {
	case !ok:
		return i, e, Refuse("unknown-level", "keys", p.Keys("level"))
	case floor != "" && l.Key != floor:
		return i, e, Refuse("level-floor", "level", p.levelName(floor))
	case floor == "" && !i.Vector.Empty() && !i.ScoreLevel.Same(Seal(l.Key)) && why.Empty():
		return i, e, Refuse("level-needs-reason", "handle", i.Handle, "level", l.Key, "score", i.Score)
	}
	i.Level, i.Reason = l.Key, why
	if i.Level != had {
		i.LevelAt = now
	}
	e.Plain, e.Text = l.Name, why
	return i, e, nil
}

// SayScore writes a score as people read it: "CVSS-B 8.7".
func SayScore(s Score) string {
	return fmt.Sprintf("%s %d.%d", s.Name, s.Tenths/10, s.Tenths%10)
}
