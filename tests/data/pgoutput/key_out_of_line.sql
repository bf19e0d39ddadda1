-- A key column that is itself stored out of line: PostgreSQL logs the old key whenever it is, and the new tuple lacks it.
CREATE TABLE files (path text PRIMARY KEY, size int);
ALTER TABLE files ALTER path SET STORAGE EXTERNAL;
CREATE PUBLICATION pub FOR ALL TABLES;
-- stream
INSERT INTO files VALUES (repeat('p', 2100), 1);
UPDATE files SET size = 2;
DELETE FROM files;
