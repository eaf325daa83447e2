-- Who outside is to be told of an incident, was told, and answered. Who it is tells
-- what sort of incident it is: all text is sealed but who of the project noted it.
CREATE TABLE notice (
  incident INTEGER NOT NULL REFERENCES incident (n),
  key      TEXT NOT NULL, -- sealed: of the plan's map, or a name
  name     TEXT NOT NULL, -- sealed: of who was added; '' where the plan has it
  contact  TEXT NOT NULL, -- sealed: likewise
  added_by TEXT NOT NULL, -- '' where nobody had to
  added_at INTEGER,
  sent_at  INTEGER,
  sent_by  TEXT NOT NULL,
  via      TEXT NOT NULL, -- sealed
  note     TEXT NOT NULL, -- sealed
  heard_at INTEGER,
  heard_by TEXT NOT NULL,
  answer   TEXT NOT NULL, -- sealed
  PRIMARY KEY (incident, key)
) STRICT;
