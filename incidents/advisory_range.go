package incidents

import (
	"regexp"
	"strings"
)

// GitHubRange writes affected versions as GitHub takes them, ">= 10.3.0, < 12.3.1",
// from how people say it: "10.3.0 to 12.3.0", "before 12.3.1", "12.3.0 and earlier".
// It gives false for what it does not understand for sure.
// https://docs.github.com/code-security/security-advisories/working-with-repository-security-advisories/creating-a-repository-security-advisory
func GitHubRange(text string) (string, bool) {
	text = strings.ToLower(strings.Join(strings.Fields(strings.TrimRight(strings.TrimSpace(text), ".")), " "))
	const v = `(` + versionLike + `)`
	for _, form := range []struct{ is, out string }{
		{`^` + v + `$`, "= $1"},
		{`^` + v + ` ?(?:to|through|until|-|–) ?` + v + `$`, ">= $1, <= $2"},
		{`^from ` + v + ` (?:to|through) ` + v + `$`, ">= $1, <= $2"},
		{`^(?:from )?` + v + ` (?:to|until|up to)? ?(?:but not including|before) ` + v + `$`, ">= $1, < $2"},
		{`^(?:before|prior to|all before) ` + v + `$`, "< $1"},
		{`^(?:up to|through) ` + v + `$`, "<= $1"},
		{`^` + v + ` (?:and|or) (?:earlier|older|before|below)$`, "<= $1"},
		{`^` + v + ` (?:and|or) (?:later|newer|above)$`, ">= $1"},
		{`^(?:since|from) ` + v + `$`, ">= $1"},
	} {
		re := regexp.MustCompile(form.is)
		if re.MatchString(text) {
			return re.ReplaceAllString(text, form.out), true
		}
	}
	var parts []string
	for _, part := range strings.Split(text, ",") {
		m := regexp.MustCompile(`^ ?(>=|<=|==|=|>|<) ?` + v + ` ?$`).FindStringSubmatch(part)
		if m == nil {
			return "", false
		}
		sign := m[1]
		if sign == "==" {
			sign = "="
		}
		parts = append(parts, sign+" "+m[2])
	}
	return strings.Join(parts, ", "), len(parts) <= 2
}

// rangeOf gives a fact as a range of GitHub's, or as it is where it is none.
func rangeOf(s Sealed) Sealed {
	return mapSealed(s, func(text string) string {
		if r, ok := GitHubRange(text); ok {
			return r
		}
		return text
	})
}
