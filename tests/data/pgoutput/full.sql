-- REPLICA IDENTITY FULL: the old tuple has every value, the new one still lacks what is out of line and unchanged.
CREATE TABLE docs (id int PRIMARY KEY, title text, big text);
ALTER TABLE docs ALTER big SET STORAGE EXTERNAL;
ALTER TABLE docs REPLICA IDENTITY FULL;
CREATE TABLE keyless (a int, b text);
ALTER TABLE keyless REPLICA IDENTITY FULL;
CREATE PUBLICATION pub FOR ALL TABLES;
-- stream
INSERT INTO docs VALUES (1, 'first', repeat('x', 2100)), (2, NULL, NULL);
UPDATE docs SET title = 'second' WHERE id = 1;
UPDATE docs SET id = 3, big = NULL WHERE id = 1;
UPDATE docs SET title = 'was null' WHERE id = 2;
DELETE FROM docs WHERE id = 2;
INSERT INTO keyless VALUES (1, 'a');
UPDATE keyless SET a = 2;
DELETE FROM keyless;
