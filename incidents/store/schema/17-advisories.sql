-- The advisories on GitHub, as they were when they were looked at last.
CREATE TABLE advisory (
  ghsa        TEXT PRIMARY KEY,                    -- sealed
  incident    INTEGER REFERENCES incident (n),     -- whose it is; NULL: nobody's
  seen        TEXT NOT NULL,                       -- sealed: what it said
  agreed      TEXT NOT NULL,                       -- sealed: what it and the incident had in common last
  global_at   INTEGER,                             -- since when it is seen in the global database
  global_told INTEGER NOT NULL DEFAULT 0           -- how often it was told that it is not there
) STRICT;
CREATE INDEX advisory_of_incident ON advisory (incident);
