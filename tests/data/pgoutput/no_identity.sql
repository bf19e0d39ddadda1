-- Without a usable identity only inserts can be published.
CREATE TABLE log_lines (at int, line text);
CREATE TABLE silent (id int PRIMARY KEY, line text);
ALTER TABLE silent REPLICA IDENTITY NOTHING;
CREATE PUBLICATION pub FOR ALL TABLES WITH (publish = 'insert, truncate');
-- stream
INSERT INTO log_lines VALUES (1, 'a');
INSERT INTO silent VALUES (1, 'b');
UPDATE silent SET line = 'c';
