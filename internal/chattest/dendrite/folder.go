package dendrite

import (
	"os"
	"path/filepath"
	"syscall"
)

// newFolder makes a server's folder: in memory where that can be had, since a
// disk doubles the server's time for each event. The folder is locked as long as
// it is used; those of processes that were killed are cleared away.
func newFolder() (string, *os.File, error) {
	base := os.TempDir()
	if shm, err := os.Stat("/dev/shm"); err == nil && shm.IsDir() && syscall.Access("/dev/shm", 2) == nil {
		base = "/dev/shm"
	}
	const prefix = "tocsin-dendrite-"
	old, _ := filepath.Glob(filepath.Join(base, prefix+"*", "lock"))
	for _, name := range old {
		if f, err := os.Open(name); err == nil {
			if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
				_ = os.RemoveAll(filepath.Dir(name))
			}
			_ = f.Close()
		}
	}
	dir, err := os.MkdirTemp(base, prefix)
	if err != nil {
		return "", nil, err
	}
	// The lock gets its name when it is held, so that nobody clears a new folder.
	lock, err := os.OpenFile(filepath.Join(dir, "lock.new"), os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		if err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
			err = os.Rename(lock.Name(), filepath.Join(dir, "lock"))
		}
	}
	if err != nil {
		_ = os.RemoveAll(dir)
		return "", nil, err
	}
	return dir, lock, nil
}
