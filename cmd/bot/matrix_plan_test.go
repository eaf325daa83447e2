package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/ircd"
	"tocsin/internal/chattest/matrixclient"
)

// TestPlanOnBothNetworks runs the plan on a real homeserver and a real IRC server at
// once: a reminder that calls whom it concerns, an embargo, the checklist as a file,
// the lead handed over from one network to the other with its brief, and an embargo
// that two lift.
func TestPlanOnBothNetworks(t *testing.T) {
	hs, irc := dendrite.Start(t, dendrite.Options{}), ircd.Start(t, ircd.Options{})
	alice, bobby, carol, desk := team(t, hs)
	bob := irc.Dial(t, irc.Relaxed, "robert", "bob")
	bob.Join(t, "#desk")
	newPair(t, hs, irc, desk)
	alice.WaitMember(desk, botID, "join")
	ready(t, bob)
	channel := func(line string) { t.Helper(); bob.Expect(t, `:tocsin!\S+ PRIVMSG #desk :`+line, soon) }

	// Overdue when it is opened: said at once, in both rooms, and it calls the lead.
	wants(t, says(alice, desk, "!incident open --type vulnerability --source researcher --severity high --reported 80h ago Heap overflow"), "INC-1", "was due")
	rung := alice.WaitText(desk, ": Acknowledgement to the reporter was due")
	if !slices.Equal(rung.Mentions, []string{alice.UserID()}) || !strings.Contains(rung.Text, "!ack sent INC-1") {
		t.Errorf("the reminder calls %v: %s", rung.Mentions, rung.Text)
	}
	channel(`INC-1 "[a-z ]+": Acknowledgement to the reporter was due .* \(alice\)`)
	wants(t, says(alice, desk, "!ack sent --via email"), "was answered")
	channel(`INC-1 "[a-z ]+": alice answered the reporter`)

	// The embargo: everybody's clocks on the one side, the date on the other.
	wants(t, says(alice, desk, "!embargo set +9d"), "the embargo ends", "alice ", "distros list")
	channel(`INC-1 "[a-z ]+": alice set the embargo to `)
	bob.Privmsg("#desk", "!embargo show")
	channel(`INC-1 "[a-z ]+": the embargo is set and ends `)
	bob.Privmsg("#desk", "!done INC-1 reproduce")
	bob.Expect(t, `NOTICE robert :This room hears notices only`, soon)
	list := says(carol, desk, "!todo all")
	if text := string(carol.File(list)); list.Type != "m.file" || !strings.Contains(text, "notify-distros") || !strings.Contains(text, "locked until") {
		t.Errorf("the checklist is %s: %s", list.Type, text)
	}

	// From alice on Matrix to bob, who accepts on IRC and gets the brief directly, where
	// everything may be heard.
	offered := says(alice, desk, "!lead handoff bob")
	wants(t, offered, "bob, you are asked to lead")
	if len(offered.Mentions) != 1 {
		t.Errorf("it calls %v", offered.Mentions)
	}
	bob.Privmsg("#desk", "!lead accept")
	channel(`bob leads INC-1 "[a-z ]+" now, after alice\.`)
	direct := onlyInvite(t, bobby, botID)
	bobby.Join(direct)
	brief := bobby.Wait("the brief", func(h matrixclient.Heard) bool { return h.Room == direct && h.Type == "m.file" })
	if text := string(bobby.File(brief)); !strings.Contains(text, "Heap overflow") || !strings.Contains(text, "alice set the embargo") {
		t.Errorf("the brief is %s", text)
	}
	alice.WaitText(desk, "bob took the lead, after alice")

	// Before its moment two end it.
	asked := says(alice, desk, "!embargo lift we are ready early")
	code := regexp.MustCompile(`!approve (\w{5})`).FindStringSubmatch(asked.Text)
	if code == nil {
		t.Fatalf("one person lifts an embargo early: %s", asked.Text)
	}
	wants(t, says(carol, desk, "!approve "+code[1]), "the embargo is over, by word of two maintainers")
	channel(`INC-1 "[a-z ]+": alice ended the embargo`)
}
