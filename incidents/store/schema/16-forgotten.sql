-- Whom a text was for that went to a reporter who was forgotten since.
UPDATE sending SET name = '' WHERE reporter AND name <> '' AND EXISTS
  (SELECT 1 FROM timeline t WHERE t.incident = sending.incident AND t.kind = 'forgot' AND t.at >= sending.at);

-- When an embargo was moved that was moved before that was kept.
UPDATE response SET embargo_moved = (SELECT max(t.at) FROM timeline t WHERE t.incident = response.incident AND t.kind = 'embargo-moved')
  WHERE embargo_moved IS NULL AND embargo_ended IS NULL AND embargo NOT IN ('lifted', 'broken');
