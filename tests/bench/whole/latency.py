"""How old a change is when it is in Kafka, and when it can be found in Elasticsearch, under a steady load.

commit -> Kafka: the broker's append time less the commit time that the event carries, both of one clock, to the
millisecond. commit -> searchable: rows written by a client that notes when its commit returned; another asks the index
for their number every few milliseconds."""
import os
import subprocess
import threading
import time

from .loads import NARROW, Backlog, Load
from .servers import Program, wait_until
from .stream import PARTITIONS

SECONDS = 20
PROBES = 150
PREFIX = "bench_"


def percentiles(values):
    values = sorted(values)
    return {"p50": values[len(values) // 2], "p99": values[min(len(values) - 1, len(values) * 99 // 100)],
            "max": values[-1], "count": len(values)}


def writers(servers, backlog, rows_per_second):
    """pgbench with a fixed rate of transactions of 10 rows."""
    script = os.path.join(servers.folder, "latency.pgbench")
    with open(script, "w", encoding="ascii") as file:
        file.write("INSERT INTO narrow (customer, status, amount, at) SELECT g, 'status ' || g, g / 100.0, now() "
                   "FROM generate_series(1, 10) g;\n")
    return subprocess.Popen(["pgbench", "-n", "-c", "4", "-j", "1", "-R", str(rows_per_second // 10), "-T", str(SECONDS),
                             "-f", script, servers.dsn(backlog.database)],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Pipeline:
    def __init__(self, servers):
        self.servers = servers
        self.backlog = Backlog(servers, Load("narrow", NARROW, "", 0, 0))
        servers.sql(self.backlog.database, "CREATE TABLE probe (id int PRIMARY KEY, x text);"
                                           "ALTER PUBLICATION bench ADD TABLE probe")
        self.slot, self.topic = servers.name("latency"), servers.name("bench")
        servers.make_topic(self.topic, PARTITIONS)
        self.settings = self.backlog.settings(self.slot, self.topic)
        self.settings |= {"kafka.groupID": servers.name("group"), "elasticsearch.indexPrefix": PREFIX,
                          "postgres.tables": "[public.narrow, public.probe]"}
        self.replicator = Program(servers, "replicator", self.settings)
        self.replicator.said_at("streaming from")

    def stop(self):
        self.replicator.stop()
        self.servers.drop_slot(self.slot)
        self.servers.drop_topic(self.topic)
        self.backlog.drop()


def into_kafka(servers, rows_per_second):
    pipeline = Pipeline(servers)
    writing = writers(servers, pipeline.backlog, rows_per_second)
    writing.wait()
    rows = int(servers.sql(pipeline.backlog.database, "SELECT count(*) FROM narrow"))
    wait_until(lambda: sum(servers.end_offsets(pipeline.topic, PARTITIONS)) >= rows, "all is in Kafka", pause=0.2)
    out = subprocess.run(["kcat", "-b", servers.kafka, "-C", "-t", pipeline.topic, "-o", "beginning", "-e", "-q",
                          "-f", "%T %s\n"], capture_output=True, text=True, check=True).stdout
    delays = []
    for text in out.splitlines():
        appended, value = text.split(" ", 1)
        at = value.index('"ts_us":') + 8
        delays.append(int(appended) - int(value[at:value.index(",", at)]) / 1000)
    pipeline.stop()
    return percentiles(delays), rows / SECONDS


def into_search(servers):
    servers.search("DELETE", f"/{PREFIX}public_narrow,{PREFIX}public_probe?ignore_unavailable=true")
    pipeline = Pipeline(servers)
    consumer = Program(servers, "es_consumer", pipeline.settings)
    consumer.said_at("group ")
    database = pipeline.backlog.database
    servers.sql(database, "INSERT INTO probe VALUES (0, 'the first makes the index')")
    count = f"/{PREFIX}public_probe/_count"
    wait_until(lambda: servers.search("GET", count).get("count") == 1, "the first probe is found", pause=0.05)
    writing = writers(servers, pipeline.backlog, 5_000)
    committed, found = [], []

    def probe():
        client = subprocess.Popen(["psql", "-X", "-q", servers.dsn(database)], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        for number in range(1, PROBES + 1):
            client.stdin.write(f"INSERT INTO probe VALUES ({number}, 'probe');\n\\echo done\n")
            client.stdin.flush()
            client.stdout.readline()
            committed.append(time.monotonic())
            time.sleep((SECONDS - 2) / PROBES)
        client.stdin.close()
        client.wait()

    thread = threading.Thread(target=probe)
    thread.start()
    end = time.monotonic() + 120
    while len(found) < PROBES and time.monotonic() < end:
        now_there = servers.search("GET", count)["count"] - 1
        found += [time.monotonic()] * (now_there - len(found))
        time.sleep(0.005)
    thread.join()
    writing.wait()
    if len(found) != PROBES:
        raise SystemExit(f"bench: {len(found)} of {PROBES} probes were found")
    consumer.stop()
    pipeline.stop()
    servers.search("DELETE", f"/{PREFIX}public_narrow,{PREFIX}public_probe?ignore_unavailable=true")
    return percentiles([(there - then) * 1000 for there, then in zip(found, committed)])


def run(servers, _options):
    kafka = {}
    for rows_per_second in (5_000, 10_000):
        into, rate = into_kafka(servers, rows_per_second)
        print(f"commit -> Kafka       at {rate:.0f} rows/s: p50 {into['p50']:.1f} ms, p99 {into['p99']:.1f} ms, "
              f"max {into['max']:.1f} ms ({into['count']} events)", flush=True)
        kafka[rows_per_second] = into
    search = into_search(servers)
    print(f"commit -> searchable  at 5000 rows/s, refresh 1 s: p50 {search['p50']:.0f} ms, p99 {search['p99']:.0f} ms, "
          f"max {search['max']:.0f} ms ({search['count']} probes)", flush=True)
    return {"kafka": kafka, "search": search}
