package pypi

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Cell is a place of the matrix of wheels: a Python and a platform.
type Cell struct {
	Python   string   // "cp313", "cp313t", "pp311", "cp39-abi3"
	Platform string   // "manylinux x86_64", "macosx arm64", "win_amd64"; without versions of systems
	Files    []string // the wheels that are there for it
}

// Gap is a place where wheels are missing.
type Gap struct {
	Python, Platform string
	Have, Want       int
}

// String names it.
func (g Gap) String() string { return g.Python + " " + g.Platform }

// cells sorts wheels into the matrix. Other files are left out.
func cells(files []File) []Cell {
	at := map[[2]string]int{}
	var out []Cell
	for _, f := range files {
		python, platform, ok := wheel(f.Name)
		if !ok {
			continue
		}
		key := [2]string{python, platform}
		i, there := at[key]
		if !there {
			i = len(out)
			at[key] = i
			out = append(out, Cell{Python: python, Platform: platform})
		}
		out[i].Files = append(out[i].Files, f.Name)
	}
	for _, c := range out {
		slices.Sort(c.Files)
	}
	slices.SortFunc(out, func(a, b Cell) int {
		return cmp.Or(comparePython(a.Python, b.Python), cmp.Compare(a.Platform, b.Platform))
	})
	return out
}

// wheel reads a wheel's name: distribution, version, perhaps a build, and three tags.
// https://packaging.python.org/en/latest/specifications/binary-distribution-format/#file-name-convention
func wheel(name string) (python, platform string, ok bool) {
	stem, ok := strings.CutSuffix(name, ".whl")
	parts := strings.Split(stem, "-")
	n := len(parts)
	if !ok || n != 5 && n != 6 || slices.Contains(parts, "") {
		return "", "", false
	}
	python, abi := parts[n-3], parts[n-2]
	switch {
	case abi == "none" || strings.HasPrefix(abi, "pypy") && strings.HasPrefix(python, "pp"):
	case strings.HasPrefix(abi, python): // cp313t of cp313
		python = abi
	default:
		python += "-" + abi
	}
	return python, systems(parts[n-1]), true
}

// systems gives the systems of a wheel's platform tags, without their versions: a
// release that asks for a newer one is not a release that leaves a system out.
// https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/
func systems(tags string) string {
	versioned := regexp.MustCompile(`^(manylinux|musllinux|macosx|ios|android)(1|2010|2014|_\d+_\d+|_\d+)_(.+)$`)
	var out []string
	for tag := range strings.SplitSeq(tags, ".") {
		if m := versioned.FindStringSubmatch(tag); m != nil {
			tag = m[1] + " " + m[3]
		}
		if !slices.Contains(out, tag) {
			out = append(out, tag)
		}
	}
	slices.Sort(out)
	return strings.Join(out, " + ")
}

// splitPython gives the parts of "cp313t": cp, 313, t.
func splitPython(s string) (kind string, number int, rest string) {
	const most = 9 // digits, so that it is a number
	from := strings.IndexAny(s, "0123456789")
	if from < 1 {
		return s, 0, ""
	}
	to := from
	for to < len(s) && s[to] >= '0' && s[to] <= '9' && to-from < most {
		to++
	}
	number, _ = strconv.Atoi(s[from:to])
	return s[:from], number, s[to:]
}

// comparePython puts cp39 before cp310, and those that belong together beside each
// other.
func comparePython(a, b string) int {
	kindA, numberA, restA := splitPython(a)
	kindB, numberB, restB := splitPython(b)
	return cmp.Or(cmp.Compare(kindA, kindB), cmp.Compare(restA, restB), cmp.Compare(minor(numberA), minor(numberB)), cmp.Compare(a, b))
}

// minor reads 39 as 3.9 and 310 as 3.10.
func minor(n int) int {
	s := strconv.Itoa(n)
	if len(s) < 2 {
		return n * 1000
	}
	major, _ := strconv.Atoi(s[:1])
	rest, _ := strconv.Atoi(s[1:])
	return major*1000 + rest
}

// lacking compares with another release's matrix: what that one had, and this one
// has not or has less of.
func lacking(have, like []Cell) []Gap {
	var out []Gap
	for _, want := range like {
		n := 0
		for _, c := range have {
			if c.Python == want.Python && c.Platform == want.Platform {
				n = len(c.Files)
			}
		}
		if n < len(want.Files) {
			out = append(out, Gap{want.Python, want.Platform, n, len(want.Files)})
		}
	}
	return out
}

// ragged guesses what is missing where there is nothing to compare with: on a
// platform that more than half of the Pythons of one sort have, all of them should
// be. Sorts are, for example, CPython and free-threaded CPython.
func ragged(have []Cell) []Gap {
	type sort struct{ kind, rest string }
	pythons := map[sort][]string{}
	counts := map[sort]map[string]map[string]int{} // platform, python
	for _, c := range have {
		kind, _, rest := splitPython(c.Python)
		s := sort{kind, rest}
		if counts[s] == nil {
			counts[s] = map[string]map[string]int{}
		}
		if counts[s][c.Platform] == nil {
			counts[s][c.Platform] = map[string]int{}
		}
		counts[s][c.Platform][c.Python] = len(c.Files)
		if !slices.Contains(pythons[s], c.Python) {
			pythons[s] = append(pythons[s], c.Python)
		}
	}
	var out []Gap
	for s, platforms := range counts {
		for platform, by := range platforms {
			want := usual(by, len(pythons[s]))
			for _, python := range pythons[s] {
				if by[python] < want {
					out = append(out, Gap{python, platform, by[python], want})
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b Gap) int {
		return cmp.Or(comparePython(a.Python, b.Python), cmp.Compare(a.Platform, b.Platform))
	})
	return out
}

// usual is the number of wheels that more than half of the Pythons have at least.
func usual(by map[string]int, pythons int) int {
	var counts []int
	for _, n := range by {
		counts = append(counts, n)
	}
	slices.SortFunc(counts, func(a, b int) int { return b - a })
	if half := pythons / 2; half < len(counts) {
		return counts[half]
	}
	return 0
}
