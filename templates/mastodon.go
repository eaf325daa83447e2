package templates

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// Limits are how long a post may be. They are the instance's: its configuration
// names max_characters and characters_reserved_per_url. Source: Mastodon API,
// entities, Instance, configuration.statuses.
type Limits struct {
	Characters int // of a post, also of its warning
	Link       int // what any link counts
}

// UsualLimits are those of an instance that was not asked. Source: Mastodon
// documentation, Posting to your profile.
func UsualLimits() Limits { return Limits{Characters: 500, Link: 23} }

// special finds what Mastodon does not count as it is written: a link, and a mention,
// whose name is the first group. Mastodon takes only hosts under a known top-level
// domain for links, of which we have no list; else this finds no link that Mastodon
// does not, so that nothing is counted too short. Source: Mastodon,
// StatusLengthValidator and Account::MENTION_RE; twitter-text, extractUrls.
func special() *regexp.Regexp {
	return regexp.MustCompile(`(?i:https?)://(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}(?::[0-9]+)?` +
		`(?:[/?#](?:[A-Za-z0-9._~!$&'*+,;=:@%/?#|-]*[A-Za-z0-9_/#+-])?)?` +
		`|@([A-Za-z0-9_]+(?:[.-]+[A-Za-z0-9_]+)*)(?:@[\pL\pN_]+(?:[.-]+[\pL\pN_]+)*)?`)
}

// MastodonLength counts a post as Mastodon does: in grapheme clusters, a link as
// long as the instance says, of a mention only the part before its server. Source:
// Mastodon documentation, Posting to your profile.
func MastodonLength(text string, l Limits) int { return counter{l, special()}.length(text) }

// counter counts with what it takes made once.
type counter struct {
	Limits
	find *regexp.Regexp
}

func (c counter) fits(text string) bool { return c.length(text) <= c.Characters }

func (c counter) length(text string) int {
	var counted strings.Builder
	for rest, before := text, rune(' '); rest != ""; {
		at := c.find.FindStringSubmatchIndex(rest)
		if at == nil {
			counted.WriteString(rest)
			break
		}
		if at[0] > 0 {
			before, _ = utf8.DecodeLastRuneInString(rest[:at[0]])
		}
		counted.WriteString(rest[:at[0]])
		switch mention := at[2] >= 0; {
		case inWord(before, mention):
			at[1] = at[0] + 1 // not here, but perhaps further on
			counted.WriteByte(rest[at[0]])
		case mention:
			counted.WriteString("@" + rest[at[2]:at[3]])
		default:
			counted.WriteString(strings.Repeat("x", c.Link))
		}
		before, _ = utf8.DecodeLastRuneInString(rest[:at[1]])
		rest = rest[at[1]:]
	}
	return uniseg.GraphemeClusterCount(counted.String())
}

// inWord reports whether what follows that character is neither mention nor link.
func inWord(before rune, mention bool) bool {
	if mention {
		return before == '=' || before == '/' || before == '_' || unicode.IsLetter(before) || unicode.IsDigit(before) || unicode.IsMark(before)
	}
	return strings.ContainsRune("@＠$#＃", before) || before < 0x80 && (unicode.IsLetter(before) || unicode.IsDigit(before))
}

// SplitThread parts a text into posts that are not too long, at the end of a
// paragraph where that is possible, else of a line, a sentence, a word, and at last
// within a word; never within a link. Nothing but blanks is lost.
func SplitThread(text string, l Limits) []string {
	return counter{l, special()}.split(strings.TrimSpace(text), 0)
}

func (c counter) split(text string, depth int) []string {
	if c.fits(text) || depth == 4 && strings.Contains(text, "://") || depth > 4 {
		return []string{text}
	}
	parts, between := parted(text, depth)
	var out []string
	now := ""
	for _, part := range parts {
		longer := now + between + part
		switch {
		case now != "" && c.fits(longer):
			now = longer
			continue
		case now != "":
			out = append(out, now)
		}
		more := c.split(part, depth+1)
		out, now = append(out, more[:len(more)-1]...), more[len(more)-1]
	}
	return append(out, now)
}

// parted gives the parts of a text at one depth, and what stood between them.
func parted(text string, depth int) (parts []string, between string) {
	switch depth {
	case 0:
		parts, between = regexp.MustCompile(`\n\s*\n`).Split(text, -1), "\n\n"
	case 1:
		parts, between = strings.Split(text, "\n"), "\n"
	case 2:
		between = " "
		end := regexp.MustCompile(`[.!?:;]\s`)
		for rest := text; rest != ""; {
			at := end.FindStringIndex(rest)
			if at == nil {
				at = []int{0, len(rest)}
			}
			parts, rest = append(parts, rest[:at[1]]), rest[at[1]:]
		}
	case 3:
		parts, between = strings.Fields(text), " "
	case 4:
		for g := uniseg.NewGraphemes(text); g.Next(); {
			parts = append(parts, g.Str())
		}
		return parts, ""
	}
	var out []string
	for _, p := range parts {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out, between
}
