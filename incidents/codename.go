package incidents

import (
	"fmt"
	"hash/fnv"
	"strings"
)

// Codename gives the neutral name of incident n: it says nothing about the
// incident and does not repeat within the first 1024. The seed is the store's
// own, so that two projects do not share names.
func Codename(seed string, n int) string {
	h := fnv.New64a()
	h.Write([]byte(seed))
	s := h.Sum64()
	first, second := strings.Fields(adjectives), strings.Fields(nouns)
	names := len(first) * len(second)
	// An odd factor and a power of two: a permutation of all the pairs.
	k := (uint64(n)*(s<<1|1) + s>>33) % uint64(names)
	name := first[k%uint64(len(first))] + " " + second[k/uint64(len(first))]
	if round := n / names; round > 0 {
		name += fmt.Sprintf(" %d", round+1)
	}
	return name
}

// Thirty-two each: a power of two.
const adjectives = "amber brisk calm dusty early faint gentle hazel ivory jolly keen late mellow narrow oaken pale " +
	"quiet round silver tidy upper velvet warm young autumn brass copper distant even frosty grassy humble"

const nouns = "anchor bridge candle dune engine ferry garden harbour island jetty kettle lantern meadow needle orchard pebble " +
	"quarry river saddle tower umbrella valley willow yard acorn basket comet drum ember falcon glacier heron"
