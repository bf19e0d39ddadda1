// link: sluice::base
//
// What es_consumer does with a record that can never be a document, and with a table that can have no mirror: the whole
// program, judged by kcat, curl and Kafka's own tool for groups (E-12, E3).
#include <filesystem>
#include <sstream>

#include <gtest/gtest.h>

#include "sluice/testing/consumer_group.h"
#include "sluice/testing/stack.h"

using namespace sluice::testing;

namespace {

class EsConsumerRefusals : public testing::Test {
 protected:
  void SetUp() override { stack.settings()["postgres.tables"] = "[public.users]"; }

  std::string broker() { return "127.0.0.1:" + std::to_string(stack.kafka().port()); }
  std::string dead_letter_topic() { return stack.topic() + ".dlq"; }

  void start_es_consumer() {
    std::filesystem::remove(stack.folder() + "/es_consumer.log");
    stack.start_es_consumer();
  }
  void expect_stop(const std::string& id, const std::string& remedy) {
    EXPECT_EQ(stack.es_consumer().wait(), 3) << stack.es_consumer().log();
    const std::string last = stack.es_consumer().last_line();
    EXPECT_TRUE(last.starts_with("ERROR " + id + ":")) << last;
    EXPECT_NE(last.find(remedy), std::string::npos) << last;
  }
  /// Of the record that has this text in it.
  KafkaRecord record_with(const std::string& text) {
    for (const auto& record : stack.records(stack.topic()))
      if (record.value && record.value->find(text) != std::string::npos) return record;
    ADD_FAILURE() << "no record with " << text;
    return {};
  }
  void type_in(int partition, const std::string& key, const std::string& lines) {
    run_ok({"kcat", "-P", "-b", broker(), "-t", stack.topic(), "-p", std::to_string(partition), "-k", key}, lines);
  }
  /// What the group has committed of the partition; -1: nothing.
  long committed(int partition) {
    const std::string offset = committed_offset(broker(), stack.settings()["kafka.groupID"], stack.topic(), partition);
    return offset.empty() || offset == "-" ? -1 : std::stol(offset);
  }
  /// The headers of the dead letter with this key.
  std::map<std::string, std::string> headers_of_letter(const std::string& key) {
    std::istringstream lines(
        run_ok({"kcat", "-C", "-m", "60", "-b", broker(), "-t", dead_letter_topic(), "-e", "-q", "-J"}));
    std::map<std::string, std::string> headers;
    for (std::string line; std::getline(lines, line);) {
      const auto letter = nlohmann::json::parse(line);
      if (letter["key"] != key) continue;
      for (std::size_t i = 0; i + 1 < letter["headers"].size(); i += 2)
        headers[letter["headers"][i]] = letter["headers"][i + 1];
    }
    return headers;
  }
  std::optional<KafkaRecord> letter(const std::string& key) {
    for (const auto& record : stack.records(dead_letter_topic()))
      if (record.key == key) return record;
    return std::nullopt;
  }
  void expect_letter(const KafkaRecord& record, const std::string& id, const std::string& error_type) {
    ASSERT_TRUE(eventually([&] { return letter(record.key).has_value(); })) << stack.es_consumer().log();
    EXPECT_EQ(letter(record.key)->value, record.value);
    const auto headers = headers_of_letter(record.key);
    const auto header = [&](const std::string& name) { return headers.contains(name) ? headers.at(name) : "none"; };
    EXPECT_EQ(header("sluice.topic"), stack.topic());
    EXPECT_EQ(header("sluice.partition"), std::to_string(record.partition));
    EXPECT_EQ(header("sluice.offset"), std::to_string(record.offset));
    EXPECT_EQ(header("sluice.id"), id);
    EXPECT_EQ(header("sluice.error_type"), error_type);
    EXPECT_FALSE(header("sluice.error_reason").empty());
  }

  Stack stack;
};

}  // namespace

