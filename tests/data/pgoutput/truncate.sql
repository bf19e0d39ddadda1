-- TRUNCATE of several tables is one message; every table counts one.
CREATE TABLE parent (id serial PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent);
CREATE TABLE other (id int PRIMARY KEY);
CREATE PUBLICATION pub FOR ALL TABLES;
-- stream
BEGIN;
INSERT INTO parent VALUES (DEFAULT);
TRUNCATE parent CASCADE;
INSERT INTO parent VALUES (DEFAULT);
COMMIT;
TRUNCATE other RESTART IDENTITY;
TRUNCATE parent, child, other RESTART IDENTITY CASCADE;
INSERT INTO other VALUES (1);
