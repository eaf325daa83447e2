package matrix

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"maunium.net/go/mautrix"

	"tocsin/bridges"
)

// keyField marks every event and room of ours with txn(Key), so that it can be
// found again.
const keyField = "org.tocsin.key"

// txn is a key as a transaction id: the same for every try.
func txn(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:16])
}

// within gives a request its time.
func (s *session) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.cfg.Tuning.Request)
}

// status is the homeserver's answer to a request that failed: 0 when there was
// none, or only a part of it.
func status(err error) (code int, errcode string) {
	var e mautrix.HTTPError
	if !errors.As(err, &e) || e.Response == nil || e.WrappedError != nil {
		return 0, ""
	}
	if e.RespError != nil {
		errcode = word(e.RespError.ErrCode)
	}
	return e.Response.StatusCode, errcode
}

// word is an error code as Matrix has them, or nothing.
func word(s string) string {
	if len(s) > 64 || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789.abcdefghijklmnopqrstuvwxyz") != "" {
		return ""
	}
	return s
}

// plainError is an error without the words that a homeserver chose: they may
// quote what we sent.
func plainError(err error) error {
	if code, errcode := status(err); code != 0 {
		return fmt.Errorf("HTTP %d %s", code, errcode)
	}
	var e mautrix.HTTPError
	if errors.As(err, &e) {
		var op *net.OpError
		switch {
		case errors.As(err, &op):
			return op
		case errors.Is(err, context.DeadlineExceeded):
			return errors.New("no answer in time")
		case errors.Is(err, context.Canceled):
			return context.Canceled
		case e.Response != nil:
			return fmt.Errorf("HTTP %d with an answer that cannot be read", e.Response.StatusCode)
		}
		return errors.New("no connection, or it broke off")
	}
	return err
}

// retryAfter is how long a homeserver that had too much of us wants to be left
// alone; 0 when it did not say so.
func retryAfter(err error) time.Duration {
	var e mautrix.HTTPError
	if !errors.As(err, &e) || e.Response == nil || e.Response.StatusCode != http.StatusTooManyRequests {
		return 0
	}
	if e.RespError != nil {
		if ms, ok := e.RespError.ExtraData["retry_after_ms"].(float64); ok && ms > 0 && ms < 1e9 {
			return time.Duration(ms) * time.Millisecond
		}
	}
	if s, err := strconv.Atoi(e.Response.Header.Get("Retry-After")); err == nil && s > 0 && s < 1e6 {
		return time.Duration(s) * time.Second
	}
	return time.Second
}

// outcome is what a failed request to say something means: surely not said, never
// to be said, or unknown. began is whether any of it left this machine.
func outcome(err error, began bool) error {
	code, errcode := status(err)
	plain := plainError(err)
	switch {
	case code == 0 && !began:
		return fmt.Errorf("%w: %w", bridges.ErrNotSent, plain)
	case code == 0, code >= 500, code == http.StatusRequestTimeout, code < 400:
		return fmt.Errorf("it is not known whether it arrived: %w", plain)
	case code == http.StatusRequestEntityTooLarge, code == http.StatusForbidden && errcode != "",
		code == http.StatusBadRequest && errcode != "":
		return fmt.Errorf("%w: %w", bridges.ErrRefused, plain)
	}
	return fmt.Errorf("%w: %w", bridges.ErrNotSent, plain)
}
