package matrix

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/matrixclient"
)

func TestLoginHalfWay(t *testing.T) {
	t.Parallel()
	server := dendrite.Start(t, dendrite.Options{})
	n := 0
	for _, path := range []string{
		"/login", "/account/whoami", "/keys/query", "/keys/upload", "/account_data/m.secret_storage.key", "/account_data/m.cross_signing",
		"/account_data/m.secret_storage.default_key", "/keys/device_signing/upload", "/keys/signatures/upload",
	} {
		for _, after := range []bool{false, true} {
			t.Run(strings.Trim(path, "/")+map[bool]string{true: " answered", false: " lost"}[after], func(t *testing.T) {
				n++
				h := newAccount(t, server, fmt.Sprintf("bot%d", n))
				if path == "/account/whoami" {
					h.in() // it is asked when there is a session
				}
				for tries := 1; ; tries++ { // each try gets one request further
					rule := h.proxy.Trouble(dendrite.Rule{Path: path, After: after, Do: dendrite.Cut, Times: 1})
					for range tries - 1 {
						h.proxy.Trouble(dendrite.Rule{Path: path, Times: 1})
					}
					_, err := h.login(LoginOptions{Password: matrixclient.Password})
					met := rule.Hits()
					h.proxy.Clear()
					if err == nil && tries == 1 {
						t.Fatal("it has met no trouble")
					}
					if err == nil {
						break
					}
					if met == 0 || tries > 12 {
						t.Fatalf("try %d: %v", tries, err)
					}
				}
				kept := files(t, h.cfg.Folder)[recoveryFile]
				r := h.in()
				if kept != "" && strings.TrimSpace(kept) != r.RecoveryKey {
					t.Error("the recovery key was replaced")
				}
				h.oneSigned(r.Device)
				h.works()
				h.opens(r.RecoveryKey)
			})
		}
	}
}

// opens sees that a recovery key signs another device.
func (h *house) opens(recovery string) {
	h.t.Helper()
	other := h.cfg
	other.Folder = h.t.TempDir()
	r, err := h.login(LoginOptions{Config: other, Password: matrixclient.Password, RecoveryKey: recovery})
	if err != nil {
		h.t.Errorf("the recovery key: %v", err)
		return
	}
	if _, signedOnes := h.account(); !slices.Contains(signedOnes, r.Device) {
		h.t.Errorf("signed devices %v, without %s", signedOnes, r.Device)
	}
}

func TestLoginStopsAnywhere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var steps []string
	cfg := h.cfg
	cfg.Folder = filepath.Join(t.TempDir(), "probe")
	cfg.Failpoint = func(step string) { steps = append(steps, step) }
	user := h.server.Register(t, "probe", matrixclient.Password)
	cfg.User = user
	if _, err := h.login(LoginOptions{Config: cfg, Password: matrixclient.Password}); err != nil {
		t.Fatal(err)
	}
	if len(steps) < 6 {
		t.Errorf("steps %v", steps)
	}
	for i, stop := range steps {
		h.cfg.User = h.server.Register(t, "bot"+string(rune('a'+i)), matrixclient.Password)
		h.cfg.Folder = filepath.Join(t.TempDir(), "bot")
		cfg := h.cfg
		ctx, cancel := context.WithCancel(t.Context())
		cfg.Failpoint = func(step string) {
			if step == stop {
				cancel()
			}
		}
		_, first := Login(ctx, LoginOptions{Config: cfg, Password: matrixclient.Password})
		cancel()
		r, err := h.login(LoginOptions{Password: matrixclient.Password})
		if err != nil {
			t.Errorf("stopped at %q with %v, then: %v", stop, first, err)
			continue
		}
		h.oneSigned(r.Device)
		h.works()
		h.opens(r.RecoveryKey)
	}
}
