package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"tocsin/bridges/matrix"
	"tocsin/cmd/bot/config"
	"tocsin/incidents"
)

// loginFiles are the files with secrets that only a login reads.
type loginFiles struct{ password, token, recoveryKey string }

func (l *loginFiles) flags(f *flag.FlagSet) {
	f.StringVar(&l.password, "password-file", "", "the file with the account's password")
	f.StringVar(&l.token, "token-file", "", "the file with an access token")
	f.StringVar(&l.recoveryKey, "recovery-key-file", "", "the file with the account's recovery key")
}

// askAt makes the question for a secret, typed at a terminal without being seen;
// nil when nobody sits there.
func askAt(in *os.File, out io.Writer) func(context.Context, string) (string, error) {
	fd := int(in.Fd())
	if !term.IsTerminal(fd) {
		return nil
	}
	return func(ctx context.Context, prompt string) (string, error) {
		before, err := term.GetState(fd)
		if err != nil {
			return "", err
		}
		type answer struct {
			text []byte
			err  error
		}
		got := make(chan answer, 1)
		fmt.Fprint(out, prompt)
		// It cannot be stopped while it waits; then it ends with the program.
		go func() {
			text, err := term.ReadPassword(fd)
			got <- answer{text, err}
		}()
		select {
		case a := <-got:
			fmt.Fprintln(out)
			return string(a.text), a.err
		case <-ctx.Done():
			fmt.Fprintln(out)
			return "", errors.Join(ctx.Err(), term.Restore(fd, before))
		}
	}
}

// loginMatrix makes the device of a Matrix account, once.
func (p program) loginMatrix(ctx context.Context, a arguments) int {
	switch {
	case len(a.rest) == 0 || a.rest[0] != "matrix":
		return p.misused("Say: bot login matrix. Other networks need no login beforehand.")
	case a.db != "":
		return p.misused("A login has to do with the configuration, not with -db.")
	case a.login.password != "" && a.login.token != "":
		return p.misused("Say -password-file or -token-file, not both.")
	}
	c, err := config.Load(a.configFile(), p.env)
	var n config.Matrix
	if err == nil {
		n, err = matrixNamed(c, a)
	}
	o := matrix.LoginOptions{DeviceName: "Tocsin"}
	if err == nil {
		err = a.login.read(&o)
	}
	if err != nil {
		fmt.Fprintln(p.err, err)
		return exitUsage
	}
	if a.log == "" {
		a.log = "warn" // a person reads this terminal
	}
	log, err := p.logger(a.log)
	if err != nil {
		return p.misused(err.Error())
	}
	o.Config = matrixConfig(c, n, log)
	if p.login == nil {
		p.login = matrix.Login
	}
	did, err := p.loginOnce(ctx, n, o)
	if err != nil && ctx.Err() != nil {
		err = sentence("Stopped. What was not done yet is done when you say it again.")
	}
	if err == nil {
		err = p.sayLogin(did, n, a)
	}
	if err == nil {
		err = did.Shown()
	}
	if err != nil {
		return p.failed(err)
	}
	return exitOK
}

// configFile is the configuration, by its usual name where none was given.
func (a arguments) configFile() string {
	if a.config == "" {
		return configFile
	}
	return a.config
}

// matrixNamed finds the Matrix network that the arguments mean.
func matrixNamed(c *config.Config, a arguments) (config.Matrix, error) {
	var names []string
	for _, n := range c.Matrix {
		if len(a.rest) == 2 && a.rest[1] == n.Name || len(a.rest) == 1 && len(c.Matrix) == 1 {
			return n, nil
		}
		names = append(names, n.Name)
	}
	switch {
	case len(names) == 0:
		return config.Matrix{}, sentence(a.configFile() + " has no Matrix network; write [[matrix]] with name, homeserver and user.")
	case len(a.rest) == 1:
		return config.Matrix{}, sentence("Say which: bot login matrix NAME. There are " + strings.Join(names, ", ") + ".")
	}
	return config.Matrix{}, sentence("No Matrix network has that name; there are " + strings.Join(names, ", ") + ".")
}

// read takes the secrets from the files that were named.
func (l loginFiles) read(o *matrix.LoginOptions) error {
	var all error
	for _, f := range []struct {
		name string
		to   *string
	}{{l.password, &o.Password}, {l.token, &o.Token}, {l.recoveryKey, &o.RecoveryKey}} {
		if f.name != "" {
			s, err := config.ReadSecret(f.name)
			all = errors.Join(all, err)
			*f.to = s.Reveal()
		}
	}
	return all
}

// loginOnce logs in. Somebody at the terminal is asked for the password, but not
// while the device that is there works.
func (p program) loginOnce(ctx context.Context, n config.Matrix, o matrix.LoginOptions) (matrix.LoginResult, error) {
	switch given := o.Password != "" || o.Token != ""; {
	case given:
		return p.login(ctx, o)
	case hasDevice(n):
		did, err := p.login(ctx, o)
		if p.ask == nil || ctx.Err() != nil || !wantsPassword(err) {
			return did, err
		}
		fmt.Fprintln(p.err, err)
	case p.ask == nil:
		return matrix.LoginResult{}, sentence("There is no terminal to ask for the password at; write it into a file and name that with -password-file.")
	}
	password, err := p.ask(ctx, "Password of "+n.User+": ")
	if err != nil && !errors.Is(err, io.EOF) {
		return matrix.LoginResult{}, err
	}
	if password == "" {
		return matrix.LoginResult{}, sentence("No password was typed, so nothing was done.")
	}
	o.Password = password
	return p.login(ctx, o)
}

