package matrix

import "errors"

// errStub is what a part says that is not there yet.
var errStub = errors.New("not there yet")
