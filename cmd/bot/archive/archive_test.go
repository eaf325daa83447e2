package archive

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// piece is an entry of an archive that a test makes.
type piece struct {
	head tar.Header
	text string
}

// pieces is a good archive of two parts, to be spoilt.
func pieces(t *testing.T, spoil func(*Manifest)) []piece {
	t.Helper()
	part := func(name, text string) Part {
		sum := sha256.Sum256([]byte(text))
		return Part{Name: name, Kind: "k", Size: int64(len(text)), SHA256: hex.EncodeToString(sum[:])}
	}
	m := Manifest{Format: Format, Made: time.Unix(1e9, 0).UTC(), Parts: []Part{part("desk.db", "the desk"), part("matrix-1.db", "the keys")}}
	if spoil != nil {
		spoil(&m)
	}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	plain := func(name, text string) piece {
		return piece{tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(text)), Mode: 0o600}, text}
	}
	return []piece{
		plain(manifestName, string(text)), plain("desk.db", "the desk"), plain("matrix-1.db", "the keys"),
		plain(endName, hex.EncodeToString(sum[:])+"\n"),
	}
}

func packed(t *testing.T, all []piece) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, p := range all {
		if err := w.WriteHeader(&p.head); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(p.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func read(t *testing.T, data []byte) (Manifest, string, error) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "in")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	m, err := Read(bytes.NewReader(data), int64(len(data)), dir)
	return m, dir, err
}

