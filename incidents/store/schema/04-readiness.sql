-- What is due by the calendar, and not for one incident: where each schedule of the
-- plan stands.
CREATE TABLE schedule (
  key    TEXT PRIMARY KEY,
  number INTEGER NOT NULL, -- how often it rang
  due    INTEGER,          -- the newest instant of the calendar that it rang for
  rung   INTEGER,          -- that, or a repetition of it
  next   INTEGER,          -- when it rings next; NULL: never
  done   INTEGER NOT NULL  -- 1: what was due then was done
) STRICT, WITHOUT ROWID;

-- When each person was heard last, in any room of the bot or directly.
CREATE TABLE presence (
  person   TEXT PRIMARY KEY,
  heard_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE away (
  id       INTEGER PRIMARY KEY,
  person   TEXT NOT NULL,
  from_at  INTEGER NOT NULL,
  until_at INTEGER NOT NULL,
  by       TEXT NOT NULL,
  at       INTEGER NOT NULL,
  ended_at INTEGER -- they came back earlier, or took it back
) STRICT;
CREATE INDEX away_now ON away (until_at) WHERE ended_at IS NULL;

-- Readiness reviews, one open at a time.
CREATE TABLE review (
  id       INTEGER PRIMARY KEY,
  by       TEXT NOT NULL,
  at       INTEGER NOT NULL,
  ended_by TEXT NOT NULL,
  ended_at INTEGER,
  note     TEXT NOT NULL -- sealed
) STRICT;
CREATE UNIQUE INDEX review_open ON review ((1)) WHERE ended_at IS NULL;

-- Who said in a review that they are here.
CREATE TABLE review_here (
  review INTEGER NOT NULL REFERENCES review (id),
  person TEXT NOT NULL,
  at     INTEGER NOT NULL,
  PRIMARY KEY (review, person)
) STRICT, WITHOUT ROWID;

-- That somebody checked a contact of the plan.
CREATE TABLE contact_check (
  id      INTEGER PRIMARY KEY,
  contact TEXT NOT NULL,
  at      INTEGER NOT NULL,
  by      TEXT NOT NULL,
  note    TEXT NOT NULL -- sealed
) STRICT;
CREATE INDEX contact_checked ON contact_check (contact, id);

-- Credentials that end some day, by name only.
CREATE TABLE token (
  name    TEXT PRIMARY KEY, -- sealed
  expires INTEGER NOT NULL,
  by      TEXT NOT NULL,
  at      INTEGER NOT NULL
) STRICT;

-- The clocks that run, by key: which incidents a lead's word concerns.
CREATE INDEX clock_running ON clock (key, incident) WHERE runs = 1;
