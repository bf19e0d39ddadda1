#!/usr/bin/env python3
"""Writes sluice.ndjson: Kibana's saved objects for Sluice. Run it after a change here; a test compares the two, and runs
every query below against a real Elasticsearch."""
import json
import sys
from pathlib import Path

JOURNAL = "sluice-journal"
PREFIX = "cdc_*"
MIRROR = "sluice-mirror"
# %timefilter%, %context% and %autointerval% are Kibana's own words inside a Vega panel's query.
IN_TIME = {"%context%": True, "%timefield%": "@timestamp"}


def data_view(identifier, title, name, time_field=None):
    attributes = {"title": title, "name": name}
    if time_field:
        attributes["timeFieldName"] = time_field
    return {"type": "index-pattern", "id": identifier, "attributes": attributes, "references": []}


def vega(identifier, title, body, spec, value):
    url = dict(IN_TIME, index=PREFIX, body=dict(body, size=0))
    full = {"$schema": "https://vega.github.io/schema/vega-lite/v5.json", "title": title,
            "data": {"url": url, "format": {"property": value}}, **spec}
    state = {"title": title, "type": "vega", "aggs": [], "params": {"spec": json.dumps(full, indent=1)}}
    return {"type": "visualization", "id": identifier, "references": [],
            "attributes": {"title": title, "visState": json.dumps(state), "uiStateJSON": "{}", "description": "",
                           "kibanaSavedObjectMeta": {"searchSourceJSON": "{}"}}}


def over_time(name, aggregation):
    interval = {"field": "@timestamp", "fixed_interval": {"%autointerval%": True}, "min_doc_count": 0}
    return {"aggs": {"time": {"date_histogram": interval, "aggs": {name: aggregation}}}}


TIME_AXIS = {"field": "key", "type": "temporal", "title": None}


def panels():
    events = over_time("op", {"terms": {"field": "op"}})
    by_op = {"transform": [{"flatten": ["op.buckets"], "as": ["bucket"]},
                           {"calculate": "datum.bucket.key", "as": "op"}, {"calculate": "datum.bucket.doc_count", "as": "events"}],
             "mark": "bar", "encoding": {"x": TIME_AXIS, "y": {"field": "events", "type": "quantitative", "aggregate": "sum"},
                                         "color": {"field": "op", "type": "nominal"}}}
    lag = over_time("lag", {"percentiles": {"field": "lag_ms", "percents": [50, 99]}})
    lag_lines = {"transform": [{"calculate": "datum.lag.values['50.0']", "as": "p50"},
                               {"calculate": "datum.lag.values['99.0']", "as": "p99"},
                               {"fold": ["p50", "p99"], "as": ["percentile", "ms"]}],
                 "mark": "line", "encoding": {"x": TIME_AXIS, "y": {"field": "ms", "type": "quantitative"},
                                              "color": {"field": "percentile", "type": "nominal"}}}

    def ranking(field):
        return {"aggs": {"top": {"terms": {"field": field, "size": 15, "order": {"_count": "desc"}}}}}
    bars = {"mark": "bar", "encoding": {"y": {"field": "key", "type": "nominal", "sort": "-x", "title": None},
                                        "x": {"field": "doc_count", "type": "quantitative", "title": "events"}}}
    return [vega("sluice-events", "Events over time, by operation", events, by_op, "aggregations.time.buckets"),
            vega("sluice-tables", "Events by table", ranking("table"), bars, "aggregations.top.buckets"),
            vega("sluice-lag", "Commit to document, milliseconds", lag, lag_lines, "aggregations.time.buckets"),
            vega("sluice-keys", "Busiest keys", ranking("key"), bars, "aggregations.top.buckets")]


def newest_events():
    source = {"query": {"query": "", "language": "kuery"}, "filter": [],
              "indexRefName": "kibanaSavedObjectMeta.searchSourceJSON.index"}
    return {"type": "search", "id": "sluice-newest",
            "references": [{"name": source["indexRefName"], "type": "index-pattern", "id": JOURNAL}],
            "attributes": {"title": "Newest events", "description": "", "columns": ["op", "table", "key", "changed", "lag_ms", "event_id"],
                           "sort": [["@timestamp", "desc"]],
                           "kibanaSavedObjectMeta": {"searchSourceJSON": json.dumps(source)}}}


def dashboard(shown):
    layout = [(0, 0, 32, 14), (32, 0, 16, 14), (0, 14, 32, 12), (32, 14, 16, 12), (0, 26, 48, 18)]
    placed, references = [], []
    for number, (item, (x, y, w, h)) in enumerate(zip(shown, layout)):
        name = f"panel_{number}"
        placed.append({"panelIndex": str(number), "gridData": {"x": x, "y": y, "w": w, "h": h, "i": str(number)},
                       "type": item["type"], "panelRefName": name, "embeddableConfig": {}})
        references.append({"name": f"{number}:{name}", "type": item["type"], "id": item["id"]})
    return {"type": "dashboard", "id": "sluice-changes", "references": references,
            "attributes": {"title": "Changes", "description": "What Sluice wrote into the journal", "panelsJSON": json.dumps(placed),
                           "optionsJSON": json.dumps({"useMargins": True}), "timeRestore": True, "timeFrom": "now-15m", "timeTo": "now",
                           "refreshInterval": {"pause": False, "value": 10000},
                           "kibanaSavedObjectMeta": {"searchSourceJSON": json.dumps({"query": {"query": "", "language": "kuery"}, "filter": []})}}}


def objects():
    shown = panels() + [newest_events()]
    views = [data_view(JOURNAL, PREFIX, "Journal: every change", "@timestamp"),
             data_view(MIRROR, "current_*", "Mirror: rows as they are now")]
    return views + shown + [dashboard(shown)]


def text():
    return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in objects())


if __name__ == "__main__":
    target = Path(__file__).with_name("sluice.ndjson")
    target.write_text(text())
    sys.stdout.write(f"wrote {target.name}\n")
