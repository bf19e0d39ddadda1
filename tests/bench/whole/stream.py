"""The stream: replicator into Kafka against a client that only counts what PostgreSQL sends."""
import re

from .loads import Backlog, postgres_bench, stream_loads
from .pairs import over_each_transport
from .servers import Program, Watched, wait_until

PARTITIONS = 3
# A broker that has just been started spends several times the CPU until its code is compiled.
WARM_UP_RUNS = 5


def count(servers, backlog, transport):
    """The yardstick. postgres_bench copies the slot itself."""
    process = postgres_bench(servers, "stream", servers.dsn(backlog.database, transport), backlog.slot, "bench", "count")
    walsender = int(servers.walsender())
    watched = Watched([walsender])
    report = process.communicate()[0]
    watched.stop()
    servers.drop_slot(backlog.slot + "_copy")
    rows, rate, cpu = re.search(r"(\d+) rows\s+(\d+) k rows/s\s+([\d.]+) us", report).groups()
    if int(rows) != backlog.load.rows:
        raise SystemExit(f"bench: the counting client saw {rows} rows of {backlog.load.rows}")
    return {"rate": float(rate), "cpu": float(cpu), "walsender": watched.cpu(walsender) * 1e6 / int(rows)}


def replicate(servers, backlog, transport):
    """The slot's copy is adopted by a pipeline that is new each time, into a topic that is new each time."""
    slot, topic, rows = backlog.copy_slot(), servers.name("bench"), backlog.load.rows
    servers.make_topic(topic, PARTITIONS)
    settings = backlog.settings(slot, topic, transport) | {"postgres.snapshot": "never"}
    program = Program(servers, "replicator", settings)
    begin = program.said_at("streaming from")
    walsender = int(servers.walsender())
    watched = Watched([program.pid, walsender, servers.broker_pid])
    watched.begin[walsender] = watched.begin[program.pid] = 0.0  # both began with this run

    def all_there():
        ends = servers.end_offsets(topic, PARTITIONS)
        return ends if sum(ends) >= rows else None

    # Seldom: a look costs CPU that the programs need, and the end is taken from the broker's clock.
    ends = wait_until(all_there, f"{rows} records are in {topic}", pause=1.0)
    watched.stop()
    if sum(ends) != rows:
        raise SystemExit(f"bench: {topic} has {sum(ends)} records for {rows} rows")
    seconds = servers.last_append(topic, ends) - begin
    program.stop()
    servers.drop_slot(slot)
    servers.drop_topic(topic)
    each = 1e6 / rows
    return {"rate": rows / seconds / 1e3, "cpu": watched.cpu(program.pid) * each,
            "walsender": watched.cpu(walsender) * each, "broker": watched.cpu(servers.broker_pid) * each,
            "memory": watched.peak[program.pid], "walsender_memory": watched.peak[walsender],
            "broker_memory": watched.peak[servers.broker_pid]}


def run(servers, options):
    figures = {}
    print("load       over   counting client   replicator        ratio  us CPU a row: replicator walsender (counted) broker  peak MB: replicator walsender broker")
    warm_up_runs = WARM_UP_RUNS
    for load in stream_loads(options.rows):
        backlog = Backlog(servers, load)
        backlog.make_slot()
        backlog.fill()
        for _ in range(warm_up_runs):
            replicate(servers, backlog, "tcp")
        warm_up_runs = 1
        for transport, pairs in over_each_transport(servers, backlog, options.rounds, count, replicate).items():
            line(load.name, transport, pairs)
            figures[f"{load.name}/{transport}"] = pairs.figures()
        backlog.drop()
    return figures


def line(name, transport, pairs):
    middle = pairs.middle
    print(f"{name:<10} {transport:<5} {middle(0, 'rate'):>7.0f} k rows/s {middle(1, 'rate'):>9.0f} k rows/s {pairs.ratio():>7.2f}"
          f" {middle(1, 'cpu'):>26.2f} {middle(1, 'walsender'):>9.2f} {middle(0, 'walsender'):>9.2f}"
          f" {middle(1, 'broker'):>6.2f} {middle(1, 'memory'):>19.0f} {middle(1, 'walsender_memory'):>9.0f}"
          f" {middle(1, 'broker_memory'):>6.0f}", flush=True)
