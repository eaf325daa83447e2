-- How the response to an incident stands: what the clocks and the checklist are
-- derived from, besides the incident itself. An incident from before has no row:
-- nothing of this is known of it.
CREATE TABLE response (
  incident       INTEGER PRIMARY KEY REFERENCES incident (n),
  level_at       INTEGER,
  cve_at         INTEGER,
  wild_at        INTEGER, -- sealed, though a time
  public_at      INTEGER, -- sealed, though a time
  update_at      INTEGER,
  policy_at      INTEGER,
  lead_since     INTEGER,
  embargo        TEXT NOT NULL, -- its state, or ''
  embargo_at     INTEGER,
  embargo_zone   TEXT NOT NULL,
  embargo_agreed INTEGER,
  embargo_ended  INTEGER,
  handoff_to     TEXT NOT NULL,
  handoff_from   TEXT NOT NULL,
  handoff_by     TEXT NOT NULL,
  handoff_at     INTEGER,
  track          TEXT NOT NULL, -- sealed, and all below
  reach          TEXT NOT NULL,
  policy         TEXT NOT NULL
) STRICT;

-- What became of the steps of the checklist. One that was taken back is not here;
-- the record has it.
CREATE TABLE step (
  incident INTEGER NOT NULL REFERENCES incident (n),
  key      TEXT NOT NULL, -- sealed: it tells what sort of incident it is
  state    TEXT NOT NULL,
  at       INTEGER NOT NULL,
  who      TEXT NOT NULL,
  note     TEXT NOT NULL, -- sealed
  PRIMARY KEY (incident, key)
) STRICT, WITHOUT ROWID;

-- Clocks that were put off.
CREATE TABLE snooze (
  incident INTEGER NOT NULL REFERENCES incident (n),
  clock    TEXT NOT NULL,
  until    INTEGER NOT NULL,
  due      INTEGER NOT NULL, -- of the clock then: one that moved since is not put off
  who      TEXT NOT NULL,
  why      TEXT NOT NULL, -- sealed
  PRIMARY KEY (incident, clock)
) STRICT, WITHOUT ROWID;
