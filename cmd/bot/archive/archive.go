// Package archive is the one file that a backup is: a plain tar with a manifest and the
// parts that it names. It knows what stands in the file, and not what the parts are.
//
// What comes out of an archive was checked: each name is one that the manifest gives,
// each part is as long as it says and has its digest, and the manifest's own digest
// stands at the end, so that an archive that was cut shows.
package archive

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Format is the version of what Write writes. Read refuses a newer one.
const Format = 1

// The entries of an archive that are no parts.
const (
	manifestName = "manifest.json"
	endName      = "manifest.sha256"
)

// What Read takes at most.
const (
	maxManifest = 1 << 20
	maxParts    = 64
)

// Manifest says what is in an archive.
type Manifest struct {
	Format    int       `json:"format"`
	Made      time.Time `json:"made"`
	Program   string    `json:"program"`
	Schema    int       `json:"schema"`
	Rehearsal bool      `json:"rehearsal"`
	Project   string    `json:"project"`
	Prefix    string    `json:"prefix"`
	Entries   int       `json:"entries"` // of the record
	Head      string    `json:"head"`    // the hash of its last entry
	Row       int       `json:"row"`     // the last one of the outbox
	Parts     []Part    `json:"parts"`
}

// Part is one file of an archive.
type Part struct {
	Name    string `json:"name"` // in the archive: letters, digits, dots and dashes
	Kind    string `json:"kind"` // what it is
	Network string `json:"network,omitempty"`
	Account string `json:"account,omitempty"`
	Size    int64  `json:"size"`
	SHA256  string `json:"sha256"`
}

// fits reports whether a part may have a name: no path.
func fits(name string) bool {
	stem, ok := strings.CutSuffix(name, ".db")
	return ok && stem != "" && len(stem) <= 100 && strings.Trim(stem, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// Measure gives a part with the size and digest of a file.
func Measure(p Part, path string) (Part, error) {
	f, err := os.Open(path)
	if err != nil {
		return p, err
	}
	defer f.Close()
	h := sha256.New()
	p.Size, err = io.Copy(h, f)
	p.SHA256 = hex.EncodeToString(h.Sum(nil))
	return p, err
}

// Write writes an archive of the parts of a manifest, which lie in a folder by their
// names.
func Write(w io.Writer, m Manifest, folder string) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	t := tar.NewWriter(w)
	if err := writeText(t, manifestName, text, m.Made); err != nil {
		return err
	}
	for _, p := range m.Parts {
		if err := writePart(t, p, folder, m.Made); err != nil {
			return err
		}
	}
	sum := sha256.Sum256(text)
	if err := writeText(t, endName, []byte(hex.EncodeToString(sum[:])+"\n"), m.Made); err != nil {
		return err
	}
	return t.Close()
}

func header(name string, size int64, at time.Time) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: at, Format: tar.FormatPAX}
}

func writeText(t *tar.Writer, name string, text []byte, at time.Time) error {
	if err := t.WriteHeader(header(name, int64(len(text)), at)); err != nil {
		return err
	}
	_, err := t.Write(text)
	return err
}

func writePart(t *tar.Writer, p Part, folder string, at time.Time) error {
	f, err := os.Open(filepath.Join(folder, p.Name))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := t.WriteHeader(header(p.Name, p.Size, at)); err != nil {
		return err
	}
	_, err = io.Copy(t, f)
	return err
}

// errOther is a file that is no backup, or one that something happened to.
func errOther(why string) error {
	return fmt.Errorf("it is no whole backup of a tocsin: %s; take another copy of it, or an older one", why)
}

// Read checks an archive and writes its parts into a folder, which has to be there and
// empty. After an error what is in the folder is of no use.
func Read(r io.ReaderAt, size int64, folder string) (Manifest, error) {
	t := tar.NewReader(io.NewSectionReader(r, 0, size))
	text, err := readText(t, manifestName, maxManifest)
	if err != nil {
		return Manifest{}, err
	}
	var m Manifest
	if json.Unmarshal(text, &m) != nil || m.Format < 1 {
		return m, errOther("its manifest cannot be read")
	}
	if m.Format > Format {
		return m, fmt.Errorf("the backup was made by a newer tocsin (format %d, this one knows %d); use that one", m.Format, Format)
	}
	if err := m.check(size); err != nil {
		return m, err
	}
	for _, p := range m.Parts {
		if err := readPart(t, p, folder); err != nil {
			return m, err
		}
	}
	end, err := readText(t, endName, 2*sha256.Size+1)
	if err != nil {
		return m, err
	}
	if sum := sha256.Sum256(text); string(end) != hex.EncodeToString(sum[:])+"\n" {
		return m, errOther("its manifest is not as it was written")
	}
	if _, err := t.Next(); !errors.Is(err, io.EOF) {
		return m, errOther("there is something after its end")
	}
	return m, nil
}

// check holds what a manifest says of its parts against what can be.
func (m Manifest) check(size int64) error {
	if len(m.Parts) > maxParts {
		return errOther("it names too many parts")
	}
	known := map[string]bool{}
	for _, p := range m.Parts {
		if !fits(p.Name) || known[p.Name] {
			return errOther("a part has a name that none has")
		}
		known[p.Name] = true
		if p.Size < 0 || p.Size > size {
			return errOther("it was cut, or a part is not as long as it says")
		}
	}
	return nil
}

// next goes on to the next entry, which has to be a plain file of that name.
func next(t *tar.Reader, name string) (*tar.Header, error) {
	h, err := t.Next()
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errOther("it was cut")
	case err != nil:
		return nil, errOther("it cannot be read as an archive")
	case h.Name != name || h.Typeflag != tar.TypeReg || h.Linkname != "":
		return nil, errOther("something else stands where " + name + " should")
	}
	return h, nil
}

func readText(t *tar.Reader, name string, most int64) ([]byte, error) {
	h, err := next(t, name)
	if err != nil {
		return nil, err
	}
	if h.Size > most {
		return nil, errOther(name + " is too large")
	}
	text, err := io.ReadAll(io.LimitReader(t, most))
	if err != nil {
		return nil, errOther("it was cut")
	}
	return text, nil
}

func readPart(t *tar.Reader, p Part, folder string) error {
	h, err := next(t, p.Name)
	if err != nil {
		return err
	}
	if h.Size != p.Size {
		return errOther(p.Name + " is not as long as it was")
	}
	f, err := os.OpenFile(filepath.Join(folder, p.Name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	sum := sha256.New()
	from := &source{r: io.TeeReader(t, sum)}
	_, err = io.Copy(f, from)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil && from.failed != nil {
		return errOther("it was cut")
	}
	if err != nil {
		return err
	}
	if hex.EncodeToString(sum.Sum(nil)) != p.SHA256 {
		return errOther(p.Name + " is not as it was written")
	}
	return nil
}

// source remembers that reading failed, which is another thing than that writing did.
type source struct {
	r      io.Reader
	failed error
}

func (c *source) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		c.failed = err
	}
	return n, err
}
