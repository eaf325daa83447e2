package matrix

import (
	"encoding/base64"
	"slices"
	"testing"

	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// TestSound: what a client sends passes; what has keys that nothing can be agreed
// with, or another form, does not.
func TestSound(t *testing.T) {
	bob := crypto.NewOlmAccount()
	if err := bob.Internal.GenOneTimeKeys(1); err != nil {
		t.Fatal(err)
	}
	keys, err := bob.Internal.OneTimeKeys()
	if err != nil {
		t.Fatal(err)
	}
	alice := crypto.NewOlmAccount()
	var oneTime id.Curve25519
	for _, k := range keys {
		oneTime = k
	}
	session, err := alice.Internal.NewOutboundSession(bob.IdentityKey(), oneTime)
	if err != nil {
		t.Fatal(err)
	}
	kind, body, err := session.Encrypt([]byte(`{"type":"m.dummy"}`))
	if err != nil || int(kind) != olmFirst {
		t.Fatalf("a first message is of kind %d: %v", kind, err)
	}
	inbound, err := bob.Internal.NewInboundSessionFrom(nil, string(body))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := inbound.Decrypt(string(body), kind); err != nil {
		t.Fatal(err)
	}
	nextKind, next, err := inbound.Encrypt([]byte(`{"type":"m.dummy"}`))
	if err != nil || int(nextKind) != olmNext {
		t.Fatalf("an answer is of kind %d: %v", nextKind, err)
	}
	if !sound(string(body), olmFirst) || !sound(string(next), olmNext) {
		t.Fatal("what a client sends is not taken")
	}
	if sound(string(body), olmNext) || sound(string(next), olmFirst) {
		t.Error("one kind passes for the other")
	}
	first, err := base64.RawStdEncoding.DecodeString(string(body))
	if err != nil {
		t.Fatal(err)
	}
	second, err := base64.RawStdEncoding.DecodeString(string(next))
	if err != nil {
		t.Fatal(err)
	}
	// Each key in turn becomes one that nothing can be agreed with.
	spoil := func(data []byte, tag byte, from int) string {
		out := slices.Clone(data)
		for i := from; i+34 <= len(out); i++ {
			if out[i] == tag && out[i+1] == 32 {
				clear(out[i+2 : i+34])
				return base64.RawStdEncoding.EncodeToString(out)
			}
		}
		t.Fatalf("there is no key with tag %x", tag)
		return ""
	}
	inner := len(first) - len(second) // the message within is as long as one that stands alone, or a little shorter
	for name, bad := range map[string]string{
		"one-time key": spoil(first, 0x0a, 0), "base key": spoil(first, 0x12, 0), "identity key": spoil(first, 0x1a, 0),
		"ratchet key": spoil(first, 0x0a, max(inner-16, 100)),
	} {
		if sound(bad, olmFirst) {
			t.Errorf("the %s of a first message may be anything", name)
		}
	}
	if sound(spoil(second, 0x0a, 0), olmNext) {
		t.Error("the ratchet key of a later message may be anything")
	}
	for name, data := range map[string][]byte{
		"nothing": {}, "a version only": {3}, "another version": append([]byte{4}, first[1:]...), "cut off": first[:len(first)/2],
		"a field twice": append(append([]byte{3}, first[1:]...), first[1:36]...), "a field that is none": append([]byte{3, 0x2a, 0}, first[1:]...),
		"a length beyond the end": {3, 0x0a, 0xff, 0xff, 0x7f},
	} {
		if sound(base64.RawStdEncoding.EncodeToString(data), olmFirst) {
			t.Errorf("%s is taken", name)
		}
	}
	if sound("this is not base64!", olmFirst) {
		t.Error("what is not base64 is taken")
	}
	c := &event.EncryptedEventContent{OlmCiphertext: event.OlmCiphertexts{}}
	if !soundFor(c) {
		t.Error("a content without an Olm message is not for this rule")
	}
}

func FuzzSound(f *testing.F) {
	f.Add("AwogAAAA", 0)
	f.Add("", 1)
	f.Fuzz(func(_ *testing.T, body string, kind int) { sound(body, kind) })
}
