package advisories

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tocsin/bridges"
	"tocsin/bridges/github"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

// alerts is what one of the scanners has open.
type alerts struct {
	from string // dependabot, scanning
	off  bool   // it is switched off, or the token may not see it
	seen github.Seen
	list []github.Alert
}

// lookAlerts asks for the alerts of both scanners. Where one is switched off, or the
// token may not see it, there is nothing of it, the doctor says so, and it is asked
// again a day later.
func (w Watch) lookAlerts(ctx context.Context, n notes) []alerts {
	out := []alerts{}
	for from, ask := range map[string]func(context.Context, string, *github.Seen) ([]github.Alert, error){
		"dependabot": w.Client.DependabotAlerts, "scanning": w.Client.CodeAlerts,
	} {
		one := alerts{from: from}
		if w.Now().Sub(n.at("off "+from)) < rightsEvery {
			continue
		}
		_ = json.Unmarshal([]byte(n["seen "+from]), &one.seen) // what is broken is read afresh
		var err error
		one.list, err = ask(ctx, w.Alerts, &one.seen)
		if e, ok := errors.AsType[*github.Error](err); ok && (e.Kind == github.Forbidden || e.Kind == github.NotFound) {
			one.off, err = true, nil
		}
		if err == nil {
			out = append(out, one)
		}
	}
	slices.SortFunc(out, func(a, b alerts) int { return strings.Compare(a.from, b.from) })
	return out
}

// mostAlerts is how many are named in one message.
const mostAlerts = 5

// tellAlerts shows the alerts that were not shown, with how to open an incident for one.
// Of those that are there at the first look it is told how many they are.
func (w Watch) tellAlerts(tx *store.Tx, l look, next map[string]string) error {
	for _, one := range l.alerts {
		if one.off {
			next["off "+one.from] = stamp(tx.Now())
			continue
		}
		shown := numbers(l.n["shown "+one.from])
		_, before := l.n["shown "+one.from]
		fresh := []incidents.Facts{}
		for _, a := range one.list {
			if slices.Contains(shown, a.Number) {
				continue
			}
			shown = append(shown, a.Number)
			fresh = append(fresh, incidents.Facts{
				"title": text(bridges.Clean(a.Title, 200)), "level": incidents.Seal(a.Level), "package": incidents.Seal(a.Package), "url": incidents.Seal(a.URL),
				"rule": incidents.Seal(a.Rule), "id": incidents.Seal(strings.TrimSpace(a.CVE + " " + a.GHSA)),
			})
		}
		seen, err := json.Marshal(one.seen)
		if err != nil {
			return err
		}
		next["seen "+one.from], next["shown "+one.from] = string(seen), written(shown)
		if len(fresh) == 0 {
			continue
		}
		count := len(fresh)
		if !before {
			fresh = nil
		}
		err = w.Tell(tx, News{Key: "alerts/" + one.from, Template: "advisory/alerts", Facts: incidents.Facts{
			"from": incidents.Seal(one.from), "count": count, "alerts": fresh[:min(mostAlerts, len(fresh))], "left": count - min(mostAlerts, len(fresh)), "first": !before, "level": w.Alerts,
		}})
		if err != nil {
			return err
		}
	}
	return nil
}

// most is how many numbers of alerts are remembered, the highest ones.
const most = 5000

func numbers(text string) []int {
	var out []int
	for _, word := range strings.Fields(text) {
		if n, err := strconv.Atoi(word); err == nil {
			out = append(out, n)
		}
	}
	return out
}

// written writes numbers down, the highest ones; never nothing, so that it is known that
// there was a look.
func written(all []int) string {
	slices.Sort(all)
	all = slices.Compact(all)
	return strings.TrimSpace("0 " + strings.Trim(fmt.Sprint(all[max(0, len(all)-most):]), "[]"))
}
