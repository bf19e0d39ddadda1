// link: sluice::base
//
// The whole replicator on every version of PostgreSQL: snapshot, stream, a restart in between; psql and kcat judge.
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "sluice/testing/stack.h"

using namespace sluice::testing;

namespace {

class EveryVersion : public testing::TestWithParam<int> {
 protected:
  void stream() {
    stack.start_replicator();
    ASSERT_TRUE(eventually([&] { return stack.replicator().log().find("streaming from", read_) != std::string::npos; }))
        << stack.replicator().log();
    read_ = stack.replicator().log().size();
  }
  Stack stack{StackOptions{.postgres_version = GetParam()}};

 private:
  std::size_t read_ = 0;
};

std::string name_of(const testing::TestParamInfo<int>& version) { return "pg" + std::to_string(version.param); }

}  // namespace

TEST_P(EveryVersion, IsReadFromTheSnapshotOnAndAcrossARestart) {
  ASSERT_EQ(stack.sql_number("SHOW server_version_num") / 10'000, GetParam());
  stack.sql(
      "CREATE TABLE t (id int PRIMARY KEY, v text, n numeric); INSERT INTO t SELECT i, 'row ' || i, i FROM "
      "generate_series(1, 50) i");
  stack.settings()["postgres.tables"] = "[public.t]";
  // Whatever the minor version: nothing writes while the slot is made.
  stack.settings()["postgres.accept_snapshot_race"] = "on";
  stream();
  stack.sql(
      "UPDATE t SET v = v || '!' WHERE id % 3 = 0; DELETE FROM t WHERE id % 7 = 0; UPDATE t SET id = id + 100 "
      "WHERE id % 5 = 0");
  ASSERT_TRUE(stack.caught_up()) << stack.replicator().log();
  ASSERT_EQ(stack.replicator().stop(), 0) << stack.replicator().log();
  stack.sql("INSERT INTO t VALUES (1000, 'while it was away', 1.50)");
  stream();
  stack.sql("UPDATE t SET n = n * 2");
  ASSERT_TRUE(stack.caught_up()) << stack.replicator().log();

  std::map<std::string, std::string> rows;
  std::set<std::string> ids;
  for (const KafkaRecord& record : stack.events()) {
    const nlohmann::json value = record.json();
    EXPECT_TRUE(ids.insert(value["id"]).second) << "twice: " << value["id"];
    if (value["op"] == "d") {
      EXPECT_EQ(rows.erase(record.key), 1u) << record.key;
    } else {
      rows[record.key] = value["after"].dump();
    }
  }
  std::map<std::string, std::string> wanted;
  for (auto& [key, row] : stack.table_rows("(SELECT id, v, n::text FROM t)")) wanted["public.t:" + key] = row.dump();
  EXPECT_EQ(rows, wanted);
}

INSTANTIATE_TEST_SUITE_P(, EveryVersion, testing::Values(14, 15, 16, 17, 18), name_of);
