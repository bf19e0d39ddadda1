-- A transaction that came from another server.
CREATE TABLE users (id int PRIMARY KEY, name text);
CREATE PUBLICATION pub FOR ALL TABLES;
SELECT pg_replication_origin_create('elsewhere');
-- stream
SELECT pg_replication_origin_session_setup('elsewhere');
BEGIN;
SELECT pg_replication_origin_xact_setup('1/2345678', '2026-01-01 00:00:00+00');
INSERT INTO users VALUES (1, 'from elsewhere');
COMMIT;
SELECT pg_replication_origin_session_reset();
INSERT INTO users VALUES (2, 'from here');
