package incidents

import "time"

// ApprovalLife is how long a request for a second person stands.
const ApprovalLife = time.Hour

// Approval is a request for a second person: one person's act, frozen until
// another one approves it.
type Approval struct {
	Code     string
	Asker    string
	Act      Sealed // the command as it was given, in full
	Incident int    // the incident it is about, or 0
	Version  int    // of the incident when it was asked
	Network  string // where it was shown
	Room     string
	Shown    bool // all of it was said there, or nothing of it is hidden from who hears of it
	Expires  time.Time
	Done     string // "" while open, else approved, voided or expired
}

// Approve judges whether who may approve a now. i is the incident as it is, or
// the zero Incident for an act that concerns none.
func Approve(a Approval, i Incident, who, network, room string, now time.Time) error {
	switch {
	case a.Done != "":
		return Refuse("approval-done", "how", a.Done)
	case !now.Before(a.Expires):
		return Refuse("approval-expired")
	case who == a.Asker:
		return Refuse("approval-self")
	case network != a.Network || room != a.Room:
		return Refuse("approval-elsewhere")
	case !a.Shown:
		return Refuse("approval-unseen", "code", a.Code)
	case a.Incident != 0 && i.Version != a.Version:
		return Refuse("approval-changed", "handle", i.Handle)
	}
	return nil
}
