#include <regex>
#include <set>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sluice/admin/es_consumer_status.h"
#include "sluice/admin/fetch.h"
#include "sluice/admin/replicator_status.h"

using namespace sluice;
using admin::EsConsumerState;
using admin::EsConsumerStatus;
using admin::ReplicatorState;
using admin::ReplicatorStatus;
using nlohmann::json;

namespace {

ReplicatorStatus streaming() {
  ReplicatorStatus status;
  status.pipeline = "users";
  status.version = "1.2.3";
  status.state = ReplicatorState::Streaming;
  status.epoch = 7;
  status.durable = change::Lsn(0x1'0000'0100);
  status.confirmed = change::Lsn(0x1'0000'0000);
  status.server_wal_end = change::Lsn(0x1'0000'0300);
  status.counters.tables["public.users"].inserted = 5;
  status.counters.records_durable = 4;
  return status;
}

EsConsumerStatus running() {
  EsConsumerStatus status;
  status.pipeline = "users";
  status.state = EsConsumerState::Running;
  status.indexing.partitions = {{{"cdc", 0}, 90, 80, 100, 0, false}, {{"cdc", 1}, 7, -1, 7, 0, false}};
  status.ends = {{{"cdc", 0}, 120}};
  status.newest_lag_seconds = 2.5;
  return status;
}

std::string metrics_of(const admin::Status& status) {
  admin::MetricsText out({});
  status.write_metrics(out);
  return out.text();
}

/// As Prometheus wants it: a family has its HELP and TYPE once, in front of all of its samples, no sample comes twice,
/// and labels are escaped.
void expect_valid(const std::string& text) {
  const std::regex form(
      R"re(([a-z_]+)(\{([a-z]+="([^"\\]|\\["\\n])*",?)+\})? [-+]?([0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?|Inf|NaN))re");
  std::set<std::string> families;
  std::set<std::string> samples;
  std::string family;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string hash, what, name;
    if (line.starts_with("# HELP ")) {
      words >> hash >> what >> family;
      EXPECT_TRUE(families.insert(family).second) << family << " begins twice";
      ASSERT_TRUE(std::getline(lines, line) && line.starts_with("# TYPE " + family + " ")) << line;
      continue;
    }
    std::smatch parts;
    ASSERT_TRUE(std::regex_match(line, parts, form)) << line;
    name = parts[1];
    for (const char* suffix : {"_bucket", "_sum", "_count"}) {
      if (name == family + suffix) name = family;
    }
    EXPECT_EQ(name, family) << line;
    EXPECT_TRUE(samples.insert(line.substr(0, line.rfind(' '))).second) << line << " comes twice";
  }
  EXPECT_GT(samples.size(), 100u);
}

const std::string kOddTable = "public.a \"quoted\" \\ table\nwith everything";

std::vector<std::string> ids_of(const std::vector<admin::Reason>& reasons) {
  std::vector<std::string> ids;
  for (const auto& reason : reasons) ids.push_back(reason.id);
  return ids;
}

using Ids = std::vector<std::string>;

}  // namespace

TEST(ReplicatorStatus, ItsJsonSaysWhereItIsAndWhatIsMissing) {
  const json status = json::parse(streaming().json());
  EXPECT_EQ(status["program"], "replicator");
  EXPECT_EQ(status["state"], "streaming");
  EXPECT_EQ(status["epoch"], 7);
  EXPECT_EQ(status["positions"]["durable"], "1/100");
  EXPECT_EQ(status["lag"]["bytes"], 0x200);
  EXPECT_EQ(status["tables"]["public.users"]["insert"], 5);
  EXPECT_EQ(status["throughput"]["total"], 4);
  EXPECT_TRUE(status["slot"].is_null());
}

TEST(ReplicatorStatus, ASnapshotShowsItsProgressAndSaysWhenNoEstimateIsKnown) {
  ReplicatorStatus status = streaming();
  status.state = ReplicatorState::Snapshot;
  status.snapshot = {{"public.a", 10, 40, false}, {"public.b", 0, -1, false}};
  const json snapshot = json::parse(status.json())["snapshot"];
  EXPECT_EQ(snapshot["public.a"]["rows"], 10);
  EXPECT_EQ(snapshot["public.a"]["estimated_rows"], 40);
  EXPECT_TRUE(snapshot["public.b"]["estimated_rows"].is_null());
  EXPECT_TRUE(status.reasons().empty());
}

