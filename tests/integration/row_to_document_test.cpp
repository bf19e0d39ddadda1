// link: sluice::base
//
// The whole way: what is committed in PostgreSQL is in Kafka and in Elasticsearch, judged by psql, kcat and curl.
#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "sluice/testing/stack.h"

using namespace sluice::testing;

namespace {

class RowToDocument : public testing::Test {
 protected:
  void SetUp() override {
    stack.sql("CREATE TABLE users (id int PRIMARY KEY, name text, age int)");
    stack.settings()["postgres.tables"] = "[public.users]";
  }
  void start_both() {
    stack.start_replicator();
    stack.start_es_consumer();
  }
  /// The stream runs: what comes now is no snapshot any more.
  void wait_for_stream() {
    ASSERT_TRUE(eventually([&] { return stack.replicator().log().find("streaming from") != std::string::npos; }))
        << stack.replicator().log();
  }

  Stack stack;
};

}  // namespace

TEST_F(RowToDocument, ACopyOfAThousandRowsIsAThousandEventsAndAThousandDocuments) {
  start_both();
  wait_for_stream();
  std::string rows = "COPY users FROM stdin;\n";
  for (int id = 1; id <= 1'000; ++id)
    rows += std::to_string(id) + "\tuser " + std::to_string(id) + "\t" + std::to_string(id % 90) + "\n";
  stack.sql(rows + "\\.\n");

  ASSERT_TRUE(stack.topic_has(1'000)) << stack.replicator().log();
  std::set<std::string> ids;
  for (const auto& record : stack.events()) ids.insert(record.json()["id"].get<std::string>());
  EXPECT_EQ(ids.size(), 1'000u);
  EXPECT_EQ(stack.events().size(), 1'000u);

  ASSERT_TRUE(stack.journal_has("users", 1'000)) << stack.es_consumer().log();
  EXPECT_EQ(stack.documents(stack.journal("users")).size(), 1'000u);
  EXPECT_EQ(stack.mirror_difference("users"), "");
}

TEST_F(RowToDocument, WhatWasThereBeforeComesAsASnapshotAndTheMirrorFollowsEveryChange) {
  stack.sql("INSERT INTO users SELECT g, 'user ' || g, g FROM generate_series(1, 50) g");
  start_both();
  wait_for_stream();
  stack.sql("INSERT INTO users VALUES (100, 'Ada', 36)");
  stack.sql("UPDATE users SET name = 'Grace' WHERE id = 1");
  stack.sql("UPDATE users SET id = 200 WHERE id = 2");
  stack.sql("DELETE FROM users WHERE id = 3");
  stack.sql("BEGIN; INSERT INTO users VALUES (300, 'nobody', 0); ROLLBACK");
  stack.sql(
      "BEGIN; INSERT INTO users VALUES (301, 'a', 1); SAVEPOINT s; INSERT INTO users VALUES (302, 'b', 2); "
      "ROLLBACK TO s; INSERT INTO users VALUES (303, 'c', 3); COMMIT");
  stack.sql("DELETE FROM users WHERE id = 4; INSERT INTO users VALUES (4, 'again', 4)");

  EXPECT_EQ(stack.mirror_difference("users"), "") << stack.es_consumer().log();
  // 50 of the snapshot, 1 insert, 1 update, 2 of the key change, 1 delete, 2 of the savepoint, 2 of the last line.
  ASSERT_TRUE(stack.topic_has(59));
  EXPECT_EQ(stack.events().size(), 59u);
  for (const auto& record : stack.events()) {
    EXPECT_EQ(record.value->find("nobody"), std::string::npos) << "a rolled-back row reached Kafka";
  }
  ASSERT_TRUE(stack.journal_has("users", 59));
  EXPECT_EQ(stack.documents(stack.journal("users")).size(), 59u);
}

TEST_F(RowToDocument, AnEmptyTableHasASchemaAndAnEmptyMirror) {
  start_both();
  const std::string mirror = stack.mirror("users");
  EXPECT_TRUE(eventually([&] { return stack.elasticsearch("GET", "/_alias/" + mirror).contains(mirror + "-g1"); }))
      << stack.es_consumer().log();
  const auto control = stack.records(stack.control_topic());
  EXPECT_EQ(std::count_if(control.begin(), control.end(),
                          [](const auto& record) {
                            return record.key.starts_with("schema:") && record.json()["table"] == "users";
                          }),
            1);
  stack.sql("INSERT INTO users VALUES (1, 'Ada', 36)");
  EXPECT_EQ(stack.mirror_difference("users"), "") << stack.es_consumer().log();
}

TEST_F(RowToDocument, ATruncateEmptiesTheMirrorAndWhatComesAfterItStays) {
  stack.sql("INSERT INTO users SELECT g, 'user ' || g, g FROM generate_series(1, 200) g");
  start_both();
  wait_for_stream();
  ASSERT_EQ(stack.mirror_difference("users"), "") << stack.es_consumer().log();
  stack.sql("INSERT INTO users VALUES (1000, 'before', 1)");
  stack.sql("TRUNCATE users");
  stack.sql("INSERT INTO users VALUES (5, 'after', 1), (2000, 'after', 2)");
  EXPECT_EQ(stack.mirror_difference("users"), "") << stack.es_consumer().log();
}

TEST_F(RowToDocument, BothProgramsStopCleanlyAndGoOnWithoutARecordTwice) {
  start_both();
  wait_for_stream();
  stack.sql("INSERT INTO users VALUES (1, 'one', 1)");
  ASSERT_TRUE(stack.journal_has("users", 1));
  EXPECT_EQ(stack.replicator().stop(), 0) << stack.replicator().log();
  EXPECT_EQ(stack.es_consumer().stop(), 0) << stack.es_consumer().log();
  const auto before = stack.records(stack.topic()).size();

  stack.sql("INSERT INTO users VALUES (2, 'two', 2)");
  start_both();
  ASSERT_TRUE(stack.journal_has("users", 2)) << stack.replicator().log();
  EXPECT_EQ(stack.records(stack.topic()).size(), before + 1) << "neither a repetition nor a marker after a clean stop";
  EXPECT_EQ(stack.mirror_difference("users"), "");
}

TEST_F(RowToDocument, AnUnchangedToastColumnIsFetchedAndNamed) {
  stack.sql("ALTER TABLE users ADD COLUMN big text; ALTER TABLE users ALTER COLUMN big SET STORAGE EXTERNAL");
  start_both();
  wait_for_stream();
  stack.sql("INSERT INTO users VALUES (1, 'Ada', 36, repeat('x', 100000))");
  stack.sql("UPDATE users SET age = 37 WHERE id = 1");
  ASSERT_TRUE(stack.topic_has(2)) << stack.replicator().log();
  const auto update = stack.events().back().json();
  EXPECT_EQ(update["op"], "u");
  EXPECT_EQ(update["reselected"], nlohmann::json({"big"}));
  EXPECT_EQ(update["after"]["big"].get<std::string>().size(), 100'000u);
  EXPECT_EQ(stack.mirror_difference("users"), "");
}
