-- Words that people put in the place of a draft's own.
CREATE TABLE draft (
  incident  INTEGER NOT NULL REFERENCES incident (n),
  kind      TEXT NOT NULL, -- sealed: it tells what sort of incident it is
  recipient TEXT NOT NULL, -- sealed: whom it is for, or ''
  subject   TEXT NOT NULL, -- sealed
  body      TEXT NOT NULL, -- sealed
  at        INTEGER NOT NULL,
  by        TEXT NOT NULL,
  PRIMARY KEY (incident, kind, recipient)
) STRICT, WITHOUT ROWID;

-- What was sent to people outside, or is to be: a line for each mail and each post,
-- never deleted. What may hold the reporter's name is emptied when they are forgotten;
-- the hash of the text stays.
CREATE TABLE sending (
  id        INTEGER PRIMARY KEY,
  incident  INTEGER NOT NULL REFERENCES incident (n),
  kind      TEXT NOT NULL,    -- sealed: of the draft
  channel   TEXT NOT NULL,    -- mail or mastodon; '' when it was sent by hand
  account   TEXT NOT NULL,    -- the bot's, that it is sent from
  reporter  INTEGER NOT NULL, -- 1: it is for the reporter
  recipient TEXT NOT NULL,    -- sealed: addresses, or who was told
  subject   TEXT NOT NULL,    -- sealed
  body      TEXT NOT NULL,    -- sealed
  hash      TEXT NOT NULL,    -- sealed: of the whole text
  basis     TEXT NOT NULL,    -- sealed: a hash of what it rested on when it was approved; '' when it was sent by hand
  part      INTEGER NOT NULL, -- of a thread, from 1
  parts     INTEGER NOT NULL,
  first     INTEGER NOT NULL, -- the thread's first part; its own id for that
  asked_by  TEXT NOT NULL,
  second    TEXT NOT NULL,
  at        INTEGER NOT NULL, -- when it was approved, or noted
  state     TEXT NOT NULL,    -- queued, sent, refused, unknown, by hand
  via       TEXT NOT NULL,    -- sealed: how, in the words of who sent it by hand
  sent_id   TEXT NOT NULL,    -- sealed: what the network calls it
  problem   TEXT NOT NULL,    -- sealed: why it was not sent
  done_at   INTEGER,
  told      INTEGER NOT NULL  -- 1: the desks were told that it waits
) STRICT;
CREATE INDEX sending_of_incident ON sending (incident, id);
CREATE TRIGGER sending_stays BEFORE DELETE ON sending
BEGIN SELECT RAISE(ABORT, 'what was sent is never deleted'); END;
