// The snapshot and the stream that goes on from it, while others write: nothing lost, nothing twice, no ghosts (P-21,
// P-24). SLUICE_SNAPSHOT_SEEDS (4) says how many seeds.
//
// link: sluice::base
#include <cstdlib>
#include <fstream>
#include <set>

#include <gtest/gtest.h>

#include "sluice/testing/stack.h"

using namespace sluice::testing;

namespace {

int seeds() {
  const char* value = std::getenv("SLUICE_SNAPSHOT_SEEDS");
  return value == nullptr ? 4 : std::atoi(value);
}

std::string joined(const std::set<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

/// Applies the events of an epoch as strictly as a database would: a row that comes is not there yet, one that changes
/// or goes is, and its turn is the next. Then the outcome is the table. The first thing that is wrong, in words; empty
/// when nothing is. The order of a key's events is that of its partition, and so must their ids be. The writers give
/// a row a negative turn before they delete it: a delete has the key alone, and would hide the change lost before it.
std::string replay_difference(const std::vector<KafkaRecord>& records, const std::string& epoch,
                              const std::map<std::string, nlohmann::json>& table) {
  std::map<std::string, nlohmann::json> rows;
  std::map<std::string, std::string> last_ids;
  for (const auto& record : records) {
    const auto event = record.json();
    const std::string id = event["id"];
    const std::string op = event["op"];
    if (!id.starts_with(epoch)) continue;
    const auto& row = op == "d" ? event["before"] : event["after"];
    const std::string key = row["id"].dump();
    if (id <= last_ids[key]) return "out of order: " + event.dump();
    last_ids[key] = id;
    const auto known = rows.find(key);
    const bool comes = op == "r" || op == "c";
    if (comes != (known == rows.end())) return (comes ? "is there already: " : "is not there: ") + event.dump();
    if (op == "c" && row["turn"] != 1) return "a change was lost before " + event.dump();
    const bool skips_a_turn = op == "u" && std::abs(row["turn"].get<int>()) != known->second["turn"].get<int>() + 1;
    const bool has_no_farewell = op == "d" && known->second["turn"] > 0;
    if (skips_a_turn || has_no_farewell)
      return "a change was lost between " + known->second.dump() + " and " + event.dump();
    if (op == "d")
      rows.erase(known);
    else
      rows[key] = row;
  }
  for (const auto& [key, row] : table) {
    if (!rows.contains(key) || rows[key] != row) return "the table has " + row.dump();
  }
  return rows.size() == table.size() ? "" : std::to_string(rows.size() - table.size()) + " rows too many";
}

class SnapshotHandover : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    stack.sql(
        "CREATE TABLE work (id int PRIMARY KEY, client int, turn int NOT NULL, val text NOT NULL);"
        "INSERT INTO work SELECT g, 0, 1, md5(g::text) FROM generate_series(1, 20000) g");
    stack.settings()["postgres.tables"] = "[public.work]";
    // A busy broker is no reason to park, which would begin the snapshot again under an epoch that no test expects.
    stack.settings()["postgres.park_after"] = "50s";
    // All that is random is pgbench's: the server's random() would not know of the seed.
    std::ofstream(workload()) << R"(
\set fresh 1000000 + :client_id * 1000000 + random(0, 99999)
\set changed random(1, 20000)
\set gone random(1, 20000)
\set val random(1, 1000000000)
BEGIN;
INSERT INTO work VALUES (:fresh, :client_id, 1, md5(:val::text))
  ON CONFLICT (id) DO UPDATE SET turn = work.turn + 1, val = excluded.val;
UPDATE work SET turn = turn + 1, val = md5((:val + 1)::text) WHERE id = :changed;
UPDATE work SET turn = -(turn + 1) WHERE id = :gone;
DELETE FROM work WHERE id = :gone;
END;
)";
  }

  std::string workload() const { return stack.folder() + "/workload.pgbench"; }
  Program writers(int seconds) {
    return Program({"pgbench", "-n", "-c", "4", "-j", "2", "-R", "400", "--random-seed=" + std::to_string(GetParam()),
                    "-T", std::to_string(seconds), "-f", workload(), stack.dsn()},
                   stack.folder() + "/writers.log");
  }
  bool snapshot_begun() {
    return eventually(
        [&] { return stack.replicator().log().find("slot " + stack.slot() + " made") != std::string::npos; });
  }
  std::size_t ids_seen_twice() {
    std::set<std::string> seen;
    std::size_t twice = 0;
    for (const auto& record : stack.events())
      twice += seen.insert(record.json()["id"].get<std::string>()).second ? 0u : 1u;
    return twice;
  }

  Stack stack;
};

}  // namespace

