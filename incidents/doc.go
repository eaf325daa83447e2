// Package incidents holds the nouns of incident response and its rules: what an
// incident is, what a severity means, who may hear what, what is due when.
//
// It is pure: it reads no clock, no file and no network, and knows neither SQL
// nor chat. Rules take the time as an argument and give back a changed value or
// a Refusal.
package incidents
