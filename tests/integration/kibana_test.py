#!/usr/bin/env python3
"""Kibana's saved objects: references resolve, embedded JSON parses, and every query, the saved search and both data views
find what the two programs wrote into a real Elasticsearch under the names and with the mappings that they have of their own."""
import fnmatch
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Docker_Files/kibana"))
import make_objects  # noqa: E402

NDJSON = ROOT / "Docker_Files/kibana/sluice.ndjson"
PROGRAMS = Path(os.environ.get("SLUICE_BUILD_DIR", ROOT / "build/release")) / "bin"
BASE = f"http://127.0.0.1:{os.environ['SLUICE_TEST_ES_PORT']}"
NAME = f"kibana_{os.getpid()}_{time.time_ns() % 1_000_000}"
PATIENCE_S = 120
# The prefixes of indices and aliases are left out: the data views are made for the defaults.
CONFIG = """pipeline: {name}
state_dir: {folder}/state
postgres:
  host: 127.0.0.1
  port: {postgres}
  user: postgres
  password: {password}
  dbname: {name}
  slot_name: {name}
  publication_name: {name}
  tables: [public.{name}]
kafka:
  brokers: ['127.0.0.1:{kafka}']
  topic: {name}
  control_topic: {name}_control
  groupID: {name}
elasticsearch:
  addresses: ['{base}']
  mirror: on
  number_of_replicas: 0
admin:
  enabled: off
"""


