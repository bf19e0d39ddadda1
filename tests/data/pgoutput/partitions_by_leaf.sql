-- Published without the root: rows carry the partition's name.
CREATE TABLE orders (id int, region text, total int, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE orders_eu PARTITION OF orders FOR VALUES IN ('eu');
CREATE TABLE orders_us PARTITION OF orders FOR VALUES IN ('us');
CREATE PUBLICATION pub FOR TABLE orders;
-- stream
INSERT INTO orders VALUES (1, 'eu', 10);
UPDATE orders SET region = 'us' WHERE id = 1;
TRUNCATE orders_us;
TRUNCATE orders;
