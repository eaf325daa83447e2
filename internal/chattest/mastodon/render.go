package mastodon

import (
	"regexp"
	"slices"
	"strings"

	"github.com/rivo/uniseg"
)

// Length counts as Mastodon does: grapheme clusters of warning and text together,
// with every link as 23 and a mention without its domain.
// https://docs.joinmastodon.org/user/posting/#text
func Length(text, spoiler string) int {
	const perURL = 23
	text = links().ReplaceAllString(text, strings.Repeat("x", perURL))
	text = mentions().ReplaceAllString(text, "$1@$2")
	return uniseg.GraphemeClusterCount(spoiler + text)
}

func links() *regexp.Regexp { return regexp.MustCompile(`https?://[^\s<>"]*[^\s<>".,;:!?')\]]`) }

// mentions finds "@alice" and "@alice@example.org".
func mentions() *regexp.Regexp {
	return regexp.MustCompile(`(^|[^=/\w])@(\w+(?:[\w.-]*\w)?)((?:@[\w.-]*\w(?::\d+)?)?)`)
}

func hashtags() *regexp.Regexp { return regexp.MustCompile(`(^|[^\w/&])#(\w*[A-Za-z_]\w*)`) }

// escape is ERB's.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;").Replace(s)
}

// render makes the HTML that Mastodon makes of a text: paragraphs, line breaks,
// links in three pieces of which only the middle is seen, tags, and mentions of
// accounts that are known.
func (s *Server) render(text string) string {
	var b strings.Builder
	rest := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	for rest != "" {
		span := links().FindStringIndex(rest)
		if span == nil {
			b.WriteString(s.words(rest))
			break
		}
		b.WriteString(s.words(rest[:span[0]]))
		b.WriteString(link(rest[span[0]:span[1]]))
		rest = rest[span[1]:]
	}
	var out strings.Builder
	for _, p := range regexp.MustCompile(`\n\n+`).Split(b.String(), -1) {
		out.WriteString("<p>" + strings.ReplaceAll(p, "\n", "<br />") + "</p>")
	}
	return out.String()
}

func link(address string) string {
	const seen = 30
	prefix := regexp.MustCompile(`^https?://(www\.)?`).FindString(address)
	shown, hidden, class := []rune(address[len(prefix):]), "", ""
	if len(shown) > seen {
		hidden, shown, class = string(shown[seen:]), shown[:seen], "ellipsis"
	}
	return `<a href="` + escape(address) + `" target="_blank" rel="nofollow noopener noreferrer" translate="no"><span class="invisible">` + escape(prefix) +
		`</span><span class="` + class + `">` + escape(string(shown)) + `</span><span class="invisible">` + escape(hidden) + `</span></a>`
}

// words renders what has no link in it.
func (s *Server) words(text string) string {
	text = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(text)
	mention := mentions()
	text = mention.ReplaceAllStringFunc(text, func(m string) string {
		parts := mention.FindStringSubmatch(m)
		domain := strings.TrimPrefix(parts[3], "@")
		full := parts[2]
		if domain != "" && domain != s.o.Domain {
			full += "@" + domain
		}
		i := slices.IndexFunc(s.o.Known, func(k string) bool { return strings.EqualFold(k, full) })
		if i < 0 {
			return m
		}
		name, _, _ := strings.Cut(s.o.Known[i], "@")
		host := s.o.Domain
		if domain != "" {
			host = domain
		}
		return parts[1] + `<span class="h-card" translate="no"><a href="https://` + host + `/@` + name + `" class="u-url mention">@<span>` + name + `</span></a></span>`
	})
	text = hashtags().ReplaceAllString(text, `$1<a href="https://`+s.o.Domain+`/tags/$2" class="mention hashtag" rel="tag">#<span>$2</span></a>`)
	return strings.ReplaceAll(text, "'", "&#39;") // last: its own # is no tag
}
