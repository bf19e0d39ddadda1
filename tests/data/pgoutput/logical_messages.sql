-- Messages have the seq of the row before them; one that is not transactional stands alone, even when rolled back.
CREATE TABLE users (id int PRIMARY KEY, name text);
CREATE PUBLICATION pub FOR ALL TABLES;
-- stream
BEGIN;
SELECT pg_logical_emit_message(true, 'first', 'before any row');
INSERT INTO users VALUES (1, 'a');
SELECT pg_logical_emit_message(true, 'second', 'behind row 1');
SELECT pg_logical_emit_message(true, 'third', 'behind row 1 too');
INSERT INTO users VALUES (2, 'b');
SELECT pg_logical_emit_message(true, 'fourth', '');
COMMIT;
SELECT pg_logical_emit_message(false, 'alone', 'outside');
BEGIN;
INSERT INTO users VALUES (3, 'rolled back');
SELECT pg_logical_emit_message(false, 'rolled back', 'sent all the same');
SELECT pg_logical_emit_message(true, 'never', 'not sent');
ROLLBACK;
BEGIN;
SELECT pg_logical_emit_message(true, 'only', 'no row at all');
SELECT pg_logical_emit_message(false, 'ends where the commit begins', '');
COMMIT;
