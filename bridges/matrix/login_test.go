package matrix

import (
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/matrixclient"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/id"
)

// house is a homeserver with the account @tocsin, which nobody has logged in to.
type house struct {
	t      *testing.T
	server *dendrite.Server
	proxy  *dendrite.Proxy
	cfg    Config
}

func newHouse(t *testing.T) *house {
	t.Helper()
	return newAccount(t, dendrite.Start(t, dendrite.Options{}), "tocsin")
}

func newAccount(t *testing.T, server *dendrite.Server, name string) *house {
	t.Helper()
	user := server.Register(t, name, matrixclient.Password)
	proxy := dendrite.NewProxy(t, server)
	return &house{t: t, server: server, proxy: proxy, cfg: Config{
		Name: netName, Homeserver: proxy.URL(), User: user, Folder: filepath.Join(t.TempDir(), "bot"), Log: slog.New(slog.DiscardHandler),
	}}
}

func (h *house) login(o LoginOptions) (LoginResult, error) {
	if o.Config.Name == "" {
		o.Config = h.cfg
	}
	return Login(h.t.Context(), o)
}

// in logs in with the password, and fails the test when that fails.
func (h *house) in() LoginResult {
	h.t.Helper()
	r, err := h.login(LoginOptions{Password: matrixclient.Password})
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

// files are the contents of a folder.
func files(t *testing.T, folder string) map[string]string {
	t.Helper()
	out := map[string]string{}
	all, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		data, err := os.ReadFile(filepath.Join(folder, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[f.Name()] = string(data)
	}
	return out
}

// refused sees that a login fails with a sentence and leaves the folder as it is.
func (h *house) refused(o LoginOptions, sentences ...string) {
	h.t.Helper()
	if o.Config.Name == "" {
		o.Config = h.cfg
	}
	before := files(h.t, o.Config.Folder)
	_, err := h.login(o)
	if err == nil {
		h.t.Fatal("it logged in")
	}
	for _, sentence := range sentences {
		if !strings.Contains(err.Error(), sentence) {
			h.t.Errorf("the error is %q, without %q", err, sentence)
		}
	}
	if !errors.Is(err, ErrLogin) {
		h.t.Errorf("%q does not wrap ErrLogin", err)
	}
	if strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), matrixclient.Password) {
		h.t.Errorf("the error is %q", err)
	}
	after := files(h.t, o.Config.Folder)
	for name, data := range before {
		if after[name] != data {
			h.t.Errorf("%s was changed", name)
		}
	}
	for name := range after {
		if _, ok := before[name]; !ok && !strings.HasSuffix(name, "-wal") && !strings.HasSuffix(name, "-shm") && name != lockFile {
			h.t.Errorf("%s was made", name)
		}
	}
}

// account is what the homeserver has of the bot: its devices, and which are signed.
func (h *house) account() (devices, signedOnes []string) {
	h.t.Helper()
	token, own := h.server.Login(h.t, h.cfg.User, matrixclient.Password)
	cli, err := mautrix.NewClient(h.server.URL(), id.UserID(h.cfg.User), token)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _, _ = cli.Logout(h.t.Context()) }()
	list, err := cli.GetDevicesInfo(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	got, err := cli.QueryKeys(h.t.Context(), &mautrix.ReqQueryKeys{DeviceKeys: mautrix.DeviceKeysRequest{cli.UserID: {}}})
	if err != nil {
		h.t.Fatal(err)
	}
	for _, d := range list.Devices {
		if d.DeviceID.String() == own || d.DeviceID == "shared_secret_registration" { // what registering leaves
			continue
		}
		devices = append(devices, d.DeviceID.String())
		if signed(got, cli.UserID, d.DeviceID) {
			signedOnes = append(signedOnes, d.DeviceID.String())
		}
	}
	return devices, signedOnes
}

// oneSigned sees that the account has this device, signed, and no other.
func (h *house) oneSigned(device string) {
	h.t.Helper()
	devices, signedOnes := h.account()
	if want := []string{device}; !slices.Equal(devices, want) || !slices.Equal(signedOnes, want) {
		h.t.Errorf("the account has the devices %v, of which %v are signed, and not %s alone", devices, signedOnes, device)
	}
}

// works sees that the bot can open its session.
func (h *house) works() {
	h.t.Helper()
	cfg := h.cfg
	if err := cfg.complete(); err != nil {
		h.t.Fatal(err)
	}
	s, err := openSession(h.t.Context(), &cfg)
	if err != nil {
		h.t.Fatal(err)
	}
	s.close()
}

func TestLoginWithPassword(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.in()
	if !first.Made || first.User != h.cfg.User || first.Device == "" || len(strings.Fields(first.RecoveryKey)) != 12 {
		t.Errorf("the first: %+v", first)
	}
	h.oneSigned(first.Device)
	for name := range files(t, h.cfg.Folder) {
		info, err := os.Stat(filepath.Join(h.cfg.Folder, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %v (%v)", name, info.Mode(), err)
		}
	}
	if info, err := os.Stat(h.cfg.Folder); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has the mode %v (%v)", info.Mode(), err)
	}
	again, err := h.login(LoginOptions{})
	if err != nil || again.Made || again.Device != first.Device || again.RecoveryKey != first.RecoveryKey {
		t.Errorf("before the key was shown: %+v, %v", again, err)
	}
	if err := errors.Join(again.Shown(), again.Shown()); err != nil {
		t.Error(err)
	}
	before := files(t, h.cfg.Folder)
	again, err = h.login(LoginOptions{Password: matrixclient.Password})
	if err != nil || again.Made || again.Device != first.Device || again.RecoveryKey != "" {
		t.Errorf("after the key was shown: %+v, %v", again, err)
	}
	if after := files(t, h.cfg.Folder); after[sessionFile] != before[sessionFile] || after[pickleFile] != before[pickleFile] {
		t.Error("the session was written anew")
	}
	h.oneSigned(first.Device)
	h.works()
}

