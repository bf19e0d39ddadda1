// link: sluice::base
// servers: own
//
// One life of the replicator whose peers go away: it goes on with the producer that it has (rule K-9), which a marker
// in the topic would disprove. And how it ends when it is told to while Kafka is away: with code 6, and nothing is
// lost.
#include <csignal>
#include <set>

#include <gtest/gtest.h>

#include "sluice/testing/stack.h"

using namespace sluice::testing;

namespace {

class Reconnects : public testing::Test {
 protected:
  void SetUp() override {
    admin_port_ = free_port();
    stack.sql("CREATE TABLE t (id serial PRIMARY KEY)");
    stack.settings()["postgres.tables"] = "[public.t]";
    stack.settings()["postgres.park_after"] = "2s";
    stack.settings()["stop_grace"] = "1h";
    stack.settings()["admin.enabled"] = "on";
    stack.settings()["admin.replicator"] = "127.0.0.1:" + std::to_string(admin_port_);
  }

  /// A broker that stands still takes nothing, and is back at once.
  void signal_kafka(const std::string& name) {
    run_ok({"sh", "-c", "kill -" + name + " $(cat " + stack.kafka().data() + "/pid)"});
  }
  void insert() { stack.sql("INSERT INTO t DEFAULT VALUES"); }
  int log_count(const std::string& words) {
    const std::string log = stack.replicator().log();
    int found = 0;
    for (auto at = log.find(words); at != std::string::npos; at = log.find(words, at + 1)) ++found;
    return found;
  }
  bool log_has(const std::string& words, int times = 1) {
    return eventually([&] { return log_count(words) >= times; });
  }
  bool is_stopping() {
    return eventually([&] {
      const std::string page = "http://127.0.0.1:" + std::to_string(admin_port_) + "/status";
      const auto status = nlohmann::json::parse(run({"curl", "-s", "-m", "5", page}).output, nullptr, false);
      return status.is_object() && status["state"] == "stopping";
    });
  }
  /// What a producer that is not the first one of its epoch begins with.
  std::size_t markers() { return stack.records(stack.topic()).size() - stack.events().size(); }
  std::set<int> ids() {
    std::set<int> ids;
    for (const auto& record : stack.events()) ids.insert(record.json()["after"]["id"].get<int>());
    return ids;
  }

  Stack stack{{.own_kafka = true}};

 private:
  int admin_port_ = 0;
};

}  // namespace

TEST_F(Reconnects, GoOnWithTheSameProducerAndAStopThatCannotSettleLosesNothing) {
  stack.start_replicator();
  ASSERT_TRUE(log_has("streaming from")) << stack.replicator().log();
  insert();
  ASSERT_TRUE(stack.topic_has(1)) << stack.replicator().log();

  stack.sql("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '" + stack.slot() +
            "'");
  ASSERT_TRUE(log_has("streaming from", 2)) << stack.replicator().log();
  insert();
  ASSERT_TRUE(stack.topic_has(2)) << stack.replicator().log();
  EXPECT_EQ(markers(), 0u) << "another producer after a reconnect to PostgreSQL";

  signal_kafka("STOP");
  insert();
  ASSERT_TRUE(log_has("kafka.parked")) << stack.replicator().log();
  signal_kafka("CONT");
  ASSERT_TRUE(log_has("streaming from", 3)) << stack.replicator().log();
  insert();
  ASSERT_TRUE(stack.topic_has(4)) << stack.replicator().log();
  EXPECT_EQ(markers(), 0u) << "another producer after parking";
  ASSERT_TRUE(stack.caught_up()) << stack.replicator().log();

  const int parked = log_count("kafka.parked");
  stack.kafka().stop();
  insert();
  ASSERT_TRUE(log_has("kafka.parked", parked + 1)) << stack.replicator().log();
  stack.replicator().signal(SIGTERM);
  ASSERT_TRUE(is_stopping()) << stack.replicator().log();
  stack.replicator().signal(SIGTERM);
  EXPECT_EQ(stack.replicator().wait(), 6) << stack.replicator().log();
  const std::string last = stack.replicator().last_line();
  EXPECT_TRUE(last.starts_with("ERROR replicator.not_settled: the stop came before Kafka had acknowledged")) << last;
  EXPECT_NE(last.find("sent again at the next start"), std::string::npos) << last;
  insert();
  stack.kafka().start();
  stack.start_replicator();
  EXPECT_TRUE(stack.topic_has(6)) << stack.replicator().log();
  EXPECT_TRUE(stack.caught_up()) << stack.replicator().log();
  EXPECT_EQ(stack.events().size(), 6u);
  EXPECT_EQ(ids(), (std::set<int>{1, 2, 3, 4, 5, 6}));
  // This one is another producer, and the eyes above would have seen it.
  EXPECT_EQ(markers(), 3u) << "one a partition";
}