TEST(ReplicatorStatus, AHaltedTableIsAReasonAndItsEventsAreCounted) {
  ReplicatorStatus status = streaming();
  status.halted["public.users"] = {"another type of column a", change::Lsn(0x30)};
  status.counters.tables["public.users"].not_sent = 9;
  EXPECT_EQ(ids_of(status.reasons()), Ids{"pg.table_halted"});
  const json halted = json::parse(status.json())["halted_tables"]["public.users"];
  EXPECT_EQ(halted, json({{"reason", "another type of column a"}, {"since", "0/30"}, {"events_not_sent", 9}}));
  const std::string metrics = metrics_of(status);
  EXPECT_NE(metrics.find("sluice_replicator_halted_tables 1\n"), std::string::npos) << metrics;
  EXPECT_NE(metrics.find("sluice_replicator_events_not_sent_total{table=\"public.users\"} 9\n"), std::string::npos)
      << metrics;
  EXPECT_FALSE(json::parse(streaming().json()).contains("halted_tables"));
}

TEST(ReplicatorStatus, OnlyAPipelineThatWorksHasNoReasons) {
  ReplicatorStatus status = streaming();
  EXPECT_EQ(ids_of(status.reasons()), Ids{});
  status.state = ReplicatorState::Starting;
  EXPECT_EQ(ids_of(status.reasons()), Ids{"admin.starting"});
  status.obstacles = {{"pg.unreachable", "down"}};
  EXPECT_EQ(ids_of(status.reasons()), Ids{"pg.unreachable"});
  status.obstacles.clear();
  status.state = ReplicatorState::Parked;
  EXPECT_EQ(ids_of(status.reasons()), Ids{"kafka.parked"});
  status.state = ReplicatorState::Stopping;
  EXPECT_EQ(ids_of(status.reasons()), Ids{"admin.stopping"});
}

TEST(ReplicatorStatus, ASlotThatIsAboutToLoseWalIsAReason) {
  ReplicatorStatus status = streaming();
  status.slot = pipeline::SlotFacts{};
  status.slot->wal_status = "extended";
  EXPECT_EQ(ids_of(status.reasons()), Ids{});
  status.slot->wal_status = "unreserved";
  EXPECT_EQ(ids_of(status.reasons()), Ids{"pg.slot_in_danger"});
}

