package matrix

import (
	"fmt"
	"testing"
)

// BenchmarkRead reads the state of a room with fifty people.
func BenchmarkRead(b *testing.B) {
	var more []string
	for i := range 50 {
		user := fmt.Sprintf("@user%d:hs.test", i)
		more = append(more, entry("m.room.member", user, user, `{"membership":"join","displayname":"Somebody With A Name","avatar_url":"mxc://hs.test/abcdefghijklmnopqrstuvwxyz"}`))
	}
	body := stateOfRoom(more...)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := read(body, bot, "!room:hs.test"); !ok {
			b.Fatal("cannot be read")
		}
	}
}
