package config

// row changes one thing in the base: the first old becomes new, or new is added
// at the end when old is empty. What is wanted are whole lines.
type row struct {
	name, old, new string
	want           []string
}

func one(name, old, new, want string) row {
	return row{name, old, new, []string{"config.toml:" + want}}
}

// tomlRows are about the language: what is not TOML, keys that nobody knows or
// that stand twice, and values of a wrong type.
func tomlRows() []row {
	return []row{
		one("no quotes", `"Pillow"`, `Pillow`, `2:8: this line is not TOML: unexpected character U+0050 'P' at start of value; text stands in double quotes, lists in [ ]`),
		one("quote not closed", `"alice"`, `"alice`, `4:14: this line is not TOML: basic strings cannot have new lines; text stands in double quotes, lists in [ ]`),
		one("no value", `name = "bob"`, `name =`, `8:7: this line is not TOML: unexpected character U+000A at start of value; text stands in double quotes, lists in [ ]`),
		one("no equals sign", "", "notices true\n", `19:9: this line is not TOML: expected '=' after key; text stands in double quotes, lists in [ ]`),
		one("not TOML near a secret", `password_file = "secrets/libera-password"`, `password_file = secrets`, `15:17: this line is not TOML; text stands in double quotes, lists in [ ]`),
		one("end of file in a list", "", `x = ["`, `19:6: this line is not TOML: unterminated basic string; text stands in double quotes, lists in [ ]`),
		{"impossible date", `"Pillow"`, "\"Pillow\"\n[state]\nfile = 2026-13-45", []string{
			`config.toml:4:13: this line is not TOML: impossible date; text stands in double quotes, lists in [ ]`,
			`config.toml:4:1: state.file: must be text in double quotes, not a date or time`,
		}},
		one("key of a table in two places", "", "[irc.room.channel]\n", `19:11: irc.room.channel: this name stands for something else already, on line 17; keep one of the two`),
		{"unknown key before a line that is not TOML", `name = "Pillow"`, "nmae = \"Pillow\"\n= 5", []string{
			`config.toml:2:1: project.nmae: there is no such key; did you mean name?`,
			`config.toml:3:1: this line is not TOML: invalid character at start of key: U+003D '='; text stands in double quotes, lists in [ ]`,
		}},

		one("key twice", `zone = "Europe/Helsinki"`, "zone = \"Europe/Helsinki\"\nzone = \"UTC\"", `6:1: person.zone: this key stands twice, first on line 5; keep one of the two`),
		one("table twice", "", "[project]\n", `19:2: project: this table stands twice, first on line 1; put its keys under one header`),
		one("table after its dotted key", `[project]`, "project.prefix = \"P\"\n[project]", `2:2: project: this table stands twice, first on line 1; put its keys under one header`),

		one("unknown key", `server =`, `sever =`, `13:1: irc.sever: there is no such key; did you mean server?`),
		one("unknown key, dashes", `password_file =`, `password-file =`, `15:1: irc.password-file: there is no such key; did you mean password_file?`),
		one("unknown key that nothing resembles", `[project]`, "[project]\nhour = 14", `2:1: project.hour: there is no such key here; what can stand here is name, prefix, plan`),
		one("key under the wrong header", "", "irc_may_approve = true\n", `19:1: irc.room.irc_may_approve: there is no such key here; it belongs under [[irc]]`),
		one("key with two homes", "", "name = \"x\"\n", `19:1: irc.room.name: there is no such key here; it belongs under [project] or [[person]] or [[matrix]] or [[irc]]`),
		one("unknown table", "", "[[pigeon]]\nname = \"m\"\n", `19:3: pigeon: there is no such key here; what can stand here is project, state, person, matrix, irc, mail, mastodon, pypi, github, log`),
		one("misspelt table", "", "[[persons]]\n", `19:3: persons: there is no such key; did you mean person?`),
		one("unknown key with a strange name", "", "\"a\\n\\u001b[2J\" = 1\n", `19:1: irc.room."a\n\x1b[2J": there is no such key here; what can stand here is channel, desk, clearance, notices, key_file, key_env`),
		one("unknown key with dots", "", "a.b = 1\n", `19:1: irc.room.a: there is no such key here; what can stand here is channel, desk, clearance, notices, key_file, key_env`),

		one("number for text", `"Pillow"`, `5`, `2:1: project.name: must be text in double quotes, not a number`),
		one("date for text", `"Pillow"`, `2026-01-01`, `2:1: project.name: must be text in double quotes, not a date or time`),
		one("text for true", `desk = true`, `desk = "true"`, `18:1: irc.room.desk: must be true or false without quotes, not text`),
		one("text for a list", `["libera:alice"]`, `"libera:alice"`, `6:1: person.accounts: must be a list of texts, such as ["one", "two"], not text`),
		one("number in a list", `["libera:alice"]`, "[\"libera:alice\",\n 5]", `7:2: person.accounts: must be text in double quotes, not a number`),
		one("one table for a list of them", `[[person]]
name = "alice"
zone = "Europe/Helsinki"
accounts = ["libera:alice"]
[[person]]`, `[person]`, `3:2: person: there may be several: write [[person]] in double brackets above each, not a table`),
		one("a list of tables for one", `[project]`, "[[log]]\n[[log]]\n[project]", `1:3: log: must be one table: write its keys under [log], not as a list of 2 tables`),
		one("texts for persons", `[project]`, "log = \"debug\"\n[project]", `1:1: log: must be one table: write its keys under [log], not as text`),
	}
}

