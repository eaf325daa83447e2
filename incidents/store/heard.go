package store

// Nobody is who was obeyed when a message was heard and not obeyed.
const Nobody = ""

// Heard notes that a message of a person is obeyed (Nobody: that it is not), and
// reports whether it is the first time: a message is obeyed once, also after a
// crash.
func (tx *Tx) Heard(network, id, person string) (first bool, err error) {
	r, err := tx.exec(`INSERT INTO heard (network, id, at, person) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		network, id, tx.now.UnixMilli(), person)
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n == 1, err
}
