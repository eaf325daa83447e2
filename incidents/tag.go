package incidents

import (
	"strings"
	"time"
)

// Tag is a line of the ledger of known-good tags (plan, 7.5.2). Lines are only ever
// added.
type Tag struct {
	Name Sealed
	SHA  Sealed // in small letters
	At   time.Time
	Who  string
}

// ReadTag takes the name of a tag: one word that git takes for one
// (git-check-ref-format).
func ReadTag(typed string) (string, error) {
	name, err := CleanLine(typed, 200)
	if err != nil {
		return "", err
	}
	if strings.ContainsAny(name, " ~^:?*[\\") || strings.Contains(name, "..") || strings.Contains(name, "@{") ||
		strings.HasPrefix(name, "-") || strings.HasSuffix(name, ".") || strings.HasSuffix(name, "/") {
		return "", Refuse("bad-tag")
	}
	return strings.TrimPrefix(name, "refs/tags/"), nil
}

// ReadSHA takes a whole hash of git, 40 hexadecimal digits or 64, in small letters.
func ReadSHA(typed string) (string, error) {
	sha := strings.ToLower(typed)
	if strings.Trim(sha, "0123456789abcdef") != "" || (len(sha) != 40 && len(sha) != 64) {
		return "", Refuse("bad-sha")
	}
	return sha, nil
}

// The verdicts of CheckTag.
const (
	TagOK      = "ok"      // it is what was recorded
	TagUnknown = "unknown" // no such tag was recorded
	TagDiffers = "differs" // another hash was recorded
)

// CheckTag holds a tag against what was recorded of it, if anything was.
func CheckTag(recorded Tag, known bool, sha Sealed) string {
	switch {
	case !known:
		return TagUnknown
	case recorded.SHA.Same(sha):
		return TagOK
	default:
		return TagDiffers
	}
}
