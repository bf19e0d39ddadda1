#!/usr/bin/env python3
"""Compares what PostgreSQL has with what arrived in Kafka and in Elasticsearch, and measures how long a change takes.

Uses psql, kcat and HTTP only: nothing of Sluice's own decoding.
"""
import argparse
import datetime
import decimal
import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request

TABLES = ("customers", "orders")
TOPIC = "shop-events"
PATIENCE_S = 120
PROBES = 40
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


def sql(dsn, statement):
    done = subprocess.run(["psql", dsn, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"demo: PostgreSQL does not answer: {done.stderr.strip()}")
    return done.stdout.strip()


def ask(base, path, body=None, method=None):
    request = urllib.request.Request(base + path, method=method, data=json.dumps(body).encode() if body else None,
                                     headers={"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return {"error": error.code}
    except OSError as error:
        sys.exit(f"demo: Elasticsearch does not answer: {error}")


def count(base, index):
    ask(base, f"/{index}/_refresh", method="POST")
    return ask(base, f"/{index}/_count").get("count", 0)


def events(kafka):
    done = subprocess.run(["kcat", "-C", "-q", "-e", "-b", kafka, "-t", TOPIC, "-f", "%s\n"], capture_output=True, text=True)
    counts = dict.fromkeys(TABLES, 0)
    ids = set()
    for line in done.stdout.splitlines():
        event = json.loads(line)
        if event["op"] in "rcud":
            counts[event["source"]["table"]] += 1
            ids.add(event["id"])
    return counts, len(ids)


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def look(options):
    found, distinct = events(options.kafka)
    rows = []
    for table in TABLES:
        rows.append({"table": table, "rows": int(sql(options.dsn, f"SELECT count(*) FROM {table}")), "events": found[table],
                     "journal": count(options.elasticsearch, f"cdc_public_{table}"),
                     "mirror": count(options.elasticsearch, f"current_public_{table}")})
    return rows, sum(found.values()) == distinct


def equal(rows):
    return all(row["rows"] == row["mirror"] and row["events"] == row["journal"] for row in rows)


def settled_look(options):
    end = time.monotonic() + PATIENCE_S
    while True:
        rows, distinct = look(options)
        if (equal(rows) and distinct) or time.monotonic() > end:
            progress("")
            return rows, distinct
        arrived = sum(row["journal"] for row in rows)
        sent = max(1, sum(row["events"] for row in rows))
        progress(f"indexing: {arrived} of {sent} documents " + "#" * (40 * arrived // sent))
        time.sleep(0.5)


def canonical(value):
    """Both write the same value, each in its way: numbers as text or not, a moment in one zone or another."""
    if isinstance(value, dict):
        return {name: canonical(member) for name, member in value.items()}
    if isinstance(value, list):
        return [canonical(element) for element in value]
    if isinstance(value, (int, decimal.Decimal)) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and MOMENT.match(value):
        return datetime.datetime.fromisoformat(value).astimezone(datetime.timezone.utc).isoformat()
    return value


def row_of(text):
    return canonical(json.loads(text, parse_float=decimal.Decimal))


def contents_differ(options):
    """The rows themselves, not only their number: every column of each, as PostgreSQL itself makes JSON of it."""
    for table in TABLES:
        wanted = {row["id"]: row for row in map(row_of, sql(options.dsn, f"SELECT to_jsonb(t) FROM {table} t").splitlines())}
        found = {}
        page = ask(options.elasticsearch, f"/current_public_{table}/_search?scroll=1m", {"size": 5000})
        while page.get("hits", {}).get("hits"):
            for hit in page["hits"]["hits"]:
                row = {name: value for name, value in hit["_source"].items() if name != "_sluice"}
                found[str(row["id"])] = row_of(json.dumps(row))
            page = ask(options.elasticsearch, "/_search/scroll", {"scroll": "1m", "scroll_id": page["_scroll_id"]})
        if wanted != found:
            return table
    return None


def latencies(options):
    """Commit one row, ask until a search finds it."""
    measured = []
    for probe in range(PROBES):
        progress(f"measuring commit → searchable: {probe + 1} of {PROBES}")
        name = f"probe-{time.time_ns()}"
        sql(options.dsn, f"INSERT INTO customers (id, name) VALUES (900000000, '{name}') ON CONFLICT (id) DO UPDATE SET name = excluded.name")
        begun = time.monotonic()
        query = {"size": 0, "query": {"term": {"name": name}}}
        while ask(options.elasticsearch, "/current_public_customers/_search", query).get("hits", {}).get("total", {}).get("value") != 1:
            if time.monotonic() - begun > 30:
                sys.exit("demo: a committed row was not found within 30 s; look into the logs")
            time.sleep(0.01)
        measured.append((time.monotonic() - begun) * 1000)
    sql(options.dsn, "DELETE FROM customers WHERE id = 900000000")
    progress("")
    measured.sort()
    return measured[len(measured) // 2], measured[min(len(measured) - 1, int(len(measured) * 0.99))]


def main():
    parser = argparse.ArgumentParser()
    for name in ("--dsn", "--kafka", "--elasticsearch", "--logs"):
        parser.add_argument(name, required=True)
    parser.add_argument("--look-only", action="store_true", help="write nothing: no latencies")
    options = parser.parse_args()
    settled_look(options)
    measured = None if options.look_only else latencies(options)
    rows, distinct = settled_look(options)
    print(f"\n{'table':<12}{'rows in':>12}{'events in':>12}{'documents in':>15}{'documents in':>15}")
    print(f"{'':<12}{'PostgreSQL':>12}{'Kafka':>12}{'the journal':>15}{'the mirror':>15}")
    for row in rows:
        verdict = "equal" if row["rows"] == row["mirror"] and row["events"] == row["journal"] else "DIFFERENT"
        print(f"{row['table']:<12}{row['rows']:>12}{row['events']:>12}{row['journal']:>15}{row['mirror']:>15}  {verdict}")
    differing = contents_differ(options)
    print(f"every row compared with its document: {'equal' if differing is None else 'DIFFERENT in ' + differing}")
    print(f"events in Kafka twice: {'none' if distinct else 'SOME'}")
    if measured:
        print(f"commit → searchable: p50 {measured[0]:.0f} ms, p99 {measured[1]:.0f} ms ({PROBES} changes; refresh interval 1 s)")
    print(f"""
where to look next
  PostgreSQL      psql "{options.dsn}"
  Kafka           kcat -C -b {options.kafka} -t {TOPIC} -o -5 -e
  the mirror      {options.elasticsearch}/current_public_customers/_search?pretty
  the journal     {options.elasticsearch}/cdc_public_orders/_search?pretty
  status pages    http://127.0.0.1:8080/   http://127.0.0.1:8081/
  logs            {options.logs}/*.log
  configuration   {options.logs}/config.yaml
  again, or end   Docker_Files/demo load   Docker_Files/demo down""")
    sys.exit(0 if equal(rows) and distinct and differing is None else 1)


if __name__ == "__main__":
    main()
