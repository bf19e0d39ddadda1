-- Published through the root: rows carry the root's name, a row that moves is a delete and an insert, the TRUNCATE of one
-- partition is not sent.
CREATE TABLE orders (id int, region text, total int, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE orders_eu PARTITION OF orders FOR VALUES IN ('eu');
CREATE TABLE orders_us PARTITION OF orders FOR VALUES IN ('us');
CREATE PUBLICATION pub FOR TABLE orders WITH (publish_via_partition_root = true);
-- stream
INSERT INTO orders VALUES (1, 'eu', 10), (2, 'us', 20);
UPDATE orders SET total = 11 WHERE id = 1;
UPDATE orders SET region = 'us' WHERE id = 1;
TRUNCATE orders_us;
TRUNCATE orders;
INSERT INTO orders_eu VALUES (3, 'eu', 30);
