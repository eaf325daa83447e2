package incidents

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

const (
	worst40 = "CVSS:4.0/AV:P/AC:H/AT:P/PR:H/UI:A/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H"
	near40  = "CVSS:4.0/AV:A/AC:L/AT:P/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H"
	plain40 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:H/SC:N/SI:N/SA:N"
	plain31 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H"
)

func TestReadVector(t *testing.T) {
	for _, c := range []struct {
		name, typed string
		want        Score
	}{
		{"as the specification writes it", plain40, Score{plain40, "4.0", 87, "CVSS-B", false}},
		{"blanks and quotes", " “" + plain40 + "” ", Score{plain40, "4.0", 87, "CVSS-B", false}},
		{"backticks and a full stop", "`" + plain40 + "`.", Score{plain40, "4.0", 87, "CVSS-B", false}},
		{"brackets", "(" + plain40 + ")", Score{plain40, "4.0", 87, "CVSS-B", false}},
		{"a slash left at the end is refused", plain40 + "/", Score{}},
		{"prefix in small letters", "cvss" + plain40[4:], Score{plain40, "4.0", 87, "CVSS-B", true}},
		{"other order", "CVSS:4.0/VA:H/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/AV:N/SC:N/SI:N/SA:N", Score{plain40, "4.0", 87, "CVSS-B", true}},
		{"X spelt out", plain40 + "/E:X/CR:X/U:X", Score{plain40, "4.0", 87, "CVSS-B", true}},
		{"supplemental", plain40 + "/U:Red", Score{plain40 + "/U:Red", "4.0", 87, "CVSS-B", false}},
		{"threat", worst40 + "/E:U", Score{worst40 + "/E:U", "4.0", 41, "CVSS-BT", false}},
		{"environment", worst40 + "/CR:H/IR:H/AR:M", Score{worst40 + "/CR:H/IR:H/AR:M", "4.0", 72, "CVSS-BE", false}},
		{"both", near40 + "/E:U/CR:M/IR:M/AR:M", Score{near40 + "/E:U/CR:M/IR:M/AR:M", "4.0", 53, "CVSS-BTE", false}},
		{"3.1", plain31, Score{plain31, "3.1", 88, "CVSS 3.1", false}},
		{"3.1 temporal", plain31 + "/E:U", Score{plain31 + "/E:U", "3.1", 81, "CVSS 3.1 temporal", false}},
		{"3.1 environmental", plain31 + "/E:U/MAV:P", Score{plain31 + "/E:U/MAV:P", "3.1", 61, "CVSS 3.1 environmental", false}},
		{"3.1 in another order", "CVSS:3.1/S:U/AV:N/AC:L/PR:N/UI:R/C:H/I:H/A:H", Score{plain31, "3.1", 88, "CVSS 3.1", true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ReadVector(c.typed)
			if c.want == (Score{}) {
				if _, ok := AsRefusal(err); !ok {
					t.Fatalf("%v, want a refusal", err)
				}
				return
			}
			if err != nil || got != c.want {
				t.Errorf("got %+v, %v\nwant %+v", got, err, c.want)
			}
		})
	}
}

func TestReadVectorRefuses(t *testing.T) {
	for _, c := range []struct {
		name, typed, key string
		args             Facts
	}{
		{"too long", "CVSS:4.0/" + strings.Repeat("A", 400), "cvss-too-long", Facts{"max": 400}},
		{"3.0", "CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H", "cvss-version", Facts{"understood": understood}},
		{"2.0", "(AV:N/AC:L/Au:N/C:P/I:P/A:P)", "cvss-version", Facts{"understood": understood}},
		{"a word", "high", "cvss-not-a-vector", Facts{"understood": understood}},
		{"nothing", "", "cvss-not-a-vector", Facts{"understood": understood}},
		{"4.0 without prefix", plain40[9:], "cvss-prefix", Facts{"start": "CVSS:4.0/"}},
		{"3.1 without prefix", plain31[9:], "cvss-prefix", Facts{"start": "CVSS:3.1/"}},
		{"no colon", "CVSS:4.0/AV:N/ACL", "cvss-part", Facts{"place": 2}},
		{"blank inside", "CVSS:4.0/AV:N/AC: L", "cvss-value", Facts{"metric": "AC", "values": "L, H"}},
		{"metric in small letters", "CVSS:4.0/AV:N/ui:N", "cvss-metric-case", Facts{"place": 2, "metric": "UI"}},
		{"metric of 3.1", "CVSS:4.0/AV:N/AC:L/PR:N/UI:N/C:H", "cvss-other-version", Facts{"metric": "C", "version": "4.0", "other": "3.1"}},
		{"metric of 4.0", "CVSS:3.1/AV:N/AC:L/AT:N", "cvss-other-version", Facts{"metric": "AT", "version": "3.1", "other": "4.0"}},
		{"no metric", "CVSS:3.1/AV:N/ZZ:N", "cvss-unknown-metric", Facts{"place": 2, "version": "3.1", "metrics": "AV, AC, PR, UI, S, C, I, A"}},
		{"value", "CVSS:4.0/AV:F", "cvss-value", Facts{"metric": "AV", "values": "N, A, L, P"}},
		{"value in small letters", "CVSS:4.0/AV:n", "cvss-value", Facts{"metric": "AV", "values": "N, A, L, P"}},
		{"twice", "CVSS:4.0/AV:N/AV:L", "cvss-twice", Facts{"metric": "AV"}},
		{"X twice", plain40 + "/E:X/E:X", "cvss-twice", Facts{"metric": "E"}},
		{"missing", strings.Replace(plain40, "/VI:N/VA:H", "", 1), "cvss-missing", Facts{"version": "4.0", "metrics": "VI, VA"}},
		{"nothing but the prefix", "CVSS:3.1", "cvss-missing", Facts{"version": "3.1", "metrics": "AV, AC, PR, UI, S, C, I, A"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadVector(c.typed)
			wantRefusal(t, err, c.key, c.args)
		})
	}
}

