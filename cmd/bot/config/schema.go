package config

// file is the configuration as it stands in the file. A field, its key, what the
// example says about it and its default are one line. A key that is "commented"
// may be left out: the example shows it behind a #, with an example of a value.
//
// A secret is a pair of keys that end in _file and _env; the key without the
// ending is then refused with a sentence of its own.
type file struct {
	Project projectTable  `toml:"project" comment:"The project whose incidents these are."`
	State   stateTable    `toml:"state" comment:"Where the bot keeps what it knows."`
	Person  []personTable `toml:"person" comment:"The maintainers: only they may command the bot. One [[person]] for each."`
	IRC     []ircTable    `toml:"irc" comment:"The networks the bot is on. One [[irc]] for each, with its rooms below it."`
	Log     logTable      `toml:"log" comment:"What the bot tells the one who runs it. It never logs a secret or anything embargoed."`
}

type projectTable struct {
	Name   string `toml:"name" comment:"The project's name, as it stands in drafts and announcements."`
	Prefix string `toml:"prefix" default:"INC" comment:"What handles begin with: INC makes INC-7. 1 to 10 capital letters; the default is INC."`
	Plan   string `toml:"plan,commented" comment:"The folder of a response plan of your own. Without it the built-in plan applies."`
}

type stateTable struct {
	File string `toml:"file" default:"tocsin.db" comment:"The database, made at the first start. The default is tocsin.db, beside this file."`
}

type personTable struct {
	Name     string   `toml:"name" comment:"What people type to mean this maintainer: lower case letters, digits, - and _."`
	Zone     string   `toml:"zone" comment:"The time zone where this person lives, from the IANA list."`
	Accounts []string `toml:"accounts" comment:"Who they are on each network, as network:account. On IRC that is the services account, not the nick."`
}

type ircTable struct {
	Name         string      `toml:"name" comment:"A name for this network, as it stands before the colon in accounts."`
	Server       string      `toml:"server" comment:"Host and port of the server. The connection is always encrypted with TLS."`
	CAFile       string      `toml:"ca_file,commented" comment:"Certificates to trust instead of the system's, where the server has its own authority."`
	Nick         string      `toml:"nick" default:"tocsin" comment:"The bot's nick. The default is tocsin."`
	Account      string      `toml:"account" comment:"The bot's services account, which you register by hand. The default is the nick."`
	SASL         string      `toml:"sasl" default:"plain" comment:"How the bot logs in: \"plain\" with a password (the default), \"external\" with a certificate."`
	PasswordFile string      `toml:"password_file" comment:"For \"plain\": the file with the password in its first line. Only the bot may read it: chmod 600."`
	PasswordEnv  string      `toml:"password_env,commented" comment:"For \"plain\", instead of the file: the environment variable with the password."`
	CertFile     string      `toml:"cert_file,commented" comment:"For \"external\": the bot's certificate, in PEM form."`
	KeyFile      string      `toml:"key_file,commented" comment:"For \"external\": the certificate's private key. Only the bot may read it: chmod 600."`
	Profile      string      `toml:"profile" comment:"The server's software, which tells what its modes mean: solanum, inspircd, ergo or unreal; \"\" is another one."`
	MayApprove   bool        `toml:"irc_may_approve" comment:"Whether !approve is obeyed on this network. While it is false, IRC alone approves nothing."`
	Direct       string      `toml:"direct" default:"notice" comment:"What a direct message may hear: \"none\", \"notice\" (no details; the default) or \"full\"."`
	Room         []roomTable `toml:"room" comment:"A channel of the network named above. One [[irc.room]] for each."`
}

type roomTable struct {
	Channel   string `toml:"channel" comment:"The channel's name, with its #."`
	Desk      bool   `toml:"desk" comment:"Whether incidents are announced here. At least one room must be a desk."`
	Clearance string `toml:"clearance" default:"notice" comment:"What may be said here at most: \"none\", \"notice\" (no details; the default) or \"full\", once proven private."`
	Notices   bool   `toml:"notices" comment:"Whether lines that nobody asked for go out as IRC notices, which most clients show quietly."`
	KeyFile   string `toml:"key_file,commented" comment:"The file with the channel key (+k) in its first line. Only the bot may read it: chmod 600."`
	KeyEnv    string `toml:"key_env,commented" comment:"Instead of the file: the environment variable with the channel key."`
}

type logTable struct {
	Level string `toml:"level" default:"info" comment:"How much is logged: debug, info (the default), warn or error."`
}
