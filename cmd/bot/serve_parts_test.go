package main

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/bridges"
	"tocsin/cmd/bot/config"
	"tocsin/incidents"
)

// TestServePartsHoldEachNetwork to what the configuration says of it.
func TestServePartsHoldEachNetwork(t *testing.T) {
	desk, quiet := bridges.Room{Network: "matrix", ID: "!desk"}, bridges.Room{Network: "irc", ID: "#desk"}
	full := incidents.Grant{Network: incidents.OnMatrix, Asks: "full", Desk: true}
	notices := incidents.Grant{Network: incidents.OnIRC, Asks: "notice"}
	p := serveParts(&config.Config{}, &incidents.Plan{}, []network{
		{name: "matrix", approve: true, maxAge: 10 * time.Minute, roomsFor: []string{"critical"}, direct: incidents.Grant{Asks: "full"}, rooms: map[bridges.Room]incidents.Grant{desk: full}},
		{name: "irc", direct: incidents.Grant{Asks: "notice"}, rooms: map[bridges.Room]incidents.Grant{quiet: notices}},
	}, nil)
	if p.maxAge["matrix"] != 10*time.Minute || p.maxAge["irc"] != 0 {
		t.Errorf("how old a line may be: %v", p.maxAge)
	}
	if !slices.Equal(p.roomsFor["matrix"], []string{"critical"}) || len(p.roomsFor["irc"]) != 0 {
		t.Errorf("rooms for levels: %v", p.roomsFor)
	}
	if p.grants[desk] != full || p.grants[quiet] != notices || p.direct["matrix"].Asks != "full" || p.direct["irc"].Asks != "notice" {
		t.Errorf("grants: %v, %v", p.grants, p.direct)
	}
	if len(p.desks) != 1 || p.desks[0].Room != "!desk" || !p.approve("matrix") || p.approve("irc") || p.approve("other") {
		t.Errorf("desks: %v", p.desks)
	}
}

// TestTheNetworkIsNamedOnce in an error about it.
func TestTheNetworkIsNamedOnce(t *testing.T) {
	for name, c := range map[string]config.Config{
		"matrix": {Matrix: []config.Matrix{{Name: "matrix"}}}, "libera": {IRC: []config.IRC{{Name: "libera"}}},
	} {
		_, err := networks(&c, slog.New(slog.DiscardHandler))
		if err == nil || !strings.HasPrefix(err.Error(), name+": ") || strings.Count(err.Error(), name) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := newTooter(config.Mastodon{}, time.Now); err == nil || strings.Count(err.Error(), "mastodon: ") != 1 || strings.Contains(err.Error(), "mastodon mastodon") {
		t.Errorf("Mastodon: %v", err)
	}
}
