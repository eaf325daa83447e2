package advisories

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"tocsin/bridges"
	"tocsin/bridges/github"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

// How often what changes seldom is looked at.
const (
	alertsEvery = 15 * time.Minute
	rightsEvery = 4 * time.Hour // without them private reports are missing, and there is no error
	globalEvery = time.Hour
	mostWait    = 16 * time.Minute // between tries while GitHub gives no answer
	patience    = 15 * time.Minute // how long that lasts before the desk hears of it
)

// Watch looks what changed on GitHub. Its row is one that never ends.
type Watch struct{ *Desk }

// Find gives that nothing is known, so that it is looked again: that does no harm.
func (Watch) Find(context.Context, store.Row) (string, error) { return "", bridges.ErrNoTrace }

// look is what one look brought.
type look struct {
	n        notes
	seen     github.Seen
	changed  []incidents.Advisory
	who      map[string][]incidents.Sealed // who commented, by advisory
	asked    string                        // for which advisory the global database was asked, or ""
	global   github.Global                 // what it has of that,
	inGlobal bool                          // and whether it has it
	rights   *github.Rights
	alerts   []alerts
}

// Do looks once. What it finds, what is told of it and where it goes on are one
// transaction: a look that is cut off in the middle is made again whole.
func (w Watch) Do(ctx context.Context, r store.Row) (string, error) {
	var l look
	var known map[string]incidents.Advisory
	err := w.Store.Update(ctx, func(tx *store.Tx) (err error) {
		if l.n, err = w.kept(tx); err == nil {
			known, err = w.known(tx)
		}
		if err == nil {
			err = w.afresh(tx, l.n)
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("%w: %w", bridges.ErrNotSent, err)
	}
	spent := w.Client.Spent()
	deaf := w.look(ctx, &l, known)
	if ctx.Err() != nil {
		return "", fmt.Errorf("%w: interrupted", bridges.ErrNotSent)
	}
	w.Failpoint("looked")
	err = w.update(func(tx *store.Tx) error {
		if deaf != nil {
			return w.deaf(tx, r, l.n, deaf)
		}
		return w.take(tx, r, l, known, w.Client.Spent()-spent)
	})
	w.Kick()
	if err != nil {
		return "", fmt.Errorf("%w: %w", bridges.ErrNotSent, err)
	}
	return "", store.ErrLater
}

// afresh forgets where it goes on when the file was restored from a backup since: all
// that is there is read again, and what is not as it was is news. What was seen of another
// repository says nothing of this one.
func (w Watch) afresh(tx *store.Tx, n notes) error {
	if n["repository"] != "" && n["repository"] != w.Repository {
		clear(n)
	}
	n["repository"] = w.Repository
	r, ok, err := tx.Restored()
	if err != nil || !ok || n["restored"] == stamp(r.At) {
		return err
	}
	for _, key := range []string{"seen", "rights", "alerts", "global"} {
		n[key] = ""
	}
	n["restored"] = stamp(r.At)
	return nil
}

func (w Watch) known(tx *store.Tx) (map[string]incidents.Advisory, error) {
	all, err := tx.Advisories()
	out := make(map[string]incidents.Advisory, len(all))
	for _, a := range all {
		out[opened(a.GHSA)] = a
	}
	return out, err
}

// look asks GitHub, one question after the other.
func (w Watch) look(ctx context.Context, l *look, known map[string]incidents.Advisory) error {
	_ = json.Unmarshal([]byte(l.n["seen"]), &l.seen) // what is broken is read afresh
	list, err := w.Client.ListAdvisories(ctx, &l.seen)
	if err != nil {
		return err
	}
	l.who = map[string][]incidents.Sealed{}
	for _, a := range list {
		got := w.taken(a)
		l.changed = append(l.changed, got)
		if old, ok := known[a.ID]; ok && old.Incident != 0 && old.Comments >= 0 && got.Comments > old.Comments {
			l.who[a.ID] = w.commenters(ctx, a.ID, old)
		}
	}
	slices.SortStableFunc(l.changed, func(a, b incidents.Advisory) int { return a.Created.Compare(b.Created) })
	// What follows is beside the point: where it fails, it is asked again another time.
	now := w.Now()
	if now.Sub(l.n.at("rights")) >= rightsEvery {
		if rights, err := w.Client.Rights(ctx, false); err == nil {
			l.rights = &rights
		}
	}
	if w.Alerts != "" && now.Sub(l.n.at("alerts")) >= alertsEvery {
		l.alerts = w.lookAlerts(ctx, l.n)
	}
	return w.lookGlobal(ctx, l, known)
}

// commenters gives who said something below an advisory since it was looked at last.
func (w Watch) commenters(ctx context.Context, id string, old incidents.Advisory) []incidents.Sealed {
	comments, err := w.Client.Comments(ctx, id, old.SeenAt.Add(-time.Minute))
	if err != nil {
		return nil // how many there are is known all the same
	}
	var out []incidents.Sealed
	for _, c := range comments[max(0, len(comments)-20):] {
		if s := incidents.Seal(c.Author); !slices.ContainsFunc(out, s.Same) {
			out = append(out, s)
		}
	}
	return out
}

// take keeps what a look brought, and says it.
func (w Watch) take(tx *store.Tx, r store.Row, l look, known map[string]incidents.Advisory, spent int) error {
	now := tx.Now()
	next := map[string]string{"last": stamp(now), "restored": l.n["restored"], "repository": w.Repository}
	if since := l.n.at("deaf"); !since.IsZero() {
		next["deaf"], next["told"] = "", ""
		if l.n["told"] != "" {
			if err := w.tell(tx, "back", incidents.Facts{"since": since, "for": incidents.SaySpan(now.Sub(since))}, false); err != nil {
				return err
			}
		}
	}
	first := l.n["first"] == ""
	err := tx.AdoptNamed()
	if first {
		next["first"] = stamp(now)
		err = errors.Join(err, w.first(tx, l.changed, known))
	} else {
		for k, a := range l.changed {
			if err == nil {
				err = w.one(tx, k, a, l.who[opened(a.GHSA)])
			}
		}
	}
	if err == nil {
		err = w.held(tx)
	}
	if err == nil {
		err = w.globals(tx, l)
	}
	if l.asked != "" {
		turn, _ := strconv.Atoi(l.n["turn"])
		next["global"], next["turn"] = stamp(now), strconv.Itoa(turn+1)
	}
	if l.rights != nil && err == nil {
		next["rights"] = stamp(now)
		if err = w.judgeRights(tx, l, next); err != nil {
			return err
		}
	}
	if l.alerts != nil && err == nil {
		next["alerts"] = stamp(now)
		err = w.tellAlerts(tx, l, next)
	}
	if err != nil {
		return err
	}
	seen, err := json.Marshal(l.seen)
	if err != nil {
		return err
	}
	next["seen"] = string(seen) // with all that came of it: where it goes on is kept last
	every := incidents.WatchEvery(w.Every, spent, w.Client.Rate().Limit)
	return errors.Join(tx.Keep(store.GitHub, next), tx.LookAgain(r.ID, now.Add(every), w.Client.Until()))
}

// judgeRights says once that the token lists no private reports.
func (w Watch) judgeRights(tx *store.Tx, l look, next map[string]string) error {
	switch {
	case l.rights.Reports:
		next["blind"] = ""
		return nil
	case l.n["blind"] != "":
		return nil
	}
	next["blind"] = "yes"
	return w.tell(tx, "blind", incidents.Facts{"needs": l.rights.Needs}, true)
}

// first takes the advisories of the first look: what is old is not news. People are
// asked once what to do with those that are not done with.
func (w Watch) first(tx *store.Tx, all []incidents.Advisory, known map[string]incidents.Advisory) error {
	open, left := []incidents.Facts{}, 0
	slices.SortStableFunc(all, func(a, b incidents.Advisory) int { // the reports first, which somebody waits for
		order := map[string]int{incidents.AdvisoryTriage: -2, incidents.AdvisoryDraft: -1}
		return cmp.Or(order[a.State]-order[b.State], b.Created.Compare(a.Created))
	})
	for _, a := range all {
		if old, ok := known[opened(a.GHSA)]; ok {
			a.Incident, a.Agreed, a.Parted = old.Incident, old.Agreed, old.Parted
		} else if err := w.adopt(tx, &a); err != nil {
			return err
		}
		if err := tx.SaveAdvisory(a); err != nil {
			return err
		}
		if a.Ended() || a.Incident != 0 {
			continue
		}
		const most = 10
		if len(open) == most {
			left++
			continue
		}
		open = append(open, incidents.Facts{"ghsa": a.GHSA, "title": a.Title, "advisorystate": incidents.Seal(a.State), "created": a.Created})
	}
	call, err := w.everybody(tx)
	if err != nil {
		return err
	}
	if len(open) == 0 {
		call = nil
	}
	return w.Tell(tx, News{Key: "first", Template: "advisory/first", Call: call, Facts: incidents.Facts{
		"count": len(all), "open": open, "left": left, "repository": w.Repository,
	}})
}

// adopt makes an advisory that nobody knew the incident's that names it, if there is one.
func (w Watch) adopt(tx *store.Tx, a *incidents.Advisory) error {
	n, ok, err := tx.IncidentWithGHSA(a.GHSA)
	if err != nil || !ok {
		return err
	}
	if _, has, err := tx.AdvisoryOf(n); err != nil || has { // it names another one than is its own
		return err
	}
	a.Incident = n
	return nil
}

// one takes an advisory that changed, or is new.
func (w Watch) one(tx *store.Tx, k int, a incidents.Advisory, commented []incidents.Sealed) error {
	old, ok, err := tx.Advisory(a.GHSA)
	if err != nil {
		return err
	}
	if !ok {
		return w.fresh(tx, k, a)
	}
	a.Incident, a.Agreed, a.GlobalAt, a.GlobalTold, a.Parted = old.Incident, old.Agreed, old.GlobalAt, old.GlobalTold, old.Parted
	if a.Parted {
		a = a.Part()
	}
	news := incidents.AdvisoryChanges(old, a)
	if err := tx.SaveAdvisory(a); err != nil || len(news) == 0 {
		return err
	}
	if a.Incident == 0 {
		return w.stranger(tx, k, a, news)
	}
	for k, n := range news {
		if n.What == "comment" && len(commented) == 1 && !a.Parted {
			news[k].Who = commented[0]
		}
	}
	return w.changed(tx, a, news)
}

// fresh takes an advisory that was not there before: a private report opens an incident.
func (w Watch) fresh(tx *store.Tx, k int, a incidents.Advisory) error {
	if err := w.adopt(tx, &a); err != nil {
		return err
	}
	if a.Incident == 0 && a.Reported && !a.Ended() {
		return w.open(tx, a)
	}
	acts, err := tx.PendingActs(0)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(acts, func(act incidents.AdvisoryAct) bool {
		return act.Kind == incidents.ActCreate && act.Want["title"].Same(a.Title)
	}) {
		return nil // it is our own, of which nobody heard yet that it was made: who makes it finds it
	}
	if err := tx.SaveAdvisory(a); err != nil {
		return err
	}
	if a.Incident == 0 {
		return w.stranger(tx, k, a, []incidents.AdvisoryNews{{What: "new"}})
	}
	return w.changed(tx, a, []incidents.AdvisoryNews{{What: "linked"}})
}

// open opens an incident for a private report; the desk is asked who takes it.
func (w Watch) open(tx *store.Tx, a incidents.Advisory) error {
	i, err := w.opens(tx, a)
	if err != nil {
		return err
	}
	call, err := w.once(tx)
	if err != nil {
		return err
	}
	f := incidents.Card(*w.Plan(), i, tx.Now())
	for k, v := range a.Facts() {
		f["gh "+k] = v
	}
	return w.Tell(tx, News{Key: "reported/" + fmt.Sprint(i.N), Template: "advisory/reported", Incident: i.N, Facts: f, Call: call})
}

// stranger says of an advisory that is no incident's what became of it. Nobody is named:
// what waits to be told of no incident, !forget would not find.
func (w Watch) stranger(tx *store.Tx, k int, a incidents.Advisory, news []incidents.AdvisoryNews) error {
	if news[0].What == "new" && (a.State == incidents.AdvisoryClosed || a.State == incidents.AdvisoryWithdrawn) {
		return nil
	}
	weighty := slices.DeleteFunc(news, func(n incidents.AdvisoryNews) bool {
		return !slices.Contains([]string{"new", "published", "accepted", "withdrawn", incidents.AdvisoryTriage, incidents.AdvisoryDraft}, n.What)
	})
	if len(weighty) == 0 {
		return nil
	}
	return w.Tell(tx, News{Key: fmt.Sprintf("stranger/%d", k), Template: "advisory/stranger", Facts: incidents.Facts{
		"ghsa": a.GHSA, "title": a.Title, "url": a.URL, "advisorystate": incidents.Seal(a.State), "news": incidents.NewsFacts(weighty),
	}})
}

// changed takes what changed in an advisory into its incident.
func (w Watch) changed(tx *store.Tx, a incidents.Advisory, news []incidents.AdvisoryNews) error {
	was, err := tx.Incident(a.Incident)
	if err != nil {
		return err
	}
	plan, now, i := *w.Plan(), tx.Now(), was
	var entries []incidents.Entry
	for _, n := range news {
		entries = append(entries, incidents.AdvisoryEntry(n, now))
	}
	i.Advisory = a
	i, taken, fits := incidents.TakeCVE(i, a, now)
	entries = append(entries, taken...)
	i, shown, early := incidents.AdvisoryShown(plan, i, a, now)
	entries = append(entries, shown...)
	i, moved := incidents.Advance(plan, was, i, incidents.GitHub, now)
	entries = append(entries, moved...)
	if i, err = tx.Save(i, entries...); err != nil {
		return err
	}
	a.Agreed = incidents.Meet(i, a, incidents.Sealed{}, a.Agreed)
	if err := tx.SaveAdvisory(a); err != nil {
		return err
	}
	if hold, err := w.hold(tx, i.N, news); err != nil || hold {
		return err
	}
	f := incidents.Card(plan, i, now)
	f["news"], f["clash"], f["early"], f["took"] = incidents.NewsFacts(news), !fits, early, len(taken) > 0
	f["advisorystate"], f["url"], f["theirs"], f["movedto"] = incidents.Seal(a.State), a.URL, a.CVE, ""
	if len(moved) > 0 {
		f["movedto"] = string(i.Phase)
	}
	published := slices.ContainsFunc(news, func(n incidents.AdvisoryNews) bool { return n.What == incidents.AdvisoryPublished })
	var call []string
	if published || !fits {
		if call, err = w.everybody(tx); err != nil {
			return err
		}
	} else if lead := i.Lead(plan); lead != "" && len(taken) > 0 {
		call = []string{lead}
	}
	return w.Tell(tx, News{Key: fmt.Sprintf("news/%d/%d", i.N, i.Version), Template: "advisory/news", Incident: i.N, Facts: f, Call: call})
}

// deaf keeps that GitHub gave no answer, and says so when that lasts, or when it does not
// end by itself.
func (w Watch) deaf(tx *store.Tx, r store.Row, n notes, cause error) error {
	now := tx.Now()
	_, e := said(cause)
	kind := trouble(e)
	w.Log.Warn("GitHub was not read", "error", e.Error())
	next := map[string]string{}
	since := n.at("deaf")
	if since.IsZero() {
		since = now
		next["deaf"] = stamp(now)
	}
	person := kind == "revoked" || kind == "rights" || kind == "moved"
	if n["told"] != kind && (person || n["told"] == "" && now.Sub(since) >= patience) {
		next["told"] = kind
		err := w.tell(tx, "deaf", incidents.Facts{"kind": kind, "since": since, "until": e.Until, "needs": e.Needs}, person)
		if err != nil {
			return err
		}
	}
	wait := min(time.Minute<<min(max(r.Tries, 0), 4), mostWait)
	return errors.Join(tx.Keep(store.GitHub, next), tx.RetryAt(r.ID, now.Add(max(wait, w.Every)), e.Until))
}

// tell says something of GitHub itself in the desks.
func (w Watch) tell(tx *store.Tx, what string, f incidents.Facts, alarm bool) error {
	var call []string
	var err error
	if alarm {
		if call, err = w.everybody(tx); err != nil {
			return err
		}
	}
	return w.Tell(tx, News{Key: "github/" + what, Template: "github/" + what, Facts: f.With("repository", w.Repository), Call: call})
}
