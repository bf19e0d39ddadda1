-- The table of the default configuration.
CREATE TABLE users (
  id int PRIMARY KEY,
  name text NOT NULL,
  balance numeric(12, 2) NOT NULL DEFAULT 0,
  tags text[] NOT NULL DEFAULT '{}',
  profile jsonb,
  updated_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO users (id, name, balance) SELECT g, 'User ' || g, g * 1.25 FROM generate_series(1, 1000) g;
