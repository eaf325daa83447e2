package incidents

import "testing"

func textPlan() Plan {
	return Plan{
		Sections: []Section{
			{Title: "Ours", Text: "Who reads this?"},
			{Number: "1", Title: "Preparation", Text: ""},
			{Number: "1.1", Title: "Support", Text: "Only the latest release."},
			{Number: "7", Title: "Response"},
			{Number: "7.1", Title: "Triage", Text: "For all:\n\n1. **Acknowledge** it:\n   - how\n   - when\n2. Reproduce it. See 9.\n10. The tenth."},
			{Number: "7.4", Title: "Embargoed release", Text: "1. Agree on an embargo date."},
			{Number: "8", Title: "Communication", Text: "The embargo; the embargo; the embargo. Release."},
			{Number: "A", Title: "Templates"},
			{Number: "A.2", Title: "Embargoed notification"},
		},
		Definitions: []Definition{{"Incident Lead", "who leads"}, {"CVE", "a number"}},
	}
}

func TestSectionsByNumber(t *testing.T) {
	p := textPlan()
	for asked, want := range map[string]string{"7.4": "7.4", "7.4.": "7.4", "§7.4": "7.4", "a": "A", "a.2": "A.2", "7": "7", "": "", "9": "", "7.9": ""} {
		if s, ok := p.Section(asked); s.Number != want || ok != (want != "") {
			t.Errorf("%q: %+v", asked, s)
		}
	}
	for asked, want := range map[string]string{
		"7.1.1": "**Acknowledge** it:\n- how\n- when", "7.1.2": "Reproduce it. See 9.", "7.1.10": "The tenth.", "7.1.3": "", "7.1": "", "9.1": "", "": "",
	} {
		if s, ok := p.StepText(asked); s.Text != want || ok != (want != "") {
			t.Errorf("step %q: %q", asked, s.Text)
		}
	}
	if got := p.Below("7"); len(got) != 2 || got[0].Number != "7.1" {
		t.Errorf("below 7: %v", got)
	}
	if got := p.Below(""); len(got) != 4 {
		t.Errorf("the first level: %v", got)
	}
	for asked, want := range map[string]string{
		"7": "7", "7.4": "7.4", "7.4.2.": "7.4.2", "A.1": "A.1", "§ 7": "7", "section 7.4": "7.4", "Appendix a": "a", "step 7.1.3": "7.1.3",
		"embargo": "", "7 days": "", "": "", "section": "", "appendices": "",
	} {
		if got, ok := SectionNumber(asked); got != want || ok != (want != "") {
			t.Errorf("%q is the number %q", asked, got)
		}
	}
}

func TestFindSections(t *testing.T) {
	p := textPlan()
	for asked, want := range map[string]string{
		"embargo":              "7.4", // in a heading, and in the text
		"EMBARGOED":            "7.4",
		"embargo release":      "7.4",
		"embargo notification": "A.2",
		"triage":               "7.1",
		"latest release":       "1.1",
		"agree on a date":      "7.4",
		"reproduce":            "7.1",
		"who reads":            "",
		"communication, then":  "8",
	} {
		got := p.FindSections(asked)
		if len(got) == 0 || got[0].Number != want {
			t.Errorf("%q finds %v, want %q", asked, got, want)
		}
	}
	for _, asked := range []string{"zebra", "", "!?", "s"} {
		if got := p.FindSections(asked); len(got) != 0 {
			t.Errorf("%q finds %v", asked, got)
		}
	}
}

func TestDefine(t *testing.T) {
	for asked, want := range map[string]string{"cve": "CVE", "CVEs": "CVE", "incident  lead": "Incident Lead", "lead": "", "": ""} {
		if d, ok := textPlan().Define(asked); d.Term != want || ok != (want != "") {
			t.Errorf("%q: %+v", asked, d)
		}
	}
}
