package commands

import (
	"strings"

	"tocsin/incidents"
	"tocsin/incidents/store"
	"tocsin/templates"
)

// typedWords reads the words that somebody puts in the place of a draft's.
func (c *Call) typedWords(k templates.DraftKind) (store.Words, error) {
	w := store.Words{Kind: k.Key, By: c.Who.Name, At: c.now, For: c.Sealed("NAME"), Subject: c.Sealed("SUBJECT")}
	body := c.Str("text")
	typedLines := strings.Contains(body, "\n")
	if !typedLines { // a console and IRC have one line
		body = strings.ReplaceAll(body, `\n`, "\n")
	}
	if c.Has("SUBJECT") && (k.Channel == templates.ByMastodon || k.Channel == templates.ByNotes) {
		return w, incidents.Refuse("draft-no-subject", "draft", incidents.Seal(k.Key))
	}
	for {
		line, rest, _ := strings.Cut(body, "\n")
		name, value, ok := strings.Cut(line, ":")
		name, value = small(strings.TrimSpace(name)), strings.TrimSpace(value)
		if !ok || name != "subject" && name != "for" || value == "" {
			break
		}
		into := &w.Subject
		if name == "for" {
			into = &w.For
		} else if k.Channel == templates.ByMastodon || k.Channel == templates.ByNotes {
			return w, incidents.Refuse("draft-no-subject", "draft", incidents.Seal(k.Key))
		}
		clean, err := incidents.CleanLine(value, maxTitle)
		if err != nil {
			return w, err
		}
		*into, body = incidents.Seal(clean), strings.TrimLeft(rest, "\n")
	}
	if !typedLines && (k.Channel == templates.ByMail || k.Channel == templates.ByNotes) {
		body = templates.Wrap(body, templates.Columns)
	}
	if strings.TrimSpace(body) == "" {
		return w, incidents.Refuse("empty")
	}
	w.Body = incidents.Seal(incidents.Neutral(body))
	return w, nil
}

// overText gives words with what stays of the text that they are put in the place of:
// its subject, where no other was typed, and the text itself where they add to it.
func (c *Call) overText(k templates.DraftKind, w store.Words) (store.Words, error) {
	subject := w.Subject.Empty() && k.Channel != templates.ByMastodon
	if !subject && !c.Has("more") {
		return w, nil
	}
	t, err := c.text(k, use{})
	if err != nil {
		return w, err
	}
	if subject {
		w.Subject = t.Subject
	}
	if body := c.open(t.Body) + "\n\n" + c.open(w.Body); c.Has("more") {
		if _, err := incidents.CleanText(body, maxText); err != nil {
			return w, err
		}
		w.Body = incidents.Seal(body)
	}
	return w, nil
}
