-- Whom a text for people outside was for, where several get one of the same kind.
ALTER TABLE sending ADD COLUMN name TEXT NOT NULL DEFAULT ''; -- sealed

-- The further times that somebody outside was told of an incident: the first one
-- stands in notice. Nothing is ever taken back.
CREATE TABLE telling (
  id       INTEGER PRIMARY KEY,
  incident INTEGER NOT NULL REFERENCES incident (n),
  key      TEXT NOT NULL, -- sealed: as in notice
  at       INTEGER NOT NULL,
  by       TEXT NOT NULL,
  via      TEXT NOT NULL, -- sealed
  note     TEXT NOT NULL  -- sealed
) STRICT;
CREATE INDEX telling_of_incident ON telling (incident, id);

-- When the embargo got another date than the one that people had been told.
ALTER TABLE response ADD COLUMN embargo_moved INTEGER;
