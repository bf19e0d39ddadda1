"""The snapshot into Kafka against plain COPY of the same table."""
import re

from .loads import NARROW, NARROW_ROW, WIDE, WIDE_ROW, Backlog, Load, postgres_bench
from .pairs import over_each_transport
from .servers import Program, Watched, wait_until
from .stream import PARTITIONS


def copy(servers, backlog, transport):
    dsn = servers.dsn(backlog.database, transport)
    report = postgres_bench(servers, "snapshot", dsn, "bench", "raw").communicate()[0]
    return {"rate": float(re.search(r"(\d+) k rows/s", report)[1])}


def copying_backend(servers, database):
    query = ("SELECT pid FROM pg_stat_activity WHERE query LIKE '%; COPY %' AND state = 'active' "
             f"AND datname = '{database}' AND pid <> pg_backend_pid()")
    return int(wait_until(lambda: servers.sql("postgres", query), "a backend copies"))


def replicate(servers, backlog, transport):
    slot, topic, rows = servers.name("snapshot"), servers.name("bench"), backlog.load.rows
    servers.make_topic(topic, PARTITIONS)
    program = Program(servers, "replicator", backlog.settings(slot, topic, transport))
    begin = program.said_at(f"slot {slot} made at")
    backend = copying_backend(servers, backlog.database)
    watched = Watched([program.pid, backend, servers.broker_pid])
    watched.begin[program.pid] = watched.begin[backend] = 0.0  # both began with this run
    end = program.said_at("snapshot of 1 tables is complete")
    watched.stop()
    ends = wait_until(lambda: servers.end_offsets(topic, PARTITIONS), "the broker tells the ends")
    if sum(ends) != rows:
        raise SystemExit(f"bench: {topic} has {sum(ends)} records for {rows} rows")
    program.stop()
    servers.drop_slot(slot)
    servers.drop_topic(topic)
    each = 1e6 / rows
    return {"rate": rows / (end - begin) / 1e3, "cpu": watched.cpu(program.pid) * each,
            "backend": watched.cpu(backend) * each, "broker": watched.cpu(servers.broker_pid) * each,
            "memory": watched.peak[program.pid], "backend_memory": watched.peak[backend],
            "broker_memory": watched.peak[servers.broker_pid]}


def run(servers, options):
    figures = {}
    print("rows       over  plain COPY        snapshot into Kafka  ratio  us CPU a row: replicator backend broker  peak MB: replicator backend broker")
    for load in (Load("narrow", NARROW, NARROW_ROW, options.rows * 2, options.rows * 2),
                 Load("wide", WIDE, WIDE_ROW, options.rows // 2, options.rows // 2)):
        backlog = Backlog(servers, load)
        backlog.fill()
        for transport, pairs in over_each_transport(servers, backlog, options.rounds, copy, replicate).items():
            line(load.name, transport, pairs)
            figures[f"{load.name}/{transport}"] = pairs.figures()
        backlog.drop()
    return figures


def line(name, transport, pairs):
    middle = pairs.middle
    print(f"{name:<10} {transport:<5} {middle(0, 'rate'):>5.0f} k rows/s {middle(1, 'rate'):>10.0f} k rows/s {pairs.ratio():>10.2f}"
          f" {middle(1, 'cpu'):>25.2f} {middle(1, 'backend'):>7.2f} {middle(1, 'broker'):>6.2f}"
          f" {middle(1, 'memory'):>20.0f} {middle(1, 'backend_memory'):>7.0f} {middle(1, 'broker_memory'):>6.0f}", flush=True)
