package main

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// op is one thing that happens: time passes, or somebody says something.
type op struct {
	wait   time.Duration
	id     string
	who    string
	net    string
	direct bool
	text   string
	own    int    // it is said, or done, in the own room of this incident
	deed   string // what is done instead of saying something: see world.deed
}

func (o *op) String() string {
	if o.wait > 0 {
		return "-- " + o.wait.String()
	}
	if o.deed != "" {
		return fmt.Sprintf("%s [%s] * %s %s %s", o.id, o.net, o.who, o.deed, o.text)
	}
	return fmt.Sprintf("%s [%s] <%s> %s", o.id, o.net, o.who, o.text)
}

// anHour is what the exhaustive test crashes in: a command of every sort.
func anHour() []*op {
	say := func(id, net, who, text string) *op { return &op{id: id, net: net, who: who, text: text} }
	return []*op{
		say("m1", "den", "alice", `!incident open --severity high --reported "70h ago" Heap overflow in the PSD decoder`),
		say("m2", "den", "bob", "!incident note the crash is shared by all builds"),
		say("m3", "den", "alice", "!reporter set "+reporterName+" --contact "+reporterContact),
		say("m4", "den", "bob", "!role take lead"),
		say("m5", "den", "carol", "!approve"),
		{wait: 3 * time.Hour},
		say("m6", "hall", "dana", "!help incident"),
		say("m7", "den", "dana", "!forget reporter"),
		say("m2", "den", "bob", "!incident note the crash is shared by all builds"),
		say("m8", "hall", "dana", "!incident note not here"),
		say("m9", "hall", "dana", "!ack sent"),
		say("m10", "den", "alice", "!readiness start"),
		say("m11", "hall", "dana", "!here"),
		say("m12", "den", "bob", "!away for 3 days"),
		{wait: 21 * time.Hour}, // over the morning's digest
	}
}

const (
	reporterName    = "Erin-of-the-Examples"
	reporterContact = "erin@mail.example.org"
)

// drawOps draws what happens: up to twenty things.
func drawOps(r *rapid.T) []*op {
	var ops []*op
	n := rapid.IntRange(1, 20).Draw(r, "how many")
	for k := range n {
		ops = append(ops, drawOp(r, ops, k))
	}
	return ops
}

func drawOp(r *rapid.T, before []*op, k int) *op {
	switch rapid.IntRange(0, 9).Draw(r, "what") {
	case 0:
		hours := rapid.SampledFrom([]time.Duration{time.Minute, time.Hour, 25 * time.Hour, 80 * time.Hour})
		return &op{wait: hours.Draw(r, "wait")}
	case 1:
		if len(before) > 0 {
			if o := rapid.SampledFrom(before).Draw(r, "again"); o.wait == 0 {
				return o // the network gives the same message once more
			}
		}
	}
	people := []string{"alice", "alice", "bob", "bob", "carol", "dana", "mallory"}
	return &op{
		id: fmt.Sprintf("m%d", k), who: rapid.SampledFrom(people).Draw(r, "who"),
		net:    rapid.SampledFrom([]string{"den", "den", "den", "hall"}).Draw(r, "network"),
		direct: rapid.IntRange(0, 5).Draw(r, "direct") == 0,
		text:   drawText(r, k),
	}
}

// said are the commands of the property test; {n} is an incident, {p} a person,
// {k} something unique.
func said() []string {
	return []string{
		"!incident open", "!incident open --severity high title {k}", "!incident open --source scanning",
		`!incident open --reported "90h ago" --source researcher {k}`,
		"!incident note {n} note {k}", "!incident note {n} note {k}", "!incident note note {k}",
		"!incident title {n} title {k}", "!severity set {n} medium because {k}",
		"!severity set {n} CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
		"!role assign {n} lead {p}", "!role assign {n} patch {p}", "!role take {n} lead", "!role take {n} comms",
		"!role drop {n} patch", "!role drop {n} lead", "!approve", "!approve", "!approve",
		"!ack sent {n} --via email", "!incident close {n} duplicate", "!incident reopen {n} because {k}",
		"!reporter set {n} Erin {k} --contact erin{k}@example.org", "!forget reporter {n}", "!fact set {n} summary sum {k}",
		"!incident list", "!incident show {n}", "!timeline {n} 5", "!help incident", "!role list {n}", "!room",
		"!here", "!away for 3 days", "!back", "!readiness start", "!readiness done {k}", "!readiness verify debian", "!readiness token {k} 2027-01-01",
		"!suspend {p}", "!unsuspend {p}", "!incident note", "!frobnicate", `!incident open "{k}`, "good morning",
	}
}

func drawText(r *rapid.T, k int) string {
	text := rapid.SampledFrom(said()).Draw(r, "text")
	if strings.Contains(text, "{n}") {
		text = strings.ReplaceAll(text, "{n}", rapid.SampledFrom([]string{"INC-1", "INC-1", "INC-2", "INC-3", ""}).Draw(r, "incident"))
	}
	if strings.Contains(text, "{p}") {
		text = strings.ReplaceAll(text, "{p}", rapid.SampledFrom([]string{"alice", "bob", "carol", "dana"}).Draw(r, "person"))
	}
	return strings.ReplaceAll(text, "{k}", fmt.Sprintf("k%dk", k))
}

// drawWeather draws what becomes of everything that is said on a network.
func drawWeather(r *rapid.T, n *crashNet) func() weather {
	all := rapid.SampledFrom([]weather{fair, fair, fair, away, lost, blurred, refusal})
	return func() weather { return all.Draw(r, "weather in the "+n.name) }
}

// fewer bounds a property test that runs every time, unless -rapid.checks asks
// for more.
func fewer(t *testing.T, checks int) {
	t.Helper()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "rapid.checks" })
	if asked {
		return
	}
	if testing.Short() {
		checks /= 3
	}
	f := flag.Lookup("rapid.checks")
	before := f.Value.String()
	must(t, f.Value.Set(fmt.Sprint(checks)))
	t.Cleanup(func() { must(t, f.Value.Set(before)) })
}
