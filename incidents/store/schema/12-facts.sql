-- Facts for texts to people outside that not every incident has. Why a
-- bug is reachable or not stood in the record only: what was said before this is not known here.
ALTER TABLE response ADD COLUMN reach_why TEXT NOT NULL DEFAULT ''; -- sealed
ALTER TABLE response ADD COLUMN workaround TEXT NOT NULL DEFAULT ''; -- sealed
ALTER TABLE response ADD COLUMN poc TEXT NOT NULL DEFAULT ''; -- sealed
ALTER TABLE response ADD COLUMN period TEXT NOT NULL DEFAULT ''; -- sealed
ALTER TABLE response ADD COLUMN files TEXT NOT NULL DEFAULT ''; -- sealed
ALTER TABLE response ADD COLUMN advice TEXT NOT NULL DEFAULT ''; -- sealed
