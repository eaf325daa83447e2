package matrix

import (
	"io"
	"os"
	"path/filepath"
)

// KeysFile gives the file of a session's keys in its folder, which is a SQLite file
// with a log of changes beside it. All else in the folder is the session's token and
// the key that this file is encrypted with, which change only with a login.
func KeysFile(folder string) string { return filepath.Join(folder, cryptoFile) }

// SecretFiles gives what else is needed to be the same device again, by name.
func SecretFiles() []string { return []string{sessionFile, pickleFile} }

// Hold takes a session's folder for this process until it is closed: no bot has it
// meanwhile. A folder that is not there is made.
func Hold(folder string) (io.Closer, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	return lockFolder(folder)
}
