-- A changed key: 'K' with the old key; the value out of line is not in the message. Assigning the same key is no change.
CREATE TABLE docs (id int PRIMARY KEY, title text, big text);
ALTER TABLE docs ALTER big SET STORAGE EXTERNAL;
CREATE PUBLICATION pub FOR ALL TABLES;
-- stream
INSERT INTO docs VALUES (1, 'first', repeat('x', 2100));
UPDATE docs SET id = 2 WHERE id = 1;
UPDATE docs SET id = 2, title = 'same key' WHERE id = 2;