TEST_F(EsConsumerRefusals, WhatCanNeverBeADocumentIsADeadLetterBeforeTheOffsetIsBehindIt) {
  stack.sql("CREATE TABLE users (id int PRIMARY KEY, name text); INSERT INTO users VALUES (1, 'one')");
  stack.start_replicator();
  ASSERT_TRUE(stack.topic_has(1)) << stack.replicator().log();
  const int partition = stack.events().front().partition;
  type_in(partition, "a key", "a line\n");
  const KafkaRecord foreign = record_with("a line");
  // The topic of the dead letters is not there, and nobody may make it.
  stack.settings()["kafka.create_topics"] = "off";
  start_es_consumer();
  expect_stop("kafka.topic_missing", "kafka.create_topics");
  EXPECT_LE(committed(partition), foreign.offset) << "the record is passed, and nobody has it";

  stack.settings()["kafka.create_topics"] = "on";
  start_es_consumer();
  expect_letter(foreign, "", "codec.bad_envelope");
  EXPECT_TRUE(eventually([&] { return committed(partition) == foreign.offset + 1; }));
  stack.sql("INSERT INTO users VALUES (2, 'two')");
  ASSERT_EQ(stack.mirror_difference("users"), "") << stack.es_consumer().log();

  // From now on Elasticsearch refuses a name that is too long for Lucene, instead of leaving it out of the index.
  const auto changed =
      stack.elasticsearch("PUT", "/" + stack.mirror("users") + "/_mapping",
                          {{"properties", {{"name", {{"type", "keyword"}, {"ignore_above", 1'000'000}}}}}});
  ASSERT_EQ(changed["acknowledged"], true) << changed;
  stack.sql("INSERT INTO users VALUES (3, 'poison' || repeat('x', 40000)), (4, 'four')");
  ASSERT_TRUE(stack.topic_has(5)) << stack.replicator().log();
  const KafkaRecord refused = record_with("poison");
  expect_letter(refused, refused.json()["id"], "document_parsing_exception");
  EXPECT_EQ(stack.records(dead_letter_topic()).size(), 2u);
  EXPECT_TRUE(eventually([&] { return committed(refused.partition) > refused.offset; }));
  EXPECT_TRUE(stack.journal_has("users", 4)) << stack.es_consumer().log();
  stack.sql("DELETE FROM users WHERE id = 3");
  EXPECT_EQ(stack.mirror_difference("users"), "") << stack.es_consumer().log();

  ASSERT_EQ(stack.es_consumer().stop(), 0) << stack.es_consumer().log();
  stack.settings()["dead_letters.max_per_minute"] = "3";
  start_es_consumer();
  type_in(0, "nonsense", "1\n2\n3\n4\n5\n6\n");
  expect_stop("es.too_many_rejected", "dead_letters.max_per_minute");
}

TEST_F(EsConsumerRefusals, AStopWhileElasticsearchTakesNothingSaysWhatIsLeftAndLosesNothing) {
  stack.sql("CREATE TABLE users (id int PRIMARY KEY, name text); INSERT INTO users VALUES (1, 'one')");
  stack.settings()["admin.enabled"] = "on";
  stack.settings()["admin.es_consumer"] = "127.0.0.1:" + std::to_string(free_port());
  stack.settings()["admin.replicator"] = "127.0.0.1:0";
  stack.settings()["stop_grace"] = "1s";
  stack.start_replicator();
  start_es_consumer();
  ASSERT_TRUE(stack.journal_has("users", 1)) << stack.es_consumer().log();
  const auto block = [&](bool on) {
    stack.elasticsearch("PUT", "/" + stack.journal("users") + "/_settings", {{"index.blocks.write", on}});
  };
  block(true);
  stack.sql("INSERT INTO users VALUES (2, 'two')");
  const std::string page = "http://" + stack.settings()["admin.es_consumer"] + "/metrics";
  ASSERT_TRUE(eventually([&] {
    std::istringstream lines(run({"curl", "-s", "-m", "5", page}).output);
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with("sluice_es_consumer_documents_retried_total")) return !line.ends_with(" 0");
    return false;
  })) << stack.es_consumer().log();
  EXPECT_EQ(stack.es_consumer().stop(), 6) << stack.es_consumer().log();
  const std::string last = stack.es_consumer().last_line();
  EXPECT_TRUE(last.starts_with("ERROR es_consumer.not_settled:")) << last;
  EXPECT_NE(last.find("read again at the next start"), std::string::npos) << last;
  block(false);
  start_es_consumer();
  EXPECT_TRUE(stack.journal_has("users", 2)) << stack.es_consumer().log();
  EXPECT_EQ(stack.mirror_difference("users"), "") << stack.es_consumer().log();
}

TEST_F(EsConsumerRefusals, ATableWithoutAKeyHasNoMirror) {
  stack.sql("CREATE TABLE users (id int, name text); ALTER TABLE users REPLICA IDENTITY FULL");
  stack.sql("INSERT INTO users VALUES (1, 'one')");
  stack.start_replicator();
  stack.start_es_consumer();
  ASSERT_TRUE(stack.topic_has(1)) << stack.replicator().log();
  expect_stop("es.mirror_no_key", "primary key");
  EXPECT_NE(stack.es_consumer().last_line().find("public.users"), std::string::npos);
  stack.settings()["elasticsearch.mirror"] = "off";
  start_es_consumer();
  EXPECT_TRUE(stack.journal_has("users", 1)) << stack.es_consumer().log();
}