TEST(ReplicatorStatus, WhatWasSaidOfTheSlotLongAgoIsNoMetric) {
  ReplicatorStatus status = streaming();
  status.slot = pipeline::SlotFacts{};
  status.slot->retained_bytes = 4'096;
  status.slot_asked = base::WallClock::now();
  EXPECT_TRUE(json::parse(status.json())["slot"]["fresh"].get<bool>());
  EXPECT_NE(metrics_of(status).find("sluice_replicator_slot_retained_bytes 4096\n"), std::string::npos);
  status.slot_asked = base::WallClock::now() - 2 * ReplicatorStatus::kMaxSlotAge;
  const json slot = json::parse(status.json())["slot"];
  EXPECT_FALSE(slot["fresh"].get<bool>());
  EXPECT_EQ(slot["retained_bytes"], 4'096) << "with the time at which it was said";
  const std::string text = metrics_of(status);
  EXPECT_EQ(text.find("sluice_replicator_slot_retained_bytes"), std::string::npos) << text;
  EXPECT_EQ(text.find("sluice_replicator_slot_wal_status"), std::string::npos) << text;
  EXPECT_NE(text.find("\nsluice_replicator_slot_age_seconds "), std::string::npos) << text;
}

TEST(ReplicatorStatus, ItsMetricsCountPerTableAndOperation) {
  const std::string text = metrics_of(streaming());
  EXPECT_NE(text.find("sluice_replicator_events_read_total{table=\"public.users\",op=\"insert\"} 5\n"),
            std::string::npos);
  EXPECT_NE(text.find("sluice_replicator_state{state=\"streaming\"} 1\n"), std::string::npos);
  EXPECT_NE(text.find("sluice_replicator_state{state=\"parked\"} 0\n"), std::string::npos);
  EXPECT_NE(text.find("sluice_replicator_lag_bytes 512\n"), std::string::npos);
}

TEST(ReplicatorStatus, ItSaysHowLargeTheBatchesAre) {
  ReplicatorStatus status = streaming();
  status.batches.observe(10, 4'000);
  status.batches.observe(30, 6'000);
  const json batches = json::parse(status.json())["batches"];
  EXPECT_EQ(batches["count"], 2);
  EXPECT_EQ(batches["records"]["mean"], 20);
  EXPECT_EQ(batches["bytes"]["p99"], 16'384) << "the bound of its bucket";
  const std::string text = metrics_of(status);
  EXPECT_NE(text.find("sluice_replicator_batch_records_bucket{le=\"16\"} 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("sluice_replicator_batch_bytes_sum 10000\n"), std::string::npos) << text;
}

TEST(ReplicatorStatus, WhatBecameOfValuesThatWereLeftOutIsCountedWhenTheyAreFetched) {
  ReplicatorStatus status = streaming();
  EXPECT_FALSE(json::parse(status.json()).contains("reselect"));
  EXPECT_EQ(metrics_of(status).find("reselect"), std::string::npos);
  status.reselect = ReplicatorStatus::Reselect{.queries = 3, .reselected = 9, .carried = 2, .given_up = 1};
  EXPECT_EQ(json::parse(status.json())["reselect"],
            json({{"queries", 3}, {"reselected", 9}, {"carried", 2}, {"given_up", 1}}));
  const std::string text = metrics_of(status);
  EXPECT_NE(text.find("sluice_replicator_reselect_queries_total 3\n"), std::string::npos) << text;
  EXPECT_NE(text.find("sluice_replicator_reselect_events_total{outcome=\"given_up\"} 1\n"), std::string::npos) << text;
}

TEST(ReplicatorStatus, ThousandsOfTablesShareOneLabelBehindTheFirstTwoHundred) {
  ReplicatorStatus status = streaming();
  status.counters.tables.clear();
  for (int i = 0; i < 1'000; ++i) status.counters.tables["public.t" + std::to_string(10'000 + i)].inserted = 2;
  const std::string text = metrics_of(status);
  EXPECT_NE(text.find("{table=\"public.t10199\",op=\"insert\"} 2\n"), std::string::npos);
  EXPECT_EQ(text.find("{table=\"public.t10200\""), std::string::npos);
  EXPECT_NE(text.find("{table=\"(other)\",op=\"insert\"} 1600\n"), std::string::npos);
}

TEST(ReplicatorStatus, AllOfItsMetricsAreAsPrometheusWantsThem) {
  ReplicatorStatus status = streaming();
  status.counters.tables[kOddTable].not_sent = 1;
  status.snapshot = {{kOddTable, 10, 40, false}, {"public.b", 0, -1, false}};
  status.reselect = ReplicatorStatus::Reselect{};
  status.slot = pipeline::SlotFacts{};
  status.slot->safe_wal_size_bytes = 1;
  status.slot_asked = base::WallClock::now();
  status.errors.note("pg.broken", "down");
  expect_valid(metrics_of(status));
}

TEST(ReplicatorStatus, BytesThatAreNoUtf8InAMessageStillGiveValidJson) {
  ReplicatorStatus status = streaming();
  status.errors.note("pg.broken", "bad \xff byte");
  EXPECT_EQ(json::parse(status.json())["errors"]["last"]["id"], "pg.broken");
}

TEST(EsConsumerStatus, TheLagIsWhatIsInKafkaAndNotFinished) {
  EsConsumerStatus status = running();
  EXPECT_EQ(status.lag_records(), 30u);
  EXPECT_DOUBLE_EQ(status.lag_seconds(), 2.5);
  status.indexing.partitions[0].finished = 120;
  EXPECT_EQ(status.lag_records(), 0u);
  EXPECT_DOUBLE_EQ(status.lag_seconds(), 0);
}

TEST(EsConsumerStatus, AnEndThatIsNotKnownIsNullAndNotZero) {
  const json partitions = json::parse(running().json())["partitions"];
  EXPECT_EQ(partitions["cdc/0"]["lag_records"], 30);
  EXPECT_TRUE(partitions["cdc/1"]["end"].is_null());
  EXPECT_TRUE(partitions["cdc/1"]["lag_records"].is_null());
}

TEST(EsConsumerStatus, WithoutAPartitionOrWithoutElasticsearchItIsNotReady) {
  EsConsumerStatus status = running();
  EXPECT_EQ(ids_of(status.reasons()), Ids{});
  status.indexing.away = true;
  EXPECT_EQ(ids_of(status.reasons()), Ids{"es.away"});
  status.indexing.away = false;
  status.indexing.refusal = pipeline::Refusal{"es.blocked", "an index is read-only"};
  EXPECT_EQ(ids_of(status.reasons()), Ids{"es.blocked"});
  EXPECT_EQ(status.reasons().front().message, "an index is read-only");
  status.indexing.letters = pipeline::Refusal{"kafka.dlq_failed", "no broker takes them"};
  ASSERT_EQ(status.reasons().size(), 2u);
  EXPECT_EQ(status.reasons()[1].id, "kafka.dlq_failed");
  status.indexing.letters.reset();
  status.indexing.refusal.reset();
  status.indexing.partitions.clear();
  EXPECT_EQ(ids_of(status.reasons()), Ids{"admin.no_assignment"});
}

TEST(EsConsumerStatus, ItCountsEventsAndDocumentsPerTableAndOperation) {
  EsConsumerStatus status = running();
  status.tables["public.users"].events.updated = 3;
  status.tables["public.users"].documents.updated = 6;
  const json table = json::parse(status.json())["tables"]["public.users"];
  EXPECT_EQ(table["update"], 3);
  EXPECT_EQ(table["insert"], 0);
  EXPECT_EQ(table["documents"], 6);
  const std::string text = metrics_of(status);
  EXPECT_NE(text.find("sluice_es_consumer_events_total{table=\"public.users\",op=\"update\"} 3\n"), std::string::npos);
  EXPECT_NE(text.find("sluice_es_consumer_documents_total{table=\"public.users\",op=\"update\"} 6\n"),
            std::string::npos);
}

TEST(EsConsumerStatus, ItSaysHowLargeTheBulksAre) {
  EsConsumerStatus status = running();
  status.bulk_sizes.observe(100, 50'000);
  status.bulk_sizes.observe(300, 150'000);
  const json bulks = json::parse(status.json())["bulks"];
  EXPECT_EQ(bulks["documents"], 400);
  EXPECT_EQ(bulks["bytes_per_bulk"]["mean"], 100'000);
  const std::string text = metrics_of(status);
  EXPECT_NE(text.find("sluice_es_consumer_bulk_documents_total 400\n"), std::string::npos) << text;
  EXPECT_NE(text.find("sluice_es_consumer_bulk_size_documents_bucket{le=\"256\"} 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("sluice_es_consumer_bulk_size_bytes_sum 200000\n"), std::string::npos) << text;
}

TEST(EsConsumerStatus, ItSaysHowLongACommitTookToBecomeDocuments) {
  EsConsumerStatus status = running();
  status.indexing.counters.commit_to_bulk.observe(80'000);
  EXPECT_EQ(json::parse(status.json())["commit_to_bulk"]["p99_seconds"], 0.1);
  const std::string text = metrics_of(status);
  EXPECT_NE(text.find("sluice_es_consumer_commit_to_bulk_seconds_bucket{le=\"0.1\"} 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("sluice_es_consumer_commit_to_bulk_seconds_sum 0.08\n"), std::string::npos) << text;
}

TEST(EsConsumerStatus, AMirrorThatTakesNothingNewIsAReasonWithItsNumbers) {
  EsConsumerStatus status = running();
  status.indexing.counters.first_written = 7;
  status.indexing.counters.first_superseded = 151;
  status.indexing.stale = pipeline::StaleDeliveries{151, 158};
  ASSERT_EQ(ids_of(status.reasons()), Ids{"es.stale_first_deliveries"});
  EXPECT_NE(status.reasons()[0].message.find("of the last 158 new documents of the mirror Elasticsearch had 151"),
            std::string::npos);
  EXPECT_EQ(json::parse(status.json())["counters"]["first_deliveries_superseded"], 151);
  EXPECT_EQ(json::parse(status.json())["counters"]["first_deliveries_written"], 7);
  const std::string text = metrics_of(status);
  EXPECT_NE(text.find("sluice_es_consumer_first_deliveries_superseded_total 151\n"), std::string::npos) << text;
  EXPECT_NE(text.find("sluice_es_consumer_first_deliveries_written_total 7\n"), std::string::npos) << text;
}

TEST(EsConsumerStatus, WhatIsSkippedIsCountedByKind) {
  EsConsumerStatus status = running();
  status.skipped = {.tombstones = 1, .markers = 2, .messages = 3};
  status.retired_events = 4;
  status.incomplete_documents = 5;
  const json page = json::parse(status.json());
  EXPECT_EQ(page["skipped"], json({{"tombstones", 1}, {"markers", 2}, {"messages", 3}}));
  EXPECT_EQ(page["counters"]["retired_events"], 4);
  EXPECT_EQ(page["counters"]["incomplete_documents"], 5);
  const std::string text = metrics_of(status);
  EXPECT_NE(text.find("sluice_es_consumer_records_skipped_total{kind=\"tombstone\"} 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("sluice_es_consumer_records_skipped_total{kind=\"marker\"} 2\n"), std::string::npos) << text;
  EXPECT_NE(text.find("sluice_es_consumer_records_skipped_total{kind=\"message\"} 3\n"), std::string::npos) << text;
  EXPECT_NE(text.find("sluice_es_consumer_retired_events_total 4\n"), std::string::npos) << text;
  EXPECT_NE(text.find("sluice_es_consumer_incomplete_documents_total 5\n"), std::string::npos) << text;
}

TEST(EsConsumerStatus, AllOfItsMetricsAreAsPrometheusWantsThem) {
  EsConsumerStatus status = running();
  status.tables[kOddTable].events.inserted = 1;
  status.published_epoch = 1;
  status.errors.note("es.broken", "down");
  expect_valid(metrics_of(status));
}

TEST(EsConsumerStatus, ItsMetricsNamePartitions) {
  const std::string text = metrics_of(running());
  EXPECT_NE(text.find("sluice_es_consumer_partition_finished_offset{topic=\"cdc\",partition=\"0\"} 90\n"),
            std::string::npos);
  EXPECT_NE(text.find("sluice_es_consumer_lag_records 30\n"), std::string::npos);
}

TEST(ErrorTally, CountsByIdAndKeepsTheLast) {
  admin::ErrorTally tally;
  tally.note("a.b", "one");
  tally.note("a.b", "two");
  tally.note("c.d", "three");
  EXPECT_EQ(tally.by_id().at("a.b"), 2u);
  EXPECT_EQ(tally.last()->id, "c.d");
  EXPECT_EQ(tally.last()->message, "three");
}

TEST(StatusText, ShowsEveryMemberAndTheReasonsFirst) {
  const auto text = admin::status_text(
      R"({"healthy":false,"reasons":[{"id":"kafka.parked","message":"full"}],"lag":{"bytes":12},"slot":null})");
  ASSERT_TRUE(text);
  EXPECT_TRUE(text->starts_with("NOT WORKING  kafka.parked: full\n")) << *text;
  EXPECT_NE(text->find("lag\n  bytes"), std::string::npos) << *text;
  EXPECT_NE(text->find(" 12\n"), std::string::npos) << *text;
}

TEST(StatusText, WhatIsNoStatusIsRefused) {
  for (const char* body : {"", "<html>", "[1]", "{}", R"({"reasons":3})"}) {
    const auto text = admin::status_text(body);
    ASSERT_FALSE(text) << body;
    EXPECT_EQ(text.error().id, "admin.bad_answer");
  }
}
