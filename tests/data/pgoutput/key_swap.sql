-- Two keys are swapped through a third one in one transaction.
CREATE TABLE seats (seat int PRIMARY KEY, who text);
CREATE PUBLICATION pub FOR ALL TABLES;
-- stream
INSERT INTO seats VALUES (1, 'Ada'), (2, 'Bob');
BEGIN;
UPDATE seats SET seat = -1 WHERE seat = 1;
UPDATE seats SET seat = 1 WHERE seat = 2;
UPDATE seats SET seat = 2 WHERE seat = -1;
COMMIT;
