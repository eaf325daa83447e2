// Package matrixclient plays people in tests: Matrix clients with encryption and
// cross-signing that are made in a moment and say in one call what a person does
// with many clicks. A method that fails ends the test, so they are for the test's
// own goroutine.
package matrixclient

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/crypto/cryptohelper"
	"maunium.net/go/mautrix/id"

	"tocsin/internal/chattest/dendrite"
)

// Password is everybody's password.
const Password = "correct horse battery"

// Limits of waiting.
const (
	within      = 30 * time.Second // for one request, and for what Wait waits for
	keyPatience = 3 * time.Second  // until a message without its key counts as undecryptable
)

// Person is somebody with one device. Another device of the same account is
// another Person (NewDevice).
type Person struct {
	t      testing.TB
	server *dendrite.Server
	cli    *mautrix.Client
	helper *cryptohelper.CryptoHelper
	set    settings

	keys sync.Mutex // held while a response is worked in, and while keys change

	mu      sync.Mutex
	heard   []*entry
	marks   []mark          // reactions
	gone    map[string]bool // redacted events
	invites map[string]string
	grew    chan struct{} // closed at each change
	syncErr error
}

type settings struct {
	url      string
	unsigned bool
	strict   bool
}

// Option changes what New does.
type Option func(*settings)

// Unsigned leaves the device unsigned, and the account without cross-signing.
func Unsigned() Option { return func(s *settings) { s.unsigned = true } }

// Strict sends room keys to signed devices only.
func Strict() Option { return func(s *settings) { s.strict = true } }

// Via has the client talk to another address than the server's, such as a proxy.
func Via(url string) Option { return func(s *settings) { s.url = url } }

// New makes an account, logs in, signs the device, and begins to listen. It ends
// with the test.
func New(t testing.TB, s *dendrite.Server, name string, o ...Option) *Person {
	t.Helper()
	s.Register(t, name, Password)
	return Login(t, s, name, o...)
}

// Login is New with an account that exists. It bootstraps cross-signing, so that
// is for an account that has none.
func Login(t testing.TB, s *dendrite.Server, name string, o ...Option) *Person {
	t.Helper()
	set := settings{url: s.URL()}
	for _, f := range o {
		f(&set)
	}
	p := login(t, s, "@"+name+":"+s.Name(), set)
	if !set.unsigned {
		p.sign(nil)
	}
	p.listen()
	return p
}

// NewDevice logs in once more. The device is signed with this one's keys, or not.
func (p *Person) NewDevice(signed bool) *Person {
	p.t.Helper()
	d := login(p.t, p.server, p.UserID(), p.set)
	if signed {
		d.sign(p)
	}
	d.listen()
	return d
}

// login logs in as a new device and uploads its keys.
func login(t testing.TB, s *dendrite.Server, user string, set settings) *Person {
	t.Helper()
	p := &Person{t: t, server: s, set: set, gone: map[string]bool{}, invites: map[string]string{}, grew: make(chan struct{})}
	var err error
	p.cli, err = mautrix.NewClient(set.url, "", "")
	p.must(err, "making a client")
	transport := &http.Transport{MaxIdleConnsPerHost: 4}
	p.cli.Client = &http.Client{Transport: transport, Timeout: 2 * time.Minute}
	t.Cleanup(transport.CloseIdleConnections)
	p.cli.StateStore = mautrix.NewMemoryStateStore()
	ctx, cancel := p.limit()
	defer cancel()
	_, err = p.cli.Login(ctx, &mautrix.ReqLogin{
		Type: mautrix.AuthTypePassword, Identifier: mautrix.UserIdentifier{Type: mautrix.IdentifierTypeUser, User: user},
		Password: Password, StoreCredentials: true,
	})
	p.must(err, "logging in as %s", user)
	dir, err := os.MkdirTemp(s.Dir(), "person-")
	p.must(err, "making a folder")
	p.helper, err = cryptohelper.NewCryptoHelper(p.cli, []byte("of no secret"), filepath.Join(dir, "crypto.db"))
	p.must(err, "making a crypto helper")
	t.Cleanup(func() { _ = p.helper.Close() })
	p.must(p.helper.Init(ctx), "starting encryption for %s", user)
	if set.strict {
		p.mach().SendKeysMinTrust = id.TrustStateCrossSignedTOFU
	}
	p.cli.Crypto = p.helper
	return p
}

