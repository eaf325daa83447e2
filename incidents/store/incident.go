package store

import (
	"database/sql"
	"errors"
	"fmt"

	"tocsin/incidents"
)

// incidentColumns are read in the order of scanIncident.
const incidentColumns = `
	n, codename, version, plan_hash, phase, level, opener,
	opened_at, reported_at, reported_zone, ack_at, closed_at,
	type, source, title, vector, score, score_level, reason,
	summary, details, affected, fixed, cwe, cve, outcome, closing, ack_via`

// ErrNoIncident is what Incident gives for a number that nobody opened.
var ErrNoIncident = errors.New("no such incident")

// NextIncident gives the number, handle and codename that the next incident gets.
func (tx *Tx) NextIncident() (n int, handle, codename string, err error) {
	err = tx.row(`SELECT coalesce(max(n), 0) + 1 FROM incident`).Scan(&n)
	return n, incidents.HandleOf(tx.s.opts.Prefix, n), incidents.Codename(tx.s.seed, n), err
}

// Incident loads incident n.
func (tx *Tx) Incident(n int) (incidents.Incident, error) {
	i, err := tx.scanIncident(tx.row(`SELECT`+incidentColumns+` FROM incident WHERE n = ?`, n))
	if errors.Is(err, sql.ErrNoRows) {
		return i, ErrNoIncident
	}
	if err != nil {
		return i, err
	}
	return i, tx.attach(&i)
}

func (tx *Tx) scanIncident(row interface{ Scan(...any) error }) (incidents.Incident, error) {
	var i incidents.Incident
	var opened, reported, ack, closed sql.NullInt64
	err := row.Scan(
		&i.N, &i.Codename, &i.Version, &i.PlanHash, &i.Phase, &i.Level, &i.Opener,
		&opened, &reported, &i.ReportedZone, &ack, &closed,
		&i.Type, &i.Source, &i.Title, &i.Vector, &i.Score, &i.ScoreLevel, &i.Reason,
		&i.Summary, &i.Details, &i.Affected, &i.Fixed, &i.CWE, &i.CVE, &i.Outcome, &i.Closing, &i.AckVia)
	i.OpenedAt, i.ReportedAt, i.AckAt, i.ClosedAt = instant(opened), instant(reported), instant(ack), instant(closed)
	i.Handle = incidents.HandleOf(tx.s.opts.Prefix, i.N)
	return i, err
}

// attach loads what stands in other tables: roles, the reporter, how the response
// stands, the release.
func (tx *Tx) attach(i *incidents.Incident) error {
	i.Roles = map[string]string{}
	err := tx.each(`SELECT role, person FROM role WHERE incident = ?`, []any{i.N}, func(r *sql.Rows) error {
		var role, person string
		err := r.Scan(&role, &person)
		i.Roles[role] = person
		return err
	})
	if err != nil {
		return err
	}
	if i.Reporter, err = tx.reporter(i.N); err != nil {
		return err
	}
	if err := tx.loadResponse(i); err != nil {
		return err
	}
	if i.Steps, err = tx.loadSteps(i.N); err != nil {
		return err
	}
	if i.Snoozes, err = tx.loadSnoozes(i.N); err != nil {
		return err
	}
	if i.Notices, err = tx.loadNotices(i.N); err != nil {
		return err
	}
	if i.Sent, err = tx.loadSent(i.N); err != nil {
		return err
	}
	if i.Advisory, _, err = tx.AdvisoryOf(i.N); err != nil {
		return err
	}
	if i.Release, err = tx.releaseOf(i.N); err != nil {
		return err
	}
	return tx.loadLead(i)
}

