package incidents_test

import (
	"slices"
	"strings"
	"testing"

	"tocsin/incidents"
)

// versions are the names that Pillow's own list had in 2026, with versions that are
// made up.
func versions() []incidents.Version {
	var out []incidents.Version
	for _, name := range strings.Fields(`brotli bzip2 freetype fribidi harfbuzz jpegturbo lcms2 libavif libimagequant libpng
		libwebp libxcb openjpeg tiff xz zlib-ng zstd`) {
		out = append(out, incidents.Version{Name: name, Version: "1.2.3"})
	}
	return out
}

// TestDrift compares Pillow's plan with Pillow's list: what is in one only, and what
// has another name there.
func TestDrift(t *testing.T) {
	p, _ := pillow(t)
	m := p.Map
	m.Versions = versions()
	d := m.Drift()
	var unmapped, unlisted, renamed []string
	for _, v := range d.Unmapped {
		unmapped = append(unmapped, v.Name)
	}
	for _, u := range d.Unlisted {
		unlisted = append(unlisted, u.Key)
	}
	for _, r := range d.Renamed {
		renamed = append(renamed, r.Key+" "+r.As)
	}
	for what, c := range map[string]struct{ got, want []string }{
		"in the file only": {unmapped, []string{"libimagequant", "libxcb"}},
		"in the map only":  {unlisted, []string{"aom", "dav1d", "raqm", "libyuv"}},
		"renamed":          {renamed, []string{"libjpeg-turbo jpegturbo", "libtiff tiff", "freetype2 freetype", "zlib zlib-ng"}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: %q, want %q", what, c.got, c.want)
		}
	}
	if d.Agreed != 15 {
		t.Errorf("%d agree", d.Agreed)
	}
	if u, _ := m.Library("zlib"); len(m.VersionsOf(u)) != 1 || m.VersionsOf(u)[0].Name != "zlib-ng" {
		t.Errorf("zlib: %+v", m.VersionsOf(u))
	}
	if d := (incidents.DepMap{}).Drift(); d.Agreed+len(d.Unmapped)+len(d.Unlisted) != 0 {
		t.Errorf("nothing drifts: %+v", d)
	}
}

// TestNames: people call things by many names.
func TestNames(t *testing.T) {
	p, _ := pillow(t)
	m := p.Map
	for typed, want := range map[string]string{
		"libtiff": "libtiff", "TIFF": "libtiff", "lib-tiff": "libtiff", "zlib-ng": "zlib", "zlib": "zlib", "liblzma": "xz", "xz-utils": "xz",
		"liblzma / xz-utils": "xz", "FreeType 2": "freetype2", "freetype": "freetype2", "pybind11": "pybind11", "": "", "tif": "", "-": "", "libfoo": "",
	} {
		if u, _ := m.Library(typed); u.Key != want {
			t.Errorf("library %q is %q, want %q", typed, u.Key, want)
		}
	}
	for typed, want := range map[string]string{
		"debian": "debian-ubuntu", "Ubuntu": "debian-ubuntu", "Debian / Ubuntu": "debian-ubuntu", "RHEL": "redhat", "Red Hat": "redhat", "alpine": "alpine",
		"Alpine Linux": "alpine", "PyTorch": "torchvision", "tidelift": "tidelift", "freebsd": "", " ": "",
	} {
		if d, _ := m.Neighbour(typed); d.Key != want {
			t.Errorf("neighbour %q is %q, want %q", typed, d.Key, want)
		}
	}
}
