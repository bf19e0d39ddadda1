-- Only the listed columns are sent; a change of another column is sent as an update that changes nothing.
CREATE TABLE users (id int PRIMARY KEY, name text, secret text);
CREATE PUBLICATION pub FOR TABLE users (id, name);
-- stream
INSERT INTO users VALUES (1, 'Ada', 'hidden');
UPDATE users SET secret = 'still hidden';
DELETE FROM users;
