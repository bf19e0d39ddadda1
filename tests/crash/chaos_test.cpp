// link: sluice::base
// servers: own
//
// A mixed workload, and in each run a kill -9 of something at a random moment: nothing lost, nothing twice, nothing
// that was not committed, the mirror equal to the table. SLUICE_CHAOS_RUNS (6, each victim once) and SLUICE_CHAOS_SEED
// say how often, in which order and when.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>

#include <gtest/gtest.h>

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

class Chaos : public testing::Test {
 protected:
  void SetUp() override {
    stack.sql(contents(SLUICE_SOURCE_DIR "/tests/crash/workload.sql"));
    stack.settings()["postgres.tables"] = "[public.work]";
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

  std::string committed() {
    return stack.sql("SELECT data FROM pg_logical_slot_peek_changes('oracle', NULL, NULL, 'include-xids', '0')");
  }

  void expect_everything_arrived(const std::string& what) {
    ASSERT_TRUE(stack.caught_up(seconds(120))) << what << "\n" << stack.replicator().log();
    EXPECT_EQ(stack.mirror_difference("work", seconds(120)), "") << what << "\n" << stack.es_consumer().log();
    const auto records = stack.events();
    EXPECT_EQ(check_topic(committed_history(committed()), records), std::vector<std::string>{}) << what;
    EXPECT_EQ(check_journal(records, stack.documents(stack.journal("work"))), std::vector<std::string>{}) << what;
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
  const History truth = committed_history(committed());
  const auto good = stack.events();
  ASSERT_GT(good.size(), 100u);
  const auto expect_noticed = [&](const char* what, const std::vector<KafkaRecord>& records) {
    EXPECT_FALSE(check_topic(truth, records).empty()) << what;
  };

  auto lost = good;
  lost.erase(lost.begin() + static_cast<std::ptrdiff_t>(lost.size() / 2));
  expect_noticed("one event lost", lost);

  auto twice = good;
  twice.push_back(twice[twice.size() / 2]);
  expect_noticed("one event twice", twice);

  auto swapped = good;
  for (std::size_t i = 0; i < swapped.size(); ++i) {
    for (std::size_t j = i + 1; j < swapped.size(); ++j) {
      if (swapped[i].key != swapped[j].key || swapped[i].value == swapped[j].value) continue;
      std::swap(swapped[i].value, swapped[j].value);
      i = j = swapped.size();
    }
  }
  expect_noticed("two events of a key swapped", swapped);

  auto phantom = good;
  auto invented = phantom.back().json();
  invented["id"] = "0001-ffffffffffffffff-00000001";
  invented["op"] = "c";
  invented["after"] = {{"id", 999'999}, {"client", 0}, {"val", "never"}};
  phantom.back().value = invented.dump();
  phantom.push_back(good.back());
  expect_noticed("an event that was rolled back", phantom);

  auto cut = good;
  cut.resize(cut.size() - 3);
  expect_noticed("the end of a transaction lost", cut);

  auto late = good;
  late.push_back(late.front());
  late.back().partition = late.front().partition;
  expect_noticed("an old event appended late", late);

  auto changed = good;
  auto other = changed.back().json();
  if (other["after"].is_object())
    other["after"]["val"] = "something else";
  else
    other["op"] = "u", other["after"] = {{"id", 1}, {"val", "resurrected"}};
  changed.back().value = other.dump();
  expect_noticed("a value that was never written", changed);

  auto documents = stack.documents(stack.journal("work"));
  documents.pop_back();
  EXPECT_FALSE(check_journal(good, documents).empty()) << "one document lost";
  stack.sql("INSERT INTO work VALUES (987654, 0, 'x')");
  ASSERT_TRUE(stack.caught_up());
  ASSERT_EQ(stack.mirror_difference("work"), "");
  stack.elasticsearch("DELETE", "/" + stack.mirror("work") + "-g1/_doc/987654");
  EXPECT_NE(stack.mirror_difference("work", seconds(2)), "") << "a row missing in the mirror";
}
