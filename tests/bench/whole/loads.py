"""Backlogs: tables with changes that a slot, made before them, has yet to send."""
import subprocess

NARROW = "id bigserial PRIMARY KEY, customer int, status text, amount numeric(10,2), at timestamptz"
NARROW_ROW = ("g % 10000, 'status ' || g % 7, (g % 100000) / 100.0, "
              "timestamptz '2026-11-21 08:00:00Z' + g * interval '1 ms'")
WIDE = NARROW + ", note text, address text, payload text"
WIDE_ROW = NARROW_ROW + ", repeat('note ' || g % 97 || ' ', 20), repeat('street ' || g % 89, 20), repeat(md5(g::text), 10)"


class Load:
    def __init__(self, name, columns, row, rows, per_transaction):
        self.name = name
        self.columns = columns
        self.row = row
        self.rows = rows
        self.per_transaction = per_transaction

    def insert(self, first, last):
        names = ", ".join(part.strip().split()[0] for part in self.columns.replace("(10,2)", "").split(",")[1:])
        return f"INSERT INTO {self.name} ({names}) SELECT {self.row} FROM generate_series({first}, {last}) g"


def stream_loads(rows):
    return [
        Load("narrow_10", NARROW, NARROW_ROW, rows, 10),
        Load("narrow_1", NARROW, NARROW_ROW, rows // 2, 1),
        Load("narrow_1m", NARROW, NARROW_ROW, rows, rows),
        Load("wide_10", WIDE, WIDE_ROW, rows // 30 * 10, 10),
    ]


class Backlog:
    """A database with one table and its publication. With a slot: what fill() writes waits in the WAL."""

    def __init__(self, servers, load):
        self.servers = servers
        self.load = load
        self.database = servers.name("bench")
        self.slot = servers.name("backlog")
        servers.sql("postgres", f"CREATE DATABASE {self.database}")
        servers.sql(self.database, f"CREATE TABLE {load.name} ({load.columns}); CREATE PUBLICATION bench FOR TABLE {load.name};")

    def make_slot(self):
        self.servers.sql(self.database, f"SELECT pg_create_logical_replication_slot('{self.slot}', 'pgoutput')")

    def fill(self):
        load = self.load
        if load.per_transaction >= load.rows:
            self.servers.sql(self.database, f"SET synchronous_commit = off; {load.insert(1, load.rows)}")
        else:
            step = load.per_transaction
            self.servers.sql(self.database, f"""SET synchronous_commit = off;
                CREATE PROCEDURE fill() LANGUAGE plpgsql AS $$ BEGIN
                  FOR i IN 0..{load.rows // step - 1} LOOP
                    {load.insert(f"i * {step} + 1", f"i * {step} + {step}")}; COMMIT;
                  END LOOP; END $$;
                CALL fill();""")
        self.servers.sql(self.database, "CHECKPOINT")

    def settings(self, slot, topic, transport="tcp"):
        """Of a pipeline that carries the table into a topic of its own."""
        settings = self.servers.postgres_settings(self.database, transport, slot)
        return settings | {"postgres.publication_name": "bench", "postgres.tables": f"[public.{self.load.name}]",
                           "kafka.topic": topic, "kafka.control_topic": topic + "-control"}

    def copy_slot(self):
        """One backlog is drained as often as one likes: each time through another copy of the slot."""
        copy = self.servers.name("copy")
        self.servers.sql(self.database, f"SELECT pg_copy_logical_replication_slot('{self.slot}', '{copy}')")
        return copy

    def drop(self):
        self.servers.sql("postgres", f"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots "
                                     f"WHERE database = '{self.database}'")
        self.servers.sql("postgres", f"DROP DATABASE {self.database} WITH (FORCE)")


def postgres_bench(servers, *arguments):
    """The program's report: k rows/s and its own CPU in microseconds a row."""
    program = servers.bin + "/postgres_bench"
    return subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, text=True)
