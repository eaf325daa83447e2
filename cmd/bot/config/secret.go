package config

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"regexp"
	"runtime"
	"strings"
)

// concealed is what everybody sees of a secret who does not ask for it by name.
const concealed = "[secret]"

// Secret is a password or a key. It cannot be printed, logged, compared or
// encoded by accident, also deep inside another value: the text is reachable
// through a function only. The zero Secret is none.
type Secret struct{ p *func() string }

// newSecret takes a text as a secret.
func newSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	open := func() string { return text }
	return Secret{p: &open}
}

// Reveal gives the secret, or "" when there is none.
func (s Secret) Reveal() string {
	if s.p == nil {
		return ""
	}
	return (*s.p)()
}

// Empty reports whether there is no secret.
func (s Secret) Empty() bool { return s.p == nil }

// Format makes every verb of package fmt print "[secret]".
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, concealed) }

// String gives "[secret]".
func (s Secret) String() string { return concealed }

// GoString gives "[secret]".
func (s Secret) GoString() string { return concealed }

// LogValue gives "[secret]" to package slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(concealed) }

// MarshalText gives "[secret]" to every encoder that asks for text, TOML among
// them.
func (s Secret) MarshalText() ([]byte, error) { return []byte(concealed), nil }

// MarshalJSON gives "[secret]" to package json.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + concealed + `"`), nil }

// envName is how the name of an environment variable looks.
func envName(s string) bool { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`).MatchString(s) }

// secret reads what the keys base_file or base_env of the table at path name,
// and gives the path of the key that it came from. Messages hold neither the
// secret nor the name of a variable: somebody who took the key for the place of
// the secret itself would see it in the logs.
func (c *checker) secret(path, base, file, env string, needed bool) (s Secret, from string) {
	filePath, envPath := join(path, base+"_file"), join(path, base+"_env")
	byFile, byEnv := c.has(filePath), c.has(envPath)
	switch {
	case byFile && byEnv:
		c.add(envPath, "%s_file is there too, on line %d; keep one of the two", base, c.line(filePath))
	case byFile:
		return c.secretFile(filePath, file), filePath
	case byEnv:
		return c.secretEnv(envPath, env), envPath
	case needed:
		c.add(filePath, "is missing; write the secret into a file of its own and name that here, or name an environment variable with %s_env", base)
	}
	return Secret{}, path
}

func (c *checker) secretEnv(path, name string) Secret {
	if !envName(name) {
		c.add(path, "is not the name of an environment variable; use a name such as TOCSIN_PASSWORD, never the secret itself")
		return Secret{}
	}
	value, ok := "", false
	if c.env != nil {
		value, ok = c.env(name)
	}
	value = strings.TrimSpace(value)
	switch {
	case !ok:
		c.add(path, "the environment variable named here is not set; set it for the bot's process")
	case value == "":
		c.add(path, "the environment variable named here is empty; put the secret into it")
	}
	return newSecret(value)
}

// secretFile reads the first line of a file that only the bot may read.
func (c *checker) secretFile(path, name string) Secret {
	abs, ok := c.private(path, name)
	if !ok {
		return Secret{}
	}
	line, err := firstLine(abs)
	switch {
	case err != nil:
		c.add(path, "the file cannot be read: %s", reason(err))
	case line == "":
		c.add(path, "the first line of %s is empty; write the secret there", quotePath(abs))
	}
	return newSecret(line)
}

func firstLine(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	const most = 64 << 10
	line, err := bufio.NewReader(io.LimitReader(f, most)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimSpace(line), nil
}

// ReadSecret reads the first line of a file that only its owner may read. The path
// is relative to the working folder. An error is one sentence; it never quotes
// what the file holds.
func ReadSecret(name string) (Secret, error) {
	n := newNotes(name)
	s := newChecker(n, "secret", nil).secretFile("", name)
	if len(n.problems) > 0 {
		return Secret{}, errors.New(name + ": " + n.problems[0].Told)
	}
	return s, nil
}

// private finds a file that nobody but its owner may read.
func (c *checker) private(path, name string) (abs string, ok bool) {
	abs, info := c.existing(path, name)
	if info == nil {
		return "", false
	}
	if shared(info) {
		c.add(path, "others than the bot may read or change this file; run: chmod 600 %s", shellWord(abs))
		return "", false
	}
	return abs, true
}

// shared reports whether others than the owner may read or change something.
func shared(info fs.FileInfo) bool {
	const others = 0o077
	return runtime.GOOS != "windows" && info.Mode().Perm()&others != 0
}

// shellWord is a path as it can be copied into a shell.
func shellWord(path string) string {
	if regexp.MustCompile(`^[A-Za-z0-9/._+-]+$`).MatchString(path) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// existing finds a file that must be there. Its name is told only when it is
// the name of something: else it may be a secret in the wrong place.
func (c *checker) existing(path, name string) (string, fs.FileInfo) {
	abs, ok := c.resolve(path, name)
	if !ok {
		return "", nil
	}
	info, err := os.Stat(abs)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.add(path, "there is no such file; a relative path begins in %s", quotePath(c.dir))
		return "", nil
	case err != nil:
		c.add(path, "the file cannot be read: %s", reason(err))
		return "", nil
	case !info.Mode().IsRegular():
		c.add(path, "%s is not a file", quotePath(abs))
		return "", nil
	}
	return abs, info
}
