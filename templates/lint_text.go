package templates

import (
	"fmt"
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func noTime() time.Time { return time.Time{} }

// among reports whether a word is one of a list, in whatever letters.
func among(all []string, word string) bool {
	return slices.ContainsFunc(all, func(s string) bool { return strings.EqualFold(s, word) })
}

// ids lists the ids of vulnerabilities and advisories in a text in its normal form, as
// they should be written, however they are: CVE 2026-1111, CVE_2026_1111, and the role
// that reStructuredText has for them.
func ids(text string) []string {
	var out []string
	add := func(id string) {
		if !among(out, id) {
			out = append(out, id)
		}
	}
	for _, m := range regexp.MustCompile(`(?i)(?:^|[^\pL\pN])(?:cves?[\W_]{0,3}(\d{4})[\W_]{0,3}(\d{4,})|ghsa[\W_]*`+ghsaPart+`[\W_]*`+ghsaPart+`[\W_]*`+ghsaPart+`)`).FindAllStringSubmatch(text, -1) {
		if m[1] != "" {
			add("CVE-" + m[1] + "-" + m[2])
		} else {
			add("GHSA-" + strings.ToLower(m[3]+"-"+m[4]+"-"+m[5]))
		}
	}
	return out
}

// ghsaPart is a part of an id of GitHub. Source: GitHub Docs, GHSA IDs.
const ghsaPart = `([2-9cfghjmpqrvwx]{4})`

// badIDs lists what a text has that is meant as an id and is none, as CVE-XXXX-XXXXX,
// or one with hyphens that are none.
func badIDs(text string) []string {
	var out []string
	for _, m := range regexp.MustCompile(`(?i)(?:^|[^\pL\pN])((?:CVE|GHSA)[`+dashes+`][\pL\pN-]+)|:cve:.([\pL\pN-]+).`).FindAllStringSubmatch(text, -1) {
		id := m[1]
		if m[2] != "" {
			id = "CVE-" + m[2]
		}
		if id = strings.TrimRight(id, "-"); !goodID(id) && !among(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// anyIDs lists the ids of a text, and what is meant as one.
func anyIDs(text string) []string { return append(ids(spelled(text)), badIDs(text)...) }

// handles lists the handles of incidents in a text in its normal form: INC-7, INC 7,
// INC7. A full stop after it is that of a company.
func handles(text, prefix string) []string {
	var out []string
	for _, m := range regexp.MustCompile(`(?i)(?:^|[^\pL\pN])(`+regexp.QuoteMeta(folded(prefix))+`[^\pL\pN.,]{0,2}\d+)`).FindAllStringSubmatch(text, -1) {
		if !among(out, m[1]) {
			out = append(out, m[1])
		}
	}
	return out
}

// dashes are what looks like a hyphen, as a class of a pattern. folded has the same.
const dashes = `\p{Pd}\x{2043}\x{02d7}\x{2212}`

// folded gives the normal form of a text, in which names and ids are looked for: what
// looks the same is the same, marks of Markdown are blanks, and between two words is one
// blank. What is looked for has to be in it too. Source: Unicode Standard Annex 15;
// Unicode Technical Standard 39.
func folded(text string) string {
	text = norm.NFKD.String(html.UnescapeString(text))
	latin := lookAlikes()
	var out strings.Builder
	for k, r := range text {
		like, known := latin[r]
		switch {
		case known:
			out.WriteRune(like)
		case r == '\\' && k+1 < len(text) && strings.IndexByte("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", text[k+1]) >= 0: // it takes a sign's meaning away
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf): // it is not seen, or an accent
		case strings.ContainsRune("_*~`", r):
			out.WriteByte(' ')
		case unicode.Is(unicode.Pd, r) || strings.ContainsRune("\u2043\u02d7\u2212", r):
			out.WriteByte('-')
		default:
			out.WriteRune(r)
		}
	}
	return strings.Join(strings.Fields(out.String()), " ")
}

// low is folded in small letters.
func low(text string) string { return strings.ToLower(folded(text)) }

// lookAlikes are the letters of other scripts that look like Latin ones, both sizes of
// a letter alike.
func lookAlikes() map[rune]rune {
	out := map[rune]rune{}
	for _, pair := range [][2]string{
		{"авекмнорстухіјѕһԁԛԝӏєгп", "abekmhopctyxijshdqwlern"},
		{"αβεζηικμνορτυχϲϳ", "abezhikmnoptyxcj"},
		{"ıɡɩℓ", "igil"},
	} {
		from, to := []rune(pair[0]), []rune(pair[1])
		for k, r := range from {
			out[r] = to[k]
			if up := unicode.ToUpper(r); up != r && up > unicode.MaxASCII {
				out[up] = unicode.ToUpper(to[k])
			}
		}
	}
	return out
}

// holdsName reports whether the words of a text, see letters, have those of a name in a
// row.
func holdsName(words, name string) bool {
	name = letters(low(name))
	return name != "" && strings.Contains(" "+words+" ", " "+name+" ")
}

// holdsAddress reports whether a text in its normal form has an address, also with
// words in the place of its signs: erin (at) example dot org.
func holdsAddress(text, address string) bool {
	at := strings.LastIndexByte(address, '@')
	if at < 1 {
		return false
	}
	const gap = `[^\pL\pN]{1,3}`
	name, domain := strings.Fields(letters(low(address[:at]))), strings.Fields(letters(low(address[at:])))
	if len(name) == 0 || len(domain) == 0 {
		return false
	}
	return regexp.MustCompile(`(?:^|[^\pL\pN])` + strings.Join(name, gap+`(?:dot`+gap+`)?`) + gap + `(?:at` + gap + `)?` +
		strings.Join(domain, gap+`(?:dot`+gap+`)?`) + `(?:$|[^\pL\pN])`).MatchString(text)
}

// placeholders lists what was to be filled in: those of a draft, and those of the
// plan's own templates.
func placeholders(text string) []string {
	return regexp.MustCompile(`<missing: [^<>]*>|\\?<(?:e\.g\. )?(?:CVE|DATE|name|version|fixed version|score|vector|rating|date|brief issue description|credited name)\b[^<>@]*>|\bX{4}\b`).FindAllString(text, -1)
}

// filled gives a text without the placeholders of drafts.
func filled(text string) string {
	return regexp.MustCompile(`<missing: [^<>]*>`).ReplaceAllString(text, "(missing)")
}

// differing lists the lines of a text that another one does not have.
func differing(text, other string) []string {
	var out []string
	have := strings.Split(other, "\n")
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimRight(line, " "); !slices.Contains(have, line) {
			if first := []rune(line); len(first) > 40 {
				line = string(first[:40]) + "…"
			}
			out = append(out, line)
		}
	}
	return out
}

// momentLike is how a moment is written.
const momentLike = "Thursday 2026-12-03 14:00 UTC"

// moments gives the instants that a text names in full: weekday, date, time, UTC.
func moments(text string) []time.Time {
	var out []time.Time
	for _, m := range regexp.MustCompile(`(?i)\b`+weekday+`,?\s+(\d{4}-\d{2}-\d{2}),?\s+(?:at\s+)?(\d{2}:\d{2})\s+UTC\b`).FindAllStringSubmatch(text, -1) {
		if at, err := time.Parse("2006-01-02 15:04", m[2]+" "+m[3]); err == nil {
			out = append(out, at)
		}
	}
	return out
}

const weekday = `(mon|tue|tues|wednes|wed|thurs|thur|thu|fri|satur|sat|sun)(?:day)?`

// wrongDays lists weekdays that stand before a date of another day, and dates that
// are none.
func wrongDays(text string) []string {
	var out []string
	for _, m := range regexp.MustCompile(`(?i)\b`+weekday+`,?\s+(\d{4}-\d{2}-\d{2})\b`).FindAllStringSubmatch(text, -1) {
		at, err := time.Parse("2006-01-02", m[2])
		if err != nil || !strings.EqualFold(at.Weekday().String()[:3], m[1][:3]) {
			out = append(out, strings.Join(strings.Fields(m[0]), " "))
		}
	}
	return out
}

// dated is a date in a text: as it is written there, and as 2006-01-02, or 2006-01 where
// no day is named.
type dated struct{ written, day string }

// dates lists the dates of a text in its normal form that name their year.
func dates(text string) []dated {
	const month = `(?:(jan)(?:uary)?|(feb)(?:ruary)?|(mar)(?:ch)?|(apr)(?:il)?|(may)|(jun)e?|(jul)y?|(aug)(?:ust)?|(sep)t?(?:ember)?|(oct)(?:ober)?|(nov)(?:ember)?|(dec)(?:ember)?)\.?`
	const day = `(\d{1,2})(?:st|nd|rd|th)?`
	var out []dated
	for _, m := range regexp.MustCompile(`(?i)\b(?:(\d{4})[-/.](\d{2})[-/.](\d{2})|(?:`+day+`(?: of)?[ -])?`+month+`(?:[ -]`+day+`\b)?,?(?: of)?[ -](\d{4}))(?:\D|$)`).FindAllStringSubmatch(text, -1) {
		d := dated{written: strings.TrimRightFunc(m[0], func(r rune) bool { return !unicode.IsDigit(r) }), day: m[1] + "-" + m[2] + "-" + m[3]}
		if m[1] == "" {
			name := slices.IndexFunc(m[5:17], func(s string) bool { return s != "" })
			d.day = fmt.Sprintf("%s-%02d", m[18], name+1)
			if n, err := strconv.Atoi(m[4] + m[17]); err == nil {
				d.day += fmt.Sprintf("-%02d", n)
			}
		}
		out = append(out, d)
	}
	return out
}

// lists are the mailing lists for security that do not go together: one of them gets
// a text, or none. Source: oss-security.openwall.org/wiki/mailing-lists.
func lists() []string {
	return []string{"linux-distros@vs.openwall.org", "distros@vs.openwall.org", "oss-security@lists.openwall.com"}
}

// listsAmong gives which of the recipients are lists for security, by address or by
// the name that people use. All that is at openwall.org or openwall.com is one.
func listsAmong(recipients []string) []string {
	var out []string
	for _, r := range recipients {
		address := strings.ToLower(strings.TrimSpace(r))
		if open, end := strings.LastIndexByte(address, '<'), strings.LastIndexByte(address, '>'); open >= 0 && end > open {
			address = address[open+1 : end]
		}
		address = strings.TrimRight(address, ". ")
		for _, l := range lists() {
			if name, _, _ := strings.Cut(l, "@"); address == name {
				address = l
			}
		}
		domain := "." + address[strings.LastIndexByte(address, '@')+1:]
		if strings.HasSuffix(domain, ".openwall.org") || strings.HasSuffix(domain, ".openwall.com") {
			if strings.Contains(address, "@") && !slices.Contains(out, address) {
				out = append(out, address)
			}
		}
	}
	return out
}

// bugWords lists the words of a text that tell what kind of bug it is.
func bugWords(text string) []string {
	words := []string{
		`(?:buffer|heap|stack|integer)?[ -]?(?:over|under)[ -]?(?:flow(?:s|ed|ing)?|runs?|reads?|writes?)`, `oob`, `out[ -]of[ -]bounds?`, `off[ -]by[ -]one`,
		`use[ -]after[ -]free`, `uaf`, `double[ -]free`, `null[ -](?:pointer|deref\w*)`, `(?:memory|heap|stack)[ -](?:corruption|safety)`, `heap`, `uninitiali[sz]ed`,
		`type[ -]confusion`, `race[ -]condition`, `format[ -]string`, `r[cl]e`, `(?:remote|arbitrary|code)[ -](?:code[ -])?(?:execution|write|read)`,
		`d?dos`, `denial[ -]of[ -]service`, `crash(?:e[sd]|ers?|ing)?`, `hang(?:s|ing)?`, `infinite[ -]loop`, `(?:decompression|zip)[ -]bomb`, `resource[ -]exhaustion`,
		`(?:command|code|sql|shell)?[ -]?injection`, `xss|ssrf|csrf|xxe|lfi|rfi`, `(?:path|directory)[ -]traversal`, `deseriali[sz]ation`,
		`(?:auth\w*|sandbox)?[ -]?bypass`, `(?:privilege[ -])?escalation`, `info(?:rmation)?[ -](?:leak|disclosure)`, `memory[ -]leak`,
		`supply[ -]chain`, `malware|backdoor|compromised?`, `exploit\w*|poc|0-?day|zero[ -]day`, `cwe-?\d*`,
	}
	return regexp.MustCompile(`(?i)\b(?:`+strings.Join(words, "|")+`)\b`).FindAllString(folded(text), -1)
}

// exploitWords lists what a text has of an attack.
func exploitWords(text string) []string {
	words := regexp.MustCompile(`(?i)\b(?:proof[ -]of[ -]concept|poc|exploit(?:s|ed|able)?|reproducer|payload|shellcode|hex ?dump|gadget)\b|(?:\\x[0-9a-f]{2}){4,}|\b(?:[0-9a-f]{2} ){8,}`)
	if found := words.FindAllString(text, -1); len(found) > 0 {
		return found
	}
	return words.FindAllString(folded(text), -1)
}

// quotes reports whether a text holds that many words in a row of another one, or all
// of it where it has fewer, but at least three.
func quotes(text, from string, words int) bool {
	whole, of := letters(spelled(text)), strings.Fields(letters(folded(from)))
	if len(of) < 3 {
		return false
	}
	words = min(words, len(of))
	for k := range len(of) - words + 1 {
		if strings.Contains(" "+whole+" ", " "+strings.Join(of[k:k+words], " ")+" ") {
			return true
		}
	}
	return false
}

// letters gives the words of a text without what stands between them.
func letters(text string) string {
	return strings.ToLower(strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}), " "))
}

