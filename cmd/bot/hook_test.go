package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/cmd/bot/config"
)

// TestGitHubHook: the hook has the path and the secret of the configuration, and wakes
// whom it is given.
func TestGitHubHook(t *testing.T) {
	if h, err := githubHook(nil, nil, nil); h != nil || err != nil {
		t.Errorf("where there is none: %v, %v", h, err)
	}
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("It's a Secret to Everybody\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	secret, err := config.ReadSecret(file)
	if err != nil {
		t.Fatal(err)
	}
	woken := make(chan struct{}, 1)
	h, err := githubHook(
		&config.Webhook{Listen: "127.0.0.1:0", Path: "/hooks/pillow", Secret: secret},
		func() { woken <- struct{}{} }, slog.New(slog.DiscardHandler),
	)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	// This signature is the example of GitHub's page about them.
	q := httptest.NewRequest(http.MethodPost, "/hooks/pillow", strings.NewReader("Hello, World!"))
	q.Header.Set("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958")
	q.Header.Set("X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, q)
	if w.Code != http.StatusAccepted {
		t.Errorf("it answers %d", w.Code)
	}
	select {
	case <-woken:
	case <-time.After(10 * time.Second):
		t.Error("nobody was woken")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
