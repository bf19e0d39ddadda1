-- Names with everything that a name can have.
CREATE SCHEMA "Schéma.with ""quotes""";
CREATE TABLE "Schéma.with ""quotes"""."täble	😀" ("Key" int PRIMARY KEY, "😀
newline" text);
CREATE PUBLICATION pub FOR ALL TABLES;
-- stream
INSERT INTO "Schéma.with ""quotes"""."täble	😀" VALUES (1, E'tab\there, newline\nthere, 😀');