// TestWhatIsWrittenIsReadBack, byte for byte, for its owner alone.
func TestWhatIsWrittenIsReadBack(t *testing.T) {
	from := t.TempDir()
	m := Manifest{Format: Format, Made: time.Unix(1e9, 0).UTC(), Program: "p", Entries: 3, Head: "h"}
	want := map[string]string{"desk.db": strings.Repeat("the desk", 9999), "matrix-1.db": ""}
	for _, name := range []string{"desk.db", "matrix-1.db"} {
		path := filepath.Join(from, name)
		if err := os.WriteFile(path, []byte(want[name]), 0o600); err != nil {
			t.Fatal(err)
		}
		part, err := Measure(Part{Name: name, Kind: "k"}, path)
		if err != nil {
			t.Fatal(err)
		}
		m.Parts = append(m.Parts, part)
	}
	var b bytes.Buffer
	if err := Write(&b, m, from); err != nil {
		t.Fatal(err)
	}
	got, dir, err := read(t, b.Bytes())
	if err != nil || got.Head != "h" || got.Entries != 3 || !got.Made.Equal(m.Made) || len(got.Parts) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	for name, text := range want {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(data) != text {
			t.Errorf("%s has %d bytes: %v", name, len(data), err)
		}
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

// TestDamagedArchives: each is refused with a sentence, and writes nothing outside of
// its folder.
func TestDamagedArchives(t *testing.T) {
	type row struct {
		name  string
		spoil func(*Manifest)
		then  func([]piece) []piece
		says  string
	}
	named := func(name string) func(*Manifest) { return func(m *Manifest) { m.Parts[0].Name = name } }
	also := func(name string) func([]piece) []piece {
		return func(p []piece) []piece { p[1].head.Name = name; return p }
	}
	at := func(k int, change func(*piece)) func([]piece) []piece {
		return func(p []piece) []piece { change(&p[k]); return p }
	}
	for _, c := range []row{
		{"a good one", nil, nil, ""},
		{"of a newer program", func(m *Manifest) { m.Format = Format + 1 }, nil, "made by a newer tocsin"},
		{"of no format", func(m *Manifest) { m.Format = 0 }, nil, "its manifest cannot be read"},
		{"a name that leads up", named("../desk.db"), also("../desk.db"), "a name that none has"},
		{"an absolute name", named("/tmp/desk.db"), also("/tmp/desk.db"), "a name that none has"},
		{"a folder", named("a/desk.db"), also("a/desk.db"), "a name that none has"},
		{"no name", named(""), nil, "a name that none has"},
		{"a name with another end", named("desk.db-wal"), also("desk.db-wal"), "a name that none has"},
		{"two parts of a name", named("matrix-1.db"), also("matrix-1.db"), "a name that none has"},
		{"more than there is", func(m *Manifest) { m.Parts[0].Size = 1 << 50 }, nil, "it was cut, or a part"},
		{"less than nothing", func(m *Manifest) { m.Parts[0].Size = -1 }, nil, "it was cut, or a part"},
		{"too many parts", func(m *Manifest) { m.Parts = make([]Part, maxParts+1) }, nil, "too many parts"},
		{"another length", func(m *Manifest) { m.Parts[0].Size = 7 }, nil, "not as long as it was"},
		{"another digest", func(m *Manifest) { m.Parts[0].SHA256 = m.Parts[1].SHA256 }, nil, "desk.db is not as it was written"},
		{"a part that the manifest does not name", func(m *Manifest) { m.Parts = m.Parts[:1] }, nil, "something else stands"},
		{"a part that is not there", nil, func(p []piece) []piece { return append(p[:1:1], p[2:]...) }, "something else stands"},
		{"parts in another order", nil, func(p []piece) []piece { p[1], p[2] = p[2], p[1]; return p }, "something else stands"},
		{"something after its end", nil, func(p []piece) []piece { return append(p, p[1]) }, "after its end"},
		{"no end", nil, func(p []piece) []piece { return p[:3] }, "it was cut"},
		{"nothing", nil, func([]piece) []piece { return nil }, "it was cut"},
		{"another end", nil, at(3, func(p *piece) { p.text = strings.Repeat("0", 64) + "\n" }), "its manifest is not as it was written"},
		{"a changed part", nil, at(1, func(p *piece) { p.text = "the dESK" }), "desk.db is not as it was written"},
		{"no manifest", nil, at(0, func(p *piece) { p.head.Name = "readme.txt" }), "something else stands where manifest.json should"},
		{"a manifest that is no JSON", nil, at(0, func(p *piece) { p.text = strings.Repeat("x", len(p.text)) }), "its manifest cannot be read"},
		{"a link", nil, at(1, func(p *piece) {
			p.head.Typeflag, p.head.Linkname, p.head.Size, p.text = tar.TypeSymlink, "/etc/passwd", 0, ""
		}), "something else stands"},
		{"a hard link", nil, at(1, func(p *piece) {
			p.head.Typeflag, p.head.Linkname, p.head.Size, p.text = tar.TypeLink, "manifest.json", 0, ""
		}), "something else stands"},
	} {
		p := pieces(t, c.spoil)
		if c.then != nil {
			p = c.then(p)
		}
		_, dir, err := read(t, packed(t, p))
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.says)
		}
		beside, e := os.ReadDir(filepath.Dir(dir))
		if e != nil || len(beside) != 1 {
			t.Errorf("%s: beside its folder there are %v now", c.name, beside)
		}
	}
}

// TestEveryCutAndEveryByteShows: a good archive that was cut anywhere, or with a bit of
// what it holds turned, is refused.
func TestEveryCutAndEveryByteShows(t *testing.T) {
	good := packed(t, pieces(t, nil))
	last := bytes.LastIndex(good, []byte("\n")) // of what it holds; after it there are zeros
	for n := 0; n <= last; n += 13 {
		if _, _, err := read(t, good[:n]); err == nil {
			t.Fatalf("cut after %d bytes it is read", n)
		}
	}
	text := bytes.Index(good, []byte("the desk"))
	for _, at := range []int{bytes.Index(good, []byte("2001")), text, text + 7, bytes.Index(good, []byte("the keys")), last - 1} {
		bad := bytes.Clone(good)
		bad[at] ^= 1
		if _, _, err := read(t, bad); err == nil {
			t.Errorf("with another byte at %d it is read", at)
		}
	}
}
