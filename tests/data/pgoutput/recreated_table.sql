-- The same name, another table.
CREATE TABLE items (id int PRIMARY KEY, label text);
CREATE PUBLICATION pub FOR ALL TABLES;
-- stream
INSERT INTO items VALUES (1, 'old');
DROP TABLE items;
CREATE TABLE items (id int PRIMARY KEY, label text);
INSERT INTO items VALUES (1, 'new');
INSERT INTO items VALUES (2, 'new');
