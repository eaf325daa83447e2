package incidents

import (
	"fmt"
	"math"
	"strings"

	gocvss31 "github.com/pandatix/go-cvss/31"
	gocvss40 "github.com/pandatix/go-cvss/40"
)

// Score is what a CVSS vector says. Vector, Tenths and Name tell about the
// hole itself: seal them before they are kept or said.
type Score struct {
	Vector    string // canonical: the specification's order, no metric that is X
	Version   string // "4.0" or "3.1"
	Tenths    int    // the score in tenths, 87 for 8.7
	Name      string // CVSS-B, CVSS-BT, CVSS-BE, CVSS-BTE; CVSS 3.1, CVSS 3.1 temporal, CVSS 3.1 environmental
	Reordered bool   // what was typed was not canonical: its order, a metric that is X or the case of its prefix
}

// maxVector is the longest text, in bytes, that is read as a vector. The
// longest vector of CVSS 4.0 with every metric spelt out has about 220.
const maxVector = 400

// understood names the versions that ReadVector takes.
const understood = "CVSS 4.0 and CVSS 3.1"

// ReadVector reads a CVSS 4.0 or 3.1 vector as people paste it: blanks, quotes,
// brackets and punctuation around it are dropped, the prefix may be in any
// case, the metrics in any order. Metrics and values are case sensitive, as the
// specifications say. All metrics that are given count: a 4.0 vector with
// threat or environmental metrics gives the CVSS-BT, -BE or -BTE score, a 3.1
// vector its environmental or else its temporal score.
//
// The numbers are go-cvss's. In CVSS 4.0 they may be 0.1 from those of the
// reference calculator where the unrounded score lies on a tie; no band
// changes by it.
//
// Everything that is no such vector is refused. Sources: CVSS v4.0
// specification, section 7 and table 23; CVSS v3.1 specification, section 6.
func ReadVector(typed string) (Score, error) {
	if len(typed) > maxVector {
		return Score{}, Refuse("cvss-too-long", "max", maxVector)
	}
	typed = strings.Trim(typed, aroundVector)
	version, rest, err := cutVersion(typed)
	if err != nil {
		return Score{}, err
	}
	values, err := readMetrics(version, rest)
	if err != nil {
		return Score{}, err
	}
	s := Score{Version: version, Vector: canonical(version, values)}
	s.Reordered = s.Vector != typed
	if s.Tenths, s.Name, err = scoreOf(version, s.Vector, values); err != nil {
		return Score{}, err
	}
	return s, nil
}

// LooksLikeVector reports whether somebody who typed this meant a CVSS vector,
// good or bad: it starts with "CVSS:" in any case, or has at least two metrics
// such as AV:N with a slash between.
func LooksLikeVector(typed string) bool {
	typed = strings.Trim(typed, aroundVector)
	if hasPrefixFold(typed, "CVSS:") {
		return true
	}
	n := 0
	for part := range strings.SplitSeq(typed, "/") {
		name, value, ok := strings.Cut(part, ":")
		if ok && shortWord(name) && shortWord(value) {
			n++
		}
	}
	return n >= 2
}

// Band names the qualitative severity of a score in tenths: none (0.0), low
// (0.1 to 3.9), medium (4.0 to 6.9), high (7.0 to 8.9) or critical (9.0 and
// above). Source: CVSS v4.0 specification, table 22; the same in v3.1.
func Band(tenths int) string {
	switch {
	case tenths <= 0:
		return "none"
	case tenths < 40:
		return "low"
	case tenths < 70:
		return "medium"
	case tenths < 90:
		return "high"
	default:
		return "critical"
	}
}

// aroundVector is what may stand around a pasted vector.
const aroundVector = " \t\r\n\u00a0\"'`()[]{}<>*,.;“”‘’«»"

// cutVersion splits a vector into its version and its metrics.
func cutVersion(typed string) (version, rest string, err error) {
	if !hasPrefixFold(typed, "CVSS:") {
		return "", "", noVersion(typed)
	}
	version, rest, _ = strings.Cut(typed[len("CVSS:"):], "/")
	if version != "4.0" && version != "3.1" {
		return "", "", Refuse("cvss-version", "understood", understood)
	}
	return version, rest, nil
}

