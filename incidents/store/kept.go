package store

import (
	"database/sql"
	"strings"
)

// Keep keeps values of a network under keys; an empty value takes its key away.
func (tx *Tx) Keep(network string, values map[string]string) error {
	for key, value := range values {
		var err error
		if value == "" {
			_, err = tx.exec(`DELETE FROM kept WHERE network = ? AND key = ?`, network, key)
		} else {
			_, err = tx.exec(`INSERT INTO kept (network, key, value) VALUES (?, ?, ?)
				ON CONFLICT (network, key) DO UPDATE SET value = excluded.value`, network, key, value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Kept gives the values of a network whose keys begin with prefix.
func (tx *Tx) Kept(network, prefix string) (map[string]string, error) {
	out := map[string]string{}
	err := tx.each(`SELECT key, value FROM kept WHERE network = ?`, []any{network}, func(r *sql.Rows) error {
		var key, value string
		err := r.Scan(&key, &value)
		if strings.HasPrefix(key, prefix) {
			out[key] = value
		}
		return err
	})
	return out, err
}