// tableRows are about the project, the state, the persons and the log.
func tableRows() []row {
	return []row{
		one("no name of the project", "name = \"Pillow\"\n", "", `1: project.name: is missing; write for example name = "Pillow" under [project]`),
		one("empty name of the project", `"Pillow"`, `""`, `2: project.name: is empty; write for example name = "Pillow" under [project]`),
		one("project on two lines", `"Pillow"`, `"Pil\nlow"`, `2: project.name: "Pil\nlow" does not fit into a line; use up to 60 characters without line breaks, tabs or blanks at the ends`),
		one("long prefix", `"Pillow"`, "\"Pillow\"\nprefix = \"ABCDEFGHIJK\"", `3: project.prefix: "ABCDEFGHIJK" cannot begin a handle; use 1 to 10 capital letters, such as INC`),
		one("small prefix", `"Pillow"`, "\"Pillow\"\nprefix = \"inc\"", `3: project.prefix: "inc" cannot begin a handle; use 1 to 10 capital letters, such as INC`),
		one("no plan there", `"Pillow"`, "\"Pillow\"\nplan = \"nowhere\"", `3: project.plan: there is no folder "DIR/nowhere"; name the folder that holds your plan, or leave the line out for the built-in one`),
		one("plan is a file", `"Pillow"`, "\"Pillow\"\nplan = \"plan/plan.toml\"", `3: project.plan: there is no folder "DIR/plan/plan.toml"; name the folder that holds your plan, or leave the line out for the built-in one`),
		one("plan at home", `"Pillow"`, "\"Pillow\"\nplan = \"~/plan\"", `3: project.plan: a path that begins with ~ is not understood here; write it from the root on`),

		one("no folder for the database", "", "[state]\nfile = \"nowhere/t.db\"", `20: state.file: the folder "DIR/nowhere" is not there; make it, or name a file in another one`),
		one("folder for the database", "", "[state]\nfile = \"plan\"", `20: state.file: "DIR/plan" is not a file; name the file of the database`),
		one("empty database", "", "[state]\nfile = \"\"", `20: state.file: is empty; name a file, or leave the line out`),
		one("database is the configuration", "", "[state]\nfile = \"plan/../config.toml\"", `20: state.file: this is the configuration itself; name another file for the database`),
		one("path with a line break", "", "[state]\nfile = \"a\\nb\"", `20: state.file: a path cannot hold line breaks or other control characters; name another file`),

		one("no name of a person", "name = \"alice\"\n", "", `3: person.name: is missing; write for example name = "alice"`),
		one("name with capitals", `"alice"`, `"Alice"`, `4: person.name: "Alice" cannot be a name; use lower case letters, digits, - and _, beginning with a letter, 32 at most`),
		one("name of a digit", `"alice"`, `"1"`, `4: person.name: "1" cannot be a name; use lower case letters, digits, - and _, beginning with a letter, 32 at most`),
		one("reserved name", `"alice"`, `"lead"`, `4: person.name: "lead" means something else in commands; use another name`),
		one("name like a handle", `"alice"`, `"inc-7"`, `4: person.name: "inc-7" looks like the handle of an incident; use another name`),
		one("name twice", `"bob"`, `"alice"`, `8: person.name: "alice" is the name of the person on line 4 already; give each person a name of their own`),
		one("no zone", "zone = \"Europe/Helsinki\"\n", "", `3: person.zone: is missing; use a name like Europe/Helsinki`),
		one("unknown zone", "Europe/Helsinki", "Mars/Olympus", `5: person.zone: "Mars/Olympus" is not a time zone; use a name like Europe/Helsinki`),
		one("abbreviated zone", "Europe/Helsinki", "EST", `5: person.zone: "EST" does not say where; use a name like Europe/Helsinki`),
		one("zone of the machine", "Europe/Helsinki", "Local", `5: person.zone: "Local" does not say where; use a name like Europe/Helsinki`),
		one("no accounts", "accounts = [\"libera:alice\"]\n", "", `3: person.accounts: is missing; write for example accounts = ["libera:alice"]`),
		one("accounts empty", `["libera:alice"]`, `[]`, `6: person.accounts: is empty, so the bot could not tell this person from a stranger; write for example accounts = ["libera:alice"]`),
		one("account without network", `"libera:alice"`, `"alice"`, `6: person.accounts: "alice" is not an account; write network:account, such as "libera:alice"`),
		one("account without id", `"libera:alice"`, `"libera:"`, `6: person.accounts: "libera:" is not an account; write network:account, such as "libera:alice"`),
		one("account on an unknown network", `"libera:alice"`, `"oftc:alice"`, `6: person.accounts: there is no network called "oftc" in this file; what there is: libera`),
		one("account of everybody", `"libera:alice"`, `"libera:*"`, `6: person.accounts: "libera:*" is not a services account; write the name that the network's services know, without blanks and not a mask`),
		one("mask for an account", `"libera:alice"`, `"libera:alice!a@example.org"`, `6: person.accounts: "libera:alice!a@example.org" is not a services account; write the name that the network's services know, without blanks and not a mask`),
		one("account of two persons", `"libera:bob"`, `"libera:Alice"`, `10: person.accounts: "libera:Alice" stands for "alice" on line 6 and for "bob" on line 10; an account is one person's and is named once`),
		one("account twice", `["libera:alice"]`, `["libera:alice", "libera:alice"]`, `6: person.accounts: "libera:alice" stands for "alice" on line 6 and for "alice" on line 6; an account is one person's and is named once`),
		one("level of the log", "", "[log]\nlevel = \"loud\"", `20: log.level: "loud" is not one of the words that can stand here; use "debug", "info", "warn" or "error"`),
	}
}

