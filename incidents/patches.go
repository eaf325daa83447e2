package incidents

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// What is kept of patches at most.
const (
	PatchBytes  = 256 << 10 // of one
	MostPatches = 8         // of an incident
)

// Patch is a change to the code that was uploaded in a room, for letters to people
// outside.
type Patch struct {
	Incident int
	Name     Sealed // see PatchName
	Body     Sealed // byte for byte as it was uploaded; UTF-8
	Hash     Sealed // SHA-256 of the body, in hexadecimal
	Size     int    // of the body, in bytes
	By       string
	At       time.Time
}

// IsDiff reports whether a text is a change to files as git or diff writes it: UTF-8
// text with the line "diff --git ", or with "--- " and "+++ " one after the other.
func IsDiff(text string) bool {
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return false
	}
	before := ""
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "diff --git ") || strings.HasPrefix(line, "+++ ") && strings.HasPrefix(before, "--- ") {
			return true
		}
		before = line
	}
	return false
}

// NamesPatch reports whether a file's name is that of a patch.
func NamesPatch(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, ".patch") || strings.HasSuffix(name, ".diff")
}

// maxPatchName is the longest name of a patch, in bytes: a header holds it on one line.
const maxPatchName = 80

// PatchName gives the name under which an uploaded patch is kept: without folders, of
// ASCII letters, digits, dots, dashes and underscores, and with the ending of a patch.
func PatchName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r) {
			return r
		}
		return '_'
	}, name)
	stem, ending := name, ".patch"
	if NamesPatch(name) {
		at := strings.LastIndexByte(name, '.')
		stem, ending = name[:at], name[at:]
	}
	stem = strings.TrimLeft(stem, ".-")
	if stem = stem[:min(len(stem), maxPatchName-len(ending))]; stem == "" {
		stem = "unnamed"
	}
	return stem + ending
}

// NewPatch gives a patch from what was uploaded.
func NewPatch(incident int, name, body Sealed, who string, now time.Time) (Patch, error) {
	p := Patch{Incident: incident, Name: mapSealed(name, PatchName), Body: body, Hash: fileHash(body), By: who, At: now}
	diff := false
	mapSealed(body, func(text string) string {
		p.Size, diff = len(text), IsDiff(text)
		return ""
	})
	switch {
	case p.Size > PatchBytes:
		return p, Refuse("patch-large", "max", SaySize(PatchBytes))
	case !diff:
		return p, Refuse("patch-no-diff")
	}
	return p, nil
}

// fileHash gives the SHA-256 of a file, in hexadecimal, as sha256sum does.
func fileHash(body Sealed) Sealed {
	return mapSealed(body, func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return hex.EncodeToString(sum[:])
	})
}

// AddPatch gives the entry for a patch that is kept besides those that an incident
// has. One of the same name is replaced; false when there is none.
func AddPatch(have []Patch, p Patch) (replaces bool, e Entry, err error) {
	for _, h := range have {
		replaces = replaces || h.Name.Same(p.Name)
	}
	if !replaces && len(have) >= MostPatches {
		return false, e, Refuse("patch-many", "max", MostPatches)
	}
	return replaces, notePatch("patch", p, p.By, p.At), nil
}

// DropPatch gives the entry for a patch that is not kept any more.
func DropPatch(p Patch, who string, now time.Time) Entry {
	return notePatch("patch-dropped", p, who, now)
}

// notePatch gives an entry about a patch. Its file's name may name the reporter: it
// can be erased.
func notePatch(kind string, p Patch, who string, now time.Time) Entry {
	return Entry{
		Incident: p.Incident, Kind: kind, Who: who, At: now, Text: joinSealed(", sha256 ", Seal(SaySize(p.Size)), p.Hash),
		Personal: []Personal{{Field: "patch", Value: p.Name}},
	}
}

// PatchFacts gives what there is to say about patches.
func PatchFacts(list []Patch) []Facts {
	out := []Facts{}
	for _, p := range list {
		out = append(out, Facts{"name": p.Name, "size": Seal(SaySize(p.Size)), "sum": ShortHash(p.Hash), "wroteby": p.By, "wroteat": p.At})
	}
	return out
}

// SaySize gives a number of bytes for people; a part of a KiB counts as one.
func SaySize(bytes int) string {
	switch {
	case bytes == 1:
		return "1 byte"
	case bytes < 1<<10:
		return fmt.Sprintf("%d bytes", bytes)
	}
	return fmt.Sprintf("%d KiB", (bytes+1<<10-1)>>10)
}
