package dendrite

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the protocol's choice
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// ask makes one request; in and out may be nil.
func (s *Server) ask(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, s.URL()+path, body)
	if err != nil {
		return err
	}
	res, err := s.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, text)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

// Register makes an account: @name:hs.test. A password has at least 8 characters.
func (s *Server) Register(t testing.TB, name, password string) (userID string) {
	t.Helper()
	const path = "/_synapse/admin/v1/register"
	var nonce struct{ Nonce string }
	err := s.ask(t.Context(), http.MethodGet, path, nil, &nonce)
	if err == nil {
		mac := hmac.New(sha1.New, []byte(sharedSecret))
		fmt.Fprint(mac, strings.Join([]string{nonce.Nonce, name, password, "notadmin"}, "\x00"))
		var made struct {
			UserID string `json:"user_id"`
		}
		err = s.ask(t.Context(), http.MethodPost, path, map[string]any{
			"nonce": nonce.Nonce, "username": name, "password": password, "admin": false, "mac": hex.EncodeToString(mac.Sum(nil)),
		}, &made)
		userID = made.UserID
	}
	if err != nil || userID == "" {
		t.Fatalf("registering %s: %v", name, err)
	}
	return userID
}

// Login logs in with a password, as a new device.
func (s *Server) Login(t testing.TB, userID, password string) (token, device string) {
	t.Helper()
	var got struct {
		Token  string `json:"access_token"`
		Device string `json:"device_id"`
	}
	err := s.ask(t.Context(), http.MethodPost, "/_matrix/client/v3/login", map[string]any{
		"type": "m.login.password", "password": password, "identifier": map[string]string{"type": "m.id.user", "user": userID},
	}, &got)
	if err != nil {
		t.Fatalf("logging in as %s: %v", userID, err)
	}
	return got.Token, got.Device
}
