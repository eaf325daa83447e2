package freeport

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// printed is the environment of the process that TestGet starts: it prints how
// many of the ports named there it could take.
const printed = "TOCSIN_TEST_PORTS"

func TestGet(t *testing.T) {
	dir := t.TempDir()
	if named := os.Getenv(printed); named != "" {
		for port := range strings.FieldsSeq(named) {
			n, err := strconv.Atoi(port)
			if err != nil {
				t.Fatal(err)
			}
			if take(os.Getenv(printed+"_DIR"), n) == nil {
				t.Errorf("took %d, which another process has", n)
			}
		}
		return
	}
	t.Setenv("TMPDIR", dir)
	got, err := Get(50)
	if err != nil {
		t.Fatal(err)
	}
	seen, named := map[int]bool{}, make([]string, 0, len(got))
	for _, port := range got {
		if seen[port] || port >= 32768 {
			t.Errorf("got %d twice, or from the range of outgoing connections", port)
		}
		seen[port] = true
		named = append(named, strconv.Itoa(port))
	}
	locks, err := os.ReadDir(dir)
	if err != nil || len(locks) != 1 {
		t.Fatalf("in the folder: %v, %v", locks, err)
	}
	other := exec.Command(os.Args[0], "-test.run=^TestGet$")
	other.Env = append(os.Environ(), printed+"="+strings.Join(named, " "), printed+"_DIR="+dir+"/"+locks[0].Name())
	if out, err := other.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
