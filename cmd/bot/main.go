// Command bot is Tocsin: the incident desk of an open-source project's
// maintainers. Without arguments it rehearses on the console; with a
// configuration it serves the networks that are configured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
	_ "time/tzdata" // zones also where the system has none

	"tocsin/bridges/matrix"
	"tocsin/cmd/bot/config"
	"tocsin/incidents"
)

// program is the bot as a value that tests can run.
type program struct {
	in       io.Reader
	out      io.Writer
	err      io.Writer
	env      func(string) (string, bool)
	terminal bool // a person sits at in

	ask   func(ctx context.Context, prompt string) (string, error)               // asks for a secret; nil: there is nobody to ask
	login func(context.Context, matrix.LoginOptions) (matrix.LoginResult, error) // nil: matrix.Login
	trust func(context.Context, matrix.Config, string) error                     // nil: matrix.Trust

	failpoint func(step string) // tests: called between any two steps of a backup or a restore; nil: nothing
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	p := program{
		in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.LookupEnv, terminal: isTerminal(os.Stdin),
		ask: askAt(os.Stdin, os.Stderr),
	}
	code := p.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

func isTerminal(f *os.File) bool {
	i, err := f.Stat()
	return err == nil && i.Mode()&os.ModeCharDevice != 0 && i.Mode()&os.ModeDevice != 0
}

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

const usage = `Tocsin, the incident desk of an open-source project's maintainers.

  bot [-db FILE]                    rehearse on the console; nothing needs to be configured
  bot init [FILE]                   write a commented configuration, config.toml
  bot check [-config FILE]          read the configuration strictly and say what is wrong
  bot doctor [-config FILE]         go through everything that can be wrong before an incident; the
                                    bot may be running
  bot login matrix [-config FILE] [-password-file FILE | -token-file FILE]
                   [-recovery-key-file FILE] [NAME]
                                    make the bot's device on a Matrix account, once; without a
                                    file it asks for the password
  bot -config FILE                  serve the networks of the configuration
  bot verify [-db FILE | -config FILE]
                                    walk the record and check that nothing in it was changed
  bot backup [-db FILE | -config FILE] OUT
                                    write all that the bot keeps into one file, also while it
                                    runs, and verify what was written
  bot restore [-db FILE | -config FILE] IN
                                    put a backup in the place of what is there, which is moved
                                    aside; stop the bot first
  bot unsuspend [-db FILE | -config FILE] PERSON
                                    obey a person again, when too few are left to do it in chat;
                                    stop the bot first
  bot trust [-config FILE] @USER:SERVER
                                    accept the identity that somebody has now on Matrix, who
                                    reset it; stop the bot first
  bot version                       which version this is
`

// version gives the module's version, and the commit where it was built from one.
func version() string {
	i, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := i.Main.Version
	for _, s := range i.Settings {
		if s.Key == "vcs.revision" {
			v += " " + s.Value
		}
	}
	return strings.TrimSpace(v + " " + i.GoVersion)
}

// run does what the arguments say and gives the exit code.
func (p program) run(ctx context.Context, args []string) int {
	verb := ""
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		verb, args = args[0], args[1:]
	}
	f := flag.NewFlagSet("bot", flag.ContinueOnError)
	f.SetOutput(p.err)
	f.Usage = func() { fmt.Fprint(p.err, usage) }
	db := f.String("db", "", "the state's file")
	cfg := f.String("config", "", "the configuration")
	logLevel := f.String("log", "", "debug, info, warn or error")
	var files loginFiles
	if verb == "login" {
		files.flags(f)
	}
	var rest []string
	for len(args) > 0 { // flags may stand before and after the other words
		if err := f.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return exitOK
			}
			return exitUsage
		}
		if args = f.Args(); len(args) > 0 {
			rest, args = append(rest, args[0]), args[1:]
		}
	}
	a := arguments{db: *db, config: *cfg, log: *logLevel, rest: rest, login: files}
	if a.db != "" && a.config != "" {
		return p.misused("Say -db or -config, not both: the configuration names its file itself.")
	}
	if most := map[string]int{"init": 1, "check": 1, "verify": 1, "unsuspend": 1, "login": 2, "trust": 1, "backup": 1, "restore": 1}[verb]; len(rest) > most {
		return p.misused(fmt.Sprintf("There is nothing to do with %q.", rest[most]))
	}
	switch verb {
	case "":
		if a.config != "" {
			return p.serve(ctx, a)
		}
		return p.rehearse(ctx, a)
	case "init":
		return p.init(a)
	case "check":
		return p.check(a)
	case "doctor":
		return p.doctor(ctx, a)
	case "login":
		return p.loginMatrix(ctx, a)
	case "trust":
		return p.trustMatrix(ctx, a)
	case "verify":
		return p.verify(ctx, a)
	case "backup":
		return p.backup(ctx, a)
	case "restore":
		return p.restore(ctx, a)
	case "unsuspend":
		return p.unsuspend(ctx, a)
	case "help":
		fmt.Fprint(p.out, usage)
		return exitOK
	case "version":
		fmt.Fprintln(p.out, "tocsin", version())
		return exitOK
	default:
		return p.misused(fmt.Sprintf("There is no %q.", verb))
	}
}

