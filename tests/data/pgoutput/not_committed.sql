-- What is rolled back, conflicts or only locks gives nothing; savepoints do not show.
CREATE TABLE users (id int PRIMARY KEY, name text);
CREATE PUBLICATION pub FOR ALL TABLES;
-- stream
BEGIN;
INSERT INTO users VALUES (1, 'kept');
SAVEPOINT a;
INSERT INTO users VALUES (2, 'dropped');
ROLLBACK TO a;
SAVEPOINT b;
INSERT INTO users VALUES (3, 'kept too');
RELEASE b;
COMMIT;
BEGIN;
INSERT INTO users VALUES (4, 'dropped');
ROLLBACK;
INSERT INTO users VALUES (1, 'conflict') ON CONFLICT DO NOTHING;
INSERT INTO users VALUES (1, 'upsert'), (5, 'insert') ON CONFLICT (id) DO UPDATE SET name = excluded.name;
SELECT * FROM users FOR UPDATE;
CREATE TABLE unpublished_ddl_only (a int);
