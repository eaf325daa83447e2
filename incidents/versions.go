package incidents

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// notKnown reports whether what was typed as a fact is only a word for not knowing it:
// "TBD", "soon", "?".
func notKnown(text string) bool {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r < 0x80 })
	return !slices.ContainsFunc(words, func(w string) bool {
		return !slices.Contains([]string{"tbd", "tba", "tbc", "todo", "soon", "later", "unknown", "not", "yet", "known", "na", "n", "a", "x", "xx", "xxx", "fixme", "pending"}, w)
	})
}

// versionLike is a version somewhere in a text: numbers with dots between them, or one
// number alone, with what PEP 440 lets follow.
const versionLike = `v?[0-9]{1,9}(?:\.[0-9]{1,9}){0,5}(?:[-_.]?(?:alpha|beta|preview|pre|rc|a|b|c)[-_.]?[0-9]{0,9})?(?:[-_.]?(?:post|rev|r)[-_.]?[0-9]{0,9})?`

// bound is a version in a text, with the sign before it: "<" 12.3.1.
type bound struct{ sign, version string }

// bounds lists the versions in a text. What is part of a longer word is none: 2.x,
// python3.
func bounds(text string) []bound {
	var out []bound
	for _, m := range regexp.MustCompile(`(?:(>=|<=|==|=|<|>|~)\s*)?(`+versionLike+`)`).FindAllStringSubmatchIndex(text, -1) {
		before, after := text[:m[4]], text[m[5]:]
		if regexp.MustCompile(`[\pL\pN_.]$`).MatchString(before) || regexp.MustCompile(`^[\pL\pN_*]|^\.[\pL\pN*]`).MatchString(after) {
			continue
		}
		b := bound{version: text[m[4]:m[5]]}
		if m[2] >= 0 {
			b.sign = text[m[2]:m[3]]
		}
		out = append(out, b)
	}
	return out
}

// VersionsIn lists the versions in a text, as they are written there.
func VersionsIn(text string) []string {
	var out []string
	for _, b := range bounds(strings.ToLower(text)) {
		out = append(out, b.version)
	}
	return out
}

// SameVersion reports whether two versions are one: 12.3 and 12.3.0, v2.0-RC1 and
// 2.0rc1 (PEP 440, Normalization).
func SameVersion(a, b string) bool { return compareVersions(a, b) == 0 }

// Latest gives the highest of some versions, or "".
func Latest(versions []string) string {
	if len(versions) == 0 {
		return ""
	}
	return slices.MaxFunc(versions, compareVersions)
}

// compareVersions orders versions as pip does: 2.0rc1, 2.0, 2.0.post1 (PEP 440,
// Summary of permitted suffixes and relative ordering).
func compareVersions(a, b string) int { return slices.Compare(versionOrder(a), versionOrder(b)) }

// versionOrder gives six numbers, then what comes before the release and what after.
func versionOrder(text string) []int {
	text = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(text)), "v")
	end := strings.IndexFunc(text, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	if end < 0 {
		end = len(text)
	}
	out := make([]int, 9)
	for k, n := range strings.Split(strings.Trim(text[:end], "."), ".") {
		if k < 6 {
			out[k], _ = strconv.Atoi(n)
		}
	}
	out[6] = 3 // neither before nor after
	for k, names := range []string{`alpha|a`, `beta|b`, `preview|pre|rc|c`} {
		if m := regexp.MustCompile(`^[-_.]?(?:` + names + `)[-_.]?([0-9]*)`).FindStringSubmatch(text[end:]); m != nil {
			out[6] = k
			out[7], _ = strconv.Atoi(m[1])
			break
		}
	}
	if m := regexp.MustCompile(`(?:post|rev|r|^-)[-_.]?([0-9]*)$`).FindStringSubmatch(text[end:]); m != nil {
		n, _ := strconv.Atoi(m[1])
		out[8] = 1 + n
	}
	return out
}

// signed gives what people call affected with a sign before each version that has one:
// "all before 12.3.1" is "all < 12.3.1", "12.2.0 to 12.3.0" is "12.2.0 ~ 12.3.0".
func signed(text string) string {
	text = strings.ToLower(text)
	for _, r := range [][2]string{
		{`(` + versionLike + `),?\s+(?:and|or)\s+(?:all\s+)?(?:earlier|older|below|lower|before|prior)\b`, `<= $1`},
		{`(` + versionLike + `)(?:,?\s+(?:and|or)\s+(?:all\s+)?(?:newer|later|above|up|upwards?|onwards?|higher)\b|\+)`, `>= $1`},
		{`\bup\s+to\s+and\s+including\b|≤|=<`, `<=`},
		{`\b(?:before|below|prior\s+to|up\s+to|until|(?:earlier|older|lower|less)\s+than)\b`, `<`},
		{`\b(?:after|above|(?:newer|later|greater|higher)\s+than)\b`, `>`},
		{`\b(?:from|since|starting\s+(?:with|at))\b|≥|=>`, `>=`},
		{`\b(?:to|through|thru)\b|[–—]|\.\.+|\s-\s`, `~`},
		{`([0-9])-([0-9])`, `$1 ~ $2`},
	} {
		text = regexp.MustCompile(r[0]).ReplaceAllString(text, r[1])
	}
	return text
}

// Affects reports whether a version is among those that a text calls affected, as far
// as that can be read: ">= 2.0, < 12.3.1", "12.2.0 to 12.3.0", "all before 12.3.1",
// "12.2.0 and 12.3.0". What has no end, and what cannot be read, says nothing against
// any version.
func Affects(affected, version string) bool {
	text := signed(affected)
	if regexp.MustCompile(`\b(?:except|excluding|but|not|without|other)\b|!=`).MatchString(text) {
		return false
	}
	var from, alone string // where a range begins, and a version that stands by itself
	found := false
	upTo := func(begin, end string, with bool) {
		c := compareVersions(version, end)
		found = found || (begin == "" || compareVersions(version, begin) >= 0) && (c < 0 || with && c == 0)
		from, alone = "", ""
	}
	settle := func() { // no range began with it
		found = found || alone != "" && SameVersion(alone, version)
		alone = ""
	}
	for _, b := range bounds(text) {
		switch b.sign {
		case "~":
			if begin := from + alone; begin != "" {
				upTo(begin, b.version, true)
			}
		case "<", "<=":
			settle()
			upTo(from, b.version, b.sign == "<=")
		case ">", ">=":
			settle()
			from = b.version
		default:
			settle()
			alone = b.version
		}
	}
	settle()
	return found
}
