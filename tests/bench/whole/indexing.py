"""es_consumer against a loader that sends the very same documents in bulks that were made beforehand."""
import json
import os
import subprocess
import time

from .loads import NARROW, NARROW_ROW, Backlog, Load
from .pairs import Pairs
from .servers import Program, Watched, wait_until
from .stream import PARTITIONS

PREFIX = "bench_"


def fill_topic(servers, rows):
    """Narrow events in a topic, as replicator writes them."""
    backlog = Backlog(servers, Load("narrow", NARROW, NARROW_ROW, rows, rows))
    backlog.fill()
    slot, topic = servers.name("filler"), servers.name("bench")
    servers.make_topic(topic, PARTITIONS)
    program = Program(servers, "replicator", backlog.settings(slot, topic))
    program.said_at("snapshot of 1 tables is complete")
    program.stop()
    servers.drop_slot(slot)
    backlog.drop()
    return topic


def written(servers, index):
    stats = servers.search("GET", f"/{index}/_stats/indexing?filter_path=_all.primaries.indexing.index_total")
    return stats.get("_all", {}).get("primaries", {}).get("indexing", {}).get("index_total", 0)


def timed(servers, index, rows):
    """Seconds from the first look that shows documents to the one that shows all; and how many the first one showed."""
    first = wait_until(lambda: written(servers, index), f"documents are in {index}", pause=0.02)
    begin = time.monotonic()
    wait_until(lambda: written(servers, index) >= rows, f"{rows} documents are in {index}", pause=0.02)
    return time.monotonic() - begin, rows - first


def consume(servers, topic, rows):
    servers.search("DELETE", f"/{PREFIX}public_narrow")
    group = servers.name("group")
    program = Program(servers, "es_consumer", {"kafka.topic": topic, "kafka.control_topic": topic + "-control",
                                               "kafka.groupID": group, "elasticsearch.indexPrefix": PREFIX})
    watched = Watched([program.pid, servers.search_pid])
    watched.begin[program.pid] = 0.0
    seconds, counted = timed(servers, f"{PREFIX}public_narrow", rows)
    watched.stop()
    program.stop()
    return {"rate": counted / seconds / 1e3, "cpu": watched.cpu(program.pid) * 1e6 / rows,
            "search": watched.cpu(servers.search_pid) * 1e6 / rows, "memory": watched.peak[program.pid],
            "search_memory": watched.peak[servers.search_pid]}


def dump_bulks(servers, file):
    """The journal as it stands, as lines of a bulk, and the body that makes an index like it."""
    index = f"{PREFIX}public_narrow"
    servers.search("POST", f"/{index}/_refresh")
    made = servers.search("GET", f"/{index}")[index]
    settings = {name: made["settings"]["index"][name] for name in ("number_of_shards", "refresh_interval")}
    with open(file + ".index", "w", encoding="utf-8") as body:
        json.dump({"settings": {**settings, "number_of_replicas": 0}, "mappings": made["mappings"]}, body)
    with open(file, "w", encoding="utf-8") as out:
        for number in range(PARTITIONS):
            after = None
            while True:
                query = {"size": 10_000, "query": {"term": {"partition": number}}, "sort": [{"offset": "asc"}]}
                if after:
                    query["search_after"] = after
                hits = servers.search("POST", f"/{index}/_search", query)["hits"]["hits"]
                for hit in hits:
                    action = {"create": {"_index": "bench_loader", "_id": hit["_id"]}}
                    out.write(json.dumps(action, separators=(",", ":")) + "\n")
                    out.write(json.dumps(hit["_source"], separators=(",", ":"), ensure_ascii=False) + "\n")
                if not hits:
                    break
                after = hits[-1]["sort"]


def load(servers, file, rows):
    process = subprocess.Popen([servers.bin + "/bulk_loader_bench", "loader", f"address={servers.elasticsearch}",
                                "index=bench_loader", f"file={file}", f"index_body={file}.index"],
                               stdout=subprocess.PIPE, text=True)
    watched = Watched([servers.search_pid])
    seconds, counted = timed(servers, "bench_loader", rows)
    watched.stop()
    report = process.communicate()[0]
    if " 0 refused" not in report:
        raise SystemExit(f"bench: the loader says: {report}")
    servers.search("DELETE", "/bench_loader")
    return {"rate": counted / seconds / 1e3, "search": watched.cpu(servers.search_pid) * 1e6 / rows}


def run(servers, options):
    rows = options.rows // 2
    topic = fill_topic(servers, rows)
    consume(servers, topic, rows)  # warms Elasticsearch, and gives the documents
    file = os.path.join(servers.folder, "bulks")
    dump_bulks(servers, file)
    pairs = Pairs([(load(servers, file, rows), consume(servers, topic, rows)) for _ in range(options.rounds)])
    servers.search("DELETE", f"/{PREFIX}public_narrow")
    servers.drop_topic(topic)
    middle = pairs.middle
    print("loader             es_consumer        ratio  us CPU a document: es_consumer  Elasticsearch (loaded)  peak MB: es_consumer Elasticsearch")
    print(f"{middle(0, 'rate'):>5.0f} k documents/s {middle(1, 'rate'):>5.0f} k documents/s {pairs.ratio():>5.2f}"
          f" {middle(1, 'cpu'):>31.2f} {middle(1, 'search'):>14.2f} {middle(0, 'search'):>8.2f}"
          f" {middle(1, 'memory'):>21.0f} {middle(1, 'search_memory'):>13.0f}", flush=True)
    return pairs.figures()
