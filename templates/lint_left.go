package templates

import "regexp"

// leftRules: what somebody wrote for themselves, to come back to.
func leftRules() []rule {
	return []rule{
		{"leftover", LintError, "Something was left in it to be filled in", nil, func(t *checked) []string {
			rest := unjoined(inCode(t.all(), func(string) string { return " " }))
			var out []string
			for _, m := range regexp.MustCompile(`(?:^|[^\pL\pN])(?:(TO-?DO|FIX-?ME|XXX+)(?:$|[^\pL\pN])|((?i:lorem ipsum)|\\?<(?:\.{2,}|…|\?+|_+)\\?>|\\?<(?i:your|insert|fill|add|put|placeholder|to ?do)\b[^<>@]*>|\{\{-? ?(?:\.\w|(?:need|if|or|end|with|range)\b)[^{}]*\}\}))`).FindAllStringSubmatch(rest, -1) {
				if left := m[1] + m[2]; !among(out, left) {
					out = append(out, left)
				}
			}
			return out
		}},
	}
}