def ask(method, path, body=None):
    request = urllib.request.Request(BASE + path, method=method, data=json.dumps(body).encode() if body else None,
                                     headers={"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def sql(database, statement):
    connection = (f"host=127.0.0.1 port={os.environ['SLUICE_TEST_PG_PORT']} user=postgres "
                  f"password={os.environ['SLUICE_TEST_PG_PASSWORD']} dbname={database}")
    subprocess.run(["psql", connection, "-X", "-q", "-v", "ON_ERROR_STOP=1"], input=statement, text=True, check=True)


class Pipeline:
    """Both programs with a table of their own: four snapshot rows, then a change of every kind."""
    JOURNAL, MIRROR = f"cdc_public_{NAME}", f"current_public_{NAME}"
    EVENTS = 4 + 2 + 1 + 1

    def __init__(self):
        self.folder = Path(os.environ["SLUICE_TEST_ROOT"]) / NAME
        self.folder.mkdir()
        (self.folder / "config.yaml").write_text(CONFIG.format(
            name=NAME, folder=self.folder, base=BASE, postgres=os.environ["SLUICE_TEST_PG_PORT"],
            password=os.environ["SLUICE_TEST_PG_PASSWORD"], kafka=os.environ["SLUICE_TEST_KAFKA_PORT"]))
        self.running = []
        sql("postgres", f"CREATE DATABASE {NAME}")

    def start(self, program):
        with open(self.folder / f"{program}.log", "w") as log:
            self.running.append(subprocess.Popen([PROGRAMS / program, "run", "--config", self.folder / "config.yaml"],
                                                 stdout=log, stderr=subprocess.STDOUT))

    def log(self, program):
        return (self.folder / f"{program}.log").read_text()

    def wait(self, what, is_so):
        end = time.monotonic() + PATIENCE_S
        while not is_so():
            if time.monotonic() > end or any(program.poll() is not None for program in self.running):
                raise AssertionError(f"{what} did not come\n{self.log('replicator')[-3000:]}\n{self.log('es_consumer')[-3000:]}")
            time.sleep(0.1)

    def documents(self):
        try:
            ask("POST", f"/{self.JOURNAL}/_refresh?ignore_unavailable=true")
            return ask("GET", f"/{self.JOURNAL}/_count?ignore_unavailable=true")["count"]
        except urllib.error.HTTPError as error:
            if error.code != 503:  # the index was made between the two, its shard does not answer yet
                raise
            return 0

    def write(self):
        sql(NAME, f"CREATE TABLE {NAME} (id int PRIMARY KEY, v text); ALTER TABLE {NAME} REPLICA IDENTITY FULL;"
                  f"INSERT INTO {NAME} SELECT g, 'before' FROM generate_series(1, 4) g")
        self.start("replicator")
        self.start("es_consumer")
        self.wait("the stream", lambda: "streaming from" in self.log("replicator"))
        sql(NAME, f"INSERT INTO {NAME} VALUES (5, 'a'), (6, 'b'); UPDATE {NAME} SET v = 'c' WHERE id = 1;"
                  f"DELETE FROM {NAME} WHERE id = 2")
        self.wait("the journal", lambda: self.documents() == self.EVENTS)
        self.wait("the mirror", lambda: self.MIRROR in [alias["alias"] for alias in ask("GET", "/_cat/aliases?format=json")])

    def remove(self):
        for program in self.running:
            program.send_signal(signal.SIGTERM)
        for program in self.running:
            program.wait(60)
        # The server notices a moment later that nobody reads the slot any more.
        sql("postgres", f"""DO $$ BEGIN
                              WHILE EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '{NAME}' AND active)
                              LOOP PERFORM pg_sleep(0.05); END LOOP;
                              PERFORM pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '{NAME}';
                            END $$;
                            DROP DATABASE {NAME} WITH (FORCE)""")
        for index in ask("GET", f"/{self.JOURNAL},{self.MIRROR}*?ignore_unavailable=true&expand_wildcards=all"):
            ask("DELETE", f"/{index}")
        for template in ask("GET", "/_index_template/sluice-*")["index_templates"]:
            if any(fnmatch.fnmatchcase(name, pattern) for name in (self.JOURNAL, f"{self.MIRROR}-g1")
                   for pattern in template["index_template"]["index_patterns"]):
                ask("DELETE", f"/_index_template/{template['name']}")
        shutil.rmtree(self.folder)


def plain(query):
    """A Vega query as Elasticsearch gets it: Kibana puts its own words' values in."""
    if isinstance(query, dict):
        return "1m" if "%autointerval%" in query else {key: plain(value) for key, value in query.items()}
    return [plain(value) for value in query] if isinstance(query, list) else query


class SavedObjects(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.objects = [json.loads(line) for line in NDJSON.read_text().splitlines()]
        cls.pipeline = Pipeline()
        cls.addClassCleanup(cls.pipeline.remove)
        cls.pipeline.write()

    def of_type(self, name):
        return [item for item in self.objects if item["type"] == name]

    def specs(self):
        return [json.loads(json.loads(panel["attributes"]["visState"])["params"]["spec"]) for panel in self.of_type("visualization")]

    def answer(self, spec):
        return ask("POST", f"/{Pipeline.JOURNAL}/_search", plain(spec["data"]["url"]["body"]))["aggregations"]

    def expect_date(self, pattern, field):
        types = ask("GET", f"/{pattern}/_field_caps?fields={field}")["fields"].get(field, {})
        self.assertEqual(list(types), ["date"], f"{field} of {pattern}")

    def expect_filled(self, asked, answered, place):
        """Each aggregation over documents has buckets or numbers, and so have those inside of its buckets."""
        for name, aggregation in asked.items():
            found, where = answered[name], f"{place}: {name}"
            if "percentiles" in aggregation:
                self.assertEqual(len(found["values"]), len(aggregation["percentiles"]["percents"]), where)
                self.assertNotIn(None, found["values"].values(), where)
                continue
            full = [bucket for bucket in found["buckets"] if bucket["doc_count"] > 0]
            self.assertEqual(sum(bucket["doc_count"] for bucket in full), answered.get("doc_count", Pipeline.EVENTS), where)
            for bucket in full:
                self.expect_filled(aggregation.get("aggs", {}), bucket, where)

    def test_the_file_is_what_its_source_writes(self):
        self.assertEqual(NDJSON.read_text(), make_objects.text())

    def test_every_reference_resolves(self):
        known = {(item["type"], item["id"]) for item in self.objects}
        for item in self.objects:
            for reference in item["references"]:
                self.assertIn((reference["type"], reference["id"]), known)

    def test_every_embedded_json_parses(self):
        found = 0
        for item in self.objects:
            for name, value in item["attributes"].items():
                if name.endswith("JSON") or name == "visState":
                    json.loads(value)
                    found += 1
            meta = item["attributes"].get("kibanaSavedObjectMeta", {})
            if meta:
                json.loads(meta["searchSourceJSON"])
        self.assertGreater(found, 5)

    def test_every_panel_finds_all_documents_in_every_aggregation(self):
        self.assertEqual(len(self.specs()), 4)
        for spec in self.specs():
            self.expect_filled(plain(spec["data"]["url"]["body"])["aggs"], self.answer(spec), spec["title"])

    def test_every_panel_draws_what_is_in_the_answer(self):
        for spec in self.specs():
            found = {"aggregations": self.answer(spec)}
            for step in spec["data"]["format"]["property"].split("."):
                found = found[step]
            bucket = next(bucket for bucket in found if bucket["doc_count"] > 0)
            for step in spec.get("transform", []):
                for aggregation, value in re.findall(r"datum\.(\w+)\.values\['([\d.]+)'\]", step.get("calculate", "")):
                    self.assertIsNotNone(bucket[aggregation]["values"][value], spec["title"])
                for path in step.get("flatten", []):
                    aggregation, buckets = path.split(".")
                    self.assertTrue(bucket[aggregation][buckets], spec["title"])

    def test_every_panel_asks_the_journal_by_its_time(self):
        for spec in self.specs():
            url = spec["data"]["url"]
            self.assertTrue(fnmatch.fnmatchcase(Pipeline.JOURNAL, url["index"]), spec["title"])
            self.expect_date(Pipeline.JOURNAL, url["%timefield%"])

    def test_every_data_view_finds_what_it_is_for(self):
        views = {view["id"]: view["attributes"] for view in self.of_type("index-pattern")}
        for identifier, name in ((make_objects.JOURNAL, Pipeline.JOURNAL), (make_objects.MIRROR, Pipeline.MIRROR)):
            view = views.pop(identifier)
            found = ask("GET", f"/_resolve/index/{view['title']}")
            self.assertIn(name, [one["name"] for one in found["indices"] + found["aliases"]], identifier)
            if "timeFieldName" in view:
                self.expect_date(name, view["timeFieldName"])
        self.assertEqual(views, {}, "a data view that nothing here looks at")
        self.assertIn("timeFieldName", self.view_of(self.of_type("search")[0]), "the journal is shown over time")

    def view_of(self, item):
        wanted = [reference["id"] for reference in item["references"] if reference["type"] == "index-pattern"]
        return next(view["attributes"] for view in self.of_type("index-pattern") if [view["id"]] == wanted)

    def test_the_newest_events_come_newest_first_with_every_column(self):
        for search in self.of_type("search"):
            attributes = search["attributes"]
            time_field = self.view_of(search)["timeFieldName"]
            self.assertEqual(attributes["sort"], [[time_field, "desc"]])
            hits = ask("POST", f"/{Pipeline.JOURNAL}/_search", {
                "size": 100, "sort": [{field: order} for field, order in attributes["sort"]],
                "fields": attributes["columns"], "_source": False})["hits"]["hits"]
            self.assertEqual(len(hits), Pipeline.EVENTS)
            times = [hit["sort"][0] for hit in hits]
            self.assertNotIn(None, times)
            self.assertEqual(times, sorted(times, reverse=True))
            for column in attributes["columns"]:
                self.assertTrue(any(column in hit["fields"] for hit in hits), f"no event has {column}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
