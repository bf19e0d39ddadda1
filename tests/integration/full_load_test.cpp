// link: sluice::base
//
// A backlog drained as fast as it goes: batches in flight, others that gather, buffers used again. Each value must be
// in its own record still, which PostgreSQL itself and kcat say.
#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "sluice/testing/stack.h"

using namespace sluice::testing;

namespace {

constexpr std::size_t kRows = 60'000;

/// `id|a|b|c` of the records, by id; what came twice or is no insert under its own key is told.
std::map<std::int64_t, std::string> rows_in(const std::vector<KafkaRecord>& events) {
  std::map<std::int64_t, std::string> rows;
  for (const KafkaRecord& record : events) {
    const nlohmann::json envelope = record.json();
    const nlohmann::json& after = envelope["after"];
    const auto id = after["id"].get<std::int64_t>();
    EXPECT_EQ(record.key, "public.load:" + std::to_string(id));
    EXPECT_EQ(envelope["op"], "c");
    const bool is_new = rows.emplace(id, std::to_string(id) + "|" + std::to_string(after["a"].get<int>()) + "|" +
                                             after["b"].get<std::string>() + "|" + after["c"].get<std::string>())
                            .second;
    EXPECT_TRUE(is_new) << id;
  }
  return rows;
}

}  // namespace

TEST(FullLoad, EachValueIsInItsOwnRecord) {
  Stack stack;
  stack.sql("CREATE TABLE load (id bigserial PRIMARY KEY, a int, b text, c numeric(10,2))");
  stack.settings()["postgres.tables"] = "[public.load]";
  Program& first = stack.start_replicator();
  ASSERT_TRUE(eventually([&] { return first.log().find("streaming from") != std::string::npos; })) << first.log();
  ASSERT_EQ(first.stop(), 0) << first.log();

  stack.sql("SET synchronous_commit = off; DO $$ BEGIN FOR i IN 0.." + std::to_string(kRows / 10 - 1) +
            " LOOP INSERT INTO load (a, b, c) SELECT i, repeat('row ' || i * 10 + g || ' ', 1 + g * 2), g / 3.0 "
            "FROM generate_series(1, 10) g; COMMIT; END LOOP; END $$");
  stack.start_replicator();
  ASSERT_TRUE(stack.topic_has(kRows)) << stack.replicator().log();

  std::string in_kafka;
  for (const auto& [id, row] : rows_in(stack.events())) in_kafka += row + "\n";
  const std::string in_postgres =
      stack.sql("SELECT string_agg(id || '|' || a || '|' || b || '|' || c, E'\\n' ORDER BY id) FROM load") + "\n";
  EXPECT_EQ(in_kafka.size(), in_postgres.size());
  EXPECT_TRUE(in_kafka == in_postgres)
      << "the first that differs: "
      << in_postgres.substr(
             static_cast<std::size_t>(
                 std::mismatch(in_kafka.begin(), in_kafka.end(), in_postgres.begin(), in_postgres.end()).first -
                 in_kafka.begin()),
             200);
}
