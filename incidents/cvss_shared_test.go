package incidents

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// sharedCSV reads a file of the vectors that stand beside the repository, in
// shared/cvss, less its header. Where it is not there the test is skipped.
func sharedCSV(t *testing.T, name string) [][]string {
	t.Helper()
	path := filepath.Join("..", "..", "shared", "cvss", name)
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		t.Skipf("the CVSS vectors are not there: shared/cvss/%s beside the repository", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) < 2 {
		t.Fatalf("%s holds no vectors", name)
	}
	return rows[1:]
}

func tenthsOf(t *testing.T, text string) int {
	t.Helper()
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return int(math.Round(f * 10))
}

// Against scores printed by the reference calculator and by an independent
// library: every band is right and no score is off by more than 0.1.
func TestSharedVectors40(t *testing.T) {
	all, exact := map[string]int{}, map[string]int{}
	for _, row := range sharedCSV(t, "v4-vectors.csv") {
		vector, want, set := row[0], tenthsOf(t, row[1]), row[2]
		all[set]++
		got, err := ReadVector(vector)
		if err != nil {
			t.Errorf("%s: %v", vector, err)
			continue
		}
		if got.Tenths == want {
			exact[set]++
		}
		if off := got.Tenths - want; off < -1 || off > 1 {
			t.Errorf("%s: %d tenths, want %d", vector, got.Tenths, want)
		}
		if Band(got.Tenths) != Band(want) {
			t.Errorf("%s: band %s, want %s", vector, Band(got.Tenths), Band(want))
		}
		if strings.Contains(vector, ":X") != got.Reordered {
			t.Errorf("%s: Reordered is %v", vector, got.Reordered)
		}
	}
	var sets []string
	for set := range all {
		sets = append(sets, set)
	}
	slices.Sort(sets)
	for _, set := range sets {
		t.Logf("%s: %d of %d scores exact, the others 0.1 off", set, exact[set], all[set])
	}
}

func TestSharedVectors31(t *testing.T) {
	exact := 0
	rows := sharedCSV(t, "v31-vectors.csv")
	for _, row := range rows {
		got, err := ReadVector(row[0])
		if err != nil || got.Name != "CVSS 3.1" || got.Reordered {
			t.Errorf("%s: %+v, %v", row[0], got, err)
			continue
		}
		if got.Tenths != tenthsOf(t, row[1]) {
			t.Errorf("%s: %d tenths, want %s", row[0], got.Tenths, row[1])
			continue
		}
		exact++
	}
	t.Logf("v3.1 base: %d of %d scores exact", exact, len(rows))
}

// The invalid vectors of the CVSS v4.0 specification, section 7: each is
// refused, but one whose only fault is the order is put in order, and told so.
func TestSharedInvalid(t *testing.T) {
	refused, mended := 0, 0
	for _, row := range sharedCSV(t, "v4-invalid.csv") {
		vector, why := row[0], row[1]
		got, err := ReadVector(vector)
		if _, ok := AsRefusal(err); ok {
			refused++
			continue
		}
		if err != nil || !strings.Contains(why, "ordering") {
			t.Errorf("%s (%s): %v, want a refusal", vector, why, err)
			continue
		}
		mended++
		if !got.Reordered {
			t.Errorf("%s: Reordered is false", vector)
		}
		if again, err := ReadVector(got.Vector); err != nil || again.Reordered {
			t.Errorf("%s is not canonical: %v", got.Vector, err)
		}
	}
	t.Logf("%d refused, %d put in order", refused, mended)
}
