package templates

import (
	"regexp"
	"strings"
)

// dayRules: a day that is named without its date, or a date without its year, is
// another one to whoever reads it later or elsewhere.
func dayRules() []rule {
	return []rule{
		{
			"loose-day", LintError, "It names the disclosure's day loosely: name it as " + momentLike + " (policy of the distros lists)", isDistros,
			func(t *checked) []string { return looseDays(t, true) },
		},
		{
			"loose-day-word", LintWarning, "It names a day without its whole date, and not everybody reads that alike", nil,
			func(t *checked) []string {
				if isDistros(t) {
					return looseDays(t, false)
				}
				return append(looseDays(t, true), looseDays(t, false)...)
			},
		},
	}
}

// looseDays lists the days that a text names loosely in sentences that speak of the
// disclosure, or in the other ones.
func looseDays(t *checked, disclosure bool) []string {
	about := regexp.MustCompile(`(?i)disclos|embargo|public|publish|releas|lift|go(?:es|ing)? live|\bout\b|announce|advisor|\bCRD\b|confidential|private|secret|until|planned|scheduled|\bdate`)
	var speak []string
	for _, sentence := range sentences(spelled(strings.ReplaceAll(t.all(), "\n\n", " ¶ "))) {
		if about.MatchString(sentence) == disclosure {
			speak = append(speak, sentence)
		}
	}
	return loose(speak)
}

// sentences cuts a text where a paragraph ends, and where a sentence ends and the next
// one begins, which no number does: "on Jan. 5".
func sentences(text string) []string {
	return strings.Split(regexp.MustCompile(`([.!?])\s+(\p{Lu})|\s*¶\s*`).ReplaceAllString(text, "$1\n$2"), "\n")
}

// loose lists the days of texts in their normal form that are named without their
// date, and the dates without their year.
func loose(texts []string) []string {
	const month = `(?:(?i:january|february|april|june|july|august|september|october|november|december)|M(?i:arch|ay|ar)\b|(?:J(?i:an|un|ul)|F(?i:eb)|A(?i:pr|ug)|S(?i:ept?)|O(?i:ct)|N(?i:ov)|D(?i:ec))\b\.?)`
	const name = `(?i:mon|tues|wednes|thurs|fri|satur|sun)(?i:day)`
	const unit = `(?i:hours?|days?|weeks?|months?|fortnights?)`
	const number = `(?i:\d+|an?|one|two|three|four|five|six|seven|eight|nine|ten|twelve|fourteen|thirty|ninety|some|few|several|couple)`
	const nth = `\d{1,2}(?:st|nd|rd|th)`
	ways := []struct{ is, not string }{ // not: what follows it where it is no loose day
		{`(?i:today|tonight|tomorrow|yesterday|last (?:night|week|month)|(?:this|tomorrow) (?:morning|afternoon|evening))`, ``},
		{`(?i:this|next|coming|following|end of(?: the)?) (?i:week(?:end)?|month|quarter|year)`, `|^ of\b`},
		{`(?:(?i:on|by|until|till|before|from|this|next|coming|following) )*(?i:the )?` + name, `|^s|^,? (?:the )?\d|^,? ` + month + ` \d`},
		{`(?i:in|within|after)(?i: the)?(?i: next| coming| about| around| roughly| another| only| at least| at most)* ` + number + `(?i: of| more| working| business| calendar)*[ -]?` + unit, `|^(?: of\b|-)`},
		{number + `(?i: more| working| business| calendar)* ` + unit + `(?i: from (?:now|today)| later| hence)`, ``},
		{`(?i:in the (?:next|coming) ` + unit + `)`, ``},
		{`\b` + month + ` (?:` + nth + `|\d{1,2})`, `|^(?:,? (?:of )?20\d\d|,? \d{1,2}:\d\d,? 20\d\d|\d)`},
		{`(?:` + nth + `|\d{1,2})(?: of|-)? ?` + month, `|^(?:,?(?: of)?[ -]20\d\d)`},
		{`(?i:in|by|until|till|before|of|mid|early|late)[ -](?i:mid|early|late)?[ -]?` + month, `|^(?:,?(?: of)? \d)`},
		{`(?i:on|by|until|till|before) the ` + nth + `(?i: (?:at|and|or))?`, `|^(?: of)? \pL`},
		{`\d{1,2}/\d{1,2}/(?:20)?\d\d`, `|^\d`},
	}
	var out []string
	taken := make([][]int, len(texts)) // beginnings and ends by turns
	for _, w := range ways {
		is, not := regexp.MustCompile(`(?:^|[^\pL\pN./-])(`+w.is+`)`), regexp.MustCompile(`^[\pL\pN]`+w.not)
		for k, text := range texts {
			for _, at := range is.FindAllStringSubmatchIndex(text, -1) {
				if start, end := at[2], at[3]; !not.MatchString(text[end:]) && !overlaps(taken[k], start, end) {
					taken[k] = append(taken[k], start, end)
					if day := text[start:end]; !among(out, day) {
						out = append(out, day)
					}
				}
			}
		}
	}
	return out
}

// overlaps reports whether a stretch shares something with one of those that are taken,
// beginnings and ends by turns.
func overlaps(taken []int, start, end int) bool {
	for k := 0; k < len(taken); k += 2 {
		if start < taken[k+1] && taken[k] < end {
			return true
		}
	}
	return false
}
