-- Whether an approval's room was shown all that is approved: 'yes' once it was said
-- there, or where nothing of it is hidden from anybody who hears of it. Before that,
-- in which form it was tried: '' not yet, 'whole' each time, 'less' at least once.
ALTER TABLE approval ADD COLUMN shown TEXT NOT NULL DEFAULT '';
