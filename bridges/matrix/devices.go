package matrix

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/bridges"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/id"
)

// What was told about devices, for good.
const (
	keptDevice   = "device/"   // + account/device
	keptIdentity = "identity/" // + account: the key that it was told about
)

// devices is what is known of somebody's devices.
type devices struct {
	signed   int
	unsigned []id.DeviceID
	identity id.Ed25519 // "" when there is none
	reset    bool       // it is not the one that we first knew
}

// listed is told whose devices changed. The library has asked for them anew.
func (r *rooms) listed(ctx context.Context, s *session, changed []id.UserID) {
	for _, who := range changed {
		r.mu.Lock()
		delete(r.devices, who)
		concerns := who != r.me && r.speaker(who) && r.meets(who)
		self := who == r.me
		r.mu.Unlock()
		for _, roomID := range r.shared(who) {
			r.rotate(ctx, s, roomID) // a device that is signed now gets the next key
		}
		if concerns {
			r.inspect(who)
		}
		if self {
			r.inspectSelf()
		}
	}
}

// meets says whether somebody can read in a room of ours or a direct one. The lock
// is held.
func (r *rooms) meets(who id.UserID) bool {
	for _, rm := range r.all {
		if _, there := rm.facts.people[who]; there && rm.in {
			return true
		}
	}
	return false
}

// acquaint learns the devices of those who can read in a room, before the first
// words for them are to be encrypted.
func (r *rooms) acquaint(s *session, roomID id.RoomID) {
	if s.mach == nil {
		return
	}
	for _, who := range r.people(roomID) {
		if r.speaker(who) {
			r.inspect(who)
		}
	}
}

// inspect looks at somebody's devices when there is time.
func (r *rooms) inspect(who id.UserID) {
	r.errands.add("devices "+who.String(), func(ctx context.Context) bool {
		s := r.session()
		if s == nil || s.mach == nil {
			return false
		}
		tracked, err := s.mach.CryptoStore.FilterTrackedUsers(ctx, []id.UserID{who})
		if err == nil && (len(tracked) == 0 || s.unsettled(who)) {
			within, cancel := s.within(ctx)
			_, err = s.fetchKeys(within, []id.UserID{who}, true)
			cancel()
		}
		if err != nil {
			return false
		}
		d, err := r.known(ctx, s, who)
		if err != nil {
			return false
		}
		if d != nil && (d.reset || len(d.unsigned) > 0) {
			// Somebody who logs in anew signs the device in the next moments.
			r.errands.addAt("warn "+who.String(), time.Now().Add(r.b.cfg.Tuning.KeyWait), func(ctx context.Context) bool {
				r.mu.Lock()
				delete(r.devices, who)
				r.mu.Unlock()
				d, err := r.known(ctx, s, who)
				return err == nil && (d == nil || r.warn(ctx, who, d))
			})
		}
		return true
	})
}

// inspectSelf looks at the devices of our own account: ours is to be signed, and
// others are not to be there.
func (r *rooms) inspectSelf() {
	r.errands.add("devices "+r.me.String(), func(ctx context.Context) bool {
		s := r.session()
		if s == nil {
			return false
		}
		within, cancel := s.within(ctx)
		defer cancel()
		got, err := s.cli.QueryKeys(within, &mautrix.ReqQueryKeys{DeviceKeys: mautrix.DeviceKeysRequest{r.me: {}}})
		if err != nil {
			return definite(err)
		}
		ok := true
		if device := s.cli.DeviceID; !signed(got, r.me, device) {
			ok = r.once(ctx, keptDevice+r.me.String()+"/"+device.String(), "unsigned", r.me, fmt.Sprintf(
				"My own device %s is not signed, so that people's clients may send me no keys. Stop me and run `bot login matrix` with the recovery key.", device))
		}
		for device := range got.DeviceKeys[r.me] {
			if device != s.cli.DeviceID {
				ok = r.once(ctx, keptDevice+r.me.String()+"/"+device.String(), "1", r.me, fmt.Sprintf(
					"Somebody is logged in to my account with the device %s. If you do not know it, change my password and log it out.",
					clean(device.String()))) && ok
			}
		}
		return ok
	})
}

