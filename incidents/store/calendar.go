package store

import (
	"encoding/hex"
	"fmt"
)

// Appointment gives what the calendar file of an incident's embargo is made with. Its
// seed is made at random when it is asked for first, is kept, and says nothing of the
// handle. Its sequence is 0 for the first entry of the record that changed the embargo
// and one more with each, so that a newer file is known by its number.
func (tx *Tx) Appointment(incident int) (seed string, sequence int, err error) {
	key := fmt.Sprintf("appointment %d", incident)
	if seed, err = tx.Meta(key); err != nil {
		return "", 0, err
	}
	if seed == "" {
		random := make([]byte, 16)
		tx.s.opts.Random(random)
		seed = hex.EncodeToString(random)
		if err := tx.SetMeta(key, seed); err != nil {
			return "", 0, err
		}
	}
	err = tx.row(`SELECT max(count(*) - 1, 0) FROM timeline WHERE incident = ? AND kind LIKE 'embargo-%'`, incident).Scan(&sequence)
	return seed, sequence, err
}
