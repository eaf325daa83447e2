package incidents

import "strings"

// metricGroup is the group of metrics that a metric belongs to.
type metricGroup uint8

const (
	baseMetric   metricGroup = iota // mandatory
	threatMetric                    // called temporal in CVSS 3.1
	envMetric
	supplMetric // never changes a score
)

// metric is one metric of a CVSS version.
type metric struct {
	name   string
	values string // with a blank between
	group  metricGroup
}

// takes reports whether value is one of the metric's.
func (m metric) takes(value string) bool {
	for v := range strings.FieldsSeq(m.values) {
		if v == value {
			return true
		}
	}
	return false
}

// findMetric finds a metric by its exact name.
func findMetric(version, name string) (metric, bool) {
	for _, m := range metricsOf(version) {
		if m.name == name {
			return m, true
		}
	}
	return metric{}, false
}

// missingMetrics lists the mandatory metrics that are not in seen.
func missingMetrics(version string, seen map[string]bool) []string {
	var out []string
	for _, m := range metricsOf(version) {
		if m.group == baseMetric && !seen[m.name] {
			out = append(out, m.name)
		}
	}
	return out
}

// metricsOf lists the metrics of a version in the order of its vector.
func metricsOf(version string) []metric {
	if version == "4.0" {
		return metrics40()
	}
	return metrics31()
}

// metrics40 is table 23 of the CVSS v4.0 specification.
func metrics40() []metric {
	return []metric{
		{"AV", "N A L P", baseMetric},
		{"AC", "L H", baseMetric},
		{"AT", "N P", baseMetric},
		{"PR", "N L H", baseMetric},
		{"UI", "N P A", baseMetric},
		{"VC", "H L N", baseMetric},
		{"VI", "H L N", baseMetric},
		{"VA", "H L N", baseMetric},
		{"SC", "H L N", baseMetric},
		{"SI", "H L N", baseMetric},
		{"SA", "H L N", baseMetric},
		{"E", "X A P U", threatMetric},
		{"CR", "X H M L", envMetric},
		{"IR", "X H M L", envMetric},
		{"AR", "X H M L", envMetric},
		{"MAV", "X N A L P", envMetric},
		{"MAC", "X L H", envMetric},
		{"MAT", "X N P", envMetric},
		{"MPR", "X N L H", envMetric},
		{"MUI", "X N P A", envMetric},
		{"MVC", "X H L N", envMetric},
		{"MVI", "X H L N", envMetric},
		{"MVA", "X H L N", envMetric},
		{"MSC", "X H L N", envMetric},
		{"MSI", "X S H L N", envMetric},
		{"MSA", "X S H L N", envMetric},
		{"S", "X N P", supplMetric},
		{"AU", "X N Y", supplMetric},
		{"R", "X A U I", supplMetric},
		{"V", "X D C", supplMetric},
		{"RE", "X L M H", supplMetric},
		{"U", "X Clear Green Amber Red", supplMetric},
	}
}

// metrics31 is table 15 of the CVSS v3.1 specification, in the order that its
// section 6 prefers.
func metrics31() []metric {
	return []metric{
		{"AV", "N A L P", baseMetric},
		{"AC", "L H", baseMetric},
		{"PR", "N L H", baseMetric},
		{"UI", "N R", baseMetric},
		{"S", "U C", baseMetric},
		{"C", "H L N", baseMetric},
		{"I", "H L N", baseMetric},
		{"A", "H L N", baseMetric},
		{"E", "X H F P U", threatMetric},
		{"RL", "X U W T O", threatMetric},
		{"RC", "X C R U", threatMetric},
		{"CR", "X H M L", envMetric},
		{"IR", "X H M L", envMetric},
		{"AR", "X H M L", envMetric},
		{"MAV", "X N A L P", envMetric},
		{"MAC", "X L H", envMetric},
		{"MPR", "X N L H", envMetric},
		{"MUI", "X N R", envMetric},
		{"MS", "X U C", envMetric},
		{"MC", "X H L N", envMetric},
		{"MI", "X H L N", envMetric},
		{"MA", "X H L N", envMetric},
	}
}