// known is what the key store has of somebody's devices; nil when it has nothing
// yet.
func (r *rooms) known(ctx context.Context, s *session, who id.UserID) (*devices, error) {
	r.mu.Lock()
	d := r.devices[who]
	r.mu.Unlock()
	if d != nil {
		return d, nil
	}
	tracked, err := s.mach.CryptoStore.FilterTrackedUsers(ctx, []id.UserID{who})
	if err != nil || len(tracked) == 0 || s.unsettled(who) {
		return nil, err
	}
	s.devices.RLock() // not while half of it is stored
	defer s.devices.RUnlock()
	got, err := s.mach.GetCachedDevices(ctx, who)
	if err != nil {
		return nil, err
	}
	d = &devices{}
	if m := got.MasterKey; m != nil {
		d.identity, d.reset = m.Key, m.Key != m.First && !got.MasterKeySignedByUs
	}
	for _, one := range got.Devices {
		if trust, err := s.mach.ResolveTrustContext(ctx, one); err != nil {
			return nil, err
		} else if trust >= id.TrustStateCrossSignedTOFU {
			d.signed++
		} else {
			d.unsigned = append(d.unsigned, one.DeviceID)
		}
	}
	r.mu.Lock()
	r.devices[who] = d
	r.mu.Unlock()
	return d, nil
}

// warn tells the desk, once for good, of what gets no keys.
func (r *rooms) warn(ctx context.Context, who id.UserID, d *devices) bool {
	name := clean(who.String())
	one, none := "gets no keys and is not obeyed", "gets keys or is obeyed"
	if r.b.cfg.ObeyUnsigned {
		one, none = "gets no keys", "gets keys"
	}
	if d.reset {
		return r.once(ctx, keptIdentity+who.String(), d.identity.String(), who, fmt.Sprintf(
			"The identity of %s was reset: none of its devices %s. Ask its owner in another way, then stop me and say: bot trust %s", name, none, name))
	}
	if d.identity == "" && len(d.unsigned) > 0 {
		return r.once(ctx, keptDevice+who.String()+"/", "1", who, fmt.Sprintf(
			"%s has not set up verification (cross-signing), so none of its devices %s. Set it up in the client's security settings.", name, none))
	}
	ok := true
	for _, device := range d.unsigned {
		ok = r.once(ctx, keptDevice+who.String()+"/"+device.String(), "1", who, fmt.Sprintf(
			"%s has a device %s that it has not signed: the device %s. If it is yours, verify it; if not, log it out.",
			name, clean(device.String()), one)) && ok
	}
	return ok
}

// once tells the desk unless the same was told before, over restarts too. It is
// false when that is not known.
func (r *rooms) once(ctx context.Context, key, value string, who id.UserID, told string) bool {
	kept, err := r.kept(ctx, key)
	if err != nil {
		return false
	}
	r.mu.Lock()
	known := kept[key] == value || r.unkept[key] == value
	r.mu.Unlock()
	if known {
		return true
	}
	r.keep(ctx, map[string]string{key: value})
	r.b.cfg.Log.Warn("matrix: devices", "account", who, "told", strings.TrimPrefix(key, keptDevice))
	r.b.event(ctx, bridges.Event{Kind: bridges.Trouble, Who: bridges.Account{Network: r.b.cfg.Name, ID: who.String()}, Told: told})
	return true
}

// receivers counts the devices that get the keys of what is said for these people,
// and says it in a sentence with those that get none.
func (r *rooms) receivers(ctx context.Context, s *session, people []id.UserID) (n int, told string) {
	var without []string
	unknown := 0
	for _, who := range people {
		var d *devices
		var err error
		if s.mach != nil {
			d, err = r.known(ctx, s, who)
		}
		switch {
		case err != nil || d == nil:
			unknown++
		default:
			n += d.signed
			if k := len(d.unsigned); k > 0 {
				without = append(without, count(k, "device")+" of "+clean(who.String()))
			}
		}
	}
	told = fmt.Sprintf("%s of %s get the keys.", count(n, "device"), count(len(people), "person"))
	if n == 1 {
		told = fmt.Sprintf("%s of %s gets the keys.", count(n, "device"), count(len(people), "person"))
	}
	if len(without) > 0 {
		told += " No keys for what is not signed: " + list(without) + "."
	}
	if unknown > 0 {
		told += fmt.Sprintf(" The devices of %s are not known yet.", count(unknown, "person"))
	}
	return n, told
}

func count(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case what == "person":
		what = "people"
	default:
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// list joins what is to be enumerated; of many only the first are named.
func list(all []string) string {
	if len(all) > 5 {
		all = append(slices.Clone(all[:5]), fmt.Sprintf("and %d others", len(all)-5))
	}
	return strings.Join(all, ", ")
}
