// link: sluice::base
// servers: own
//
// A mixed workload, and in each run a kill -9 of something at a random moment: nothing lost, nothing twice, nothing
// that was not committed, the mirror equal to the table. SLUICE_CHAOS_RUNS (6, each victim once) and SLUICE_CHAOS_SEED
// say how often, in which order and when.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "crash/broken_topics.h"
#include "crash/checker.h"
#include "sluice/testing/stack.h"

using namespace sluice::testing;

namespace {

const char* const kVictims[] = {"replicator", "es_consumer", "walsender", "Kafka", "Elasticsearch", "PostgreSQL"};

/// Every victim once, in any order, then all of them again.
class Victims {
 public:
  std::string next(std::mt19937& random) {
    if (left_.empty()) {
      left_.assign(std::begin(kVictims), std::end(kVictims));
      std::shuffle(left_.begin(), left_.end(), random);
    }
    std::string victim = std::move(left_.back());
    left_.pop_back();
    return victim;
  }

 private:
  std::vector<std::string> left_;
};

long number_of(const char* variable, long otherwise) {
  const char* value = std::getenv(variable);
  return value == nullptr ? otherwise : std::atol(value);
}

std::string contents(const std::string& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// Which rules are broken: the words before the colon.
std::set<std::string> rules(const std::vector<std::string>& violations) {
  std::set<std::string> rules;
  for (const std::string& violation : violations) rules.insert(violation.substr(0, violation.find(':')));
  return rules;
}

class Chaos : public testing::Test {
 protected:
  void SetUp() override {
    stack.sql(contents(SLUICE_SOURCE_DIR "/tests/crash/workload.sql"));
    stack.sql("CREATE EXTENSION pg_walinspect");
    stack.settings()["postgres.tables"] = "[public.work]";
    stack.settings()["kafka.session_timeout"] = "10s";  // so long a killed es_consumer keeps its partitions
    stack.sql("ALTER DATABASE " + stack.database() + " SET logical_decoding_work_mem = '64kB'");
    stack.sql("SELECT pg_create_logical_replication_slot('oracle', 'test_decoding')");
    stack.start_replicator();
    stack.start_es_consumer();
    ASSERT_TRUE(eventually([&] { return stack.replicator().log().find("streaming from") != std::string::npos; }))
        << stack.replicator().log();
  }
  void TearDown() override { stack.sql("SELECT pg_drop_replication_slot('oracle')"); }

  Program writers(int run) {
    // A writer whose server dies begins again until its time is over.
    const std::string pgbench =
        "end=$(($(date +%s) + 8)); while [ $(date +%s) -lt $end ]; do pgbench -n -c 4 -j 2 -T $((end - $(date +%s))) "
        "-R 200 -f " SLUICE_SOURCE_DIR "/tests/crash/transaction.pgbench \"" +
        stack.dsn() + "\"; done; true";
    return Program({"sh", "-c", pgbench}, stack.folder() + "/writers" + std::to_string(run) + ".log");
  }

  void kill_and_restart(const std::string& victim) {
    if (victim == "replicator") {
      stack.replicator().kill_now();
      // Ids are the same in both protocols, so it may change with every life.
      std::string& streaming = stack.settings()["postgres.streaming"];
      streaming = streaming == "on" ? "off" : "on";
      stack.start_replicator();
    } else if (victim == "es_consumer") {
      stack.es_consumer().kill_now();
      stack.start_es_consumer();
    } else if (victim == "walsender") {
      // The replicator may be between two connections; the function waits so long (ms) for the end of the process.
      const std::string terminate =
          "SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots "
          "WHERE active AND slot_name = '" +
          stack.slot() + "'";
      ASSERT_TRUE(eventually([&] { return stack.sql(terminate) == "t"; })) << stack.replicator().log();
    } else {
      Server& server = victim == "Kafka"        ? stack.kafka()
                       : victim == "PostgreSQL" ? stack.postgres()
                                                : stack.elasticsearch_server();
      server.kill_now();
      server.start();
    }
  }

  History committed() { return committed_history(stack.sql(history_query("oracle"))); }

  void expect_everything_arrived(const std::string& what) {
    ASSERT_TRUE(stack.caught_up(seconds(120))) << what << "\n" << stack.replicator().log();
    EXPECT_EQ(stack.mirror_difference("work", seconds(120)), "") << what << "\n" << stack.es_consumer().log();
    const auto records = stack.events();
    EXPECT_EQ(check_topic(committed(), records), std::vector<std::string>{}) << what;
    EXPECT_TRUE(stack.journal_has("work", records.size())) << what << "\n" << stack.es_consumer().log();
    EXPECT_EQ(check_journal(records, stack.documents(stack.journal("work"))), std::vector<std::string>{}) << what;
  }

  /// Here and below: the negative controls of the specification (4.4). Each breaks the rules that it names and no
  /// other, so a rule that sees nothing any more is seen, too.
  void expect_broken_topics_noticed() {
    const History truth = committed();
    const BrokenTopics broken(stack.events());
    struct Control {
      const char* what;
      std::vector<KafkaRecord> records;
      std::set<std::string> rules;
    };
    const std::vector<Control> controls = {
        {"the last event of a transaction lost", broken.without_the_last_of_a_transaction(), {"cut transaction"}},
        {"an event inside a transaction lost", broken.without_one_inside_a_transaction(), {"cut transaction"}},
        {"the new row of a key change lost", broken.without_the_new_row_of_a_key_change(), {"cut transaction"}},
        {"a transaction skipped", broken.without_a_transaction(), {"lost transaction"}},
        {"an upsert once more after its delete", broken.upsert_again_after_its_delete(), {"twice"}},
        {"an event in another place", broken.one_appended_late(), {"out of order"}},
        {"two events of a key in each other's place", broken.two_in_exchanged_places(), {"out of order"}},
        {"two events of a key swapped, the ids not", broken.two_under_exchanged_ids(), {"not as committed"}},
        {"a value that was never written", broken.one_with_another_value(), {"not as committed"}},
        {"an event of a key in another partition", broken.one_in_another_partition(), {"two partitions"}},
        {"an event that was rolled back", broken.with_one_of_no_transaction(), {"no such commit"}},
        {"an event too many in a transaction", broken.with_one_too_many_in_a_transaction(), {"phantom"}},
        {"ids made of record LSNs", broken.with_record_lsns(), {"no such commit", "out of order", "lost transaction"}},
    };
    for (const Control& control : controls) {
      EXPECT_EQ(rules(check_topic(truth, control.records)), control.rules) << control.what;
    }
  }

  void expect_broken_journals_noticed() {
    const auto records = stack.events();
    const auto good = stack.documents(stack.journal("work"));
    const auto expect_noticed = [&](const std::string& rule, const std::vector<nlohmann::json>& documents) {
      EXPECT_EQ(rules(check_journal(records, documents)), std::set<std::string>{rule});
    };
    auto fewer = good;
    fewer.pop_back();
    expect_noticed("lost document", fewer);
    auto more = good;
    more.push_back(good.back());
    more.back()["_id"] = "0001-ffffffffffffffff-00000001";
    expect_noticed("invented document", more);
    for (const char* member : {"op", "before", "after"}) {
      auto altered = good;
      const auto document = std::find_if(altered.begin(), altered.end(),
                                         [&](const auto& hit) { return !hit["_source"][member].is_null(); });
      ASSERT_NE(document, altered.end()) << member;
      (*document)["_source"][member] = nullptr;
      expect_noticed("altered document", altered);
    }
    auto altered = good;
    const auto row = std::find_if(altered.begin(), altered.end(),
                                  [](const auto& hit) { return hit["_source"]["after"].is_object(); });
    ASSERT_NE(row, altered.end());
    (*row)["_source"]["after"]["val"] = "something else";
    expect_noticed("altered document", altered);
  }

  /// The real programs, behind a slot that was confirmed up to the end of the WAL (a keepalive's wal_end) while what
  /// was committed before it had not gone to Kafka. The replicator refuses to start on this (pg.slot_advanced); with
  /// its state gone and the slot adopted it has nothing left to know it by.
  void expect_an_unsafe_confirmation_noticed() {
    ASSERT_EQ(rules(check_topic(committed(), stack.events())), std::set<std::string>{});
    stack.replicator().kill_now();
    stack.es_consumer().kill_now();
    stack.sql("INSERT INTO work VALUES (987656, 0, 'confirmed, never sent')");
    ASSERT_TRUE(eventually([&] {
      return stack.sql("SELECT active FROM pg_replication_slots WHERE slot_name = '" + stack.slot() + "'") == "f";
    }));
    stack.sql("SELECT pg_replication_slot_advance('" + stack.slot() + "', pg_current_wal_lsn())");
    std::filesystem::remove_all(stack.folder() + "/state");
    const Finished adopted = stack.replicator_command({"slot", "adopt"});
    ASSERT_EQ(adopted.exit_code, 0) << adopted.output;
    stack.start_replicator();
    stack.start_es_consumer();
    stack.sql("INSERT INTO work VALUES (987657, 0, 'sent')");
    ASSERT_TRUE(stack.caught_up(seconds(120))) << stack.replicator().log();
    const auto violations = check_topic(committed(), stack.events());
    EXPECT_EQ(rules(violations), std::set<std::string>{"lost transaction"});
    EXPECT_EQ(violations.size(), 1u);
    ASSERT_TRUE(eventually([&] { return stack.mirror_rows("work").contains("987657"); })) << stack.es_consumer().log();
    EXPECT_EQ(stack.mirror_difference("work", seconds(1)),
              R"(missing: {"client":0,"id":987656,"val":"confirmed, never sent"})");
    stack.sql("UPDATE work SET val = 'sent after all' WHERE id = 987656");
    EXPECT_EQ(stack.mirror_difference("work"), "") << stack.es_consumer().log();
  }

  void expect_broken_mirrors_noticed() {
    stack.sql("INSERT INTO work VALUES (987654, 0, 'old')");
    stack.sql("UPDATE work SET val = 'new' WHERE id = 987654");
    stack.sql("INSERT INTO work VALUES (987655, 0, 'old')");
    stack.sql("DELETE FROM work WHERE id = 987655");
    const std::string index = "/" + stack.mirror("work") + "-g1";
    const std::string live = index + "/_doc/987654";
    const std::string deleted = index + "/_doc/987655";
    ASSERT_TRUE(eventually([&] { return stack.elasticsearch("GET", deleted).value("found", false); }));
    ASSERT_EQ(stack.mirror_difference("work"), "");

    // Elasticsearch forgets at a refresh what was deleted, and with it the version.
    stack.elasticsearch("PUT", index + "/_settings", {{"index.gc_deletes", "0s"}});
    EXPECT_EQ(stack.elasticsearch("DELETE", deleted)["result"], "deleted");
    const nlohmann::json row = {
        {"id", 987655}, {"client", 0}, {"val", "old"}, {"_sluice", {{"v", 1}, {"deleted", false}}}};
    ASSERT_TRUE(eventually([&] {
      stack.elasticsearch("POST", index + "/_refresh");
      return stack.elasticsearch("PUT", deleted + "?version=1&version_type=external", row).value("result", "") ==
             "created";
    })) << "a late upsert behind a hard delete";
    EXPECT_EQ(stack.mirror_difference("work", seconds(1)), R"(too much: {"client":0,"id":987655,"val":"old"})");
    stack.elasticsearch("DELETE", deleted);
    ASSERT_EQ(stack.mirror_difference("work"), "");

    auto document = stack.elasticsearch("GET", live)["_source"];
    document["val"] = "old";
    stack.elasticsearch("PUT", live, document);
    EXPECT_EQ(stack.mirror_difference("work", seconds(1)),
              R"(different: {"client":0,"id":987654,"val":"new"} is {"client":0,"id":987654,"val":"old"})");
    stack.elasticsearch("DELETE", live);
    EXPECT_EQ(stack.mirror_difference("work", seconds(1)), R"(missing: {"client":0,"id":987654,"val":"new"})");
    document["val"] = "new";
    stack.elasticsearch("PUT", live, document);
    ASSERT_EQ(stack.mirror_difference("work"), "");
  }

  Stack stack{{.own_postgres = true, .own_kafka = true, .own_elasticsearch = true}};
};

}  // namespace

TEST_F(Chaos, AKilledPartLosesNothingAndDoublesNothing) {
  const auto seed = static_cast<std::uint32_t>(number_of("SLUICE_CHAOS_SEED", 1));
  std::mt19937 random(seed);
  const long runs = number_of("SLUICE_CHAOS_RUNS", 6);
  Victims victims;
  for (long run = 1; run <= runs && !HasFailure(); ++run) {
    const std::string victim = victims.next(random);
    const std::string what = "run " + std::to_string(run) + " of seed " + std::to_string(seed) + ": " + victim;
    const auto moment = std::chrono::steady_clock::now() + std::chrono::milliseconds(500 + random() % 4'500);
    std::printf("%s\n", what.c_str());
    Program writing = writers(static_cast<int>(run));
    eventually([&] { return std::chrono::steady_clock::now() > moment; });
    kill_and_restart(victim);
    EXPECT_EQ(writing.wait(), 0) << writing.log();
    expect_everything_arrived(what);
  }
}

TEST_F(Chaos, TheCheckerNoticesEachBrokenPromise) {
  Program writing = writers(0);
  EXPECT_EQ(writing.wait(), 0);
  expect_everything_arrived("undisturbed");
  expect_broken_topics_noticed();
  expect_broken_journals_noticed();
  expect_an_unsafe_confirmation_noticed();
  expect_broken_mirrors_noticed();
}
