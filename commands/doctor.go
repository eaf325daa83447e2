package commands

import (
	"tocsin/incidents"
	"tocsin/incidents/store"
)

func doctor() Command {
	return Command{
		Words: "doctor", About: Every, Needs: Notices, Reads: true,
		Does: "look at everything that can be wrong before an incident: tokens, rooms, people, keys, clock, disk, backup",
		Run: func(c *Call) (Reply, error) {
			l := c.Line
			queued, err := c.Tx.QueueDoctor(store.Row{
				Key: AnswerKey(l.Message), Network: l.Room.Network, Room: l.Room.ID, Direct: l.Room.Direct,
				ReplyTo: l.ID, Thread: l.Thread, Asker: l.From.ID,
			})
			return Reply{Template: "doctor/looking", Facts: incidents.Facts{"again": !queued}}, err
		},
	}
}
