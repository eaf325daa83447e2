package github

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/bridges"
)

// Alert is what Dependabot or code scanning found and nobody has dealt with. Texts
// are not cleaned.
type Alert struct {
	sealed

	Number           int
	Level            string // low, medium, high, critical
	Title, URL       string
	Package          string // Dependabot: what is affected
	GHSA, CVE        string // Dependabot: of the package's own advisory
	Rule, Tool       string // code scanning
	Created, Updated time.Time
}

// from lists the levels from one upwards.
func from(level string) ([]string, error) {
	k := slices.Index(Severities(), level)
	if k < 0 {
		return nil, unusable("the level is none of low, medium, high and critical")
	}
	return Severities()[k:], nil
}

// DependabotAlerts reads the open ones of a level or above; Seen is as for
// ListAdvisories. Where they are switched off the error is of kind Forbidden.
// https://docs.github.com/rest/dependabot/alerts#list-dependabot-alerts-for-a-repository
func (c *Client) DependabotAlerts(ctx context.Context, level string, seen *Seen) ([]Alert, error) {
	type wire struct {
		Number   int    `json:"number"`
		URL      string `json:"html_url"`
		Advisory struct {
			GHSA     string `json:"ghsa_id"`
			CVE      string `json:"cve_id"`
			Summary  string `json:"summary"`
			Severity string `json:"severity"`
		} `json:"security_advisory"`
		Vulnerability struct {
			Package wirePackage `json:"package"`
		} `json:"security_vulnerability"`
		Created time.Time `json:"created_at"`
		Updated time.Time `json:"updated_at"`
	}
	levels, err := from(level)
	if err != nil {
		return nil, fmt.Errorf("reading Dependabot's alerts: %w", err)
	}
	var out []Alert
	first := fmt.Sprintf("%s?state=open&severity=%s&per_page=%d", c.part("dependabot", "alerts"), strings.Join(levels, ","), perPage)
	err = walk(ctx, c, first, seen, func(w wire) bool {
		out = append(out, Alert{
			Number: w.Number, Level: w.Advisory.Severity, Title: w.Advisory.Summary, URL: bridges.WebAddress(w.URL), Package: w.Vulnerability.Package.Name,
			GHSA: w.Advisory.GHSA, CVE: w.Advisory.CVE, Created: w.Created.UTC(), Updated: w.Updated.UTC(),
		})
		return w.Number != 0
	})
	if err != nil {
		return nil, fmt.Errorf("reading Dependabot's alerts: %w", err)
	}
	return out, nil
}

// CodeAlerts reads the open ones of code scanning of a level or above. What has no
// level of security is about the quality of code, and left out. Where nothing was
// scanned yet the error is of kind NotFound, where it is switched off Forbidden.
// https://docs.github.com/rest/code-scanning/code-scanning#list-code-scanning-alerts-for-a-repository
func (c *Client) CodeAlerts(ctx context.Context, level string, seen *Seen) ([]Alert, error) {
	type wire struct {
		Number int    `json:"number"`
		URL    string `json:"html_url"`
		Rule   struct {
			ID          string `json:"id"`
			Description string `json:"description"`
			Level       string `json:"security_severity_level"`
		} `json:"rule"`
		Tool struct {
			Name string `json:"name"`
		} `json:"tool"`
		Created time.Time `json:"created_at"`
		Updated time.Time `json:"updated_at"`
	}
	levels, err := from(level)
	if err != nil {
		return nil, fmt.Errorf("reading the alerts of code scanning: %w", err)
	}
	var out []Alert
	err = walk(ctx, c, fmt.Sprintf("%s?state=open&per_page=%d", c.part("code-scanning", "alerts"), perPage), seen, func(w wire) bool {
		if slices.Contains(levels, w.Rule.Level) {
			out = append(out, Alert{
				Number: w.Number, Level: w.Rule.Level, Title: w.Rule.Description, URL: bridges.WebAddress(w.URL), Rule: w.Rule.ID, Tool: w.Tool.Name,
				Created: w.Created.UTC(), Updated: w.Updated.UTC(),
			})
		}
		return w.Number != 0
	})
	if err != nil {
		return nil, fmt.Errorf("reading the alerts of code scanning: %w", err)
	}
	return out, nil
}
