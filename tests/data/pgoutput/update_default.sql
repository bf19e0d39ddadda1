-- UPDATE under the default identity: no old tuple; an unchanged value that is stored out of line is not sent.
CREATE TABLE docs (id int PRIMARY KEY, title text, big text);
ALTER TABLE docs ALTER big SET STORAGE EXTERNAL;
CREATE PUBLICATION pub FOR ALL TABLES;
-- stream
INSERT INTO docs VALUES (1, 'first', repeat('x', 2100)), (2, NULL, '');
UPDATE docs SET title = 'second' WHERE id = 1;
UPDATE docs SET big = repeat('y', 2100) WHERE id = 1;
UPDATE docs SET title = title WHERE id = 2;
DELETE FROM docs WHERE id = 1;
