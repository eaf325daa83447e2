package templates

import (
	"strings"
	"testing"
	"time"

	"tocsin/incidents"
)

// seenCases: a name counts as people see it, whatever cuts it where it is written; and
// what only looks like one in code does not.
func seenCases() []lintCase {
	dana := func(i *incidents.Incident) {
		i.Reporter = incidents.Reporter{Name: incidents.Seal("Dana Example"), Contact: incidents.Seal("dana@example.org"), Credit: incidents.Seal("anonymous")}
	}
	var out []lintCase
	for _, name := range []string{
		"[Da](x)na", "[Da](<x y> \"t\")na", "[Da](a(b)c)**na**", "[Da][1]na", "[Da]na", "![Da](x)na", "[[Da](a)](b)na", "[![Da](a)](b)na", "Da[^1]na", "Da**na**", "Da~~na~~", "Da``na``",
		"Da<!-- -->na", "Da<!-->na", "Da<!--->na", "[Da](a(b(c)))na", "Da<!-- > -->na", "Da<!--\n\n-->na", "Da<b title='>'>na", "Da<br/>na", "<b>D</b>ana", "D&#97;na", "D&#x61;na", "Da&shy;na", "Da&ZeroWidthSpace;na", `Da\ na`, `*Da*\ na`,
	} {
		out = append(out, lintCase{rule: "reporter", kind: "advisory", bad: true, change: dana, body: "Thanks to " + name + ".", also: tells("Dana")},
			lintCase{rule: "person", kind: "advisory", bad: true, context: roster("dana"), body: "Thanks to " + name + ".", also: tells("dana")})
	}
	out = append(out, lintCase{
		rule: "reporter", kind: "advisory", bad: true, body: "I found it, [while](x) fuzz**ing** the decoders.", also: tells("their words"),
		context: func(c *LintContext) { c.Quotes = []incidents.Sealed{incidents.Seal("I found it, while fuzzing")} },
	})
	for _, code := range []string{"carol_init", `carol\_init`, "`carol_init()`", "carol_init_2", "x_carol", "CAROL_INIT", "carol__x", "_carol_init", "src/x_carol.c", "the carolling"} {
		out = append(out, lintCase{rule: "person", kind: "advisory", context: roster("carol"), body: "See " + code + "."},
			lintCase{rule: "person-word", kind: "advisory", context: roster("carol"), body: "See " + code + "."})
	}
	for _, name := range []string{
		"carol", "carol_", "_carol_", "__carol__", "carol_ init", "carol_, init", "**carol**_init_", "Carol_Smith", "by_Carol", "`carol`", "@carol", "@carol@example.org", "carol@example.org", "`carol@example.org`",
		"github.com/carol", "`https://example.org/carol`", "`github.com/carol`", "`@carol/x`", "alice/carol", "dana.carol", "\n    Reviewed-by: carol",
	} {
		out = append(out, lintCase{rule: "person", kind: "advisory", bad: true, context: roster("carol"), body: "See " + name + "."})
	}
	for _, code := range []string{"`carol.c`", "`src/carol/x.c`", "`self.carol`", "`carol::x`", "``x->carol``", "\n```\ncarol.h\n```\n", "\n    #include <carol.h>\n"} {
		out = append(out, lintCase{rule: "person", kind: "advisory", context: roster("carol"), body: "See " + code},
			lintCase{rule: "person-word", kind: "advisory", bad: true, context: roster("carol"), body: "See " + code, also: tells("carol")})
	}
	return append(out,
		lintCase{rule: "person", kind: "advisory", context: roster("carol_x"), body: "See carol_init."},
		lintCase{rule: "person", kind: "advisory", bad: true, context: roster("carol_x"), body: "See carol_x."},
	)
}

// roster has one person be all of it.
func roster(name string) func(*LintContext) {
	return func(c *LintContext) { c.People = []incidents.Person{{Name: name}} }
}

// TestSeenIsSwift: what somebody wrote to stop the bot takes no longer than other text.
// Some of these took minutes, and four times that where twice as long.
func TestSeenIsSwift(t *testing.T) {
	const many = 64 << 10
	for _, of := range []string{
		"[", "]", "[]", "![", "[](", "[]([", "[](()", "[][", "[^", "<", "<a", "<!--", "<!--<a>", "<?<a>", "<![CDATA[<a>", "<a \"", "<a \"<a '", "<a \"'\" ", "(", "*", "`", "``a`b`",
		"&#97;", "&", "\\", "\\_", "a_", "a.", "_", "\n", "a\n", "    a\n", "```\n", "=?u?q?", "=?u?b?=?= ", "=?u?q?a?= ", "?= =", "\\303", "a:\n ", "@@ -1 +1 @@\n", "@@ -1,9 +1,9 @@\n", "+a\n", "-\n",
	} {
		text := strings.Repeat(of, many/len(of))
		for _, text := range []string{text + strings.Repeat("]", many), "@@ -1,99999 +1,99999 @@\n" + text + "?="} {
			began := time.Now()
			spelled(unpathed(unjoined(added(text))))
			coded(text)
			if took := time.Since(began); took > 4*time.Second {
				t.Errorf("64 Ki of %q took %s", of, took)
			}
		}
	}
}
