package github

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Rate is how much may be asked in an hour.
// https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
type Rate struct {
	Limit, Remaining, Used int
	Reset                  time.Time // UTC, by GitHub's clock
}

// Rate is what the last answer said; zero before there was one.
func (c *Client) Rate() Rate {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rate
}

// Spent counts the answers that cost something of the limit, as GitHub documents it:
// every one but those that say that nothing changed.
// https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate
func (c *Client) Spent() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spent
}

// Until is when GitHub may be asked again; in the past, or zero: now.
func (c *Client) Until() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.until
}

// Skew is how far GitHub's clock is before ours, to a second, by the last answer
// that had a date.
func (c *Client) Skew() (d time.Duration, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.skew, c.dated
}

// RateLimit asks how much may be asked. It costs nothing.
// https://docs.github.com/rest/rate-limit/rate-limit
func (c *Client) RateLimit(ctx context.Context) (Rate, error) {
	a, err := c.ask(ctx, request{method: http.MethodGet, path: "rate_limit"})
	if err != nil {
		return Rate{}, fmt.Errorf("reading the rate limit: %w", err)
	}
	var w struct {
		Resources struct {
			Core struct {
				Limit, Remaining, Used int
				Reset                  int64
			}
		}
	}
	if json.Unmarshal(a.body, &w) != nil || w.Resources.Core.Limit == 0 {
		return Rate{}, fmt.Errorf("reading the rate limit: %w", strange(a))
	}
	core := w.Resources.Core
	return Rate{core.Limit, core.Remaining, core.Used, time.Unix(core.Reset, 0).UTC()}, nil
}

// note remembers what every answer says about the clock and the limit. Where
// nothing is left, nothing is asked until there is.
func (c *Client) note(a answer) {
	now := c.c.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if date, err := http.ParseTime(a.header.Get("Date")); err == nil {
		c.skew, c.dated = date.Sub(now).Round(time.Second), true
	}
	if a.status != http.StatusNotModified {
		c.spent++
	}
	if resource := a.header.Get("X-RateLimit-Resource"); resource != "" && resource != "core" {
		return
	}
	number := func(name string) int { n, _ := strconv.Atoi(a.header.Get(name)); return n }
	if a.header.Get("X-RateLimit-Limit") == "" {
		return
	}
	c.rate = Rate{number("X-RateLimit-Limit"), number("X-RateLimit-Remaining"), number("X-RateLimit-Used"), time.Unix(int64(number("X-RateLimit-Reset")), 0).UTC()}
	if at, ok := reset(a.header, now); ok && at.After(c.until) {
		c.until = at
	}
}

// patience judges whether an answer asks us to wait, and until when. Without a
// word how long, it is a minute, and twice as long each time.
// https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
func (c *Client) patience(a answer, secondary bool) (time.Time, bool) {
	const least, most = time.Minute, time.Hour
	now := c.c.Now()
	until := after(a.header, now)
	at, empty := reset(a.header, now)
	if a.status != http.StatusTooManyRequests && !(a.status == http.StatusForbidden && (!until.IsZero() || empty || secondary)) {
		return time.Time{}, false
	}
	switch {
	case !until.IsZero():
	case empty:
		until = at
	default:
		until = now.Add(min(least<<min(c.strikes, 10), most)).UTC()
		c.strikes++
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if until.After(c.until) {
		c.until = until
	}
	return c.until, true
}

// longest is how long we let GitHub silence us: a clock that is wrong must not do
// so for ever.
const longest = 24 * time.Hour

// reset says when an empty allowance is full again, by our clock: GitHub's may be
// off ours.
func reset(h http.Header, now time.Time) (time.Time, bool) {
	seconds, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	if err != nil || h.Get("X-RateLimit-Remaining") != "0" {
		return time.Time{}, false
	}
	theirs := now
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		theirs = date
	}
	return now.Add(min(max(time.Unix(seconds, 0).Sub(theirs), time.Second), longest)).UTC(), true
}

// after reads Retry-After, which is seconds or a date; zero when it is neither.
func after(h http.Header, now time.Time) time.Time {
	text := h.Get("Retry-After")
	at, err := http.ParseTime(text)
	if seconds, wrong := strconv.ParseUint(text, 10, 31); wrong == nil {
		at, err = now.Add(time.Duration(seconds)*time.Second), nil
	}
	switch {
	case err != nil:
		return time.Time{}
	case at.After(now.Add(longest)):
		at = now.Add(longest)
	}
	return at.UTC()
}
