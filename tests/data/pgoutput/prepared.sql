-- A prepared transaction arrives whole at COMMIT PREPARED.
CREATE TABLE users (id int PRIMARY KEY, name text);
CREATE PUBLICATION pub FOR ALL TABLES;
-- stream
BEGIN;
INSERT INTO users VALUES (1, 'prepared');
PREPARE TRANSACTION 'one';
INSERT INTO users VALUES (2, 'in between');
COMMIT PREPARED 'one';
BEGIN;
INSERT INTO users VALUES (3, 'given up');
PREPARE TRANSACTION 'two';
ROLLBACK PREPARED 'two';
