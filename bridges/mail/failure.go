package mail

import (
	"context"
	"errors"
	"fmt"
	"net/textproto"
	"regexp"
	"strconv"
	"strings"

	"tocsin/bridges"
)

// maxSaid is how much of a server's words is kept, in characters.
const maxSaid = 500

// Failure is why a mail was not, or perhaps not, taken by the server. It wraps
// bridges.ErrNotSent, bridges.ErrRefused or neither of them, and where it came
// from the network or the end of the context, that.
type Failure struct {
	Step     string   // where it happened, in words
	Code     int      // the server's answer, e.g. 550; 0: it was no answer
	Enhanced string   // the same more exactly (RFC 3463), e.g. "5.1.1", or ""
	Said     string   // the server's words, one cleaned line; they may quote an address: not for logs
	Refused  []string // the recipients that the server refused: not for logs

	kind, cause error
}

// Error says it without an address and without the server's words.
func (f *Failure) Error() string {
	var b strings.Builder
	b.WriteString("mail server, " + f.Step + ": ")
	switch {
	case f.Code != 0:
		b.WriteString("it answered " + strings.TrimSpace(strconv.Itoa(f.Code)+" "+f.Enhanced))
	case f.cause != nil:
		b.WriteString(f.cause.Error())
	}
	if n := len(f.Refused); n > 0 {
		fmt.Fprintf(&b, ", recipients refused: %d", n)
	}
	switch f.kind {
	case bridges.ErrNotSent:
		b.WriteString("; not sent")
	case bridges.ErrRefused:
		b.WriteString("; refused")
	default:
		b.WriteString("; it may or may not have taken the mail")
	}
	return b.String()
}

// Format prints what Error says, with any verb.
func (f *Failure) Format(s fmt.State, verb rune) { bridges.Print(s, verb, f.Error()) }

// Told is what people may hear who may hear everything: whom the server refused, and
// its words. It is "" where it said nothing, and not for logs.
func (f *Failure) Told() string {
	if len(f.Refused) == 0 {
		return f.Said
	}
	return strings.TrimSuffix(strings.Join(f.Refused, ", ")+": "+f.Said, ": ")
}

// Unwrap gives the outcome and the cause.
func (f *Failure) Unwrap() []error {
	var out []error
	for _, e := range []error{f.kind, f.cause} {
		if e != nil {
			out = append(out, e)
		}
	}
	return out
}

func refusal(step string, cause error) *Failure {
	return &Failure{Step: step, kind: bridges.ErrRefused, cause: cause}
}

func notSent(step string, cause error) *Failure {
	return &Failure{Step: step, kind: bridges.ErrNotSent, cause: cause}
}

// failure sorts an error from within a mail, before its end: the server's no for good (RFC
// 5321 section 4.2.1) is a refusal, all else can be tried again.
func failure(ctx context.Context, step string, err error) *Failure {
	f := &Failure{Step: step, kind: bridges.ErrNotSent}
	var answer *textproto.Error
	var broken textproto.ProtocolError
	switch {
	case errors.As(err, &answer):
		f.answer(answer.Code, answer.Msg)
		if answer.Code >= 500 && answer.Code <= 599 {
			f.kind = bridges.ErrRefused
		}
	case ctx.Err() != nil: // the connection was closed because of it
		f.cause = ctx.Err()
	case errors.As(err, &broken): // it quotes what came
		f.cause = errors.New("its answer is not SMTP")
	default:
		f.cause = err
	}
	return f
}

// early sorts an error from before the server heard of any mail. Its no is about us, or
// is that of somebody in between: it says nothing of the mail, which can go later.
func early(ctx context.Context, step string, err error) *Failure {
	f := failure(ctx, step, err)
	f.kind = bridges.ErrNotSent
	return f
}

// answer takes a reply apart. What is no reply of SMTP (whose codes have three
// digits) is not shown as one.
func (f *Failure) answer(code int, text string) {
	f.Code, f.Said = code, bridges.Clean(text, maxSaid)
	f.Enhanced = strings.TrimSpace(regexp.MustCompile(`^[245]\.[0-9]{1,3}\.[0-9]{1,3}( |$)`).FindString(f.Said))
}
