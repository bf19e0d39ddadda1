-- One transaction of one writer: rows inserted, changed, moved to another key, deleted and inserted again, with
-- savepoints that are rolled back. The caller commits it, or rolls it back.
CREATE TABLE work (id int PRIMARY KEY, client int, val text NOT NULL);

CREATE FUNCTION one_transaction(client_number int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  key int;
  kind float;
BEGIN
  FOR step IN 1 .. 1 + floor(random() * 8)::int LOOP
    key := client_number * 1000 + floor(random() * 60)::int;
    kind := random();
    IF kind < 0.001 THEN  -- so much that the server streams it before it is committed, if it was asked to
      FOR pass IN 1 .. 12 LOOP
        UPDATE work SET val = md5(random()::text) WHERE client = client_number;
      END LOOP;
    ELSIF kind < 0.45 THEN
      INSERT INTO work VALUES (key, client_number, md5(random()::text))
        ON CONFLICT (id) DO UPDATE SET val = excluded.val;
    ELSIF kind < 0.65 THEN
      UPDATE work SET val = md5(random()::text) WHERE id = key;
    ELSIF kind < 0.75 THEN
      DELETE FROM work WHERE id = key;
    ELSIF kind < 0.85 THEN
      DELETE FROM work WHERE id = key;
      INSERT INTO work VALUES (key, client_number, md5(random()::text));
    ELSIF kind < 0.95 THEN
      BEGIN
        UPDATE work SET id = key + 500 WHERE id = key;
      EXCEPTION WHEN unique_violation THEN
        NULL;
      END;
    ELSE
      BEGIN
        UPDATE work SET val = 'rolled back to a savepoint' WHERE id = key;
        RAISE EXCEPTION 'on purpose';
      EXCEPTION WHEN raise_exception THEN
        NULL;
      END;
    END IF;
  END LOOP;
END $$;
