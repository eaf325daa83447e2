package matrix

import (
	"crypto/ecdh"
	"encoding/base64"
	"encoding/binary"
	"strings"

	"maunium.net/go/mautrix/event"
)

// The two kinds of Olm message.
const (
	olmFirst = 0 // it sets a session up, and has a message in it
	olmNext  = 1
)

// macLength is what stands at the end of an Olm message.
const macLength = 8

// sound says whether an Olm message has keys that can be agreed with: what has not
// is from nobody's client, and is not looked at any further. Its form is that of
// the Olm specification, with nothing in it twice and nothing besides.
func sound(body string, kind int) bool {
	data, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(body, "="))
	if err != nil {
		return false
	}
	if kind == olmFirst {
		fields, ok := olmFields(data)
		if !ok || !agrees(fields[0x0a]) || !agrees(fields[0x12]) || !agrees(fields[0x1a]) {
			return false
		}
		data = fields[0x22]
	}
	if len(data) < macLength {
		return false
	}
	fields, ok := olmFields(data[:len(data)-macLength])
	return ok && agrees(fields[0x0a])
}

// soundFor says whether what a device sent us may be decrypted.
func soundFor(content *event.EncryptedEventContent) bool {
	for _, c := range content.OlmCiphertext {
		if kind := int(c.Type); (kind != olmFirst && kind != olmNext) || !sound(c.Body, kind) {
			return false
		}
	}
	return true
}

// olmFields reads the fields of an Olm message: a byte of version, then numbers and
// texts, each after its tag.
func olmFields(data []byte) (map[byte][]byte, bool) {
	if len(data) == 0 || data[0] != 3 {
		return nil, false
	}
	out := map[byte][]byte{}
	for data = data[1:]; len(data) > 0; {
		tag := data[0]
		n, used := binary.Uvarint(data[1:])
		if _, twice := out[tag]; twice || used <= 0 {
			return nil, false
		}
		data = data[1+used:]
		switch tag {
		case 0x10: // the place in the chain
			out[tag] = []byte{}
		case 0x0a, 0x12, 0x1a, 0x22:
			if n > uint64(len(data)) {
				return nil, false
			}
			out[tag], data = data[:n], data[n:]
		default:
			return nil, false
		}
	}
	return out, true
}

// agrees says whether a secret can be agreed with a public key (RFC 7748, section
// 6.1: the outcome must not be zero).
func agrees(key []byte) bool {
	theirs, err := ecdh.X25519().NewPublicKey(key)
	if err != nil {
		return false
	}
	own := [32]byte{1} // any will do
	ours, err := ecdh.X25519().NewPrivateKey(own[:])
	if err != nil {
		return false
	}
	_, err = ours.ECDH(theirs)
	return err == nil
}
