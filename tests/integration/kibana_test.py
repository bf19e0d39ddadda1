#!/usr/bin/env python3
"""Kibana's saved objects: references resolve, embedded JSON parses, and every query finds documents in a real
Elasticsearch that es_consumer's journal mapping was put into."""
import json
import os
import sys
import unittest
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Docker_Files/kibana"))
import make_objects  # noqa: E402

BASE = f"http://127.0.0.1:{os.environ['SLUICE_TEST_ES_PORT']}"
INDEX = "cdc_kibana_test"
# As the README has it: the journal's fields that the panels use.
MAPPING = {"mappings": {"dynamic": False, "properties": {
    "@timestamp": {"type": "date"}, "op": {"type": "keyword"}, "table": {"type": "keyword"}, "key": {"type": "keyword"},
    "lag_ms": {"type": "long"}, "event_id": {"type": "keyword"}, "changed": {"type": "keyword"}}}}


def ask(method, path, body=None, lines=None):
    payload = lines if lines is not None else json.dumps(body) if body is not None else None
    request = urllib.request.Request(BASE + path, method=method, data=payload.encode() if payload else None,
                                     headers={"content-type": "application/x-ndjson" if lines else "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def plain(query):
    """A Vega query as Elasticsearch gets it: Kibana puts its own words' values in."""
    if isinstance(query, dict):
        return "1m" if "%autointerval%" in query else {key: plain(value) for key, value in query.items()}
    return [plain(value) for value in query] if isinstance(query, list) else query


class SavedObjects(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.objects = [json.loads(line) for line in (ROOT / "Docker_Files/kibana/sluice.ndjson").read_text().splitlines()]
        ask("PUT", f"/{INDEX}", MAPPING)
        lines = ""
        for number, op in enumerate("cudr" * 5):
            document = {"@timestamp": f"2026-11-21T08:0{number % 5}:00Z", "op": op, "table": f"t{number % 2}", "key": str(number % 3),
                        "lag_ms": 10 * number, "event_id": f"e{number}", "changed": []}
            lines += json.dumps({"create": {"_index": INDEX, "_id": str(number)}}) + "\n" + json.dumps(document) + "\n"
        ask("POST", "/_bulk?refresh=true", lines=lines)

    @classmethod
    def tearDownClass(cls):
        ask("DELETE", f"/{INDEX}")

    def test_the_file_is_what_its_source_writes(self):
        self.assertEqual((ROOT / "Docker_Files/kibana/sluice.ndjson").read_text(), make_objects.text())

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

    def test_every_panel_finds_documents(self):
        panels = [item for item in self.objects if item["type"] == "visualization"]
        self.assertEqual(len(panels), 4)
        for panel in panels:
            spec = json.loads(json.loads(panel["attributes"]["visState"])["params"]["spec"])
            answer = ask("POST", f"/{INDEX}/_search", plain(spec["data"]["url"]["body"]))
            found = answer
            for step in spec["data"]["format"]["property"].split("."):
                found = found[step]
            self.assertGreater(sum(bucket["doc_count"] for bucket in found), 0, panel["id"])

    def test_the_columns_of_the_newest_events_are_fields(self):
        search = next(item for item in self.objects if item["type"] == "search")
        fields = ask("GET", f"/{INDEX}/_field_caps?fields=*")["fields"]
        for column in search["attributes"]["columns"]:
            self.assertIn(column, fields)


if __name__ == "__main__":
    unittest.main(verbosity=2)
