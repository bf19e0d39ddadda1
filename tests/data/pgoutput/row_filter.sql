-- A row that leaves the filter is deleted, one that enters it is inserted.
CREATE TABLE users (id int PRIMARY KEY, active bool NOT NULL, name text);
ALTER TABLE users REPLICA IDENTITY FULL;
CREATE PUBLICATION pub FOR TABLE users WHERE (active);
-- stream
INSERT INTO users VALUES (1, true, 'Ada'), (2, false, 'Bob');
UPDATE users SET name = 'Ada L.' WHERE id = 1;
UPDATE users SET active = false WHERE id = 1;
UPDATE users SET active = true WHERE id = 2;
DELETE FROM users WHERE id = 1;
