-- How a release stands, besides its version and when it was live. A row without
-- planned_at was not planned here: it is known because it was yanked.
ALTER TABLE release ADD COLUMN planned_at INTEGER;
ALTER TABLE release ADD COLUMN planned_by TEXT NOT NULL DEFAULT '';
ALTER TABLE release ADD COLUMN yanked_at INTEGER;
ALTER TABLE release ADD COLUMN yanked_by TEXT NOT NULL DEFAULT '';
ALTER TABLE release ADD COLUMN yanked_why TEXT NOT NULL DEFAULT ''; -- sealed

-- The other incident of the same release that a step was said of; 0: this one.
ALTER TABLE step ADD COLUMN along INTEGER NOT NULL DEFAULT 0;

-- The ledger of known-good tags. Lines are only ever added.
CREATE TABLE tag (
  n    INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE, -- sealed: it tells of a release before its time
  sha  TEXT NOT NULL,        -- sealed
  at   INTEGER NOT NULL,
  who  TEXT NOT NULL
) STRICT;
CREATE TRIGGER tag_keeps BEFORE UPDATE ON tag
BEGIN SELECT RAISE(ABORT, 'the ledger of tags is never changed'); END;
CREATE TRIGGER tag_stays BEFORE DELETE ON tag
BEGIN SELECT RAISE(ABORT, 'the ledger of tags is never shortened'); END;
