package store

import (
	"database/sql"
	"errors"
	"fmt"

	"tocsin/incidents"
)

// Room is the room that was made for an incident.
type Room struct {
	Incident int
	Network  string
	ID       string
	Board    string // the network's id of the message that is kept up to date there, or ""
}

// PutRoom keeps the room that was made for an incident, and queues its board.
// An incident that has one keeps it.
func (tx *Tx) PutRoom(r Room) error {
	_, err := tx.exec(`INSERT INTO room (incident, network, id, made_at, board) VALUES (?, ?, ?, ?, '') ON CONFLICT DO NOTHING`,
		r.Incident, r.Network, r.ID, tx.now.UnixMilli())
	if err != nil {
		return err
	}
	return tx.QueueBoard(r.Incident, "made", true)
}

// RoomOf gives the room of an incident; false when it has none.
func (tx *Tx) RoomOf(incident int) (Room, bool, error) {
	r := Room{Incident: incident}
	err := tx.row(`SELECT network, id, board FROM room WHERE incident = ?`, incident).Scan(&r.Network, &r.ID, &r.Board)
	if errors.Is(err, sql.ErrNoRows) {
		return r, false, nil
	}
	return r, err == nil, err
}

// Rooms gives the rooms of all incidents.
func (tx *Tx) Rooms() ([]Room, error) {
	var out []Room
	err := tx.each(`SELECT incident, network, id, board FROM room ORDER BY incident`, nil, func(rows *sql.Rows) error {
		var r Room
		err := rows.Scan(&r.Incident, &r.Network, &r.ID, &r.Board)
		out = append(out, r)
		return err
	})
	return out, err
}

// RoomWanted gives how often a room was asked for, and whether the last time is
// not over.
func (tx *Tx) RoomWanted(incident int) (times int, waits bool, err error) {
	err = tx.row(`SELECT count(*), coalesce(sum(state IN ('due', 'unknown')), 0) > 0 FROM outbox WHERE kind = 'room' AND incident = ?`,
		incident).Scan(&times, &waits)
	return times, waits, err
}

// WantRoomToo has a person asked into the room that is being made for an incident.
func (tx *Tx) WantRoomToo(incident int, person string) error {
	_, err := tx.exec(`UPDATE outbox SET mentions = trim(mentions || ' ' || ?)
		WHERE kind = 'room' AND incident = ? AND state IN ('due', 'unknown')`, person, incident)
	return err
}

// GuestsToForget reports whether anything personal is kept of guests of an incident
// who are not in its room any more.
func (tx *Tx) GuestsToForget(incident int) (bool, error) {
	var n int
	err := tx.row(`SELECT (SELECT count(*) FROM guest WHERE incident = ?1 AND ended_at IS NOT NULL AND account <> '')
		+ (SELECT count(*) FROM personal WHERE incident = ?1 AND value IS NOT NULL AND field NOT IN ('name', 'contact', 'credit'))`,
		incident).Scan(&n)
	return n > 0, err
}

// The templates of board rows: one edits the board, one posts it anew.
const (
	BoardEdit = "board"
	BoardPost = "board/post"
)

// QueueBoard has the board of an incident's room brought up to date, or posted
// anew. Without a room it does nothing. The reason makes it one row.
func (tx *Tx) QueueBoard(incident int, reason string, anew bool) error {
	r, ok, err := tx.RoomOf(incident)
	if err != nil || !ok {
		return err
	}
	template := BoardEdit
	if anew {
		template = BoardPost
	}
	return tx.Queue(Row{
		Key: fmt.Sprintf("board/%d/%s", incident, reason), Kind: "board", Network: r.Network, Room: r.ID,
		Template: template, Incident: incident, Tone: 2,
	})
}

// NewerBoard reports whether a later row than this one brings the same board up
// to date as much as this one does, or did.
func (tx *Tx) NewerBoard(r Row) (bool, error) {
	var n int
	err := tx.row(`SELECT count(*) FROM outbox WHERE kind = 'board' AND incident = ? AND id > ? AND state IN ('due', 'unknown', 'sent')
		AND (template = ? OR ? <> ?)`, r.Incident, r.ID, BoardPost, r.Template, BoardPost).Scan(&n)
	return n > 0, err
}

// BoardWaits reports whether an earlier row than this one is still to post the
// board: what is edited before that is not what people will read.
func (tx *Tx) BoardWaits(r Row) (waits bool, err error) {
	err = tx.row(`SELECT EXISTS (SELECT 1 FROM outbox WHERE state IN ('due', 'unknown') AND network = ? AND kind = 'board'
		AND incident = ? AND id < ? AND template = ?)`, r.Network, r.Incident, r.ID, BoardPost).Scan(&waits)
	return waits, err
}

// PostBoard makes a row that was to edit a board post one: there is none.
func (tx *Tx) PostBoard(r Row) error {
	_, err := tx.exec(`UPDATE outbox SET template = ? WHERE id = ?`, BoardPost, r.ID)
	return err
}

// BoardIs gives the incident whose board a message is; 0 when it is none.
func (tx *Tx) BoardIs(network, message string) (incident int, err error) {
	err = tx.row(`SELECT coalesce(max(incident), 0) FROM room WHERE network = ? AND board = ? AND board <> ''`, network, message).Scan(&incident)
	return incident, err
}

// SetBoard keeps which message, posted by a row, is an incident's board; not when
// a later row posted one already.
func (tx *Tx) SetBoard(r Row, message string) error {
	_, err := tx.exec(`UPDATE room SET board = ? WHERE incident = ? AND NOT EXISTS
		(SELECT 1 FROM outbox WHERE kind = 'board' AND incident = room.incident AND id > ? AND sent_id <> '' AND sent_id = room.board)`,
		message, r.Incident, r.ID)
	return err
}

// AddGuest lets an account into an incident's room; false when it is in already.
func (tx *Tx) AddGuest(incident int, a incidents.Account, by string) (bool, error) {
	r, err := tx.exec(`INSERT INTO guest (incident, network, account, at, by) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		incident, a.Network, a.ID, tx.now.UnixMilli(), by)
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n == 1, err
}

// EndGuest takes an account's leave to be in an incident's room; false when it
// had none.
func (tx *Tx) EndGuest(incident int, a incidents.Account, by string) (bool, error) {
	r, err := tx.exec(`UPDATE guest SET ended_at = ?, ended_by = ? WHERE incident = ? AND network = ? AND account = ? AND ended_at IS NULL`,
		tx.now.UnixMilli(), by, incident, a.Network, a.ID)
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n == 1, err
}

// Guests gives who was let into an incident's room and not taken out again.
func (tx *Tx) Guests(incident int) ([]incidents.Account, error) {
	if incident == 0 {
		return nil, nil
	}
	var out []incidents.Account
	err := tx.each(`SELECT network, account FROM guest WHERE incident = ? AND ended_at IS NULL ORDER BY id`, []any{incident},
		func(r *sql.Rows) error {
			var a incidents.Account
			err := r.Scan(&a.Network, &a.ID)
			out = append(out, a)
			return err
		})
	return out, err
}
