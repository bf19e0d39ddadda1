"""The snapshot into Kafka against plain COPY of the same table."""
import re

from .loads import NARROW, NARROW_ROW, WIDE, WIDE_ROW, Backlog, Load, postgres_bench
from .servers import Program, Watched, median, wait_until
from .stream import PARTITIONS


def copy(servers, backlog):
    report = postgres_bench(servers, "snapshot", servers.dsn(backlog.database), "bench", "raw").communicate()[0]
    return {"rate": float(re.search(r"(\d+) k rows/s", report)[1])}


def replicate(servers, backlog):
    slot, topic, rows = servers.name("snapshot"), servers.name("bench"), backlog.load.rows
    servers.make_topic(topic, PARTITIONS)
    program = Program(servers, "replicator", backlog.settings(slot, topic))
    begin = program.said_at(f"slot {slot} made at")
    watched = Watched([program.pid, servers.broker_pid])
    watched.begin[program.pid] = 0.0
    end = program.said_at("snapshot of 1 tables is complete")
    watched.stop()
    ends = wait_until(lambda: servers.end_offsets(topic, PARTITIONS), "the broker tells the ends")
    if sum(ends) != rows:
        raise SystemExit(f"bench: {topic} has {sum(ends)} records for {rows} rows")
    program.stop()
    servers.drop_slot(slot)
    servers.drop_topic(topic)
    return {"rate": rows / (end - begin) / 1e3, "cpu": watched.cpu(program.pid) * 1e6 / rows,
            "broker": watched.cpu(servers.broker_pid) * 1e6 / rows, "memory": watched.peak[program.pid],
            "broker_memory": watched.peak[servers.broker_pid]}


def run(servers, options):
    figures = {}
    print("rows       plain COPY        snapshot into Kafka  ratio  us CPU a row: replicator  broker  peak MB: replicator broker")
    for load in (Load("narrow", NARROW, NARROW_ROW, options.rows * 2, options.rows * 2),
                 Load("wide", WIDE, WIDE_ROW, options.rows // 2, options.rows // 2)):
        backlog = Backlog(servers, load)
        backlog.fill()
        runs = [(copy(servers, backlog), replicate(servers, backlog)) for _ in range(options.rounds)]

        def middle(which, figure, runs=runs):
            return median([run[which][figure] for run in runs])

        ratio = median([ours["rate"] / limit["rate"] for limit, ours in runs])
        print(f"{load.name:<10} {middle(0, 'rate'):>5.0f} k rows/s {middle(1, 'rate'):>10.0f} k rows/s {ratio:>10.2f}"
              f" {middle(1, 'cpu'):>25.2f} {middle(1, 'broker'):>7.2f} {middle(1, 'memory'):>20.0f}"
              f" {middle(1, 'broker_memory'):>6.0f}", flush=True)
        figures[load.name] = {"ratio": ratio, "runs": runs}
        backlog.drop()
    return figures
