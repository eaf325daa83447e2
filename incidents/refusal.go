package incidents

import "errors"

// Refusal is a rule saying no: a key, whose words are the template
// refusals/<key>, and the arguments of those words. The person sees it and
// nothing changes. Every other error is ours, not theirs.
type Refusal struct {
	Key  string
	Args Facts
}

// Refuse makes a Refusal from a key and pairs of name and value. The values
// never hold what a person typed, unless sealed.
func Refuse(key string, pairs ...any) *Refusal {
	return &Refusal{Key: key, Args: NewFacts(pairs...)}
}

// Error names the key only; the words are made elsewhere.
func (r *Refusal) Error() string { return "refused: " + r.Key }

// AsRefusal finds the Refusal in err.
func AsRefusal(err error) (*Refusal, bool) {
	var r *Refusal
	ok := errors.As(err, &r)
	return r, ok
}
