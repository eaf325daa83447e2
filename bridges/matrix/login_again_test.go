package matrix

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tocsin/internal/chattest/matrixclient"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/id"
)

func TestLoginWithRevokedToken(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := h.in()
	steal := func() {
		t.Helper()
		cli, err := mautrix.NewClient(h.server.URL(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := cli.Login(t.Context(), &mautrix.ReqLogin{
			Type: mautrix.AuthTypePassword, Password: matrixclient.Password, DeviceID: id.DeviceID(r.Device),
			Identifier: mautrix.UserIdentifier{Type: mautrix.IdentifierTypeUser, User: h.cfg.User},
		}); err != nil {
			t.Fatal(err)
		}
	}
	steal() // the same device has another token now
	h.refused(LoginOptions{}, "the homeserver does not accept the token of device "+r.Device+" any more; give the password")
	h.refused(LoginOptions{Password: "a wrong password"}, "the homeserver does not accept this password for @tocsin:hs.test")
	token, device := h.server.Login(t, h.cfg.User, matrixclient.Password)
	h.refused(LoginOptions{Token: token}, "the token is of device "+device+", and the session is device "+r.Device)
	cli, err := mautrix.NewClient(h.server.URL(), id.UserID(h.cfg.User), token)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cli.Logout(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again := h.in(); again.Made || again.Device != r.Device {
		t.Errorf("%+v", again)
	}
	h.oneSigned(r.Device)
	h.works()

	sv, err := readSaved(h.cfg.Folder)
	if err != nil {
		t.Fatal(err)
	}
	cli, err = mautrix.NewClient(h.server.URL(), id.UserID(h.cfg.User), sv.Token)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cli.Logout(t.Context()); err != nil { // the device itself is gone now
		t.Fatal(err)
	}
	h.refused(LoginOptions{Password: matrixclient.Password}, "device "+r.Device+" was removed from the account; move crypto.db and session.json aside", "with the recovery key")
	if devices, _ := h.account(); len(devices) != 0 {
		t.Errorf("the account has the devices %v", devices)
	}
}

func TestLoginToAccountWithIdentity(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.in()
	h.cfg.Folder = filepath.Join(t.TempDir(), "new")
	_, err := h.login(LoginOptions{Password: matrixclient.Password})
	if !errors.Is(err, ErrLogin) || !strings.Contains(err.Error(), "@tocsin:hs.test has an identity already, which has to sign device") || !strings.Contains(err.Error(), "with the recovery key") {
		t.Fatalf("without the recovery key: %v", err)
	}
	sv, err := readSaved(h.cfg.Folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{"nonsense", "EsTc LW2K PGiF wKEA 3As5 g5c4 BXwk qeeJ ZJV8 Q9fu gUMN UE4d"} {
		_, err := h.login(LoginOptions{RecoveryKey: wrong})
		if !errors.Is(err, ErrLogin) || !strings.Contains(err.Error(), "that is not the recovery key of @tocsin:hs.test") {
			t.Fatalf("with a wrong recovery key: %v", err)
		}
	}
	if _, ok := files(t, h.cfg.Folder)[recoveryFile]; ok {
		t.Error("a recovery key was made")
	}
	second, err := h.login(LoginOptions{RecoveryKey: " " + first.RecoveryKey + "\n"})
	if err != nil || second.Device != sv.Device || second.RecoveryKey != "" {
		t.Fatalf("%+v, %v", second, err)
	}
	devices, signedOnes := h.account()
	want := []string{first.Device, second.Device}
	slices.Sort(want)
	slices.Sort(devices)
	slices.Sort(signedOnes)
	if !slices.Equal(devices, want) || !slices.Equal(signedOnes, want) {
		t.Errorf("devices %v, signed %v, want %v", devices, signedOnes, want)
	}
	h.works()
}
