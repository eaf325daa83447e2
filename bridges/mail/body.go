package mail

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"mime"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxLine is the longest line of a body, without its CRLF (RFC 5322 section 2.1.1).
const maxLine = 998

// part is a MIME entity whose body is encoded already and ends with CRLF.
type part struct {
	head []field
	body []byte
}

func (p part) write(b *bytes.Buffer) {
	for _, f := range p.head {
		f.write(b)
	}
	b.WriteString("\r\n")
	b.Write(p.body)
}

func (p part) bytes() []byte {
	var b bytes.Buffer
	p.write(&b)
	return b.Bytes()
}

// multipart joins parts (RFC 2046 section 5.1). The boundary is made from what it
// bounds, so it is the same for the same message and cannot stand in it.
func multipart(kind, salt string, parts []part, params ...string) part {
	h := sha256.New()
	h.Write([]byte(salt))
	for _, p := range parts {
		h.Write(p.bytes())
	}
	boundary := "=_" + hex.EncodeToString(h.Sum(nil)[:20])
	tokens := []string{kind + ";"}
	for _, p := range params {
		tokens = append(tokens, p+";")
	}
	var b bytes.Buffer
	for _, p := range parts {
		b.WriteString("--" + boundary + "\r\n")
		p.write(&b)
		// The line break before a boundary belongs to the boundary (RFC 2046
		// section 5.1.1): the part keeps its own.
		b.WriteString("\r\n")
	}
	b.WriteString("--" + boundary + "--\r\n")
	return part{[]field{newField("Content-Type", append(tokens, `boundary="`+boundary+`"`)...)}, b.Bytes()}
}

// textPart is the text for people: as it is where every server on the way leaves
// it alone, else encoded in the way that is shorter.
func textPart(text string) (part, error) {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	switch {
	case strings.TrimSpace(text) == "":
		return part{}, errors.New("it is empty")
	case !utf8.ValidString(text):
		return part{}, errors.New("it is not UTF-8")
	case strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }):
		return part{}, errors.New("it holds a control character")
	}
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	encoding, body := "7bit", []byte(strings.ReplaceAll(text, "\n", "\r\n"))
	if !travels(text) {
		encoding, body = "quoted-printable", quotedPrintable(text)
		if b := base64Lines([]byte(strings.ReplaceAll(text, "\n", "\r\n"))); len(b) < len(body) {
			encoding, body = "base64", b
		}
	}
	return part{[]field{
		newField("Content-Type", "text/plain;", "charset=utf-8"),
		newField("Content-Transfer-Encoding", encoding),
	}, body}, nil
}

// travels says whether a text arrives as it is without any encoding: 7 bit, short
// lines, no space at a line's end (which some servers take away), and no line that
// begins with "From " (which a mailbox file changes into ">From "). RFC 3156
// section 3 wants the same of what is signed.
func travels(text string) bool {
	if !strings.HasSuffix(text, "\n") {
		return false
	}
	for line := range strings.SplitSeq(text, "\n") {
		if len(line) > maxLine || strings.HasPrefix(line, "From ") || strings.HasSuffix(line, " ") || strings.HasSuffix(line, "\t") ||
			strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r > '~' }) {
			return false
		}
	}
	return true
}

// quotedPrintable encodes lines that end in "\n" (RFC 2045 section 6.7). The
// standard library's writer leaves "From " at the beginning of a line.
func quotedPrintable(text string) []byte {
	const most = 75 // leaves room for the "=" of a soft line break
	const digits = "0123456789ABCDEF"
	var b bytes.Buffer
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		length := 0
		for i := range len(line) {
			c, last := line[i], i == len(line)-1
			plain := c > ' ' && c <= '~' && c != '=' || (c == ' ' || c == '\t') && !last
			size := 3
			if plain {
				size = 1
			}
			if length+size > most {
				b.WriteString("=\r\n")
				length = 0
			}
			if length == 0 && strings.HasPrefix(line[i:], "From ") {
				plain, size = false, 3
			}
			if plain {
				b.WriteByte(c)
			} else {
				b.Write([]byte{'=', digits[c>>4], digits[c&15]})
			}
			length += size
		}
		b.WriteString("\r\n")
	}
	return b.Bytes()
}

// base64Lines is RFC 2045 section 6.8: lines of 76 characters.
func base64Lines(data []byte) []byte {
	const width = 76
	text := base64.StdEncoding.AppendEncode(nil, data)
	var b bytes.Buffer
	for line := range slices.Chunk(text, width) {
		b.Write(line)
		b.WriteString("\r\n")
	}
	return b.Bytes()
}

// part encodes an attachment. Only text that needs no encoding goes without one,
// where it need not be exact.
// All else is base64, also patches that quoted-printable would leave readable: a
// patch has to apply after any reader has stored it, so no reader may choose how
// its lines end, and git's patches begin with "From ".
func (a Attachment) part() (part, error) {
	if err := checkLine(a.Name, maxName); err != nil {
		return part{}, fmt.Errorf("its name: %w", err)
	}
	if strings.ContainsAny(a.Name, `/\`) || strings.Trim(a.Name, ". ") != a.Name {
		return part{}, errors.New("its name is not that of a file without folders")
	}
	kind, params, err := mime.ParseMediaType(a.media())
	if err != nil || len(a.Type) > maxName {
		return part{}, errors.New("its type is not a media type such as text/x-diff")
	}
	if main, sub, _ := strings.Cut(kind, "/"); main == "multipart" || main == "message" || sub == "" {
		return part{}, errors.New("a mail or a part of one cannot be attached; attach it as application/octet-stream")
	}
	text := strings.HasPrefix(kind, "text/")
	if text && params["charset"] == "" && utf8.Valid(a.Data) {
		params["charset"] = "utf-8"
	}
	disposition, err := tokensOf("attachment", map[string]string{"filename": a.Name})
	if err != nil {
		return part{}, err
	}
	media, err := tokensOf(kind, params)
	if err != nil {
		return part{}, err
	}
	encoding, body := "base64", base64Lines(a.Data)
	if text && !a.Exact && travels(string(a.Data)) {
		encoding, body = "7bit", bytes.ReplaceAll(a.Data, []byte("\n"), []byte("\r\n"))
	}
	return part{[]field{
		newField("Content-Type", media...),
		newField("Content-Transfer-Encoding", encoding),
		newField("Content-Disposition", disposition...),
	}, body}, nil
}

func (a Attachment) media() string {
	if a.Type != "" {
		return a.Type
	}
	switch strings.ToLower(path.Ext(a.Name)) {
	case ".patch", ".diff":
		return "text/x-diff"
	}
	return "application/octet-stream"
}

// tokensOf is a value with one parameter a token, encoded by RFC 2231 where it is
// not ASCII.
func tokensOf(value string, params map[string]string) ([]string, error) {
	out := []string{value}
	for _, name := range slices.Sorted(maps.Keys(params)) {
		one := mime.FormatMediaType("x/x", map[string]string{name: params[name]})
		_, param, ok := strings.Cut(one, "; ")
		if !ok || len(param) > maxLine-100 {
			return nil, errors.New("its name or type cannot stand in a header")
		}
		out[len(out)-1] += ";"
		out = append(out, param)
	}
	return out, nil
}
