-- One row per incident: its present. Instants are milliseconds since 1970, UTC.
-- Columns that hold sealed text are named in the comment at their end.

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

CREATE TABLE incident (
  n             INTEGER PRIMARY KEY,
  codename      TEXT NOT NULL,
  version       INTEGER NOT NULL,
  plan_hash     TEXT NOT NULL,
  phase         TEXT NOT NULL,
  level         TEXT NOT NULL,
  opener        TEXT NOT NULL,
  opened_at     INTEGER NOT NULL,
  reported_at   INTEGER NOT NULL,
  reported_zone TEXT NOT NULL,
  ack_at        INTEGER,
  closed_at     INTEGER,
  type          TEXT NOT NULL, -- sealed, and all below
  source        TEXT NOT NULL,
  title         TEXT NOT NULL,
  vector        TEXT NOT NULL,
  score         TEXT NOT NULL,
  score_level   TEXT NOT NULL,
  reason        TEXT NOT NULL,
  summary       TEXT NOT NULL,
  details       TEXT NOT NULL,
  affected      TEXT NOT NULL,
  fixed         TEXT NOT NULL,
  cwe           TEXT NOT NULL,
  cve           TEXT NOT NULL,
  outcome       TEXT NOT NULL,
  closing       TEXT NOT NULL,
  ack_via       TEXT NOT NULL
) STRICT;
CREATE INDEX incident_open ON incident (n) WHERE phase <> 'closed';
CREATE INDEX incident_closed ON incident (n) WHERE phase = 'closed';

CREATE TABLE role (
  incident INTEGER NOT NULL REFERENCES incident (n),
  role     TEXT NOT NULL,
  person   TEXT NOT NULL,
  PRIMARY KEY (incident, role)
) STRICT, WITHOUT ROWID;

-- A version that carries the fixes of one or more incidents.
CREATE TABLE release (
  id      INTEGER PRIMARY KEY,
  version TEXT NOT NULL UNIQUE, -- sealed
  live_at INTEGER
) STRICT;

CREATE TABLE release_incident (
  release  INTEGER NOT NULL REFERENCES release (id),
  incident INTEGER NOT NULL REFERENCES incident (n),
  PRIMARY KEY (release, incident)
) STRICT, WITHOUT ROWID;
CREATE INDEX release_of_incident ON release_incident (incident);

-- The record. Entries are only ever added, each chained to the one before it.
CREATE TABLE timeline (
  seq      INTEGER PRIMARY KEY,
  incident INTEGER REFERENCES incident (n),
  at       INTEGER NOT NULL,
  who      TEXT NOT NULL,
  kind     TEXT NOT NULL,
  plain    TEXT NOT NULL,
  text     TEXT NOT NULL, -- sealed
  commits  TEXT NOT NULL, -- of personal values
  hash     TEXT NOT NULL
) STRICT;
CREATE INDEX timeline_of_incident ON timeline (incident, seq);
CREATE TRIGGER timeline_keeps BEFORE UPDATE ON timeline
BEGIN SELECT RAISE(ABORT, 'the timeline is never changed'); END;
CREATE TRIGGER timeline_stays BEFORE DELETE ON timeline
BEGIN SELECT RAISE(ABORT, 'the timeline is never shortened'); END;

-- Values that belong to people outside. The record holds only the hash of salt
-- and value; erasing both leaves the chain whole.
CREATE TABLE personal (
  id       INTEGER PRIMARY KEY,
  incident INTEGER NOT NULL REFERENCES incident (n),
  seq      INTEGER NOT NULL REFERENCES timeline (seq),
  field    TEXT NOT NULL,
  hash     TEXT NOT NULL,
  salt     BLOB,
  value    TEXT -- sealed; NULL when it was erased
) STRICT;
CREATE INDEX personal_of_incident ON personal (incident, id);

-- What is due. Derived in the transaction of every change; a clock that stops
-- stays here for its generation.
CREATE TABLE clock (
  incident   INTEGER NOT NULL REFERENCES incident (n),
  key        TEXT NOT NULL,
  generation INTEGER NOT NULL,
  runs       INTEGER NOT NULL,
  due        INTEGER NOT NULL,
  ladder     TEXT NOT NULL, -- the rungs and the repeat, to see whether it changed
  next_rung  INTEGER NOT NULL,
  PRIMARY KEY (incident, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX clock_next ON clock (next_rung) WHERE runs = 1;

-- Everything that is to be said or done. Never deleted.
CREATE TABLE outbox (
  id         INTEGER PRIMARY KEY,
  key        TEXT NOT NULL UNIQUE,
  kind       TEXT NOT NULL,
  network    TEXT NOT NULL,
  room       TEXT NOT NULL,
  direct     INTEGER NOT NULL,
  reply_to   TEXT NOT NULL,
  thread     TEXT NOT NULL,
  asker      TEXT NOT NULL, -- the account that a long answer goes to, or ''
  mentions   TEXT NOT NULL, -- people, by name
  tone       INTEGER NOT NULL,
  template   TEXT NOT NULL,
  facts      TEXT NOT NULL, -- sealed; '' for a reminder, and once it was said
  incident   INTEGER REFERENCES incident (n),
  harmless   INTEGER NOT NULL, -- 1: it speaks of no incident at all
  clock      TEXT NOT NULL,
  generation INTEGER NOT NULL,
  rung       INTEGER NOT NULL,
  due        INTEGER NOT NULL,
  next_try   INTEGER NOT NULL,
  tries      INTEGER NOT NULL,
  trying     INTEGER NOT NULL, -- 1 between a try and its result
  state      TEXT NOT NULL, -- due, unknown, sent, refused, overtaken, passed on
  done_at    INTEGER,
  sent_id    TEXT NOT NULL,
  error      TEXT NOT NULL
) STRICT;
CREATE INDEX outbox_due ON outbox (network, next_try, id) WHERE state IN ('due', 'unknown');
CREATE INDEX outbox_of_incident ON outbox (incident, id) WHERE facts <> '';
CREATE TRIGGER outbox_stays BEFORE DELETE ON outbox
BEGIN SELECT RAISE(ABORT, 'outbox rows are never deleted'); END;

-- The messages that were heard: each is obeyed once, or never when person is ''.
CREATE TABLE heard (
  network TEXT NOT NULL,
  id      TEXT NOT NULL,
  at      INTEGER NOT NULL,
  person  TEXT NOT NULL,
  PRIMARY KEY (network, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE approval (
  id       INTEGER PRIMARY KEY,
  code     TEXT NOT NULL,
  asker    TEXT NOT NULL,
  act      TEXT NOT NULL, -- sealed
  incident INTEGER REFERENCES incident (n),
  version  INTEGER NOT NULL,
  hash     TEXT NOT NULL,
  network  TEXT NOT NULL,
  room     TEXT NOT NULL,
  expires  INTEGER NOT NULL,
  done     TEXT NOT NULL, -- '', approved, voided or expired
  done_by  TEXT NOT NULL,
  done_at  INTEGER
) STRICT;
CREATE UNIQUE INDEX approval_open ON approval (code) WHERE done = '';

CREATE TABLE suspension (
  id        INTEGER PRIMARY KEY,
  person    TEXT NOT NULL,
  at        INTEGER NOT NULL,
  by        TEXT NOT NULL,
  lifted_at INTEGER,
  lifted_by TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX suspension_now ON suspension (person) WHERE lifted_at IS NULL;
