package matrix

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"maunium.net/go/mautrix/event"

	"tocsin/bridges"
)

// upload gives the file that somebody sent, and its caption; nil for one whose name says
// that nobody wants it. Nothing is fetched.
func (h *hearing) upload(evt *event.Event, c *event.MessageEventContent) (caption string, u *bridges.Upload) {
	name := c.FileName
	if name == "" {
		name = c.Body
	} else if c.Body != name {
		caption = c.Body
	}
	if wants := h.s.cfg.Uploads; wants == nil || !wants(name) {
		return "", nil
	}
	u = &bridges.Upload{Name: name, Sealed: evt.Mautrix.WasEncrypted && c.File != nil}
	if c.Info != nil {
		u.Size = c.Info.Size
	}
	u.Fetch = func(ctx context.Context, most int) ([]byte, error) {
		if !u.Sealed {
			return nil, errUnsealed
		}
		return h.fetch(ctx, c.File, most)
	}
	return caption, u
}

var (
	errUnsealed = errors.New("it is not encrypted")
	errAltered  = errors.New("it is not what was uploaded")
)

// fetch downloads a file and decrypts it, with a few tries.
func (h *hearing) fetch(ctx context.Context, file *event.EncryptedFileInfo, most int) ([]byte, error) {
	var err error
	for try := range 3 {
		if try > 0 && !sleep(ctx, time.Duration(try)*time.Second) {
			break
		}
		var data []byte
		if data, err = h.download(ctx, file, most); err == nil {
			return open(file, data)
		}
		if code, _ := status(err); errors.Is(err, bridges.ErrTooLarge) || code >= 400 && code < 500 && code != 429 {
			break
		}
	}
	return nil, err
}

// download gets a file as the homeserver has it.
func (h *hearing) download(ctx context.Context, file *event.EncryptedFileInfo, most int) ([]byte, error) {
	address, err := file.URL.Parse()
	if err != nil || address.IsEmpty() {
		return nil, errAltered
	}
	within, cancel := h.s.within(ctx)
	defer cancel()
	res, err := h.s.cli.Download(within, address)
	if err != nil {
		return nil, fmt.Errorf("downloading: %w", plainError(err))
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, int64(most)+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("downloading: %w", plainError(err))
	case len(data) > most:
		return nil, fmt.Errorf("downloading: %w", bridges.ErrTooLarge)
	}
	return data, nil
}

// open decrypts a file in place, when it is what its sender uploaded.
func open(file *event.EncryptedFileInfo, data []byte) ([]byte, error) {
	own := file.EncryptedFile // it keeps what it decoded
	var err error
	if p := guarded("decrypting a file", func() { err = own.DecryptInPlace(data) }); p != nil || err != nil {
		return nil, errAltered
	}
	return data, nil
}
