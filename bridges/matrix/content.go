package matrix

import (
	"context"
	"encoding/json"
	"path"
	"strings"
	"unicode/utf8"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"tocsin/bridges"
)

// contentMost is how long a content may be, in bytes: an event has 65,536 in all,
// and encryption adds a third.
const contentMost = 40_000

// content is an m.room.message as we send it.
type content struct {
	MsgType       event.MessageType        `json:"msgtype"`
	Body          string                   `json:"body"`
	Format        event.Format             `json:"format,omitempty"`
	FormattedBody string                   `json:"formatted_body,omitempty"`
	FileName      string                   `json:"filename,omitempty"`
	Info          *fileInfo                `json:"info,omitempty"`
	URL           id.ContentURIString      `json:"url,omitempty"`
	File          *event.EncryptedFileInfo `json:"file,omitempty"`
	Mentions      *event.Mentions          `json:"m.mentions,omitempty"`
	NewContent    *content                 `json:"m.new_content,omitempty"`
	RelatesTo     *event.RelatesTo         `json:"m.relates_to,omitempty"`
	Key           string                   `json:"org.tocsin.key,omitempty"`
}

type fileInfo struct {
	MimeType string `json:"mimetype"`
	Size     int    `json:"size"`
}

// content makes what goes out, and uploads its file. What is too long for an event
// goes without HTML, and if that does not do, as a file of itself.
func (b *Bridge) content(ctx context.Context, s *session, o bridges.Outgoing, secret bool) (*content, error) {
	c := words(&o)
	if c.length() > contentMost {
		c.Format, c.FormattedBody = "", ""
	}
	file := o.File
	if c.length() > contentMost {
		if file == nil && o.Edit == "" {
			file = &bridges.File{Name: "message.txt", Type: "text/plain; charset=utf-8", Data: []byte(o.Text)}
			c.Body = ""
		} else {
			c.Body = cut(c.Body, contentMost/4)
		}
	}
	if file != nil {
		if err := b.attach(ctx, s, txn(o.Key), c, file, secret); err != nil {
			return nil, err
		}
	}
	relate(c, &o)
	return c, nil
}

// words is the text. People's clients ring for an m.text and stay silent for an
// m.notice, whoever is mentioned there: so what somebody must act on is a text. A
// hint calls nobody: who it is for has just typed.
func words(o *bridges.Outgoing) *content {
	c := &content{MsgType: event.MsgNotice, Body: o.Text, Mentions: &event.Mentions{}, Key: txn(o.Key)}
	for _, a := range o.Mentions {
		if a.Network == o.Room.Network && a.ID != "" && o.Tone != bridges.Hint {
			c.Mentions.Add(id.UserID(a.ID))
		}
	}
	if o.Tone == bridges.Alert || len(c.Mentions.UserIDs) > 0 {
		c.MsgType = event.MsgText
	}
	if o.HTML != "" {
		c.Format, c.FormattedBody = event.FormatHTML, o.HTML
	}
	return c
}

// relate says what it answers, which thread it is in, or what it replaces.
func relate(c *content, o *bridges.Outgoing) {
	if o.Edit != "" {
		now := *c
		now.Key = ""
		c.NewContent = &now
		c.RelatesTo = (&event.RelatesTo{}).SetReplace(id.EventID(o.Edit))
		c.Mentions = &event.Mentions{} // who was mentioned is not called again
		c.Body = "* " + c.Body
		if c.FormattedBody != "" {
			c.FormattedBody = "* " + c.FormattedBody
		}
		if c.length() > contentMost { // only what the old clients show
			c.Body, c.Format, c.FormattedBody = cut(c.Body, 100), "", ""
		}
		return
	}
	if o.ReplyTo == "" && o.Thread == "" {
		return
	}
	c.RelatesTo = &event.RelatesTo{}
	if o.ReplyTo != "" {
		c.RelatesTo.SetReplyTo(id.EventID(o.ReplyTo))
	}
	if o.Thread != "" {
		c.RelatesTo.SetThread(id.EventID(o.Thread), id.EventID(o.Thread))
	}
}

func (c *content) length() int {
	data, _ := json.Marshal(c)
	return len(data)
}

// cut shortens a text to at most n bytes, between letters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// plainName is a file's name without a path, short enough for any disk.
func plainName(name string) string {
	name = path.Base(strings.ReplaceAll(name, "\\", "/"))
	if name == "." || name == "/" || name == "" {
		return "file"
	}
	return cut(name, 200)
}
