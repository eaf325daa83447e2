package main

import (
	"time"

	"tocsin/bridges"
	"tocsin/bridges/calendar"
	"tocsin/incidents"
)

// appointment makes the file of a row that asks for "ics", from facts that were opened:
// the seed, the number, the sequence and the moment, and whether it is off.
func appointment(project string) func(incidents.Facts) (*bridges.File, error) {
	return func(f incidents.Facts) (*bridges.File, error) {
		e := calendar.Event{Project: project}
		e.Seed, _ = f["seed"].(string)
		e.Number, _ = f["number"].(int)
		e.Sequence, _ = f["sequence"].(int)
		e.Start, _ = f["embargoat"].(time.Time)
		e.Stamp, _ = f["now"].(time.Time)
		e.Cancelled, _ = f["embargoover"].(bool)
		data, err := calendar.File(e)
		if err != nil {
			return nil, err
		}
		return &bridges.File{Name: e.Name(), Type: calendar.Type, Data: data}, nil
	}
}
