package commands

import "testing"

// TestForgettingWhomATextWasFor leaves no byte of the reporter's name, however it was
// typed and noted.
func TestForgettingWhomATextWasFor(t *testing.T) {
	for _, typed := range []string{
		`!sent ack --via email --to zorbine@example.org --for "Zorbine Quixel"`,
		`!sent downstream --via signal --for "zorbine  quixel"`,
		`!sent downstream --via signal --to "Dana, Zorbine Quixel"`,
		`!sent downstream --via signal --for Zorbine@Example.org`,
	} {
		d := fresh(t)
		for _, text := range []string{
			"!incident open --source github Heap overflow", "!reporter set --contact zorbine@example.org Zorbine Quixel", typed, "!forget reporter",
		} {
			if template, words := d.say("full", text); template == "" {
				t.Fatal(text, words)
			}
		}
		if d.bytesHold("Zorbine") {
			t.Errorf("after %s the file holds the reporter's name", typed)
		}
	}
	d := fresh(t) // who else was told is no data of theirs, and a name that they had is
	for _, text := range []string{
		"!incident open --source github Heap overflow", "!reporter set Zorbine Quixel", `!sent downstream --via email --for "Zorbine Quixel"`,
		`!reporter set Erin`, `!sent downstream --via email --for "Distribution Foo"`, "!forget reporter",
	} {
		d.say("full", text)
	}
	if d.bytesHold("Zorbine") || !d.bytesHold("Distribution Foo") {
		t.Error("an earlier name is there still, or somebody else's is not")
	}
}
