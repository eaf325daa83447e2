package config

import (
	"bytes"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

const preface = `# The configuration of Tocsin, the incident desk of a project's maintainers.
#
# A line that begins with # explains the line below it, or is a key that may be
# left out, with an example of a value. Paths are relative to the folder of this
# file. Secrets never stand here: they stand in files of their own or in
# environment variables.

`

// Example is the commented configuration to start from. It is without problems
// once the file with the bot's password is there.
func Example() []byte {
	var out bytes.Buffer
	out.WriteString(preface)
	raw, err := toml.Marshal(example())
	if err != nil {
		// The value is fixed and made of texts and booleans, so this cannot
		// happen; the test of the example would see it.
		return nil
	}
	said := map[string]bool{}
	for line := range strings.Lines(string(raw)) {
		// The encoder explains a key again in every element of a list. Once is
		// enough: only the first person and the first room are explained.
		if strings.HasPrefix(line, "#") {
			if said[line] {
				continue
			}
			said[line] = true
		}
		out.WriteString(doubleQuoted(line))
	}
	return out.Bytes()
}

// doubleQuoted writes the texts of a line as people expect them. The encoder
// prefers single quotes; the example holds no text in which that matters.
func doubleQuoted(line string) string {
	key, value, found := strings.Cut(strings.TrimPrefix(line, "# "), " = ")
	if !found || strings.Contains(key, " ") || strings.ContainsAny(value, `"\`) {
		return line
	}
	return strings.ReplaceAll(line, "'", `"`)
}

// example is what the example says: four maintainers in four time zones, and the
// usual pair: an encrypted Matrix room that may hear everything, and an IRC channel
// that hears notices.
func example() file {
	person := func(name, zone string) personTable {
		return personTable{Name: name, Zone: zone, Accounts: []string{"matrix:@" + name + ":example.org", "libera:" + name}}
	}
	return file{
		Project: projectTable{Name: "Pillow", Prefix: "INC", Plan: "plan"},
		State:   stateTable{File: "tocsin.db"},
		Person: []personTable{
			person("alice", "Europe/Helsinki"),
			person("bob", "Australia/Melbourne"),
			person("carol", "America/New_York"),
			person("dana", "Asia/Tokyo"),
		},
		Matrix: []matrixTable{{
			Name: "matrix", Homeserver: "https://matrix.example.org", User: "@tocsin:example.org", Folder: "matrix",
			PickleKeyFile: "secrets/matrix-pickle-key", PickleKeyEnv: "TOCSIN_MATRIX_PICKLE_KEY",
			MayApprove: true, Direct: "full", MaxAge: "10m", RoomsFor: []string{},
			Room: []matrixRoomTable{{Room: "!hVxkqBcEXAMPLErmWJ:example.org", Desk: true, Clearance: "full"}},
		}},
		IRC: []ircTable{{
			Name: "libera", Server: "irc.libera.chat:6697", CAFile: "secrets/ca.pem",
			Nick: "tocsin", Account: "tocsin", SASL: "plain",
			PasswordFile: "secrets/libera-password", PasswordEnv: "TOCSIN_LIBERA_PASSWORD",
			CertFile: "secrets/libera-cert.pem", KeyFile: "secrets/libera-key.pem",
			Profile: "solanum", Direct: "notice",
			Room: []roomTable{{
				Channel: "#pillow-security",
				KeyFile: "secrets/pillow-security-key", KeyEnv: "TOCSIN_ROOM_KEY",
				Desk: true, Clearance: "notice",
			}},
		}},
		Mail: mailTable{
			Server: "mail.example.org:587", Security: "starttls", CAFile: "secrets/ca.pem", User: "tocsin",
			PasswordFile: "secrets/mail-password", PasswordEnv: "TOCSIN_MAIL_PASSWORD", From: "Pillow security <security@example.org>",
			Keys: []string{"keys/erin.asc", "keys/security.asc"}, AlsoToSelf: true, SignKey: "secrets/sign.asc",
			SignPassphraseFile: "secrets/sign-passphrase", SignPassphraseEnv: "TOCSIN_SIGN_PASSPHRASE",
		},
		Mastodon: mastodonTable{
			Instance: "https://mastodon.example.org", TokenFile: "secrets/mastodon-token", TokenEnv: "TOCSIN_MASTODON_TOKEN",
			Language: "en", Visibility: "public",
		},
		PyPI: pypiTable{
			Base: "https://pypi.org", Project: "pillow", Expect: 87, ExpectFor: []string{}, Like: "12.3.0", Every: "2m",
			Publisher: publisherTable{Repository: "python-pillow/Pillow", Workflow: "wheels.yml", Environment: "release-pypi"},
		},
		GitHub: githubTable{
			Base: "https://api.github.com", Repository: "python-pillow/Pillow", TokenFile: "secrets/github-token", TokenEnv: "TOCSIN_GITHUB_TOKEN",
			WriteTokenFile: "secrets/github-write-token", WriteTokenEnv: "TOCSIN_GITHUB_WRITE_TOKEN",
			Every: "60s", Alerts: "high", Ecosystem: "pip", Package: "pillow",
			Webhook: webhookTable{Listen: "127.0.0.1:8795", Path: "/github", SecretFile: "secrets/github-webhook", SecretEnv: "TOCSIN_GITHUB_WEBHOOK"},
		},
		Log: logTable{Level: "info"},
	}
}
