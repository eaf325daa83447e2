package main

import (
	"strings"
	"testing"

	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/matrixclient"
)

// TestDoctorOnMatrix: in an encrypted room what was found comes as a file with what
// fails told above it; from the shell the room is proven with the bot's token, whether or
// not the bot runs, and the bot goes on.
func TestDoctorOnMatrix(t *testing.T) {
	srv := dendrite.Start(t, dendrite.Options{})
	alice, _, _, desk := team(t, srv)
	d := newMatrixDesk(t, srv, srv.URL(), desk, "")
	alice.WaitMember(desk, botID, "join")
	asked := alice.Say(desk, "!doctor")
	wants(t, alice.WaitReply(asked), "Looking, this can take half a minute")
	file := alice.Wait("what was found", func(h matrixclient.Heard) bool { return h.ReplyTo == asked && h.FileName != "" })
	text := string(alice.File(file))
	lines := []string{
		"ok       device on rig: the homeserver knows it", "ok       accounts on rig: all 3 of the roster are there, with devices and an identity",
		"ok       room " + desk + " on rig: proven private, 3 people can read there", "ok       clock: right, by 127.0.0.1", "ok       record: whole",
	}
	look := func(what, text string) {
		t.Helper()
		for _, line := range lines {
			if !strings.Contains(text, line) {
				t.Errorf("%s does not say %q:\n%s", what, line, text)
			}
		}
	}
	look("the bot", text)
	if file.FileName != "doctor.txt" || !file.Encrypted {
		t.Errorf("it is %+v", file)
	}
	shell := func(want int) string {
		t.Helper()
		code, out := d.run("doctor", "-config", d.path("config.toml"))
		if code != want {
			t.Errorf("exit %d, want %d: %s", code, want, out)
		}
		return out
	}
	look("the shell", shell(exitOK))
	wants(t, says(alice, desk, "!ping"), "Here, ") // it is not disturbed
	d.end()
	look("the shell alone", shell(exitOK))

	alice.SetState(desk, "m.room.join_rules", "", map[string]any{"join_rule": "public"})
	lines = []string{"FAIL     room " + desk + " on rig: it may hear everything and is not proven private: Anyone can join. Let only invited people join"}
	look("the shell", shell(exitFailed))
	d.start()
	asked = alice.Say(desk, "!doctor")
	alice.Wait("how many", func(h matrixclient.Heard) bool {
		return h.ReplyTo == asked && strings.Contains(h.Text, "1 of ") && strings.Contains(h.Text, "Which they are is for where everything may be heard")
	})
}
