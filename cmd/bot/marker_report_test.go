package main

import "tocsin/incidents"

// markedMap is a map whose names of those who are told give an incident away. It knows
// no library, so that the fact of that name can be a marker; what is said of libraries
// is public.
func markedMap() incidents.DepMap {
	return incidents.DepMap{
		Downstream: []incidents.Downstream{{
			Key: "qzxdown", Name: "Qzx downstream", Kind: incidents.Distribution, Package: "qzx-package", Contact: "qzx-reach", If: "qzx-if", Listed: true, Early: true, Section: "9.3",
		}},
		File: "dependencies.json", Versions: []incidents.Version{{Name: "plain", Version: "1.0"}, {Name: "other", Version: "2.0"}},
	}
}

// reportLines gives the lines of the commands of notices, dependencies and reports, see
// everyLine.
func reportLines() map[string][]string {
	return map[string][]string{
		"notify list":     {"!notify list INC-1", "!notify list INC-2", "!notify list"},
		"notify add":      {"!notify add INC-1 qzx-added qzx-reach", "!notify add INC-1 qzxdown qzx-reach", "!notify add INC-1 qzx"},
		"notify sent":     {"!notify sent INC-1 qzxdown qzx-note --via qzx-via", "!notify sent INC-1 qzx-nobody", "!notify sent INC-1 qzx-added"},
		"notify answered": {"!notify answered INC-1 qzx-added qzx-note", "!notify answered INC-1 qzx-nobody", "!notify list INC-1", "!timeline INC-1 9"},
		"deps":            {"!deps plainlib", "!deps PLAIN", "!deps qzx"},
		"deps list":       {"!deps list"},
		"deps drift":      {"!deps drift"},
		"report":          {"!report INC-1", "!report INC-2", "!report", "!report INC-1 qzx"},
		"report public":   {"!report public INC-1", "!report public INC-2"},
		"stats":           {"!stats", "!stats qzx"},
	}
}
