-- The identity is another index than the primary key: a primary key that changes alone gives no old tuple.
CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL, name text);
CREATE UNIQUE INDEX users_email ON users (email);
ALTER TABLE users REPLICA IDENTITY USING INDEX users_email;
CREATE PUBLICATION pub FOR ALL TABLES;
-- stream
INSERT INTO users VALUES (1, 'ada@example.org', 'Ada');
UPDATE users SET id = 2;
UPDATE users SET email = 'ada@example.com';
DELETE FROM users;
