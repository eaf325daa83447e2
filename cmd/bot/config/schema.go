package config

// file is the configuration as it stands in the file. A field, its key, what the
// example says about it and its default are one line. A key that is "commented"
// may be left out: the example shows it behind a #, with an example of a value.
//
// A secret is a pair of keys that end in _file and _env; the key without the
// ending is then refused with a sentence of its own.
type file struct {
	Project  projectTable  `toml:"project" comment:"The project whose incidents these are."`
	State    stateTable    `toml:"state" comment:"Where the bot keeps what it knows."`
	Person   []personTable `toml:"person" comment:"The maintainers: only they may command the bot. One [[person]] for each."`
	Matrix   []matrixTable `toml:"matrix" comment:"The Matrix accounts of the bot. One [[matrix]] for each, with its rooms below it."`
	IRC      []ircTable    `toml:"irc" comment:"The IRC networks the bot is on. One [[irc]] for each, with its rooms below it."`
	Mail     mailTable     `toml:"mail" comment:"Mail to people outside: replies to reporters, and notices that two maintainers approve."`
	Mastodon mastodonTable `toml:"mastodon" comment:"The account on Mastodon that announces releases, with posts that two maintainers approve."`
	PyPI     pypiTable     `toml:"pypi" comment:"The package index that is asked what is there of a release. Without this table releases are noted as live by hand."`
	GitHub   githubTable   `toml:"github,commented" comment:"The repository on GitHub whose advisories and alerts are watched. Without this table they are noted by hand."`
	Log      logTable      `toml:"log" comment:"What the bot tells the one who runs it. It never logs a secret or anything embargoed."`
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
	Accounts []string `toml:"accounts" comment:"Who they are on each network, as network:account. On Matrix that is the full ID, on IRC the services account: never a display name or a nick."`
}

type matrixTable struct {
	Name          string            `toml:"name" comment:"A name for this network, as it stands before the first colon in accounts."`
	Homeserver    string            `toml:"homeserver" comment:"The homeserver's address, as a client would use it. It begins with https://."`
	User          string            `toml:"user" comment:"The bot's own account, as a full Matrix ID."`
	Folder        string            `toml:"folder,commented" comment:"The folder with the bot's session, keys and lock, made by: bot login matrix. The default is the network's name, beside this file."`
	PickleKeyFile string            `toml:"pickle_key_file,commented" comment:"The file with a key of your own that the keys in the folder are encrypted with, instead of the one that the login makes there: chmod 600."`
	PickleKeyEnv  string            `toml:"pickle_key_env,commented" comment:"Instead of that file: the environment variable with the key."`
	ObeyUnsigned  bool              `toml:"obey_unsigned" comment:"Whether commands from devices that their owners have not signed are obeyed. Such a device may be the homeserver's."`
	MayApprove    bool              `toml:"may_approve" default:"true" comment:"Whether !approve is obeyed on this network. The default is true."`
	Direct        string            `toml:"direct" default:"full" comment:"What a direct message may hear at most: \"none\", \"notice\" (no details) or \"full\" (the default), once proven private."`
	MaxAge        string            `toml:"max_age" default:"10m" comment:"How old a command that changes something may be when the bot hears it, from 1m to 24h. The default is 10m."`
	RoomsFor      []string          `toml:"rooms_for" comment:"An incident of one of these levels of the plan gets a room of its own, such as [\"critical\", \"high\"]."`
	Room          []matrixRoomTable `toml:"room" comment:"A room of the account named above. One [[matrix.room]] for each."`
}

