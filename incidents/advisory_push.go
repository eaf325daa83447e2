package incidents

// PickPush picks the fields of a comparison that are to be written to the advisory: one,
// or with "" all that changed here. It refuses what would overwrite what nobody saw,
// unless over says that it is to be, and what GitHub would not take.
func PickPush(i Incident, a Advisory, both []Both, field string, over bool) ([]Both, error) {
	var out, clash []Both
	for _, b := range both {
		if field != "" && b.Field != field {
			continue
		}
		switch b.State {
		case SyncOurs:
			out = append(out, b)
		case SyncConflict:
			if over {
				out = append(out, b)
			} else {
				clash = append(clash, b)
			}
		case SyncTheirs:
			switch {
			case field == "" || b.Ours.Empty() && b.Field != "description":
			case b.Ours.Empty():
				return nil, Refuse("advisory-lacks", "handle", i.Handle)
			case over:
				out = append(out, b)
			default:
				return nil, Refuse("advisory-theirs", "handle", i.Handle, "field", field, "theirs", b.Theirs)
			}
		}
	}
	for _, b := range out {
		if err := Writable(i, a, b); err != nil {
			return nil, err
		}
	}
	switch {
	case len(clash) > 0:
		for k, b := range clash {
			if b.Field == "description" {
				clash[k].Ours, clash[k].Theirs = Sized(b.Ours), Sized(b.Theirs)
			}
		}
		return nil, Refuse("advisory-conflict", "handle", i.Handle, "fields", BothFacts(clash))
	case len(out) == 0:
		return nil, Refuse("advisory-same", "field", field)
	}
	return out, nil
}

// Writable refuses a field that GitHub would not take.
func Writable(i Incident, a Advisory, b Both) error {
	switch b.Field {
	case "affected":
		if _, ok := GitHubRange(word(b.Ours)); !ok {
			return Refuse("advisory-range", "handle", i.Handle, "affected", i.Affected)
		}
	case "severity":
		if i.Vector.Empty() && !a.Vector.Empty() {
			return Refuse("advisory-level", "handle", i.Handle)
		}
	}
	return nil
}
