package matrix

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto/attachment"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"tocsin/bridges"
)

// keptFile is the prefix of the keys of files that are uploaded and not yet said.
const keptFile = "file/"

// uploaded is a file on the homeserver.
type uploaded struct {
	URL    id.ContentURIString      `json:"url,omitempty"`  // of a file in clear
	File   *event.EncryptedFileInfo `json:"file,omitempty"` // or how to open an encrypted one
	Length int                      `json:"length"`
}

// attach makes a message one with a file: the text is its caption then. A file
// that an earlier try uploaded is not uploaded again, as long as it is as secret
// as it has to be now.
func (b *Bridge) attach(ctx context.Context, s *session, tx string, c *content, file *bridges.File, secret bool) error {
	up, err := b.uploaded(ctx, tx)
	if err != nil {
		return err
	}
	if up == nil || (up.File != nil) != secret || up.Length != len(file.Data) {
		if up, err = s.upload(ctx, file, secret); err != nil {
			return err
		}
		data, err := json.Marshal(up)
		if err != nil {
			return err
		}
		if err := b.keep(ctx, keptFile+tx, string(data)); err != nil {
			return err
		}
		b.step("uploaded")
	}
	c.MsgType, c.FileName = event.MsgFile, plainName(file.Name)
	c.URL, c.File = up.URL, up.File
	c.Info = &fileInfo{MimeType: file.Type, Size: len(file.Data)}
	if c.Body == "" {
		c.Body, c.Format, c.FormattedBody = c.FileName, "", ""
	}
	return nil
}

// uploaded is what an earlier try uploaded; nil when there was none.
func (b *Bridge) uploaded(ctx context.Context, tx string) (*uploaded, error) {
	in := b.inbox()
	if in == nil {
		return nil, errClosed
	}
	kept, err := in.Kept(ctx, b.cfg.Name, keptFile+tx)
	if err != nil {
		return nil, fmt.Errorf("looking for an upload: %w", err)
	}
	up := &uploaded{}
	if value := kept[keptFile+tx]; value == "" || json.Unmarshal([]byte(value), up) != nil {
		return nil, nil
	}
	return up, nil
}

// upload brings a file to the homeserver, encrypted where the room is, and never
// with its name, which the homeserver would see.
func (s *session) upload(ctx context.Context, file *bridges.File, secret bool) (*uploaded, error) {
	up := &uploaded{Length: len(file.Data)}
	data, kind := file.Data, file.Type
	if secret {
		up.File = &event.EncryptedFileInfo{EncryptedFile: *attachment.NewEncryptedFile()}
		data, kind = bytes.Clone(data), "application/octet-stream"
		up.File.EncryptInPlace(data)
	}
	within, cancel := s.within(ctx)
	defer cancel()
	res, err := s.cli.UploadMedia(within, mautrix.ReqUploadMedia{ContentBytes: data, ContentLength: int64(len(data)), ContentType: kind})
	if err != nil {
		if code, errcode := status(err); code == 413 || code == 403 && errcode != "" {
			return nil, fmt.Errorf("the file was not taken: %w: %w", bridges.ErrRefused, plainError(err))
		}
		return nil, fmt.Errorf("uploading: %w: %w", bridges.ErrNotSent, plainError(err))
	}
	if res.ContentURI.IsEmpty() {
		return nil, fmt.Errorf("uploading: no address came back: %w", bridges.ErrNotSent)
	}
	if secret {
		up.File.URL = res.ContentURI.CUString()
	} else {
		up.URL = res.ContentURI.CUString()
	}
	return up, nil
}

// errClosed is that Run is not running.
var errClosed = errors.New("not running")

// inbox is what the bot keeps things with, nil when Run is not running.
func (b *Bridge) inbox() bridges.Inbox {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.in
}

// keep keeps a value over restarts, or takes it away when it is empty.
func (b *Bridge) keep(ctx context.Context, key, value string) error {
	in := b.inbox()
	if in == nil {
		return errClosed
	}
	if err := in.Keep(ctx, b.cfg.Name, map[string]string{key: value}); err != nil {
		return fmt.Errorf("keeping a note: %w", err)
	}
	return nil
}
