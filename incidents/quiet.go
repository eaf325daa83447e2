package incidents

import "time"

// The hours of a person's own night, in which nobody is called for what can wait.
const (
	nightFrom = 23
	nightTo   = 7
)

// MayCall reports whether a reminder of something that is due then may call a
// person now: from 23:00 to 07:00 of their own time only what is Critical, or what
// would be overdue by their coming 07:00, does. zone is where the person is, nil
// is UTC; a zero due is due at no time. Hours are those that the clocks there show,
// whatever daylight saving does to them.
func MayCall(zone *time.Location, now time.Time, critical bool, due time.Time) bool {
	if zone == nil {
		zone = time.UTC
	}
	local := now.In(zone)
	if h := local.Hour(); critical || (h >= nightTo && h < nightFrom) {
		return true
	}
	return !due.IsZero() && !due.After(morning(local))
}

// morning gives the coming 07:00 of a local time: strictly after it. Where a whole
// day was left out of the calendar, it is that of the day after.
func morning(local time.Time) time.Time {
	y, m, d := local.Date()
	for n := 0; ; n++ {
		if at := time.Date(y, m, d+n, nightTo, 0, 0, 0, local.Location()); at.After(local) {
			return at
		}
	}
}
