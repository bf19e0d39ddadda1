-- A small shop: what the demo replicates.
CREATE TABLE customers (
  id int PRIMARY KEY,
  name text NOT NULL,
  email varchar(120),
  balance numeric(12, 2) NOT NULL DEFAULT 0,
  active boolean NOT NULL DEFAULT true,
  tags text[] NOT NULL DEFAULT '{}',
  profile jsonb,
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TYPE order_state AS ENUM ('new', 'paid', 'shipped', 'returned');
CREATE TABLE orders (
  id bigint PRIMARY KEY,
  customer int NOT NULL,
  state order_state NOT NULL DEFAULT 'new',
  total numeric(12, 2) NOT NULL,
  placed_at timestamptz NOT NULL DEFAULT now()
);

INSERT INTO customers (id, name, email, balance, tags, profile)
  SELECT g, 'Customer ' || g, 'customer' || g || '@example.org', g * 1.25, ARRAY['tag' || g % 5], jsonb_build_object('since', 2000 + g % 25)
  FROM generate_series(1, 2000) g;
INSERT INTO orders (id, customer, total) SELECT g, 1 + g % 2000, g * 0.5 FROM generate_series(1, 5000) g;

-- One visit to the shop, a transaction of the caller: see workload.pgbench.
CREATE FUNCTION visit(client int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  who int := client * 100000 + 2001 + floor(random() * 400)::int;
  kind float := random();
  -- Drawn once: three draws in one INSERT can give the same id twice, and that ends the workload.
  first_order bigint := client * 1000000000::bigint + floor(random() * 1000000)::bigint;
BEGIN
  IF kind < 0.40 THEN
    INSERT INTO customers (id, name, email) VALUES (who, 'New ' || who, 'new' || who || '@example.org')
      ON CONFLICT (id) DO UPDATE SET balance = customers.balance + 1, updated_at = now();
    INSERT INTO orders (id, customer, total)
      SELECT first_order + g, who, round((random() * 100)::numeric, 2)
      FROM generate_series(1, 3) g ON CONFLICT (id) DO UPDATE SET state = 'paid', total = excluded.total;
  ELSIF kind < 0.65 THEN
    UPDATE orders SET state = 'shipped' WHERE id = floor(random() * 5000)::int AND id % 5 = client;
  ELSIF kind < 0.80 THEN
    UPDATE customers SET tags = array_append(tags, 'seen'), updated_at = now() WHERE id = who AND cardinality(tags) < 10;
  ELSIF kind < 0.90 THEN
    DELETE FROM customers WHERE id = who;
  ELSE
    BEGIN
      UPDATE customers SET id = id + 50000 WHERE id = who;
    EXCEPTION WHEN unique_violation THEN
      NULL;
    END;
  END IF;
END $$;
