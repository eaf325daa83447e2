package incidents

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// Quarter is how long a check of a contact holds, and how long before its end a
// token is spoken of.
const Quarter = 92 * 24 * time.Hour

// Review is one readiness review (plan, section 1.3).
type Review struct {
	ID      int // 0: there is none
	By      string
	At      time.Time
	EndedBy string
	EndedAt time.Time // zero while it is open
	Note    Sealed
	Here    map[string]time.Time // who said that they are here, and when
}

// Open reports whether a review is under way.
func (r Review) Open() bool { return r.ID != 0 && r.EndedAt.IsZero() }

// Checked is the newest check of a contact.
type Checked struct {
	By   string
	At   time.Time
	Note Sealed
}

// Token is a credential that ends some day: its name, never the credential.
type Token struct {
	Name    Sealed // what a project has is a map for a thief
	Expires time.Time
	By      string
	At      time.Time
}

// State is what a readiness review looks at.
type State struct {
	Review  Review
	People  []string // of the roster, without those who are suspended
	Checked map[string]Checked
	Tokens  []Token  // the first to expire first
	Broken  []string // templates that cannot be said
	Lacks   []Facts  // who has no account on a network of a desk: person, networks
}

// stale lists the contacts that were not checked for a quarter.
func (s State) stale(p Plan, now time.Time) []string {
	var out []string
	for _, c := range p.Contacts {
		if at := s.Checked[c.Key].At; at.IsZero() || now.Sub(at) > Quarter {
			out = append(out, c.Key)
		}
	}
	return out
}

// ending lists the tokens that expired, or will within a quarter.
func (s State) ending(now time.Time) []Facts {
	out := []Facts{}
	for _, t := range s.Tokens {
		if t.Expires.Sub(now) <= Quarter {
			out = append(out, tokenFacts(t, now))
		}
	}
	return out
}

func tokenFacts(t Token, now time.Time) Facts {
	return Facts{
		"token": t.Name, "expires": t.Expires, "expired": !now.Before(t.Expires), "soon": t.Expires.Sub(now) <= Quarter,
		"left": SaySpan(t.Expires.Sub(now)), "who": t.By,
	}
}

// ReadinessCard gives the facts of a readiness review as things are now.
func ReadinessCard(p Plan, s State, now time.Time) Facts {
	here, missing := []Facts{}, []string{}
	for _, name := range s.People {
		if at, ok := s.Review.Here[name]; ok {
			here = append(here, Facts{"person": name, "at": at})
		} else {
			missing = append(missing, name)
		}
	}
	contacts := []Facts{}
	stale := s.stale(p, now)
	for _, c := range p.Contacts {
		k := s.Checked[c.Key]
		contacts = append(contacts, Facts{
			"key": c.Key, "name": c.Name, "reach": c.Reach, "checked": !k.At.IsZero(), "at": k.At, "who": k.By, "note": k.Note,
			"stale": slices.Contains(stale, c.Key),
		})
	}
	tokens := []Facts{}
	for _, t := range s.Tokens {
		tokens = append(tokens, tokenFacts(t, now))
	}
	return Facts{
		"any": s.Review.ID != 0, "open": s.Review.Open(), "by": s.Review.By, "began": s.Review.At,
		"endedby": s.Review.EndedBy, "ended": s.Review.EndedAt, "note": s.Review.Note,
		"people": append([]string{}, s.People...), "here": here, "missing": missing,
		"contacts": contacts, "stale": append([]string{}, stale...), "tokens": tokens, "ending": s.ending(now),
		"broken": append([]string{}, s.Broken...), "lacks": append([]Facts{}, s.Lacks...), "sections": len(p.Below("")), "now": now,
	}
}

// LooksLikeSecret reports whether what should be the name of a credential looks
// like the credential itself: a long run of letters and digits, or the form of one
// that is in use.
func LooksLikeSecret(text string) bool {
	known := regexp.MustCompile(`(?i)\b(gh[a-z]_|github_pat_|pypi-|glpat-|xox[a-z]-|sk-|akia|eyj|syt_|npm_|hf_)[a-z0-9_\-.]{12,}`)
	uuid := regexp.MustCompile(`(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$`)
	if (known.MatchString(text) && strings.ContainsAny(text, "0123456789")) || uuid.MatchString(text) || strings.Contains(text, "PRIVATE KEY") {
		return true
	}
	for _, run := range regexp.MustCompile(`[A-Za-z0-9+/=]{16,}`).FindAllString(text, -1) {
		letters := strings.ContainsFunc(run, func(r rune) bool { return r >= 'A' && r <= 'z' })
		digits := strings.ContainsAny(run, "0123456789")
		if (letters && digits) || len(run) >= 32 {
			return true
		}
	}
	return false
}
