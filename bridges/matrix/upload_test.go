package matrix

import (
	"errors"
	"testing"

	"maunium.net/go/mautrix/crypto/attachment"
	"maunium.net/go/mautrix/event"

	"tocsin/bridges"
	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/matrixclient"
)

// TestHearUploads: a patch is a message with its file, which is fetched when somebody
// asks for it, and is what was uploaded or an error.
func TestHearUploads(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	proxy := dendrite.NewProxy(t, c.server)
	c.cfg.Homeserver = proxy.URL()
	alice := matrixclient.New(t, c.server, "alice")
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	const body = "--- a\r\n+++ b\n+ü"
	alice.SendFileWith(desk.ID, "fix.patch", "the fix", "text/x-diff", []byte(body))
	alice.SendFile(desk.ID, "notes.txt", "text/plain", []byte(body))
	alice.Send(desk.ID, map[string]any{"msgtype": "m.file", "body": "plain.DIFF", "url": "mxc://hs.test/abc"})
	alice.Say(desk.ID, "the end")
	c.book.message(t, "the end")
	c.book.mu.Lock()
	heard := c.book.messages
	c.book.mu.Unlock()
	if len(heard) != 3 || heard[0].Upload == nil || heard[1].Upload == nil || heard[2].Upload != nil {
		t.Fatalf("heard %+v", heard)
	}
	fix, plain := heard[0].Upload, heard[1].Upload
	if heard[0].Text != "the fix" || heard[0].Doubt != bridges.NoDoubt || fix.Name != "fix.patch" || fix.Size != len(body) || !fix.Sealed {
		t.Errorf("heard %+v with %+v", heard[0], fix)
	}
	if heard[1].Text != "" || plain.Name != "plain.DIFF" || plain.Sealed {
		t.Errorf("heard %+v with %+v", heard[1], plain)
	}
	if n := len(proxy.Requests("GET", "/media/")); n != 0 {
		t.Errorf("%d downloads before anybody asked", n)
	}
	for range 2 {
		if got, err := fix.Fetch(c.within(), len(body)); err != nil || string(got) != body {
			t.Errorf("fetched %q: %v", got, err)
		}
	}
	if _, err := fix.Fetch(c.within(), len(body)-1); !errors.Is(err, bridges.ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	if _, err := plain.Fetch(c.within(), 100); err == nil {
		t.Error("a file in the clear is fetched")
	}
}

// TestOpenUploads: what the homeserver changed is not opened, whatever the key says.
func TestOpenUploads(t *testing.T) {
	file := event.EncryptedFileInfo{EncryptedFile: *attachment.NewEncryptedFile()}
	data := []byte("a patch")
	file.EncryptInPlace(data)
	heard := func() *event.EncryptedFileInfo { // as it is in an event
		return &event.EncryptedFileInfo{EncryptedFile: attachment.EncryptedFile{Key: file.Key, InitVector: file.InitVector, Hashes: file.Hashes, Version: file.Version}}
	}
	if _, err := open(heard(), append([]byte("x"), data...)); !errors.Is(err, errAltered) {
		t.Errorf("changed: %v", err)
	}
	for name, change := range map[string]func(f *event.EncryptedFileInfo){
		"no hash": func(f *event.EncryptedFileInfo) { f.Hashes.SHA256 = "" }, "no version": func(f *event.EncryptedFileInfo) { f.Version = "v9" },
		"short key": func(f *event.EncryptedFileInfo) { f.Key.Key = "AA" }, "no start": func(f *event.EncryptedFileInfo) { f.InitVector = "%" },
	} {
		other := heard()
		change(other)
		if _, err := open(other, append([]byte(nil), data...)); !errors.Is(err, errAltered) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, err := open(heard(), append([]byte(nil), data...)); err != nil || string(got) != "a patch" {
		t.Errorf("%q: %v", got, err)
	}
}