// ircRows are about networks and rooms.
func ircRows() []row {
	return []row{
		{"no name of a network", "name = \"libera\"\n", "", []string{
			`config.toml:6: person.accounts: there is no network called "libera" in this file; there is no network in it`,
			`config.toml:10: person.accounts: there is no network called "libera" in this file; there is no network in it`,
			`config.toml:11: irc.name: is missing; write for example name = "libera"`,
		}},
		one("network called console", "", "[[irc]]\nname = \"console\"\nserver = \"a:1\"\npassword_env = \"GOOD\"\n", `20: irc.name: "console" is the bot's own console; use another name`),
		one("network with a colon", "", "[[irc]]\nname = \"a:b\"\nserver = \"a:1\"\npassword_env = \"GOOD\"\n", `20: irc.name: "a:b" cannot be a network's name; use lower case letters, digits, - and _, beginning with a letter, 32 at most`),
		one("network twice", "", "[[irc]]\nname = \"libera\"\nserver = \"a:1\"\npassword_env = \"GOOD\"\n", `20: irc.name: "libera" is the name of the network on line 12 already; give each network a name of its own`),
		one("no server", "server = \"irc.libera.chat:6697\"\n", "", `11: irc.server: is missing; write host:port, such as irc.libera.chat:6697`),
		one("server without a port", `irc.libera.chat:6697`, `irc.libera.chat`, `13: irc.server: "irc.libera.chat" is not a host and a port; write host:port, such as irc.libera.chat:6697`),
		one("server with a URL", `irc.libera.chat:6697`, `ircs://irc.libera.chat:6697`, `13: irc.server: "ircs://irc.libera.chat:6697" is not a host and a port; write host:port, such as irc.libera.chat:6697`),
		one("port too high", `irc.libera.chat:6697`, `irc.libera.chat:66970`, `13: irc.server: "irc.libera.chat:66970" is not a host and a port; write host:port, such as irc.libera.chat:6697`),
		one("nick with a blank", `sasl =`, "nick = \"to csin\"\naccount = \"tocsin\"\nsasl =", `14: irc.nick: "to csin" cannot be a nick; use letters, digits, - and _, beginning with a letter, 30 at most`),
		one("account with a blank", `sasl =`, "account = \"to csin\"\nsasl =", `14: irc.account: "to csin" is not a services account; write the name that the network's services know, without blanks and not a mask`),
		one("unknown login", `"plain"`, `"scram"`, `14: irc.sasl: "scram" is not one of the words that can stand here; use "plain" or "external"`),
		one("unknown profile", `sasl =`, "profile = \"ratbox\"\nsasl =", `14: irc.profile: "ratbox" is not one of the words that can stand here; use "solanum", "inspircd", "ergo", "unreal" or ""`),
		one("unknown clearance of direct messages", `sasl =`, "direct = \"yes\"\nsasl =", `14: irc.direct: "yes" is not one of the words that can stand here; use "none", "notice" or "full"`),
		one("authority is not there", `sasl =`, "ca_file = \"ca.pem\"\nsasl =", `14: irc.ca_file: there is no such file; a relative path begins in "DIR"`),
		one("authority without certificates", `sasl =`, "ca_file = \"plan/plan.toml\"\nsasl =", `14: irc.ca_file: "DIR/plan/plan.toml" holds no certificate in PEM form; name a file that does`),

		one("no room", "[[irc.room]]\nchannel = \"#pillow-security\"\ndesk = true\n", "", `11: irc.room: there is no room; write [[irc.room]] with channel = "#name" below the network`),
		one("no desk", "desk = true\n", "", `16: irc.room.desk: no room is a desk, so incidents could be announced nowhere; write desk = true in one of them`),
		one("desk is false", "desk = true\n", "desk = false\n", `18: irc.room.desk: no room is a desk, so incidents could be announced nowhere; write desk = true in one of them`),
		one("no channel", "channel = \"#pillow-security\"\n", "", `16: irc.room.channel: is missing; write for example channel = "#pillow-security"`),
		one("channel without #", `"#pillow-security"`, `"pillow"`, `17: irc.room.channel: "pillow" cannot be a channel; use a # and a name without blanks, commas or control characters, 64 bytes at most`),
		one("channel with a comma", `"#pillow-security"`, `"#a,#b"`, `17: irc.room.channel: "#a,#b" cannot be a channel; use a # and a name without blanks, commas or control characters, 64 bytes at most`),
		one("channel with a line break", `"#pillow-security"`, `"#a\r\nQUIT"`, `17: irc.room.channel: "#a\r\nQUIT" cannot be a channel; use a # and a name without blanks, commas or control characters, 64 bytes at most`),
		one("channel twice", "", "[[irc.room]]\nchannel = \"#Pillow-Security\"\n", `20: irc.room.channel: "#Pillow-Security" is the room on line 17 already; name each channel once`),
		one("unknown clearance", "", "clearance = \"all\"\n", `19: irc.room.clearance: "all" is not one of the words that can stand here; use "none", "notice" or "full"`),
	}
}