// noVersion refuses what has no prefix, naming the one that its metrics ask for.
func noVersion(typed string) error {
	if hasPrefixFold(typed, "CVSS2") || hasPrefixFold(typed, "CVSS3") {
		return Refuse("cvss-version", "understood", understood)
	}
	if !LooksLikeVector(typed) {
		return Refuse("cvss-not-a-vector", "understood", understood)
	}
	names := make(map[string]bool)
	for part := range strings.SplitSeq(typed, "/") {
		name, _, _ := strings.Cut(part, ":")
		names[name] = true
	}
	switch {
	case names["Au"]: // only CVSS 2.0 asked how often somebody logs in
		return Refuse("cvss-version", "understood", understood)
	case names["C"] && names["I"] && names["A"] && !names["AT"] && !names["VC"]:
		return Refuse("cvss-prefix", "start", "CVSS:3.1/")
	default:
		return Refuse("cvss-prefix", "start", "CVSS:4.0/")
	}
}

// readMetrics reads "AV:N/AC:L" into values by metric, metrics that are X left
// out.
func readMetrics(version, rest string) (map[string]string, error) {
	values := make(map[string]string)
	seen := make(map[string]bool)
	place := 0
	for part := range strings.SplitSeq(rest, "/") {
		if rest == "" {
			break
		}
		place++
		name, value, ok := strings.Cut(part, ":")
		if !ok || name == "" || value == "" {
			return nil, Refuse("cvss-part", "place", place)
		}
		m, ok := findMetric(version, name)
		if !ok {
			return nil, unknownMetric(version, name, place)
		}
		if !m.takes(value) {
			return nil, Refuse("cvss-value", "metric", m.name, "values", strings.ReplaceAll(m.values, " ", ", "))
		}
		if seen[m.name] {
			return nil, Refuse("cvss-twice", "metric", m.name)
		}
		seen[m.name] = true
		if m.group == baseMetric || value != "X" {
			values[m.name] = value
		}
	}
	if missing := missingMetrics(version, seen); len(missing) > 0 {
		return nil, Refuse("cvss-missing", "version", version, "metrics", strings.Join(missing, ", "))
	}
	return values, nil
}

// unknownMetric refuses a metric with the best advice there is. What it names
// comes from the tables, never from what was typed.
func unknownMetric(version, name string, place int) error {
	for _, m := range metricsOf(version) {
		if strings.EqualFold(m.name, name) {
			return Refuse("cvss-metric-case", "place", place, "metric", m.name)
		}
	}
	other := "3.1"
	if version == "3.1" {
		other = "4.0"
	}
	if m, ok := findMetric(other, name); ok {
		return Refuse("cvss-other-version", "metric", m.name, "version", version, "other", other)
	}
	return Refuse("cvss-unknown-metric", "place", place, "version", version,
		"metrics", strings.Join(missingMetrics(version, nil), ", "))
}

// canonical writes values in the specification's order.
func canonical(version string, values map[string]string) string {
	var b strings.Builder
	b.WriteString("CVSS:" + version)
	for _, m := range metricsOf(version) {
		if v, ok := values[m.name]; ok {
			b.WriteString("/" + m.name + ":" + v)
		}
	}
	return b.String()
}

// scoreOf reckons the score in tenths and its name.
func scoreOf(version, vector string, values map[string]string) (int, string, error) {
	threat, environment := false, false
	for _, m := range metricsOf(version) {
		if _, ok := values[m.name]; ok {
			threat = threat || m.group == threatMetric
			environment = environment || m.group == envMetric
		}
	}
	if version == "4.0" {
		v, err := gocvss40.ParseVector(vector)
		if err != nil {
			return 0, "", notTaken(version)
		}
		name := "CVSS-B"
		if threat {
			name += "T"
		}
		if environment {
			name += "E"
		}
		return tenths(v.Score()), name, nil
	}
	v, err := gocvss31.ParseVector(vector)
	switch {
	case err != nil:
		return 0, "", notTaken(version)
	case environment:
		return tenths(v.EnvironmentalScore()), "CVSS 3.1 environmental", nil
	case threat:
		return tenths(v.TemporalScore()), "CVSS 3.1 temporal", nil
	default:
		return tenths(v.BaseScore()), "CVSS 3.1", nil
	}
}

// notTaken is the error for a fault of ours: the library and our tables
// disagree. It does not wrap the library's error, which may quote the vector.
func notTaken(version string) error {
	return fmt.Errorf("the CVSS library did not take a canonical CVSS %s vector", version)
}

func tenths(score float64) int { return int(math.Round(score * 10)) }

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// shortWord reports whether s is one to six ASCII letters.
func shortWord(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 6
}
