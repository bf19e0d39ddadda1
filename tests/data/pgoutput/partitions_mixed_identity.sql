-- The root says REPLICA IDENTITY FULL, its partition does not: the old tuple is called full and holds the key only. Its nulls
-- are no values.
CREATE TABLE orders (id int PRIMARY KEY, total int, big text) PARTITION BY RANGE (id);
CREATE TABLE orders_low PARTITION OF orders FOR VALUES FROM (0) TO (100);
ALTER TABLE orders_low ALTER big SET STORAGE EXTERNAL;
ALTER TABLE orders REPLICA IDENTITY FULL;
CREATE PUBLICATION pub FOR TABLE orders WITH (publish_via_partition_root = true);
-- stream
INSERT INTO orders VALUES (1, 10, repeat('x', 2100));
UPDATE orders SET id = 2;
UPDATE orders SET total = 11;
DELETE FROM orders;
