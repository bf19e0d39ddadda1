-- A new Relation comes before the next row; existing rows are rewritten without any event.
CREATE TABLE items (id int PRIMARY KEY, qty int, label varchar(10));
CREATE PUBLICATION pub FOR ALL TABLES;
-- stream
INSERT INTO items VALUES (1, 1, 'a');
ALTER TABLE items ADD COLUMN price numeric DEFAULT 9.5;
INSERT INTO items VALUES (2, 2, 'b');
BEGIN;
INSERT INTO items VALUES (3, 3, 'c');
ALTER TABLE items ADD COLUMN note text;
INSERT INTO items VALUES (4, 4, 'd', 4, 'inside');
COMMIT;
ALTER TABLE items ALTER qty TYPE text USING (qty * 1000)::text;
UPDATE items SET label = 'e' WHERE id = 1;
ALTER TABLE items ALTER label TYPE varchar(20);
INSERT INTO items VALUES (5, '5', 'f');
ALTER TABLE items DROP COLUMN note, DROP COLUMN price;
INSERT INTO items VALUES (6, '6', 'g');
ALTER TABLE items RENAME COLUMN label TO tag;
INSERT INTO items VALUES (7, '7', 'h');
VACUUM FULL items;
INSERT INTO items VALUES (8, '8', 'i');
