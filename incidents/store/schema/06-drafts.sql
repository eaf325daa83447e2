-- What drafts for people outside are made from, besides the incident itself.
ALTER TABLE response ADD COLUMN ghsa TEXT NOT NULL DEFAULT ''; -- sealed
ALTER TABLE response ADD COLUMN library TEXT NOT NULL DEFAULT ''; -- sealed
