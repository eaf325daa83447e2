package matrix

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"maunium.net/go/mautrix/id"
)

const bot = id.UserID("@tocsin:hs.test")

// stateOfRoom is what a homeserver answers for a room that is as it should be, with
// these events besides.
func stateOfRoom(more ...string) []byte {
	all := append([]string{
		entry("m.room.create", "", "@alice:hs.test", `{"room_version":"10"}`),
		entry("m.room.encryption", "", "@alice:hs.test", `{"algorithm":"m.megolm.v1.aes-sha2"}`),
		entry("m.room.join_rules", "", "@alice:hs.test", `{"join_rule":"invite"}`),
		entry("m.room.history_visibility", "", "@alice:hs.test", `{"history_visibility":"joined"}`),
		entry("m.room.member", "@alice:hs.test", "@alice:hs.test", `{"membership":"join"}`),
		entry("m.room.member", bot.String(), bot.String(), `{"membership":"join"}`),
	}, more...)
	return []byte("[" + strings.Join(all, ",") + "]")
}

func entry(kind, key, sender, content string) string {
	return fmt.Sprintf(`{"type":%q,"state_key":%q,"sender":%q,"event_id":"$x","content":%s}`, kind, key, sender, content)
}

func factsOf(t *testing.T, room id.RoomID, more ...string) *facts {
	t.Helper()
	f, mine, ok := read(stateOfRoom(more...), bot, room)
	if !ok || mine != "join" {
		t.Fatalf("cannot be read: %v, we are %q", more, mine)
	}
	return f
}