type matrixRoomTable struct {
	Room      string `toml:"room" comment:"The room's ID, which begins with !. In Element it is under room settings, Advanced; an alias with # will not do."`
	Desk      bool   `toml:"desk" comment:"Whether incidents are announced here. At least one room of all networks must be a desk."`
	Clearance string `toml:"clearance" default:"notice" comment:"What may be said here at most: \"none\", \"notice\" (no details; the default) or \"full\", while the room is proven private."`
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

type pypiTable struct {
	Base      string         `toml:"base" default:"https://pypi.org" comment:"The index's address. The default is https://pypi.org."`
	Project   string         `toml:"project" comment:"The project's name there."`
	Expect    int            `toml:"expect" comment:"How many files a version has when it is complete, the source among them: EXPECTED_DISTS in Pillow's workflow."`
	ExpectFor []string       `toml:"expect_for" comment:"Versions with another number, as version:files, such as [\"13.0.0:78\"]."`
	Like      string         `toml:"like,commented" comment:"A complete version, whose platforms a new one should have too. Without it what is missing is guessed from what is there."`
	Every     string         `toml:"every" default:"2m" comment:"How often it is asked while a release fills, from 30s to 1h. The default is 2m."`
	NoSource  bool           `toml:"no_source" comment:"Whether the project publishes wheels only, and no source distribution."`
	Publisher publisherTable `toml:"publisher" comment:"Who publishes, as the provenance has to say: another one is an alarm. What is left out is not asked for; without this table provenance is not looked at."`
}

type publisherTable struct {
	Repository  string `toml:"repository" comment:"The repository on GitHub."`
	Workflow    string `toml:"workflow" comment:"The file of the workflow."`
	Environment string `toml:"environment" comment:"The environment of the workflow's job."`
}

type githubTable struct {
	Base           string       `toml:"base" default:"https://api.github.com" comment:"The address of the API. The default is https://api.github.com."`
	Repository     string       `toml:"repository" comment:"The repository, as owner/name."`
	TokenFile      string       `toml:"token_file" comment:"The file with a token that reads the repository's advisories and alerts, in its first line. Only the bot may read it: chmod 600."`
	TokenEnv       string       `toml:"token_env" comment:"Instead of that file: the environment variable with the token that reads."`
	WriteTokenFile string       `toml:"write_token_file" comment:"The file with a token that writes advisories: chmod 600. Without one every command that would write answers with what to paste."`
	WriteTokenEnv  string       `toml:"write_token_env" comment:"Instead of that file: the environment variable with the token that writes."`
	Every          string       `toml:"every" default:"60s" comment:"How often GitHub is asked, from 10s to 1h. The default is 60s."`
	Alerts         string       `toml:"alerts" default:"high" comment:"From which level on alerts of Dependabot and of code scanning are shown: off, low, medium, high (the default) or critical."`
	Publish        bool         `toml:"publish" comment:"Whether !advisory publish may publish. While it is false, people publish by hand."`
	Ecosystem      string       `toml:"ecosystem" default:"pip" comment:"Where the project's package is, by the word that advisories have for it. The default is pip."`
	Package        string       `toml:"package" comment:"The package's name there. The default is the repository's name in lower case."`
	Webhook        webhookTable `toml:"webhook" comment:"An address where GitHub can say that there is something new, so that it is asked at once. Nothing needs it."`
}

type webhookTable struct {
	Listen     string `toml:"listen" default:"127.0.0.1:8795" comment:"Where to listen, as address:port. The default is 127.0.0.1:8795, for a proxy on this machine that does TLS."`
	Public     bool   `toml:"public" comment:"Whether listen may be an address that other machines reach. What they send is not encrypted then."`
	Path       string `toml:"path" default:"/github" comment:"The path of the webhook's address. The default is /github."`
	SecretFile string `toml:"secret_file" comment:"The file with the webhook's secret, which GitHub knows too: 16 characters or more, chmod 600."`
	SecretEnv  string `toml:"secret_env" comment:"Instead of that file: the environment variable with the webhook's secret."`
}

type mailTable struct {
	Send               bool     `toml:"send" comment:"Whether the bot mails what two maintainers approved. While it is false, people send by hand. Mail to the lists of distributions is always sent by hand."`
	Server             string   `toml:"server,commented" comment:"Host and port of the mail server. The connection is always encrypted with TLS."`
	Security           string   `toml:"security,commented" default:"starttls" comment:"How TLS begins: \"starttls\" (the default, usually port 587) or \"tls\" (usually port 465)."`
	CAFile             string   `toml:"ca_file,commented" comment:"Certificates to trust instead of the system's, where the server has its own authority."`
	User               string   `toml:"user,commented" comment:"The user that the bot logs in as, where the server wants a login."`
	PasswordFile       string   `toml:"password_file,commented" comment:"The file with the password in its first line. Only the bot may read it: chmod 600."`
	PasswordEnv        string   `toml:"password_env,commented" comment:"Instead of that file: the environment variable with the password."`
	From               string   `toml:"from,commented" comment:"The address that mail is from, and that is answered to; also that of the letters that people send by hand, whatever send says."`
	Keys               []string `toml:"keys,commented" comment:"Files with the armored public OpenPGP keys of people outside: mail to their addresses is encrypted, to every other it is not. The key of a distributions' list too: letters to it are files that people send."`
	AlsoToSelf         bool     `toml:"also_to_self,commented" comment:"Whether encrypted mail can be read with the key of the from address too, which has to be among the keys then."`
	SignKey            string   `toml:"sign_key,commented" comment:"The armored secret key of the from address, which signs mail and letters, encrypted or not. Only the bot may read it: chmod 600."`
	SignPassphraseFile string   `toml:"sign_passphrase_file,commented" comment:"The file with the passphrase of that key, where it has one: chmod 600."`
	SignPassphraseEnv  string   `toml:"sign_passphrase_env,commented" comment:"Instead of that file: the environment variable with the passphrase."`
}

type mastodonTable struct {
	Send       bool   `toml:"send" comment:"Whether the bot posts what two maintainers approved. While it is false, people post by hand."`
	Instance   string `toml:"instance,commented" comment:"The address of the instance. It begins with https://."`
	TokenFile  string `toml:"token_file,commented" comment:"The file with the account's access token, which may read and write statuses and read the profile: chmod 600."`
	TokenEnv   string `toml:"token_env,commented" comment:"Instead of that file: the environment variable with the token."`
	Language   string `toml:"language,commented" default:"en" comment:"The language of the posts, as ISO 639 has it. The default is en."`
	Visibility string `toml:"visibility,commented" default:"public" comment:"Who sees the posts: \"public\" (the default) or \"unlisted\"."`
}

type logTable struct {
	Level string `toml:"level" default:"info" comment:"How much is logged: debug, info (the default), warn or error."`
}