// List gives incidents, newest first: "open", "closed" or "all", at most limit.
func (tx *Tx) List(which string, limit int) ([]incidents.Incident, error) {
	where := map[string]string{"open": `WHERE phase <> 'closed'`, "closed": `WHERE phase = 'closed'`, "all": ``}[which]
	var out []incidents.Incident
	err := tx.each(`SELECT`+incidentColumns+` FROM incident `+where+` ORDER BY n DESC LIMIT ?`, []any{limit},
		func(r *sql.Rows) error {
			i, err := tx.scanIncident(r)
			out = append(out, i)
			return err
		})
	if err != nil {
		return nil, err
	}
	for k := range out {
		if err := tx.attach(&out[k]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Count gives how many incidents List would find without a limit.
func (tx *Tx) Count(which string) (n int, err error) {
	where := map[string]string{"open": `WHERE phase <> 'closed'`, "closed": `WHERE phase = 'closed'`, "all": ``}[which]
	err = tx.row(`SELECT count(*) FROM incident ` + where).Scan(&n)
	return n, err
}

// Add keeps a new incident with its first entries, and its clocks.
func (tx *Tx) Add(i incidents.Incident, entries ...incidents.Entry) (incidents.Incident, error) {
	i.Version = 1
	if err := tx.loadLead(&i); err != nil {
		return i, err
	}
	_, err := tx.exec(`INSERT INTO incident (`+incidentColumns+`)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, columns(i)...)
	if err != nil {
		return i, fmt.Errorf("keeping %s: %w", i.Handle, err)
	}
	return i, tx.follow(i, entries)
}

func columns(i incidents.Incident) []any {
	return []any{
		i.N, i.Codename, i.Version, i.PlanHash, string(i.Phase), i.Level, i.Opener,
		millis(i.OpenedAt), millis(i.ReportedAt), i.ReportedZone, millis(i.AckAt), millis(i.ClosedAt),
		i.Type, i.Source, i.Title, i.Vector, i.Score, i.ScoreLevel, i.Reason,
		i.Summary, i.Details, i.Affected, i.Fixed, i.CWE, i.CVE, i.Outcome, i.Closing, i.AckVia,
	}
}

// Save keeps a changed incident with the entries that say what was done, and
// replaces its clocks by what the plan says of it now.
func (tx *Tx) Save(i incidents.Incident, entries ...incidents.Entry) (incidents.Incident, error) {
	i.Version++
	if err := tx.loadLead(&i); err != nil { // who may be another one now
		return i, err
	}
	c := columns(i)
	_, err := tx.exec(`UPDATE incident SET
		codename = ?, version = ?, plan_hash = ?, phase = ?, level = ?, opener = ?,
		opened_at = ?, reported_at = ?, reported_zone = ?, ack_at = ?, closed_at = ?,
		type = ?, source = ?, title = ?, vector = ?, score = ?, score_level = ?, reason = ?,
		summary = ?, details = ?, affected = ?, fixed = ?, cwe = ?, cve = ?, outcome = ?, closing = ?, ack_via = ?
		WHERE n = ?`, append(c[1:], c[0])...)
	if err != nil {
		return i, fmt.Errorf("keeping %s: %w", i.Handle, err)
	}
	return i, tx.follow(i, entries)
}

// follow writes what goes with every change: roles, response, steps, entries, clocks.
func (tx *Tx) follow(i incidents.Incident, entries []incidents.Entry) error {
	for _, save := range []func(incidents.Incident) error{tx.saveRoles, tx.saveResponse, tx.saveSteps, tx.saveSnoozes, tx.saveNotices} {
		if err := save(i); err != nil {
			return err
		}
	}
	for _, e := range entries {
		e.Incident = i.N
		if err := tx.Record(e); err != nil {
			return err
		}
	}
	if err := tx.replaceClocks(i); err != nil {
		return err
	}
	return tx.QueueBoard(i.N, fmt.Sprintf("v%d", i.Version), false)
}

func (tx *Tx) saveRoles(i incidents.Incident) error {
	have := map[string]string{}
	err := tx.each(`SELECT role, person FROM role WHERE incident = ?`, []any{i.N}, func(r *sql.Rows) error {
		var role, person string
		err := r.Scan(&role, &person)
		have[role] = person
		return err
	})
	if err != nil {
		return err
	}
	for role, person := range i.Roles {
		if have[role] == person {
			continue
		}
		_, err := tx.exec(`INSERT INTO role (incident, role, person) VALUES (?, ?, ?)
			ON CONFLICT (incident, role) DO UPDATE SET person = excluded.person`, i.N, role, person)
		if err != nil {
			return err
		}
	}
	for role := range have {
		if i.Roles[role] == "" {
			if _, err := tx.exec(`DELETE FROM role WHERE incident = ? AND role = ?`, i.N, role); err != nil {
				return err
			}
		}
	}
	return nil
}
