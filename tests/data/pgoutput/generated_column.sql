-- A stored generated column is neither in the Relation nor in the rows.
CREATE TABLE areas (id int PRIMARY KEY, width int, height int, area int GENERATED ALWAYS AS (width * height) STORED, note text);
CREATE PUBLICATION pub FOR ALL TABLES;
-- stream
INSERT INTO areas (id, width, height, note) VALUES (1, 2, 3, 'n');
UPDATE areas SET width = 4;
