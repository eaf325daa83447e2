-- A hash of what is to be approved was kept and never read: without a salt, what was
-- erased could be guessed from it.
ALTER TABLE approval DROP COLUMN hash;
