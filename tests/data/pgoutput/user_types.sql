-- Types that are not built in come with a Type message; a domain's has the name of its base type.
CREATE SCHEMA shop;
CREATE TYPE shop.mood AS ENUM ('sad', 'happy');
CREATE TYPE shop.point2 AS (x int, y text);
CREATE DOMAIN shop.positive AS int CHECK (value > 0);
CREATE TYPE shop.span AS RANGE (subtype = int);
CREATE TABLE shop.things (id shop.positive PRIMARY KEY, mood shop.mood, moods shop.mood[], place shop.point2, span shop.span, name information_schema.sql_identifier, at timestamptz NOT NULL, doc jsonb);
CREATE PUBLICATION pub FOR ALL TABLES;
-- stream
SET timezone = 'UTC';
INSERT INTO shop.things VALUES (7, 'happy', '{sad,NULL,happy}', '(1,"a b")', '[1,5)', 'n', '2026-11-21 08:00:00.123456+00', '{"k": 1.0}');
