package incidents

import (
	"slices"
	"testing"
	"time"
)

func TestLooksLikeSecret(t *testing.T) {
	for _, secret := range []string{
		"ghp_16C7e42F292c6912E7710c838347Ae178B4a", "github_pat_11ABCDEFG0abcdefghijkl", "glpat-xxXX1234abcdXYZ9876",
		"pypi-AgEIcHlwaS5vcmcCJDU0", "AKIAIOSFODNN7EXAMPLE1", "550e8400-e29b-41d4-a716-446655440000", "550e8400e29b41d4a716446655440000",
		"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "abcdefghijklmnopqrstuvwxyzabcdefghij", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", "4f7a9c2e8b1d6035",
	} {
		if !LooksLikeSecret(secret) {
			t.Errorf("%s is taken for a name", secret)
		}
	}
	for _, name := range []string{
		"codecov-upload", "ANACONDA_ORG_UPLOAD_TOKEN", "pypi-token", "pypi-upload-2027", "CodecovUploadTokenForPillow", "github-app-key", "bot-mastodon-2026",
		"ghp token of the release job", "x", "signing key of 2026-11-23",
	} {
		if LooksLikeSecret(name) {
			t.Errorf("%s is taken for a secret", name)
		}
	}
}

func TestReadinessCard(t *testing.T) {
	now := time.Date(2027, 1, 2, 15, 0, 0, 0, time.UTC)
	p := Plan{Contacts: []Contact{{Key: "fresh"}, {Key: "edge"}, {Key: "old"}, {Key: "never"}}}
	s := State{
		Review: Review{ID: 1, Here: map[string]time.Time{"bob": now}}, People: []string{"alice", "bob"},
		Checked: map[string]Checked{
			"fresh": {At: now}, "edge": {At: now.Add(-Quarter)}, "old": {At: now.Add(-Quarter - time.Millisecond)},
		},
		Tokens: []Token{{Expires: now}, {Expires: now.Add(Quarter)}, {Expires: now.Add(Quarter + time.Millisecond)}},
	}
	f := ReadinessCard(p, s, now)
	if got := f["stale"].([]string); !slices.Equal(got, []string{"old", "never"}) {
		t.Errorf("stale: %v", got)
	}
	if got := f["missing"].([]string); !slices.Equal(got, []string{"alice"}) {
		t.Errorf("missing: %v", got)
	}
	if got := f["ending"].([]Facts); len(got) != 2 || got[0]["expired"] != true || got[1]["expired"] != false {
		t.Errorf("ending: %v", got)
	}
}
