-- Patches that were uploaded in a room, for letters to people outside. They go when
-- the reporter is forgotten: a patch may name them.
CREATE TABLE patch (
  incident INTEGER NOT NULL REFERENCES incident (n),
  name     TEXT NOT NULL, -- sealed
  body     TEXT NOT NULL, -- sealed: UTF-8, byte for byte as it was uploaded
  sha256   TEXT NOT NULL, -- sealed: of the body, in hexadecimal
  by       TEXT NOT NULL,
  at       INTEGER NOT NULL,
  PRIMARY KEY (incident, name)
) STRICT;

-- Which patches go with a text that two people approved. Where one is another by the
-- time it is sent, the text is not sent.
CREATE TABLE enclosure (
  sending INTEGER NOT NULL REFERENCES sending (id),
  name    TEXT NOT NULL, -- sealed
  sha256  TEXT NOT NULL, -- sealed
  PRIMARY KEY (sending, name)
) STRICT, WITHOUT ROWID;
