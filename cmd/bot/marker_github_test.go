package main

import (
	"fmt"

	"tocsin/internal/chattest/github"
)

// reported has the first incident's advisory come in on GitHub, by its reporter.
func (d *markedDesk) reported() {
	id, err := d.hub.Report(github.Report{Login: "qzx-name", Summary: "qzx-advisory", Description: "qzx-description"})
	d.note(err)
	if !d.hub.Rename(id, "GHSA-wvwv-wvwv-2222") {
		d.t.Fatal(id)
	}
	d.hub.last = "GHSA-wvwv-wvwv-2222"
	d.passes("2h")
}

// onGitHub has something of everything happen on GitHub.
func (d *markedDesk) onGitHub() {
	id := d.hub.last
	d.hub.Edit(id, fmt.Sprintf("qzx-advisory %d", d.n), fmt.Sprintf("qzx-description %d", d.n), "")
	d.hub.Comment(id, "qzx-name", "qzx-comment")
	d.hub.AcceptCredit(id, "qzx-name", true)
	d.hub.Collaborate(id, "qzx-login")
	d.hub.Alert("qzx-package", "high", "qzx-alert")
	_, err := d.hub.Report(github.Report{Login: "qzx-stranger", Summary: "qzx-report", Description: "qzx-text"})
	d.note(err)
	d.passes("2h")
}