TEST_P(SnapshotHandover, LosesNothingAndDoublesNothingWhileOthersWrite) {
  Program writing = writers(6);
  stack.start_replicator();
  stack.start_es_consumer();
  ASSERT_TRUE(snapshot_begun()) << stack.replicator().log();
  ASSERT_EQ(writing.wait(), 0) << writing.log();
  ASSERT_TRUE(stack.caught_up()) << stack.replicator().log();
  EXPECT_EQ(stack.mirror_difference("work"), "") << stack.es_consumer().log();
  EXPECT_EQ(ids_seen_twice(), 0u);
  // By eyes that share nothing with es_consumer; and they see each single event that is missing.
  const auto table = stack.table_rows("work");
  auto events = stack.events();
  EXPECT_EQ(replay_difference(events, "0001-", table), "");
  const auto any = static_cast<std::ptrdiff_t>(events.size()) * GetParam() / (seeds() + 1);
  events.erase(events.begin() + any);
  EXPECT_NE(replay_difference(events, "0001-", table), "");
}

TEST_P(SnapshotHandover, KilledInTheMiddleItBeginsAgainUnderANewEpochWithoutGhosts) {
  Program writing = writers(6);
  stack.start_es_consumer();
  // A hundred rows every two seconds: the whole table would take minutes.
  stack.settings()["kafka.max_in_flight_records"] = "100";
  stack.settings()["kafka.linger"] = "2s";
  stack.start_replicator();
  ASSERT_TRUE(stack.topic_has(1)) << stack.replicator().log();
  stack.replicator().kill_now();
  ASSERT_EQ(stack.replicator().log().find("is complete"), std::string::npos) << "the snapshot was over before the kill";
  // Nobody inserts these again: where they are from now on, they are ghosts.
  std::set<std::string> ghosts;
  for (const auto& record : stack.events()) {
    const auto event = record.json();
    ASSERT_TRUE(event["id"].get<std::string>().starts_with("0001-")) << event;
    ghosts.insert(event["after"]["id"].dump());
  }
  ASSERT_FALSE(ghosts.empty());
  stack.sql("DELETE FROM work WHERE id IN (" + joined(ghosts) + ")");
  stack.settings().erase("kafka.max_in_flight_records");
  stack.settings().erase("kafka.linger");
  stack.start_replicator();
  ASSERT_EQ(writing.wait(), 0) << writing.log();
  // A slot that is made when all is quiet is as far as the server from the first moment.
  ASSERT_TRUE(
      eventually([&] { return stack.replicator().log().find("is complete") != std::string::npos; }, seconds(120)))
      << stack.replicator().log();
  ASSERT_TRUE(stack.caught_up(seconds(120))) << stack.replicator().log();
  EXPECT_NE(stack.replicator().log().find("epoch 2"), std::string::npos) << stack.replicator().log();
  for (const auto& record : stack.events()) {
    const auto event = record.json();
    if (event["id"].get<std::string>().starts_with("0001-")) continue;
    ASSERT_TRUE(event["id"].get<std::string>().starts_with("0002-")) << event;
    const bool is_ghost = event["op"] == "r" && ghosts.contains(event["after"]["id"].dump());
    EXPECT_FALSE(is_ghost) << event;
  }
  EXPECT_EQ(stack.mirror_difference("work", seconds(120)), "") << stack.es_consumer().log();
  const auto mirror = stack.mirror_rows("work");
  for (const auto& ghost : ghosts) EXPECT_FALSE(mirror.contains(ghost)) << "the mirror has the ghost " << ghost;
  EXPECT_EQ(ids_seen_twice(), 0u);
  EXPECT_EQ(replay_difference(stack.events(), "0002-", stack.table_rows("work")), "");
}

INSTANTIATE_TEST_SUITE_P(Seeds, SnapshotHandover, testing::Range(1, 1 + seeds()));