// What cannot be understood is never read as something harmless.
func TestFactsOfStrangeState(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		event string
		safe  func(*facts) bool
	}{
		"a rule that is no string":      {entry("m.room.join_rules", "", "@m:x", `{"join_rule":["invite"]}`), func(f *facts) bool { return f.rule == "?" }},
		"a rule in capitals":            {entry("m.room.join_rules", "", "@m:x", `{"join_rule":"public","JOIN_RULE":"invite"}`), func(f *facts) bool { return f.rule == "?" }},
		"no rule":                       {entry("m.room.join_rules", "", "@m:x", `{}`), func(f *facts) bool { return f.rule == "" }},
		"a rule under another key":      {entry("m.room.join_rules", "x", "@m:x", `{"join_rule":"public"}`), func(f *facts) bool { return f.rule == "invite" }},
		"content that is no object":     {entry("m.room.join_rules", "", "@m:x", `"invite"`), func(f *facts) bool { return f.rule == "?" && f.other }},
		"a membership that is a number": {entry("m.room.member", "@m:x", "@m:x", `{"membership":1}`), func(f *facts) bool { return f.people["@m:x"] == "?" }},
		"a new membership":              {entry("m.room.member", "@m:x", "@m:x", `{"membership":"lurk"}`), func(f *facts) bool { return f.people["@m:x"] != "" }},
		"no membership":                 {entry("m.room.member", "@m:x", "@m:x", `{}`), func(f *facts) bool { return f.people["@m:x"] != "" }},
		"knocking":                      {entry("m.room.member", "@m:x", "@m:x", `{"membership":"knock"}`), func(f *facts) bool { return f.people["@m:x"] == "" }},
		"banned":                        {entry("m.room.member", "@m:x", "@alice:hs.test", `{"membership":"ban"}`), func(f *facts) bool { return f.people["@m:x"] == "" }},
		"an encryption without name":    {entry("m.room.encryption", "", "@m:x", `{}`), func(f *facts) bool { return !encryptedCheck(f, true).OK }},
		"another encryption":            {entry("m.room.encryption", "", "@m:x", `{"algorithm":"rot13"}`), func(f *facts) bool { return !encryptedCheck(f, true).OK }},
		"a strange history":             {entry("m.room.history_visibility", "", "@m:x", `{"history_visibility":"Joined"}`), func(f *facts) bool { return !historyCheck(f).OK }},
		"no history":                    {entry("m.room.history_visibility", "", "@m:x", `{}`), func(f *facts) bool { return !historyCheck(f).OK }},
		"strange guests":                {entry("m.room.guest_access", "", "@m:x", `{"guest_access":true}`), func(f *facts) bool { return !guestCheck(f).OK }},
		"guests who are not mentioned":  {entry("m.room.guest_access", "", "@m:x", `{}`), func(f *facts) bool { return guestCheck(f).OK }},
		"a mail in null":                {entry("m.room.third_party_invite", "t", "@m:x", `null`), func(f *facts) bool { return len(f.pending()) == 0 }},
		"a mail":                        {entry("m.room.third_party_invite", "t", "@m:x", `{"x":1}`), func(f *facts) bool { return len(f.pending()) == 1 }},
		"an empty widget":               {entry("m.widget", "t", "@m:x", ` { } `), func(f *facts) bool { return len(f.extras) == 0 }},
		"our own bridge":                {entry("m.bridge", "t", bot.String(), `{"x":1}`), func(f *facts) bool { return len(f.extras) == 0 }},
		"a bridge of a puppet":          {entry("de.sorunome.mx_puppet_bridge.bridge", "t", "@m:x", `{"x":1}`), func(f *facts) bool { return len(f.extras) == 1 }},
	} {
		if f := factsOf(t, "!room:hs.test", test.event); !test.safe(f) {
			t.Errorf("%s: %+v", name, f)
		}
	}
	for name, body := range map[string]string{
		"nothing":         ``,
		"an object":       `{}`,
		"no create event": `[` + entry("m.room.name", "", "@m:x", `{"name":"x"}`) + `]`,
		"something else":  `[1]`,
		"cut off":         `[{"type":"m.room.create","state_key":"","sender":"@m:x","content":{}}`,
	} {
		if _, _, ok := read([]byte(body), bot, "!room:hs.test"); ok {
			t.Errorf("%s could be read", name)
		}
	}
	for name, event := range map[string]string{
		"no state key":      `{"type":"m.room.member","sender":"@m:x","content":{}}`,
		"no content":        `{"type":"m.room.member","state_key":"@m:x","sender":"@m:x"}`,
		"a type twice":      `{"type":"m.room.member","type":"m.room.name","state_key":"","sender":"@m:x","content":{}}`,
		"a type in capital": `{"type":"m.room.member","Type":"x","state_key":"","sender":"@m:x","content":{}}`,
		"no event":          `1`,
	} {
		if f := factsOf(t, "!room:hs.test", event); !f.unclear || f.people["@alice:hs.test"] != "join" || f.rule != "invite" {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if f := factsOf(t, "!room:hs.test"); f.unclear {
		t.Error("what is as it should be is not clear")
	}
}

func TestRedeemedMail(t *testing.T) {
	t.Parallel()
	mail := entry("m.room.third_party_invite", "token", "@alice:hs.test", `{"display_name":"b…"}`)
	taken := entry("m.room.member", "@bob:hs.test", "@alice:hs.test", `{"membership":"invite","third_party_invite":{"signed":{"token":"token","mxid":"@bob:hs.test"}}}`)
	if f := factsOf(t, "!r:x", mail, taken); len(f.pending()) != 0 || f.people["@bob:hs.test"] != "invite" {
		t.Errorf("taken up: %+v", f)
	}
	other := strings.Replace(taken, `"token":"token"`, `"token":"another"`, 1)
	if f := factsOf(t, "!r:x", mail, other); len(f.pending()) != 1 {
		t.Errorf("another one taken up: %+v", f)
	}
}

func TestPower(t *testing.T) {
	t.Parallel()
	power := func(content string) string { return entry("m.room.power_levels", "", "@alice:hs.test", content) }
	create := func(version, by, more string) string {
		return entry("m.room.create", "", by, fmt.Sprintf(`{"room_version":%q%s}`, version, more))
	}
	for name, test := range map[string]struct {
		room   id.RoomID
		events []string
		level  int
		may    bool // set the guest access
	}{
		"none":                        {"!r:x", nil, 0, true}, // without power levels nothing needs any
		"as a user":                   {"!r:x", []string{power(`{"users":{"@tocsin:hs.test":50}}`)}, 50, true},
		"too little":                  {"!r:x", []string{power(`{"users":{"@tocsin:hs.test":49}}`)}, 49, false},
		"by default":                  {"!r:x", []string{power(`{"users_default":60}`)}, 60, true},
		"for this event":              {"!r:x", []string{power(`{"users_default":60,"events":{"m.room.guest_access":70}}`)}, 60, false},
		"for other events":            {"!r:x", []string{power(`{"users_default":60,"state_default":70}`)}, 60, false},
		"in strings":                  {"!r:x", []string{power(`{"users":{"@tocsin:hs.test":"100"}}`)}, 100, true},
		"in words":                    {"!r:x", []string{power(`{"users":{"@tocsin:hs.test":"much"}}`)}, math.MinInt, false},
		"twice":                       {"!r:x", []string{power(`{"users_default":0,"Users_default":100}`)}, math.MinInt, false},
		"creator of version 10":       {"!r:x", []string{create("10", bot.String(), ""), power(`{"users_default":0}`)}, 0, false},
		"creator of version 12":       {"!r", []string{create("12", bot.String(), ""), power(`{"users_default":0}`)}, math.MaxInt, true},
		"further creator":             {"!r", []string{create("12", "@alice:hs.test", `,"additional_creators":["@tocsin:hs.test"]`), power(`{}`)}, math.MaxInt, true},
		"further creator, old room":   {"!r:x", []string{create("10", "@alice:hs.test", `,"additional_creators":["@tocsin:hs.test"]`), power(`{}`)}, 0, false},
		"creator of an unknown one":   {"!r", []string{create("org.example.13", bot.String(), ""), power(`{}`)}, math.MaxInt, true},
		"creator of an unknown, old":  {"!r:x", []string{create("org.example.9", bot.String(), ""), power(`{}`)}, 0, false},
		"not the creator, version 12": {"!r", []string{create("12", "@alice:hs.test", ""), power(`{}`)}, 0, false},
	} {
		f := factsOf(t, test.room, test.events...)
		if got := f.level(bot); got != test.level {
			t.Errorf("%s: the level is %d", name, got)
		}
		if got := f.may(bot, "m.room.guest_access"); got != test.may {
			t.Errorf("%s: may: %v", name, got)
		}
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Response":               "Response",
		" a\nb\tc ":              "a b c",
		"\u202eevil\u200b":       "\uFFFDevil\uFFFD",
		"\x1b[31mred":            "\uFFFD[31mred",
		"bad\xffbyte":            "bad\uFFFDbyte",
		strings.Repeat("é", 200): strings.Repeat("é", 100) + "…",
	} {
		if got := clean(in); got != want {
			t.Errorf("%q is %q", in, got)
		}
	}
}
