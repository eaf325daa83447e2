package matrixclient

import (
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto/attachment"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// Send sends a content as m.room.message: encrypted when the room is.
func (p *Person) Send(room string, content any) (eventID string) {
	p.t.Helper()
	return p.send(room, content, mautrix.ReqSendEvent{})
}

func (p *Person) send(room string, content any, how mautrix.ReqSendEvent) string {
	p.t.Helper()
	ctx, cancel := p.limit()
	defer cancel()
	res, err := p.cli.SendMessageEvent(ctx, id.RoomID(room), event.EventMessage, content, how)
	p.must(err, "%s saying something in %s", p.name(), room)
	return res.EventID.String()
}

func text(body string) *event.MessageEventContent {
	return &event.MessageEventContent{MsgType: event.MsgText, Body: body, Mentions: &event.Mentions{}}
}

// Say says a text and gives the event's id. It is encrypted when the room is.
func (p *Person) Say(room, body string) string { p.t.Helper(); return p.Send(room, text(body)) }

// SayPlain says a text unencrypted, also in an encrypted room.
func (p *Person) SayPlain(room, body string) string {
	p.t.Helper()
	return p.send(room, text(body), mautrix.ReqSendEvent{DontEncrypt: true})
}

// SayIn says a text in a thread.
func (p *Person) SayIn(room, thread, body string) string {
	p.t.Helper()
	c := text(body)
	c.RelatesTo = (&event.RelatesTo{}).SetThread(id.EventID(thread), id.EventID(thread))
	return p.Send(room, c)
}

// Reply answers a message.
func (p *Person) Reply(room, to, body string) string {
	p.t.Helper()
	c := text(body)
	c.RelatesTo = (&event.RelatesTo{}).SetReplyTo(id.EventID(to))
	return p.Send(room, c)
}

// ReplyIn answers a message inside a thread.
func (p *Person) ReplyIn(room, thread, to, body string) string {
	p.t.Helper()
	c := text(body)
	c.RelatesTo = &event.RelatesTo{Type: event.RelThread, EventID: id.EventID(thread), InReplyTo: &event.InReplyTo{EventID: id.EventID(to)}}
	return p.Send(room, c)
}

// Edit replaces the text of a message.
func (p *Person) Edit(room, eventID, body string) string {
	p.t.Helper()
	c := text(body)
	c.SetEdit(id.EventID(eventID))
	return p.Send(room, c)
}

// Notice says what a bot would say.
func (p *Person) Notice(room, body string) string {
	p.t.Helper()
	c := text(body)
	c.MsgType = event.MsgNotice
	return p.Send(room, c)
}

// SendFile sends a file: encrypted when the room is.
func (p *Person) SendFile(room, name, mime string, data []byte) string {
	p.t.Helper()
	return p.SendFileWith(room, name, name, mime, data)
}

// SendFileWith sends a file with a caption.
func (p *Person) SendFileWith(room, name, caption, mime string, data []byte) string {
	p.t.Helper()
	ctx, cancel := p.limit()
	defer cancel()
	c := &event.MessageEventContent{
		MsgType: event.MsgFile, Body: caption, FileName: name,
		Info: &event.FileInfo{MimeType: mime, Size: len(data)}, Mentions: &event.Mentions{},
	}
	encrypted, err := p.cli.StateStore.IsEncrypted(ctx, id.RoomID(room))
	p.must(err, "looking whether %s is encrypted", room)
	body, kind := append([]byte(nil), data...), mime
	if encrypted {
		c.File = &event.EncryptedFileInfo{EncryptedFile: *attachment.NewEncryptedFile()}
		c.File.EncryptInPlace(body)
		kind = "application/octet-stream"
	}
	up, err := p.cli.UploadMedia(ctx, mautrix.ReqUploadMedia{ContentBytes: body, ContentType: kind})
	p.must(err, "uploading %s", name)
	if encrypted {
		c.File.URL = up.ContentURI.CUString()
	} else {
		c.URL = up.ContentURI.CUString()
	}
	return p.Send(room, c)
}

// React puts a sign on a message.
func (p *Person) React(room, eventID, sign string) string {
	p.t.Helper()
	ctx, cancel := p.limit()
	defer cancel()
	res, err := p.cli.SendReaction(ctx, id.RoomID(room), id.EventID(eventID), sign)
	p.must(err, "reacting to %s", eventID)
	return res.EventID.String()
}

// Redact takes a message or a reaction back.
func (p *Person) Redact(room, eventID string) {
	p.t.Helper()
	ctx, cancel := p.limit()
	defer cancel()
	_, err := p.cli.RedactEvent(ctx, id.RoomID(room), id.EventID(eventID))
	p.must(err, "redacting %s", eventID)
}
