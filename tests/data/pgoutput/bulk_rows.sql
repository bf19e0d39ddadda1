-- Many rows in one statement share one LSN, not one id.
CREATE TABLE numbers (n int PRIMARY KEY);
CREATE PUBLICATION pub FOR ALL TABLES;
-- stream
COPY numbers FROM PROGRAM 'seq 1 20';
INSERT INTO numbers SELECT * FROM generate_series(21, 25);