// sign signs the device: with new cross-signing keys, or with those of another
// device of the same person.
func (p *Person) sign(first *Person) {
	p.t.Helper()
	ctx, cancel := p.limit()
	defer cancel()
	p.keys.Lock() // what comes in meanwhile waits
	defer p.keys.Unlock()
	m := p.mach()
	if first == nil {
		p.publish(ctx)
	} else {
		first.keys.Lock()
		defer first.keys.Unlock()
		if first.mach().CrossSigningKeys == nil {
			p.t.Fatalf("%s has no cross-signing keys to sign with", first.UserID())
		}
		p.must(m.ImportCrossSigningKeys(first.mach().ExportCrossSigningKeys()), "taking over the cross-signing keys")
	}
	p.must(m.SignOwnDevice(ctx, m.OwnIdentity()), "signing the device")
	p.must(m.SignOwnMasterKey(ctx), "signing the master key")
}

// publish makes new cross-signing keys. The password is given where it is asked for.
func (p *Person) publish(ctx context.Context) {
	p.t.Helper()
	keys, err := p.mach().GenerateCrossSigningKeys()
	p.must(err, "making cross-signing keys")
	p.must(p.mach().PublishCrossSigningKeys(ctx, keys, func(ui *mautrix.RespUserInteractive) any {
		return &mautrix.ReqUIAuthLogin{
			BaseAuthData: mautrix.BaseAuthData{Type: mautrix.AuthTypePassword, Session: ui.Session},
			User:         p.UserID(), Password: Password,
		}
	}), "publishing cross-signing keys")
}

// ResetIdentity replaces the cross-signing keys, and signs this device with the
// new ones: everybody else sees a changed identity.
func (p *Person) ResetIdentity() { p.t.Helper(); p.sign(nil) }

// Logout logs this device out: the server forgets it and its keys.
func (p *Person) Logout() {
	p.t.Helper()
	ctx, cancel := p.limit()
	defer cancel()
	_, err := p.cli.Logout(ctx)
	p.must(err, "logging out")
}

// UserID is @name:hs.test.
func (p *Person) UserID() string { return p.cli.UserID.String() }

// DeviceID is the device's id.
func (p *Person) DeviceID() string { return p.cli.DeviceID.String() }

// Token is the access token.
func (p *Person) Token() string { return p.cli.AccessToken }

// Client is the library's client, for what has no method here.
func (p *Person) Client() *mautrix.Client { return p.cli }

func (p *Person) mach() *crypto.OlmMachine { return p.helper.Machine() }

// limit is the context of one request.
func (p *Person) limit() (context.Context, context.CancelFunc) {
	return context.WithTimeout(p.t.Context(), within)
}

func (p *Person) must(err error, what string, args ...any) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf(what+": %v", append(slices.Clone(args), err)...)
	}
}

// name is the short name of a person, for messages of the tests.
func (p *Person) name() string {
	name, _, _ := strings.Cut(strings.TrimPrefix(p.UserID(), "@"), ":")
	return name
}

// changed wakes those who wait. The lock is held.
func (p *Person) changed() {
	close(p.grew)
	p.grew = make(chan struct{})
}

// Until waits until something is so, half a minute at most. It looks again
// whenever anything has come.
func (p *Person) Until(what string, so func() bool) {
	p.t.Helper()
	p.UntilIn(within, what, so)
}

// UntilIn is Until with another limit.
func (p *Person) UntilIn(most time.Duration, what string, so func() bool) {
	p.t.Helper()
	limit := time.NewTimer(most)
	defer limit.Stop()
	for {
		p.mu.Lock()
		grew := p.grew
		p.mu.Unlock()
		if so() {
			return
		}
		select {
		case <-grew:
		case <-limit.C:
			p.mu.Lock()
			err := p.syncErr
			p.mu.Unlock()
			p.t.Fatalf("%s waited %s in vain for: %s (the last error of its sync: %v)\nheard: %s", p.name(), most, what, err, p.overheard())
		}
	}
}
