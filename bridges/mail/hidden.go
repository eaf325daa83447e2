package mail

import (
	"fmt"
	"log/slog"

	"tocsin/bridges"
)

// What holds a text, an address or a password prints none of it: fmt and slog get the
// name of its kind, with any verb. Who wants to see it looks into it.

// Format prints nothing of the message.
func (Message) Format(f fmt.State, verb rune) { bridges.Print(f, verb, "a mail") }

// LogValue gives nothing of the message.
func (Message) LogValue() slog.Value { return slog.StringValue("a mail") }

// Format prints nothing of the file.
func (Attachment) Format(f fmt.State, verb rune) { bridges.Print(f, verb, "an attachment") }

// LogValue gives nothing of the file.
func (Attachment) LogValue() slog.Value { return slog.StringValue("an attachment") }

// Format prints nothing of the letter.
func (Letter) Format(f fmt.State, verb rune) { bridges.Print(f, verb, "a letter") }

// LogValue gives nothing of the letter.
func (Letter) LogValue() slog.Value { return slog.StringValue("a letter") }

// Format prints the server.
func (c Config) Format(f fmt.State, verb rune) { bridges.Print(f, verb, "mail server "+c.Server) }

// LogValue gives the server.
func (c Config) LogValue() slog.Value { return slog.StringValue("mail server " + c.Server) }

// Format prints the server.
func (s *Sender) Format(f fmt.State, verb rune) { s.config.Format(f, verb) }

// LogValue gives the server.
func (s *Sender) LogValue() slog.Value { return s.config.LogValue() }
