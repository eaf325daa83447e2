package incidents

import "time"

// factOf gives where an incident keeps a fact; nil when there is none of that name.
func factOf(i *Incident, name string) *Sealed {
	return map[string]*Sealed{
		"summary": &i.Summary, "details": &i.Details, "affected": &i.Affected, "fixed": &i.Fixed, "cwe": &i.CWE, "cve": &i.CVE, "ghsa": &i.GHSA,
		"library": &i.Library, "workaround": &i.Workaround, "poc": &i.PoC, "period": &i.Period, "files": &i.Files, "advice": &i.Advice,
	}[name]
}

// RemoveFact takes away a fact that is not so, or not known after all.
func RemoveFact(i Incident, name, who string, now time.Time) (Incident, Entry, error) {
	fact := factOf(&i, name)
	switch {
	case fact == nil:
		return i, Entry{}, Refuse("unknown-key", "kind", "fact", "keys", FactNames())
	case fact.Empty():
		return i, Entry{}, Refuse("fact-not-set", "handle", i.Handle, "fact", Seal(name))
	}
	*fact = Sealed{}
	if name == "cve" {
		i.CVEAt = time.Time{}
	}
	return i, Entry{Kind: "fact-removed", Who: who, At: now, Plain: name}, nil
}
