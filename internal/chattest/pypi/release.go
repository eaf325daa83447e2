package pypi

import (
	"crypto/md5" // a field of the interface
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
)

// release is GET /pypi/<project>/<version>/json, in the fields that PyPI has.
func (s *Server) release(w http.ResponseWriter, r *http.Request, version string) {
	urls := []object{}
	yanked, why := false, any(nil)
	for _, u := range s.versions[version] {
		o := u.wire(s.project)
		yanked, why = u.yanked, o["yanked_reason"]
		urls = append(urls, o)
	}
	body, _ := json.Marshal(object{
		"info": object{
			"name": s.project, "version": version, "summary": "A project for tests", "description": "...", "description_content_type": "text/markdown",
			"author": "", "author_email": "alice <alice@example.org>", "bugtrack_url": nil, "classifiers": []string{}, "docs_url": nil,
			"downloads": object{"last_day": -1, "last_month": -1, "last_week": -1}, "requires_python": ">=3.10",
			"yanked": yanked, "yanked_reason": why,
		},
		"last_serial": 25862117 + len(urls), "urls": urls, "vulnerabilities": []any{}, "ownership": object{"roles": []any{}, "organization": nil},
	})
	sum := md5.Sum(body)
	etag := `"` + hex.EncodeToString(sum[:]) + `"`
	w.Header().Set("ETag", etag)
	w.Header().Set("Cache-Control", "max-age=900, public")
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body)
}

func (u *upload) wire(project string) object {
	o := object{
		"comment_text": "", "core-metadata": false, "downloads": -1, "has_sig": false, "md5_digest": strings.Repeat("0", 32),
		"digests":  object{"blake2b_256": u.SHA256, "md5": strings.Repeat("0", 32), "sha256": u.SHA256},
		"filename": u.Name, "packagetype": u.Kind, "python_version": "source", "requires_python": ">=3.10", "size": u.Size,
		"upload_time": u.Uploaded.UTC().Format("2006-01-02T15:04:05"), "upload_time_iso_8601": u.Uploaded.UTC().Format("2006-01-02T15:04:05.000000Z"),
		"url": "https://files.example.org/packages/" + project + "/" + u.Name, "yanked": u.yanked, "yanked_reason": nil,
	}
	if u.Kind == "bdist_wheel" {
		o["python_version"] = strings.Split(u.Name, "-")[2]
	}
	if u.yanked && u.reason != "" {
		o["yanked_reason"] = u.reason
	}
	return o
}

// Wheels composes the files of a release in the shape that Pillow's have had since
// 12.3.0, 87 with the source distribution: CPython with and without threads' lock,
// PyPy, and iOS for the newer ones. Old has those of 12.2.0 instead, 91: two
// generations of manylinux, and one Python less.
func Wheels(project, version string, old bool) []File {
	name := strings.ToLower(project) + "-" + version
	pythons := []string{"cp310-cp310", "cp311-cp311", "cp312-cp312", "cp313-cp313", "cp313-cp313t", "cp314-cp314", "cp314-cp314t", "cp315-cp315"}
	linux := []string{"manylinux_2_27_%.manylinux_2_28_%", "musllinux_1_2_%"}
	if old {
		pythons = pythons[:len(pythons)-1]
		linux = append([]string{"manylinux2014_%.manylinux_2_17_%"}, linux...)
	}
	var out []File
	add := func(python, platform string) {
		out = append(out, File{Name: name + "-" + python + "-" + platform + ".whl"})
	}
	for _, python := range pythons {
		first, _, _ := strings.Cut(python, "-")
		mac := map[string]string{"cp310": "10_10", "cp311": "10_10"}[first]
		if mac == "" {
			mac = map[bool]string{true: "10_13", false: "10_15"}[first <= "cp314"]
		}
		add(python, "macosx_"+mac+"_x86_64")
		add(python, "macosx_11_0_arm64")
		for _, l := range linux {
			add(python, strings.ReplaceAll(l, "%", "aarch64"))
			add(python, strings.ReplaceAll(l, "%", "x86_64"))
		}
		for _, win := range []string{"win32", "win_amd64", "win_arm64"} {
			add(python, win)
		}
		if first >= "cp313" && !strings.HasSuffix(python, "t") {
			for _, ios := range []string{"arm64_iphoneos", "arm64_iphonesimulator", "x86_64_iphonesimulator"} {
				add(python, "ios_13_0_"+ios)
			}
		}
	}
	const pypy = "pp311-pypy311_pp73"
	add(pypy, "macosx_10_15_x86_64")
	add(pypy, "macosx_11_0_arm64")
	for _, l := range linux[:len(linux)-1] {
		add(pypy, strings.ReplaceAll(l, "%", "aarch64"))
		add(pypy, strings.ReplaceAll(l, "%", "x86_64"))
	}
	add(pypy, "win_amd64")
	return append(out, File{Name: name + ".tar.gz"})
}
