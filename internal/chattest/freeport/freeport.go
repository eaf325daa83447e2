// Package freeport finds ports of loopback for the servers that tests start.
package freeport

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// The range lies below the one that Linux gives to outgoing connections
// (32768 and above), so that none of these takes a port while its server is
// stopped or not yet started.
const (
	first = 20000
	count = 12000
)

// Get gives n ports that nobody listens on. They are this process's until it
// ends, so that neither another test nor the tests of another package, which run
// at the same time, get one of them between here and the server's start. Errors
// are those of the folder for the locks, or that no port was free.
func Get(n int) ([]int, error) {
	dir := filepath.Join(os.TempDir(), "tocsin-test-ports-"+strconv.Itoa(os.Getuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	var out []int
	var last error
	for range 100 * n {
		port := first + rand.IntN(count)
		if last = take(dir, port); last != nil {
			continue
		}
		if out = append(out, port); len(out) == n {
			return out, nil
		}
	}
	return nil, fmt.Errorf("no %d free ports: %w", n, last)
}

// take locks a port and looks whether somebody listens on it. The lock's file is
// never closed: the lock ends with the process.
func take(dir string, port int) error {
	fd, err := syscall.Open(filepath.Join(dir, strconv.Itoa(port)), syscall.O_CREAT|syscall.O_RDWR|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	if err = syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
		var l net.Listener
		if l, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			err = l.Close()
		}
	}
	if err != nil {
		return errors.Join(err, syscall.Close(fd))
	}
	return nil
}
