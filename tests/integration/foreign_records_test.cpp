// link: sluice::kafka sluice::codec
//
// What comes between our own deliveries is read and told (rule K-9): somebody else's records and a late append of a
// dead process are counted and warned of, another pipeline stops us. kcat writes what does not belong there, and counts
// what is in the topic afterwards.
#include <filesystem>

#include <gtest/gtest.h>

#include "contract/kafka_eyes.h"
#include "sluice/codec/stream_header.h"
#include "sluice/kafka/producer.h"
#include "sluice/testing/stack.h"

using namespace sluice;
using namespace sluice::testing;

namespace {

class ForeignRecords : public ::testing::Test {
 protected:
  void SetUp() override {
    port = std::to_string(free_port());
    stack.sql("CREATE TABLE users (id int PRIMARY KEY, turn int); INSERT INTO users VALUES (1, 0)");
    stack.settings()["postgres.tables"] = "[public.users]";
    stack.settings()["admin.enabled"] = "on";
    stack.settings()["admin.replicator"] = "127.0.0.1:" + port;
    stack.start_replicator();
    ASSERT_TRUE(eventually([&] { return log_has("streaming from"); })) << stack.replicator().log();
    change();
    ASSERT_TRUE(stack.topic_has(2));
    partition = std::to_string(stack.events().front().partition);
  }

  /// Always the same row, so the same partition.
  void change() { stack.sql("UPDATE users SET turn = turn + 1"); }
  void type_in(const std::string& key, const std::string& value) {
    run_ok({"kcat", "-P", "-b", broker(), "-t", stack.topic(), "-p", partition, "-k", key, "-X", "acks=all"}, value);
  }
  std::string broker() { return "127.0.0.1:" + std::to_string(stack.kafka().port()); }

  std::size_t log_count(const std::string& text) {
    const std::string log = stack.replicator().log();
    std::size_t count = 0;
    for (auto at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) ++count;
    return count;
  }
  bool log_has(const std::string& text) { return log_count(text) > 0; }
  std::string ask(const std::string& path) {
    return run({"curl", "-s", "-m", "5", "http://127.0.0.1:" + port + path}).output;
  }
  bool counts(const std::string& counter, int wanted) {
    return eventually([&] {
      const auto status = nlohmann::json::parse(ask("/status"), nullptr, false);
      return status.is_object() && status["counters"][counter] == wanted;
    });
  }
  /// Each turn of the row, as the topic has it; what is not ours is left out.
  std::vector<int> turns() {
    std::vector<int> turns;
    for (const auto& record : stack.records(stack.topic())) {
      const auto value = nlohmann::json::parse(record.value.value_or(""), nullptr, false);
      if (value.is_object() && value.contains("after")) turns.push_back(value["after"]["turn"]);
    }
    return turns;
  }

  std::string port;
  std::string partition;
  Stack stack;
};

}  // namespace

TEST_F(ForeignRecords, ARecordThatSomebodyTypedInIsCountedAndWarnedOfOnce) {
  type_in("a key", "a line");
  change();
  ASSERT_TRUE(counts("foreign_records", 1)) << ask("/status") << stack.replicator().log();
  type_in("a key", "another line");
  type_in("public.users:1", "{\"id\":\"nonsense\"}");
  change();
  ASSERT_TRUE(counts("foreign_records", 3)) << ask("/status") << stack.replicator().log();
  EXPECT_EQ(log_count("kafka.foreign_records"), 1u) << "one incident, one warning";
  EXPECT_FALSE(log_has("kafka.late_appends"));
  EXPECT_NE(ask("/metrics").find("sluice_replicator_foreign_records_total{pipeline=\"" + stack.slot() + "\"} 3"),
            std::string::npos);
  EXPECT_EQ(stack.replicator().stop(), 0);
  EXPECT_EQ(turns(), (std::vector<int>{0, 1, 2, 3})) << "ours, each once and in order";
  EXPECT_EQ(stack.records(stack.topic()).size(), 7u);
}

TEST_F(ForeignRecords, AnOldRecordOfOursThatComesLateIsCountedAsSuch) {
  const KafkaRecord old = stack.events().back();
  type_in(old.key, *old.value);
  change();
  ASSERT_TRUE(counts("late_appends", 1)) << ask("/status") << stack.replicator().log();
  EXPECT_EQ(log_count("kafka.late_appends"), 1u);
  EXPECT_FALSE(log_has("kafka.foreign_records"));
  EXPECT_EQ(stack.replicator().stop(), 0);
  EXPECT_EQ(turns(), (std::vector<int>{0, 1, 1, 2}));
}

TEST_F(ForeignRecords, AMarkerOfAnotherPipelineStops) {
  const std::string header = codec::encode_marker_header({"another", 1, "somewhere"});
  auto producer = kafka::Producer::open(client_of(stack.kafka()), {}, {stack.topic()}, stack.control_topic());
  ASSERT_TRUE(producer) << producer.error().message;
  change::Record marker;
  marker.kind = change::RecordKind::Marker;
  marker.partition = stack.events().front().partition;
  marker.key = "sluice:marker";
  marker.value = "{}";
  marker.header = header;
  const auto written = kafka::send_and_wait(**producer, {&marker, 1}, base::Clock::now() + seconds(30));
  ASSERT_TRUE(written) << written.error().message;
  change();
  EXPECT_EQ(stack.replicator().wait(), 3) << stack.replicator().log();
  const std::string last = stack.replicator().last_line();
  EXPECT_TRUE(last.starts_with("ERROR kafka.topic_in_use:")) << last;
  EXPECT_NE(last.find("another"), std::string::npos) << last;
}

TEST_F(ForeignRecords, WhereDuplicatesAreAllowedNobodyLooks) {
  ASSERT_EQ(stack.replicator().stop(), 0);
  std::filesystem::remove(stack.folder() + "/replicator.log");
  stack.settings()["kafka.delivery"] = "at_least_once";
  stack.start_replicator();
  ASSERT_TRUE(eventually([&] { return log_has("streaming from"); })) << stack.replicator().log();
  type_in("a key", "a line");
  change();
  ASSERT_TRUE(eventually([&] { return turns().size() == 3; }));
  EXPECT_TRUE(counts("foreign_records", 0));
  EXPECT_EQ(stack.replicator().stop(), 0);
  EXPECT_FALSE(log_has("kafka.foreign_records"));
}