// wantsPassword reports whether a login that failed may succeed with the password.
func wantsPassword(err error) bool { return errors.Is(err, matrix.ErrLogin) }

// hasDevice reports whether a login made the device of a network. It asks nobody.
func hasDevice(n config.Matrix) bool {
	_, err := os.Stat(filepath.Join(n.Folder, "session.json"))
	return err == nil
}

// sayLogin says what there is now, and shows the recovery key if one was made.
func (p program) sayLogin(did matrix.LoginResult, n config.Matrix, a arguments) error {
	var text strings.Builder
	said := "%s: %s was logged in already, and its device is still %s"
	if did.Made {
		said = "%s: %s is logged in, and its device is %s"
	}
	fmt.Fprintf(&text, said+"; other people see the bot as verified.\n", n.Name, did.User, did.Device)
	if did.RecoveryKey != "" {
		fmt.Fprintf(&text, "\nThe recovery key of the account:\n\n  %s\n\n"+
			"Keep it in the maintainers' password manager: it is not shown again. Who has lost the bot's folder needs it to log in anew.\n\n", did.RecoveryKey)
	}
	fmt.Fprintf(&text, "Next: bot check -config %[1]s; start it with bot -config %[1]s; invite %[2]s to its room, and say !room there.\n",
		a.configFile(), did.User)
	_, err := io.WriteString(p.out, text.String())
	return err
}

// sayDevices says which Matrix networks wait for their login.
func (p program) sayDevices(c *config.Config) {
	for _, n := range c.Matrix {
		name := ""
		if len(c.Matrix) > 1 {
			name = " " + n.Name
		}
		if !hasDevice(n) {
			fmt.Fprintf(p.out, "%s has no device yet; say: bot login matrix%s\n", n.Name, name)
		}
	}
}

// identity is somebody's account on a Matrix network.
type identity struct {
	on   config.Matrix
	user string
}

// identities finds whom the word of a command line means: a person of the roster,
// a Matrix ID, or a Matrix ID behind its network.
func identities(c *config.Config, word string) ([]identity, error) {
	var out []identity
	network, user, long := strings.Cut(word, ":")
	isID := strings.HasPrefix(word, "@")
	if !isID && !long {
		if _, ok := c.Roster().Named(strings.ToLower(word)); !ok {
			return nil, sentence("Nobody on the roster has that name; there are " + strings.Join(c.Roster().Names(), ", ") + ".")
		}
	}
	for _, n := range c.Matrix {
		if !isID && long && n.Name == network {
			return []identity{{n, user}}, nil // also a guest, who is not on the roster
		}
		for _, p := range c.People {
			for _, a := range p.Accounts {
				if a.Network == n.Name && (a.ID == word || !isID && !long && p.Name == strings.ToLower(word)) {
					out = append(out, identity{n, a.ID})
				}
			}
		}
	}
	switch {
	case len(out) > 0:
		return out, nil
	case isID && len(c.Matrix) == 1:
		return []identity{{c.Matrix[0], word}}, nil
	case isID && len(c.Matrix) > 1:
		return nil, sentence("That is nobody on the roster; say on which network, as NETWORK:" + word + ".")
	}
	return nil, sentence("There is no such account on a Matrix network of the configuration.")
}

// trustMatrix accepts the identity that somebody has now, after it was reset.
func (p program) trustMatrix(ctx context.Context, a arguments) int {
	if len(a.rest) != 1 {
		return p.misused("Say whom: bot trust -config FILE @user:server.")
	}
	if a.db != "" {
		return p.misused("Whom the bot trusts has to do with the configuration, not with -db.")
	}
	c, err := config.Load(a.configFile(), p.env)
	if err != nil {
		fmt.Fprintln(p.err, err)
		return exitUsage
	}
	who, err := identities(c, a.rest[0])
	if err != nil {
		return p.failed(err)
	}
	if a.log == "" {
		a.log = "warn"
	}
	log, err := p.logger(a.log)
	if err != nil {
		return p.misused(err.Error())
	}
	if p.trust == nil {
		p.trust = matrix.Trust
	}
	for _, w := range who {
		if err := p.trust(ctx, matrixConfig(c, w.on, log), w.user); err != nil {
			return p.failed(fmt.Errorf("%s: %w", w.on.Name, err))
		}
		fmt.Fprintf(p.out, "%s: the identity that %s has now is accepted: devices signed by it are obeyed and get keys.\n", w.on.Name, w.user)
		roster := c.Roster()
		if person, ok := roster.ByAccount(incidents.Account{Network: w.on.Name, ID: w.user}); ok {
			fmt.Fprintf(p.out, "Ask %[1]s, not on Matrix, whether it was %[1]s who reset it; if not, say !suspend %[1]s.\n", person.Name)
		}
	}
	return exitOK
}
