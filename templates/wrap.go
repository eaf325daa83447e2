package templates

import (
	"regexp"
	"slices"
	"strings"

	"github.com/rivo/uniseg"
)

// Columns is how wide the lines of plain mail are. Source: linux-distros and
// oss-security list guidelines; RFC 3676, section 4.2, wants at most 78.
const Columns = 72

// fence begins and ends a block of code in Markdown.
const fence = "```"

// Wrap breaks lines that are wider than width columns at their blanks, and joins
// none. It leaves alone what has to stay whole: code (between fences, or by four
// blanks or a tab in front), words that are wider, such as addresses and CVSS
// vectors, what stands between two backquotes, and a placeholder. What is below an
// item of a list is indented as its text is, what is quoted stays quoted, and a
// heading stays above its underline.
func Wrap(text string, width int) string {
	var out []string
	code := false
	lines := strings.Split(text, "\n")
	for k, line := range lines {
		line = strings.TrimRight(line, " ")
		if strings.HasPrefix(line, fence) {
			code = !code
			out = append(out, line)
		} else if code || strings.HasPrefix(line, "    ") || strings.HasPrefix(line, "\t") || uniseg.StringWidth(line) <= width ||
			k+1 < len(lines) && underlines(lines[k+1]) {
			out = append(out, line)
		} else {
			out = append(out, wrapLine(line, width)...)
		}
	}
	return strings.Join(out, "\n")
}

// underlines reports whether a line makes a heading of the one above it. Source:
// docutils, reStructuredText markup, sections.
func underlines(line string) bool {
	line = strings.TrimRight(line, " ")
	return len(line) > 2 && strings.Contains("=-~^\"'`", line[:1]) && strings.Trim(line, line[:1]) == "" && line != fence
}

// front is what a line begins with: blanks, then the sign of a list or of a quotation.
func front(line string) (first, next string) {
	m := regexp.MustCompile(`^( {0,3})((?:[-*+]|\d{1,3}[.)]) +|(?:> ?)+)?`).FindStringSubmatch(line)
	next = m[1] + strings.Repeat(" ", len(m[2]))
	if strings.HasPrefix(m[2], ">") {
		next = m[0]
	}
	return m[0], next
}

func wrapLine(line string, width int) []string {
	first, next := front(line)
	var out []string
	now, empty := first, true
	for _, word := range units(line[len(first):]) {
		if !empty && uniseg.StringWidth(now+" "+word) > width {
			out = append(out, now)
			now, empty = next, true
		}
		if !empty {
			now += " "
		}
		now, empty = now+word, false
	}
	return append(out, strings.TrimRight(now, " "))
}

// units parts a line into what may not be parted any more. A word that would mean
// something at the beginning of a line stays with the one before it.
func units(line string) []string {
	whole := regexp.MustCompile("`[^`]*`|<missing: [^<>]*>").FindAllStringIndex(line, -1)
	var out []string
	begin := 0
	add := func(end int) {
		if word := line[begin:end]; word != "" {
			if len(out) > 0 && atLineStart(word) {
				out[len(out)-1] += " " + word
			} else {
				out = append(out, word)
			}
		}
		begin = end + 1
	}
	for k := range len(line) {
		held := slices.ContainsFunc(whole, func(at []int) bool { return k > at[0] && k < at[1] })
		if line[k] == ' ' && !held {
			add(k)
		}
	}
	add(len(line))
	return out
}

// atLineStart reports whether a word at the beginning of a line would make a list, a
// quotation, a heading or code of it.
func atLineStart(word string) bool {
	return strings.HasPrefix(word, ">") || strings.HasPrefix(word, fence) || strings.HasPrefix(word, "\t") ||
		regexp.MustCompile(`^(?:[-*+=]+|#+|\d{1,3}[.)])$`).MatchString(word)
}
