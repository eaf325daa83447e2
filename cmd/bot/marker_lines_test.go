package main

import "maps"

// everyLine says every command, with everything that can be sealed.
func everyLine() map[string][]string {
	m := map[string][]string{
		"help": {"!help", "!help incident"}, "ping": {"!ping"}, "whoami": {"!whoami"}, "room": {"!room"},
		"incident open": {
			"!incident open qzx-typed", "!incident open --type qzxtype --source qzxsource", "!incident open --severity " + otherVector,
			"!incident open --type qzxtype --severity " + markedVector,
			"!incident open --severity qzx", "!incident open --qzx x", `!incident open "qzx`, "!incident open --severity high",
		},
		"incident list": {"!incident list", "!incident list closed", "!incident list all"},
		"incident show": {"!incident show INC-1", "!incident show", "!incident show INC-99"},
		"incident note": {"!incident note INC-1 qzx-typed", "!incident note INC-1 “qzx"}, "incident title": {"!incident title INC-1 qzx-title", "!incident title INC-1 <b>qzx"},
		"severity set":   {"!severity set INC-1 " + markedVector + " qzx-reason", "!severity set INC-1 high", "!severity set INC-2 critical", "!severity set INC-2 qzx"},
		"severity score": {"!severity score " + markedVector, "!severity score qzx"}, "severity show": {"!severity show INC-1", "!severity show INC-2"},
		"role assign": {"!role assign INC-1 patch bob", "!role assign INC-1 patch qzx"}, "role take": {"!role take INC-1 patch"},
		"role drop": {"!role drop INC-1 patch"}, "role list": {"!role list INC-1"},
		"reporter set": {"!reporter set INC-1 qzx-name2", "!reporter set INC-1 qzx --contact qzx qzx"},
		"fact set":     {"!fact set INC-1 affected qzx-affected", "!fact set INC-1 qzx qzx", "!fact set INC-1 cwe qzx", "!fact set INC-1 cve qzx"},
		"fact remove":  {"!fact remove INC-1 advice", "!fact remove INC-1 qzx", "!fact remove INC-2 cwe"},
		"fact show":    {"!fact show INC-1"}, "ack sent": {"!ack sent INC-1 --via qzx-via", "!ack sent INC-1 --at qzx"},
		"draft": {
			"!draft INC-1 ack", "!draft INC-1 distro", "!draft INC-1 advisory", "!draft INC-1 downstream --for qzx-for", "!draft INC-1 qzx", "!draft INC-1 decline qzxoutcome", "!draft INC-2 upstream",
			"!draft INC-1 update --eml --from qzx-from@example.org --to qzx-to@example.org", "!draft INC-1 ack --eml --from qzx", "!draft INC-2 distro --eml --from wvy-other@example.org --to wvy-other@example.org",
		},
		"draft list": {"!draft list INC-1", "!draft list INC-2"}, "draft edit": {"!draft edit INC-1 update qzx-words", "!draft edit INC-1 qzx qzx", "!draft edit INC-2 update wvy-other"},
		"patch add": {"!patch add INC-1", "!patch add qzx"}, "patch list": {"!patch list INC-1", "!patch list"}, "patch drop": {"!patch drop INC-1 qzx-fix.patch", "!patch drop INC-1 qzx", "!patch drop INC-2 wvy-other"},
		"draft reset": {"!draft reset INC-1 update --for qzx", "!draft reset INC-1 qzx"}, "send": {"!send INC-1 update --to qzx@example.org", "!send INC-1 update", "!send INC-1 qzx", "!send INC-2 update --to wvy-other@example.org"},
		"send stop": {"!send stop INC-1", "!send stop INC-1 qzx", "!send stop INC-1 update", "!send stop INC-2 update"},
		"sent":      {"!sent INC-1 downstream --for qzx-name --via qzx-via --to qzx@example.org", "!sent INC-1 distro --via qzx-via --to qzx-whom qzx-note", "!sent INC-1 qzx", "!sent INC-1 ack"},
		"timeline":  {"!timeline INC-1 1000", "!timeline", "!timeline qzx"}, "approve": {"!approve qzx", "!approve QZXQZ"},
		"suspend": {"!suspend qzx", "!suspend dana"}, "unsuspend": {"!unsuspend bob", "!unsuspend dana"},
		"incident close": {"!incident close INC-1 qzx", "!incident close INC-1 qzxoutcome qzx-closing", "!incident show INC-1", "!timeline INC-1 9"},
		"incident room":  {"!incident room INC-1", "!incident room INC-2"}, "heard": {"!heard INC-1", "!heard"},
		"guest allow":  {"!guest allow INC-1 " + markedGuest + " qzx-why", "!guest allow INC-1 qzx qzx", "!guest allow INC-2 @wvy-other:example.org wvy-other"},
		"guest remove": {"!guest remove INC-1 " + markedGuest, "!guest remove INC-1 qzx"}, "guest list": {"!guest list INC-1", "!guest list INC-2"},
		"release plan": {"!release plan 31337.7.7 INC-1", "!release plan qzx"}, "release add": {"!release add 31337.7.7 INC-1", "!release add qzx qzx"},
		"release remove": {"!release remove qzx INC-1"}, "release show": {"!release show", "!release show 31337.7.7", "!release show qzx"},
		"release live": {
			"!release live 31337.7.8", "!release live 31337.7.8 --by-hand qzx-why", "!release live qzx",
			"!release plan 31337.7.9 INC-1", "!release live 31337.7.9", "!release live 31337.7.9", "!release show 31337.7.9", "!release remove 31337.7.9 INC-1",
		}, "release yanked": {"!release yanked 31337.7.8 qzx-why", "!release yanked qzx qzx"},
		"release undo": {"!release undo 31337.7.8 qzx-why", "!release undo qzx qzx"},
		"tag record":   {"!tag record v9.9 0123456789012345678901234567890123456789", "!tag record qzx qzx"},
		"tag check":    {"!tag check v9.9 9876543210987654321098765432109876543210", "!tag check qzx qzx"}, "tag list": {"!tag list"},
		"incident phase": {"!incident phase INC-1 fixing qzx-why", "!incident phase INC-1 qzx"},
		"incident track": {"!incident track INC-1 qzxtrack qzx-why", "!incident track INC-1 qzx qzx"}, "incident reachable": {"!incident reachable INC-1 no qzx-why", "!incident reachable INC-2 yes wvy-other"},
		"incident wild": {"!incident wild INC-1 on qzx-why", "!incident wild INC-1 off qzx-why"}, "incident public": {"!incident public INC-1 on qzx-why", "!incident public INC-1 off qzx-why"},
		"next": {"!next INC-1", "!next", "!next all", "!next qzx"}, "todo": {"!todo INC-1", "!todo INC-1 all", "!todo INC-1 qzx"},
		"done": {"!done INC-1 qzxpstep qzx-evidence", "!done INC-1 qzxplocked", "!done INC-1 qzx qzx", "!done INC-1 qzxpreach"},
		"skip": {"!skip INC-1 qzxpstep qzx-why", "!skip INC-1 qzx qzx"}, "undo": {"!undo INC-1 qzxpstep", "!undo INC-1 qzx"},
		"clock list": {"!clock list INC-1", "!clock list"}, "clock snooze": {"!clock snooze INC-1 embargo +2h qzx-why", "!clock snooze INC-1 qzx +2h qzx"},
		"embargo propose": {"!embargo propose INC-3 +9d", "!embargo propose INC-3 qzx"}, "embargo agree": {"!embargo agree INC-3 qzx-who qzx-quote", "!embargo agree INC-3"},
		"embargo set": {"!embargo set INC-3 +8d", "!embargo set INC-2 +7d", "!embargo set INC-3 qzx"}, "embargo move": {"!embargo move INC-3 +9d qzx-why", "!embargo move INC-3 qzx"},
		"embargo show": {"!embargo show INC-3", "!embargo show INC-1"}, "embargo ics": {"!embargo ics INC-1", "!embargo ics INC-2"}, "embargo lift": {"!embargo lift INC-3 qzx-why"}, "embargo broken": {"!embargo broken INC-2 wvy-other", "!todo INC-2"},
		"lead": {"!lead INC-1"}, "lead ping": {"!lead ping INC-1"}, "lead take": {"!lead take INC-1"}, "lead handoff": {"!lead handoff INC-1 carol", "!lead handoff INC-1 qzx"},
		"lead accept": {"!lead accept INC-1"}, "lead decline": {"!lead decline INC-1"}, "lead brief": {"!lead brief INC-1"},
		"reporter policy": {"!reporter policy INC-1 p0", "!reporter policy INC-1 qzx"}, "update sent": {"!update sent INC-1 --via qzx-via"},
		"here": {"!here"}, "away": {"!away", "!away now until 2030-01-01", "!away qzx"}, "back": {"!back"},
		"plan": {"!plan", "!plan qzx"}, "define": {"!define", "!define qzx"}, "support": {"!support"},
		"readiness start": {"!readiness start"}, "readiness show": {"!readiness show"}, "readiness done": {"!readiness done qzx-done"},
		"readiness verify": {"!readiness verify qzx", "!readiness verify debian qzx-checked", "!readiness verify debian"},
		"readiness token":  {"!readiness token qzx-token 2026-12-24", "!readiness token qzx-token qzx", "!readiness token qzx0123456789abcdefghijk 2026-12-24"},
		"readiness drop":   {"!readiness drop qzx-none", "!readiness show"}, "doctor": {"!doctor", "!doctor qzx"},
		"incident reopen": {"!incident reopen INC-1 qzx-again"}, "forget reporter": {"!forget reporter INC-1", "!incident show INC-1"},
	}
	maps.Copy(m, reportLines())
	return m
}
