-- How the look-up of a release on its index stands: the newest one of each release.
CREATE TABLE release_check (
  release    INTEGER PRIMARY KEY REFERENCES release (id),
  n          INTEGER NOT NULL, -- the how many-th of that release; its row in the outbox is of that generation
  state      TEXT NOT NULL,    -- looking, live, gave up or stopped
  by         TEXT NOT NULL,
  begun_at   INTEGER NOT NULL,
  looked_at  INTEGER,          -- when the index answered last
  misses     INTEGER NOT NULL,
  deaf_since INTEGER,
  deaf_told  INTEGER NOT NULL,
  gone_since INTEGER,
  told_at    INTEGER,
  told       TEXT NOT NULL,    -- sealed, and all below
  told_wrong TEXT NOT NULL,
  told_yank  TEXT NOT NULL,
  found      TEXT NOT NULL
) STRICT;