// secretRows are about secrets and the files with them.
func secretRows() []row {
	const passwordLine = `password_file = "secrets/libera-password"`
	const external = "\"external\"\ncert_file = \"secrets/cert.pem\"\nkey_file = "
	const plainLines = "\"plain\"\n" + passwordLine
	return []row{
		one("password in the file", passwordLine, `password = "hunter2"`, `15:1: irc.password: secrets never stand in the configuration; write it into a file of its own and name that with password_file, or name an environment variable with password_env`),
		one("channel key in the file", "", `key = "hunter2"`, `19:1: irc.room.key: secrets never stand in the configuration; write it into a file of its own and name that with key_file, or name an environment variable with key_env`),
		one("no password", passwordLine+"\n", "", `11: irc.password_file: is missing; write the secret into a file of its own and name that here, or name an environment variable with password_env`),
		one("two passwords", passwordLine, passwordLine+"\npassword_env = \"GOOD\"", `16: irc.password_env: password_file is there too, on line 15; keep one of the two`),
		one("password file is not there", "libera-password", "nothing", `15: irc.password_file: there is no such file; a relative path begins in "DIR"`),
		one("password file is empty", "libera-password", "empty", `15: irc.password_file: the first line of "DIR/secrets/empty" is empty; write the secret there`),
		one("password file is a folder", "secrets/libera-password", "secrets", `15: irc.password_file: "DIR/secrets" is not a file`),
		one("password file is open to the group", "libera-password", "open", `15: irc.password_file: others than the bot may read or change this file; run: chmod 600 DIR/secrets/open`),
		one("password file is open to all", "libera-password", "with blank", `15: irc.password_file: others than the bot may read or change this file; run: chmod 600 'DIR/secrets/with blank'`),
		one("password file without a name", "secrets/libera-password", "", `15: irc.password_file: is empty; name a file, or leave the line out`),
		one("variable is not set", passwordLine, `password_env = "MISSING"`, `15: irc.password_env: the environment variable named here is not set; set it for the bot's process`),
		one("variable is empty", passwordLine, `password_env = "EMPTY"`, `15: irc.password_env: the environment variable named here is empty; put the secret into it`),
		one("variable is no name", passwordLine, `password_env = "$GOOD"`, `15: irc.password_env: is not the name of an environment variable; use a name such as TOCSIN_PASSWORD, never the secret itself`),
		one("password with a zero byte", passwordLine, `password_env = "ZERO"`, `15: irc.password_env: the secret holds what IRC cannot carry: a zero byte or a line break; use another one`),
		one("password of a wrong type", passwordLine, `password_file = 5`, `15:1: irc.password_file: must be text in double quotes, not a number`),
		one("two channel keys", "", "key_file = \"secrets/libera-password\"\nkey_env = \"GOOD\"", `20: irc.room.key_env: key_file is there too, on line 19; keep one of the two`),
		one("channel key that IRC cannot carry", "", `key_env = "BAD_KEY"`, `19: irc.room.key_env: the secret holds what IRC cannot carry in a channel key: a blank, a comma or a control character, or a colon at its beginning; use another one`),

		one("certificate with a password", passwordLine, passwordLine+"\ncert_file = \"secrets/cert.pem\"", `16: irc.cert_file: is used with sasl = "external" only; leave it out, or change sasl`),
		one("password with a certificate", plainLines, external+"\"secrets/key.pem\"\n"+passwordLine, `17: irc.password_file: is used with sasl = "plain" only; leave it out, or change sasl`),
		{"no certificate", plainLines, `"external"`, []string{
			`config.toml:11: irc.cert_file: is missing; name the file with the bot's certificate, in PEM form`,
			`config.toml:11: irc.key_file: is missing; name the file with the certificate's private key, in PEM form`,
		}},
		one("certificate is not there", plainLines, "\"external\"\ncert_file = \"none\"\nkey_file = \"secrets/key.pem\"", `15: irc.cert_file: there is no such file; a relative path begins in "DIR"`),
		one("key of another certificate", plainLines, external+`"secrets/other-key.pem"`, `15: irc.cert_file: this is not a certificate in PEM form that belongs to the key in key_file; name two files that belong together`),
		one("certificate key is open", plainLines, external+`"secrets/open-key.pem"`, `16: irc.key_file: others than the bot may read or change this file; run: chmod 600 DIR/secrets/open-key.pem`),
	}
}
