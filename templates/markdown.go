package templates

import (
	"slices"
	"strings"
	"text/template"
	"unicode"
)

// markdownFuncs gives what templates of Markdown need, so that text that people typed
// is shown as it was typed and does nothing else.
func markdownFuncs() template.FuncMap {
	return template.FuncMap{"md": markdownLine, "quote": markdownQuote, "code": markdownCode}
}

// markdownLine gives a text as a piece of a line of Markdown. Words that a reader of
// Markdown would make live, such as an address, an account or a number of an issue, are
// code; every other character that has a meaning there is escaped.
// Sources: CommonMark 0.31.2, section 2.4; GitHub Flavored Markdown, section 6.9.
func markdownLine(text string) string {
	words := commandsWhole(strings.Fields(text))
	for k, w := range words {
		core := strings.TrimLeft(w, "([{<\"'“‘«")
		before := w[:len(w)-len(core)]
		core = strings.TrimRight(core, ")]}>\"'”’».,;:!?…")
		if after := w[len(before)+len(core):]; live(core) || reference(core) {
			words[k] = escapeMarkdown(before, k == 0) + markdownCode(core) + escapeMarkdown(after, false)
		} else {
			words[k] = escapeMarkdown(w, k == 0)
		}
	}
	return strings.Join(words, " ")
}

// commandsWhole puts the words of a command in brackets together, as in "(!tag record)":
// code is all of it, or none.
func commandsWhole(words []string) []string {
	var out []string
	for k := 0; k < len(words); k++ {
		word := words[k]
		if strings.HasPrefix(word, "(!") && !strings.Contains(word, ")") {
			end := slices.IndexFunc(words[k:], func(w string) bool { return strings.Contains(w, ")") })
			if end > 0 && end < 6 && !slices.ContainsFunc(words[k+1:k+end+1], func(w string) bool { return strings.ContainsAny(w, "(`") }) {
				word, k = strings.Join(words[k:k+end+1], " "), k+end
			}
		}
		out = append(out, word)
	}
	return out
}

// markdownQuote gives a text of several lines as a quote, each line of it a line.
func markdownQuote(text string) string {
	var out []string
	for line := range strings.SplitSeq(strings.Trim(text, "\n"), "\n") {
		out = append(out, strings.TrimRight("> "+markdownLine(line), " "))
	}
	return strings.Join(out, "\n")
}

// markdownCode gives a text as code. Within it nothing has a meaning but what would
// end it: so more backquotes stand around it than are in it.
func markdownCode(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if text == "" {
		return ""
	}
	most, run := 0, 0
	for _, r := range text {
		if run++; r != '`' {
			run = 0
		}
		most = max(most, run)
	}
	fence := strings.Repeat("`", most+1)
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return fence + text + fence
}

// reference reports whether GitHub would make a link to an issue of a word: "#1", or
// "GH-1".
func reference(word string) bool {
	for _, sign := range []string{"#", "GH-"} {
		if _, after, ok := strings.Cut(word, sign); ok && after != "" && digit(rune(after[0])) {
			return true
		}
	}
	return false
}

// escapeMarkdown escapes what has a meaning in Markdown, within a line or, first, at
// the beginning of one.
func escapeMarkdown(word string, first bool) string {
	var b strings.Builder
	begins := first && word != "" && (strings.ContainsRune("-+=", rune(word[0])) || numbered(word))
	for k, r := range word {
		if strings.ContainsRune("\\`*_[]<>&#|~$", r) || begins && (k == 0 && !digit(r) || r == '.' || r == ')') {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// numbered reports whether a word would begin an item of a numbered list.
func numbered(word string) bool {
	rest := strings.TrimLeftFunc(word, unicode.IsDigit)
	return rest != word && (rest == "." || rest == ")")
}