// wantRefusal checks the key, and the arguments unless args is nil.
func wantRefusal(t *testing.T, err error, key string, args Facts) {
	t.Helper()
	r, ok := AsRefusal(err)
	if !ok {
		t.Fatalf("got error %v, want refusal %s", err, key)
	}
	if r.Key != key {
		t.Fatalf("refused with %s %v, want %s", r.Key, map[string]any(r.Args), key)
	}
	if args == nil {
		return
	}
	if len(r.Args) != len(args) {
		t.Errorf("args %v, want %v", map[string]any(r.Args), map[string]any(args))
	}
	for k, want := range args {
		if r.Args[k] != want {
			t.Errorf("arg %s is %v, want %v", k, r.Args[k], want)
		}
	}
}

func TestLooksLikeVector(t *testing.T) {
	for typed, want := range map[string]bool{
		plain40: true, plain31: true, "cvss:nonsense": true, "AV:N/AC:L": true, "(AV:N/AC:L/Au:N)": true,
		"high": false, "medium": false, "": false, "AV:N": false, "2026-12-03 14:00/15:00": false,
		"https://example.org/a": false, "CVE-2026-1/CVE-2026-2": false,
	} {
		if got := LooksLikeVector(typed); got != want {
			t.Errorf("%q: %v, want %v", typed, got, want)
		}
	}
}

func TestBand(t *testing.T) {
	for tenths, want := range map[int]string{
		-1: "none", 0: "none", 1: "low", 39: "low", 40: "medium", 69: "medium", 70: "high", 89: "high", 90: "critical", 100: "critical",
	} {
		if got := Band(tenths); got != want {
			t.Errorf("%d: %s, want %s", tenths, got, want)
		}
	}
}

// Any order of the same metrics is the same vector with the same score.
func TestReadVectorInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		version := rapid.SampledFrom([]string{"4.0", "3.1"}).Draw(t, "version")
		var parts []string
		for _, m := range metricsOf(version) {
			if m.group == baseMetric || rapid.Bool().Draw(t, m.name+" given") {
				parts = append(parts, m.name+":"+rapid.SampledFrom(strings.Fields(m.values)).Draw(t, m.name))
			}
		}
		prefix := "CVSS:" + version + "/"
		want, err := ReadVector(prefix + strings.Join(parts, "/"))
		if err != nil {
			t.Fatal(err)
		}
		mixed := rapid.Permutation(parts).Draw(t, "order")
		got, err := ReadVector(prefix + strings.Join(mixed, "/"))
		if err != nil {
			t.Fatal(err)
		}
		withX := strings.Contains(strings.Join(parts, "/"), ":X")
		if want.Reordered != withX || got.Reordered != (withX || !slices.Equal(mixed, parts)) {
			t.Errorf("Reordered is %v in order and %v mixed", want.Reordered, got.Reordered)
		}
		got.Reordered, want.Reordered = false, false
		if got != want {
			t.Errorf("got %+v\nwant %+v", got, want)
		}
		if got.Tenths < 0 || got.Tenths > 100 {
			t.Errorf("%d tenths", got.Tenths)
		}
	})
}

func FuzzReadVector(f *testing.F) {
	for _, seed := range []string{plain40, plain31, plain40 + "/E:U/U:Red", "cvss:4.0/ui:N", "(AV:N/AC:L/Au:N/C:P/I:P/A:P)", "CVSS:", "«»"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		LooksLikeVector(typed)
		got, err := ReadVector(typed)
		if err != nil {
			if _, ok := AsRefusal(err); !ok {
				t.Fatalf("not a refusal: %v", err)
			}
			return
		}
		if strings.ContainsFunc(got.Vector, unicode.IsControl) {
			t.Errorf("control character in %q", got.Vector)
		}
		again, err := ReadVector(got.Vector)
		if err != nil {
			t.Fatalf("%q does not read again: %v", got.Vector, err)
		}
		got.Reordered = false
		if again != got {
			t.Errorf("read again: %+v, first %+v", again, got)
		}
	})
}
