// link: sluice::base
//
// What the start compares is compared while we stream, too (rule P-2.6): a topic or a publication that is made again on
// the way would lose changes without a word. Exit code 3, with the id that the next start would have.
#include <gtest/gtest.h>

#include "sluice/testing/stack.h"

using namespace sluice::testing;

namespace {

class MadeAgain : public testing::Test {
 protected:
  void SetUp() override {
    stack.sql("CREATE TABLE users (id int PRIMARY KEY, name text); INSERT INTO users VALUES (1, 'one')");
    stack.settings()["postgres.tables"] = "[public.users]";
    stack.settings()["postgres.recheck_interval"] = "1s";
  }
  void stream() {
    stack.start_replicator();
    ASSERT_TRUE(eventually([&] { return stack.replicator().log().find("streaming from") != std::string::npos; }))
        << stack.replicator().log();
    stack.sql("INSERT INTO users VALUES (2, 'two')");
    ASSERT_TRUE(stack.topic_has(2));
  }
  std::string publication() { return stack.settings()["postgres.publication_name"]; }
  bool topic_exists(const std::string& topic) {
    return run_ok({"kcat", "-L", "-m", "60", "-b", "127.0.0.1:" + std::to_string(stack.kafka().port())})
               .find("topic \"" + topic + "\" with") != std::string::npos;
  }

  void expect_stop(const std::string& id, const std::string& remedy) {
    EXPECT_EQ(stack.replicator().wait(seconds(150)), 3) << stack.replicator().log();
    const std::string last = stack.replicator().last_line();
    EXPECT_TRUE(last.starts_with("ERROR " + id + ":")) << last;
    EXPECT_NE(last.find(remedy), std::string::npos) << last;
  }

  Stack stack;
};

}  // namespace

TEST_F(MadeAgain, NothingIsSaidWhileAllIsAsItWas) {
  stream();
  // Questions come once a second: the backend that asks is seen to have asked twice.
  const std::string asked = "SELECT max(query_start) FROM pg_stat_activity WHERE datname = '" + stack.database() +
                            "' AND query LIKE '%pg_publication_rel%' AND query NOT LIKE '%pg_stat_activity%'";
  std::string first;
  ASSERT_TRUE(eventually([&] { return !(first = stack.sql(asked)).empty(); })) << stack.replicator().log();
  ASSERT_TRUE(eventually([&] {
    const std::string again = stack.sql(asked);
    return !again.empty() && again != first;
  }));
  stack.sql("INSERT INTO users VALUES (3, 'three')");
  EXPECT_TRUE(stack.topic_has(3));
  EXPECT_TRUE(stack.caught_up());
  EXPECT_EQ(stack.replicator().stop(), 0) << stack.replicator().log();
}

TEST_F(MadeAgain, ThePublicationInMidStream) {
  stream();
  stack.sql("BEGIN; DROP PUBLICATION " + publication() + "; CREATE PUBLICATION " + publication() +
            " FOR TABLE users; COMMIT");
  expect_stop("pg.publication_changed", "slot reset --new-epoch");
}

TEST_F(MadeAgain, ATableOfThePublicationInMidStreamIsHaltedAlone) {
  stream();
  stack.sql("BEGIN; ALTER PUBLICATION " + publication() + " DROP TABLE users; ALTER PUBLICATION " + publication() +
            " ADD TABLE users; COMMIT");
  ASSERT_TRUE(eventually([&] { return stack.replicator().log().find("users is halted since") != std::string::npos; }))
      << stack.replicator().log();
  stack.sql("INSERT INTO users VALUES (3, 'three')");
  EXPECT_TRUE(stack.caught_up()) << stack.replicator().log();
  EXPECT_EQ(stack.events().size(), 2u);
  EXPECT_EQ(stack.replicator().stop(), 0) << stack.replicator().log();
}

TEST_F(MadeAgain, ThePublicationIsDroppedInMidStream) {
  stream();
  stack.sql("DROP PUBLICATION " + publication());
  expect_stop("pg.publication_missing", "slot reset --new-epoch");
}

TEST_F(MadeAgain, ThePartitionsOfTheTopicGrowInMidStream) {
  stream();
  stack.topic_tool({"--alter", "--topic", stack.topic(), "--partitions", "5"});
  expect_stop("kafka.partitions_changed", "slot reset --new-epoch");
}

TEST_F(MadeAgain, TheTopicInMidStream) {
  // Long enough that no two questions find it missing while it is being made again.
  stack.settings()["postgres.recheck_interval"] = "25s";
  stream();
  stack.topic_tool({"--delete", "--topic", stack.topic()});
  ASSERT_TRUE(eventually([&] { return !topic_exists(stack.topic()); }));
  stack.topic_tool({"--create", "--topic", stack.topic(), "--partitions", "3"});
  expect_stop("kafka.topic_changed", "slot reset --new-epoch");
}

TEST_F(MadeAgain, TheControlTopicIsDeletedInMidStream) {
  stream();
  stack.topic_tool({"--delete", "--topic", stack.control_topic()});
  expect_stop("kafka.topic_missing", "kafka.create_topics");
}
