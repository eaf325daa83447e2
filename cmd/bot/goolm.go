//go:build !goolm

package main

// Matrix encryption is built in Go, by the build tag goolm; without it the
// build would ask for a C library. The next line does not compile, to say so.
var _ = this_needs_the_build_tag_goolm__say_make_run_or_go_build_with_dash_tags_goolm
