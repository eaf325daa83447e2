package main

import (
	"testing"

	"tocsin/bridges/mail"
	"tocsin/cmd/bot/config"
)

// TestSignsOnlyAsOurselves: the project's key signs no letter of its address under
// somebody else's name.
func TestSignsOnlyAsOurselves(t *testing.T) {
	l := letters{c: config.Mail{From: "Pillow security <security@example.org>"}, signer: &mail.Signer{}}
	for from, want := range map[string]bool{
		"security@example.org": true, "Pillow security <Security@example.org>": true, "Somebody Else <security@example.org>": false,
		"Pillow security <other@example.org>": false, "dana@example.org": false,
	} {
		if l.signs(from) != want {
			t.Errorf("%s: signs %t", from, !want)
		}
	}
}