// holdsWord reports whether a text holds a word or phrase that is no part of a longer
// word.
func holdsWord(text, word string) bool {
	if word == "" {
		return false
	}
	part := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' }
	first, step := utf8.DecodeRuneInString(word)
	last, _ := utf8.DecodeLastRuneInString(word)
	for at := 0; ; {
		k := strings.Index(text[at:], word)
		if k < 0 {
			return false
		}
		before, _ := utf8.DecodeLastRuneInString(text[:at+k])
		after, _ := utf8.DecodeRuneInString(text[at+k+len(word):])
		if !(part(before) && part(first)) && !(part(after) && part(last)) {
			return true
		}
		at += k + step
	}
}

// commonWords are names of people that are words too: a text may hold them without
// meaning anybody.
func commonWords() []string {
	return strings.Fields(`april art august bill bob chase christian dawn dean don drew faith frank grace grant guy hope
		iris jack jade joy june lance mark mason max may miles pat penny pierce rich rob rose ruby sandy skip sky
		summer sue victor wade ward will`)
}

// organisation reports whether a name is that of a group and not of a person: parts of
// such names are words of every advisory.
func organisation(name string) bool {
	words := strings.Fields(`security team project lab labs research researchers group inc ltd llc gmbh university institute psirt cert csirt
		foundation corporation company technologies zero threat response center centre software systems linux product`)
	return slices.ContainsFunc(strings.Fields(letters(name)), func(w string) bool { return slices.Contains(words, w) })
}

// mentions lists the accounts that a text calls on Mastodon or GitHub.
func mentions(text string) []string {
	var out []string
	for _, m := range regexp.MustCompile(`(?:^|[^\pL\pN_/=@.+-]|[^\pL\pN/=@.+-]_+)(@[A-Za-z0-9_][A-Za-z0-9_.@/-]*)`).FindAllStringSubmatch(text, -1) {
		out = append(out, strings.TrimRight(m[1], ".-/"))
	}
	return out
}