// sentence is an error that a person reads as it is.
type sentence string

func (s sentence) Error() string { return string(s) }

type arguments struct {
	db, config, log string
	rest            []string
	login           loginFiles
}

func (p program) misused(why string) int {
	fmt.Fprintf(p.err, "%s\n\n%s", why, usage)
	return exitUsage
}

func (p program) failed(err error) int {
	fmt.Fprintln(p.err, err)
	return exitFailed
}

// logger writes to stderr; what it is given never holds sealed text.
func (p program) logger(level string) (*slog.Logger, error) {
	var l slog.Level
	if level == "" {
		level = "info"
	}
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("-log is debug, info, warn or error")
	}
	return slog.New(slog.NewTextHandler(p.err, &slog.HandlerOptions{Level: l})), nil
}

// The files that are meant where none is named.
const (
	rehearsalFile = "rehearsal.db"
	configFile    = "config.toml"
)

// rehearse runs the console until its input ends.
func (p program) rehearse(ctx context.Context, a arguments) int {
	if a.log == "" {
		a.log = "warn" // a person reads this terminal
	}
	if a.db == "" {
		a.db = rehearsalFile
	}
	log, err := p.logger(a.log)
	if err != nil {
		return p.misused(err.Error())
	}
	r, err := openRehearsal(ctx, rehearsalOptions{dbPath: a.db, in: p.in, out: p.out, prompt: p.terminal, log: log, clock: &clock{}})
	if err != nil {
		return p.failed(err)
	}
	defer r.close()
	if _, err := os.Stat(configFile); err == nil && p.terminal {
		fmt.Fprintf(p.out, "There is a %s here; to serve it: bot -config %s\n", configFile, configFile)
	}
	fmt.Fprintf(p.out, "Tocsin rehearses; its state is in %s. You are alice. Say !help; /as bob, /wait 25h and /quit are the console's own.\n", a.db)
	if ahead := time.Until(r.clock.Now()); ahead > time.Minute {
		fmt.Fprintf(p.out, "Its clock was moved: it is %s there.\n", incidents.SayInstant(r.clock.Now()))
	}
	if err := r.run(ctx, p.terminal); err != nil && ctx.Err() == nil {
		return p.failed(err)
	}
	return exitOK
}

// init writes a configuration to start from; it overwrites nothing.
func (p program) init(a arguments) int {
	path := a.config
	if len(a.rest) > 0 {
		path = a.rest[0]
	}
	if path == "" {
		path = configFile
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return p.failed(fmt.Errorf("%s is there already and is left as it is; name another file: bot init FILE", path))
	}
	if err == nil {
		_, err = f.Write(config.Example())
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return p.failed(err)
	}
	fmt.Fprintf(p.out, "Wrote %s. Edit it, then say: bot check -config %s\n", path, path)
	return exitOK
}

// check reads the configuration and the plan as serving would.
func (p program) check(a arguments) int {
	a.config = a.configFile()
	if len(a.rest) > 0 {
		a.config = a.rest[0]
	}
	c, err := config.Load(a.config, p.env)
	if err == nil {
		_, err = planOf(c)
	}
	if err == nil {
		err = checkOutside(c)
	}
	if err != nil {
		fmt.Fprintln(p.err, err)
		return exitUsage
	}
	fmt.Fprintf(p.out, "%s is in order. Networks: %d. People: %d.\n", a.config, len(c.IRC)+len(c.Matrix), len(c.People))
	p.sayDevices(c)
	return exitOK
}
