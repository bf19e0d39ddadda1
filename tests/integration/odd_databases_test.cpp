// link: sluice::base
//
// The whole way for names with everything in them and for a database in SQL_ASCII.
#include <gtest/gtest.h>

#include "sluice/testing/stack.h"

using namespace sluice::testing;

namespace {

class OddDatabases : public testing::Test {
 protected:
  /// The publication is there, so that no list of tables is needed.
  void start_with_publication_of(const std::string& table) {
    stack.sql("CREATE PUBLICATION " + stack.settings()["postgres.publication_name"] + " FOR TABLE " + table);
    stack.settings()["postgres.create_publication"] = "off";
    stack.start_replicator();
    stack.start_es_consumer();
  }
  bool log_has(const std::string& text) {
    return eventually([&] { return stack.replicator().log().find(text) != std::string::npos; });
  }
  void make_sql_ascii() {
    stack.sql_in("postgres", "DROP DATABASE " + stack.database());
    stack.sql_in("postgres",
                 "CREATE DATABASE " + stack.database() + " TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'");
    stack.sql("CREATE TABLE t (id text PRIMARY KEY, v text)");
  }
  std::vector<nlohmann::json> documents_of(const std::string& index, std::size_t count) {
    EXPECT_TRUE(
        eventually([&] { return stack.document_count(index) >= static_cast<std::int64_t>(count); }, seconds(90)))
        << stack.es_consumer().log();
    return stack.documents(index);
  }

  Stack stack;
};

}  // namespace

TEST_F(OddDatabases, NamesWithQuotesNewlinesDotsAndEmojiReachTheirDocuments) {
  const std::string table = "\"S'q.\n😀\".\"T\"\"a.b\t*\"";
  stack.sql("CREATE SCHEMA \"S'q.\n😀\"; CREATE TABLE " + table + " (\"k\"\"\n😀\" int PRIMARY KEY, \"V. 'x'\" text)");
  stack.sql("INSERT INTO " + table + " VALUES (1, 'before')");
  start_with_publication_of(table);
  ASSERT_TRUE(log_has("streaming from")) << stack.replicator().log();
  stack.sql("UPDATE " + table + " SET \"V. 'x'\" = 'after'");
  ASSERT_TRUE(stack.topic_has(2)) << stack.replicator().log();
  EXPECT_EQ(stack.events().back().key, "S'q%2E\n😀.T\"a%2Eb\t*:1");
  const std::string index = "s'q.~0a~f0~9f~98~80_t~22a.b~09~2a";
  const auto journal = documents_of(stack.settings()["elasticsearch.indexPrefix"] + index, 2);
  ASSERT_EQ(journal.size(), 2u);
  const nlohmann::json row = {{"k\"\n😀", 1}, {"V. 'x'", "after"}};
  EXPECT_EQ(journal.back()["_source"]["after"], row);
  // A field's name has no dot: that would be an object.
  const nlohmann::json document = {{"k\"\n😀", 1}, {"column_V_ 'x'", "after"}};
  nlohmann::json found;
  EXPECT_TRUE(eventually([&] {
    const auto documents = stack.documents(stack.settings()["elasticsearch.mirrorPrefix"] + index);
    if (documents.size() != 1) {
      return false;
    }
    found = documents[0]["_source"];
    found.erase("_sluice");
    return found == document;
  })) << found.dump()
      << stack.es_consumer().log();
}

TEST_F(OddDatabases, RowsWithInvalidBytesAreCarriedAndTheReplacementsTold) {
  make_sql_ascii();
  stack.sql("INSERT INTO t VALUES (E'\\xfe', E'caf\\xe9')");
  start_with_publication_of("t");
  ASSERT_TRUE(log_has("streaming from")) << stack.replicator().log();
  stack.sql("INSERT INTO t VALUES (E'\\xff', 'caf\xc3\xa9')");
  const auto journal = documents_of(stack.journal("t"), 2);
  ASSERT_EQ(journal.size(), 2u);
  EXPECT_EQ(documents_of(stack.mirror("t"), 2).size(), 2u) << "keys that differ in invalid bytes are two";
  EXPECT_TRUE(log_has("[codec.text_replaced]")) << stack.replicator().log();
}

TEST_F(OddDatabases, RowsWithInvalidBytesStopTheProgramWhenThatIsWanted) {
  make_sql_ascii();
  stack.settings()["encoding.invalid_utf8"] = "halt";
  start_with_publication_of("t");
  ASSERT_TRUE(log_has("streaming from")) << stack.replicator().log();
  ASSERT_EQ(stack.replicator().stop(), 0) << stack.replicator().log();
  // Both are read at once by the next start, and by the one after it.
  stack.sql("INSERT INTO t VALUES ('1', 'caf\xc3\xa9')");
  stack.sql("INSERT INTO t VALUES ('2', E'caf\\xe9')");
  for (int start = 1; start <= 2; ++start) {
    stack.start_replicator();
    EXPECT_EQ(stack.replicator().wait(), 3) << stack.replicator().log();
    EXPECT_TRUE(stack.replicator().last_line().starts_with("ERROR codec.invalid_text:"))
        << stack.replicator().last_line();
    EXPECT_EQ(stack.events().size(), 1u) << "what came before is there, nothing else; start " << start;
  }
}

TEST_F(OddDatabases, LargeValuesOfADomainStayInTheMirror) {
  stack.sql("CREATE DOMAIN body AS text; CREATE DOMAIN letter AS body CHECK (value <> '')");
  stack.sql("CREATE TABLE t (id int PRIMARY KEY, n int, big letter)");
  stack.sql("ALTER TABLE t ALTER big SET STORAGE external; INSERT INTO t VALUES (1, 0, repeat('b', 10000))");
  start_with_publication_of("t");
  ASSERT_EQ(stack.mirror_difference("t"), "");
  stack.sql("UPDATE t SET n = 1");
  ASSERT_TRUE(stack.topic_has(2)) << stack.replicator().log();
  EXPECT_EQ(stack.mirror_difference("t"), "") << "an UPDATE of another column took it out";
}

TEST_F(OddDatabases, LargeValuesThatCannotBeAskedForAreToldAndStopNothing) {
  stack.sql("CREATE TABLE t (id text PRIMARY KEY, n int, big text)");
  stack.sql("ALTER TABLE t ALTER big SET STORAGE external; INSERT INTO t VALUES ('x', 0, repeat('b', 10000))");
  start_with_publication_of("t");
  ASSERT_TRUE(stack.topic_has(1)) << stack.replicator().log();
  ASSERT_TRUE(log_has("streaming from")) << stack.replicator().log();
  EXPECT_EQ(stack.replicator().stop(), 0);
  stack.sql("UPDATE t SET n = 1");
  stack.sql("ALTER TABLE t ALTER id TYPE int USING 1");
  stack.start_replicator();
  EXPECT_TRUE(stack.topic_has(2)) << stack.replicator().log();
  EXPECT_TRUE(log_has("[pg.reselect_impossible]")) << stack.replicator().log();
  EXPECT_EQ(stack.events().back().json()["unavailable"], nlohmann::json({"big"}));
  EXPECT_TRUE(stack.replicator().is_running());
}