func TestLoginWithToken(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	token, device := h.server.Login(t, h.cfg.User, matrixclient.Password)
	r, err := h.login(LoginOptions{Token: token})
	if err != nil || !r.Made || r.Device != device || r.RecoveryKey == "" {
		t.Fatalf("%+v, %v", r, err)
	}
	h.oneSigned(device)
	h.works()
	if sv, err := readSaved(h.cfg.Folder); err != nil || sv.Token != token {
		t.Errorf("saved %v, %v", sv.Device, err)
	}

	other := h.cfg
	other.Folder = t.TempDir()
	h.refused(LoginOptions{Config: other, Token: token}, "device "+device+" of the token has keys of another program already; give a token that no other program has used, or the password")
	h.refused(LoginOptions{Config: other, Token: "nonsense"}, "the homeserver does not accept the access token")
	alice := h.server.Register(t, "alice", matrixclient.Password)
	token, _ = h.server.Login(t, alice, matrixclient.Password)
	h.refused(LoginOptions{Config: other, Token: token}, "the access token is of @alice:hs.test, and the configuration says @tocsin:hs.test")
	h.refused(LoginOptions{Config: other}, "there is no session in "+other.Folder+"; give the password or an access token")
	h.refused(LoginOptions{Config: other, Password: "a wrong password"}, "the homeserver does not accept this password for @tocsin:hs.test")
}

func TestLoginRefusesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := h.in()
	crypto := filepath.Join(h.cfg.Folder, cryptoFile)
	whole, err := os.ReadFile(crypto)
	if err != nil {
		t.Fatal(err)
	}
	restore := func() {
		t.Helper()
		if err := os.WriteFile(crypto, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		h.works()
	}
	all := []LoginOptions{{}, {Password: matrixclient.Password}, {Password: matrixclient.Password, RecoveryKey: r.RecoveryKey}}

	if err := os.Remove(crypto); err != nil {
		t.Fatal(err)
	}
	for _, o := range all {
		h.refused(o, crypto+" is gone, and with it the keys of device "+r.Device, "put it back from the backup", "with the recovery key")
	}
	restore()

	if err := os.WriteFile(crypto, []byte("this is no database, but it is long enough to look like one"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, o := range all {
		h.refused(o, crypto+" is damaged or not ours", "put it back from the backup")
	}
	restore()

	other := h.cfg
	other.Folder, other.User = t.TempDir(), h.server.Register(t, "carol", matrixclient.Password)
	o, err := h.login(LoginOptions{Config: other, Password: matrixclient.Password})
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := os.ReadFile(filepath.Join(other.Folder, cryptoFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(crypto, foreign, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, lo := range all {
		h.refused(lo, "holds the keys of device "+o.Device+" of @carol:hs.test, but the session is device "+r.Device+" of @tocsin:hs.test",
			"put back the file that belongs to it")
	}
	restore()

	alone := h.cfg
	alone.Folder = t.TempDir()
	if err := os.WriteFile(filepath.Join(alone.Folder, cryptoFile), foreign, 0o600); err != nil {
		t.Fatal(err)
	}
	h.refused(LoginOptions{Config: alone, Password: matrixclient.Password}, "crypto.db in "+alone.Folder+" holds the keys of @carol:hs.test; name another folder, or move it aside")

	wrong := h.cfg
	wrong.PickleKey = []byte("another key of sixteen or more bytes")
	h.refused(LoginOptions{Config: wrong, Password: matrixclient.Password}, "the pickle key does not open "+crypto, "put the right key")
	pickle := filepath.Join(h.cfg.Folder, pickleFile)
	key, err := os.ReadFile(pickle)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(pickle); err != nil {
		t.Fatal(err)
	}
	h.refused(LoginOptions{Password: matrixclient.Password}, pickle+" is gone")
	if err := os.WriteFile(pickle, key, 0o600); err != nil {
		t.Fatal(err)
	}
	restore()

	mine := h.cfg
	mine.User = "@carol:hs.test"
	h.refused(LoginOptions{Config: mine, Password: matrixclient.Password}, "the session in "+h.cfg.Folder+" is of @tocsin:hs.test, and the configuration says @carol:hs.test")

	session := filepath.Join(h.cfg.Folder, sessionFile)
	if err := os.WriteFile(session, []byte(`{"user":"@tocsin:hs.test","token":"syt_se`), 0o600); err != nil {
		t.Fatal(err)
	}
	h.refused(LoginOptions{Password: matrixclient.Password}, session+" is damaged")
	if err := os.Remove(session); err != nil {
		t.Fatal(err)
	}
	// The keys are there and the session is not: the password makes it the same device again.
	back := h.in()
	if back.Device != r.Device {
		t.Errorf("another device: %+v", back)
	}
	h.oneSigned(r.Device)
	h.works()
}

func TestLoginLocks(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.in()
	cfg := h.cfg
	if err := cfg.complete(); err != nil {
		t.Fatal(err)
	}
	s, err := openSession(t.Context(), &cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	before := files(t, h.cfg.Folder)
	_, err = h.login(LoginOptions{Password: matrixclient.Password})
	if !errors.Is(err, errBusy) || !strings.Contains(err.Error(), "another tocsin uses "+h.cfg.Folder) {
		t.Errorf("while it runs: %v", err)
	}
	if err := Trust(t.Context(), h.cfg, "@alice:hs.test"); !errors.Is(err, errBusy) {
		t.Errorf("trusting while it runs: %v", err)
	}
	if !maps.Equal(before, files(t, h.cfg.Folder)) {
		t.Error("something was written")
	}
}
