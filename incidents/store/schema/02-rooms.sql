-- Rooms that the bot made, one for an incident.
CREATE TABLE room (
  incident INTEGER PRIMARY KEY REFERENCES incident (n),
  network  TEXT NOT NULL,
  id       TEXT NOT NULL,
  made_at  INTEGER NOT NULL,
  board    TEXT NOT NULL -- the network's id of the message that is kept up to date there, or ''
) STRICT;
CREATE UNIQUE INDEX room_of ON room (network, id);

-- Who is no maintainer and was let into an incident's room by two of them.
CREATE TABLE guest (
  id       INTEGER PRIMARY KEY,
  incident INTEGER NOT NULL REFERENCES incident (n),
  network  TEXT NOT NULL,
  account  TEXT NOT NULL, -- sealed, personal; '' when it was erased
  at       INTEGER NOT NULL,
  by       TEXT NOT NULL,
  ended_at INTEGER,
  ended_by TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX guest_now ON guest (incident, network, account) WHERE ended_at IS NULL;

-- What a network has to know after a restart: how far it has read, say. Nothing
-- of an incident.
CREATE TABLE kept (
  network TEXT NOT NULL,
  key     TEXT NOT NULL,
  value   TEXT NOT NULL,
  PRIMARY KEY (network, key)
) STRICT, WITHOUT ROWID;

-- Who said that a reminder was heard.
CREATE TABLE hearing (
  incident   INTEGER NOT NULL REFERENCES incident (n),
  clock      TEXT NOT NULL,
  generation INTEGER NOT NULL,
  rung       INTEGER NOT NULL,
  person     TEXT NOT NULL,
  at         INTEGER NOT NULL,
  PRIMARY KEY (incident, clock, generation, rung, person)
) STRICT, WITHOUT ROWID;

-- What a thread, a reply or a reaction is about.
CREATE INDEX outbox_said ON outbox (network, sent_id) WHERE sent_id <> '';
CREATE INDEX outbox_answers ON outbox (network, reply_to) WHERE reply_to <> '';

-- The reminders of an incident, and the rooms that were asked for.
CREATE INDEX outbox_reminders ON outbox (incident, rung) WHERE clock <> '';
CREATE INDEX outbox_rooms ON outbox (incident) WHERE kind = 'room';
