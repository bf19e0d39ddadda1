// link: sluice::base
//
// One transaction that is larger than the memory for it, in both protocols, with a savepoint rolled back inside and the
// replicator killed in the middle: nothing lost, nothing twice, bounded memory, and no file is left.
// SLUICE_LARGE_ROWS (200000) says how many rows.
#include <cstdlib>

#include <gtest/gtest.h>

#include "sluice/testing/stack.h"

using namespace sluice::testing;

namespace {

constexpr long kMaxMemoryKib = 120 * 1024;
constexpr int kPartitions = 3;

std::int64_t rows() {
  const char* value = std::getenv("SLUICE_LARGE_ROWS");
  return value == nullptr ? 200'000 : std::atoll(value);
}

/// So much time as a slow machine needs for ten million.
seconds patience() { return seconds(120 + rows() / 10'000); }

class LargeTransaction : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    stack.sql("CREATE TABLE work (id bigint PRIMARY KEY, customer int, status text, at timestamptz DEFAULT now())");
    // The server streams what outgrows this.
    stack.sql("ALTER DATABASE " + stack.database() + " SET logical_decoding_work_mem = '64kB'");
    stack.settings()["postgres.tables"] = "[public.work]";
    stack.settings()["postgres.streaming"] = GetParam();
    stack.settings()["postgres.spool_memory"] = "1mb";
    start();
  }

  void start() {
    stack.start_replicator();
    ASSERT_TRUE(eventually([&] { return stack.replicator().log().find("streaming from") != std::string::npos; }))
        << stack.replicator().log();
  }

  Program write() {
    const std::string half = std::to_string(rows() / 2);
    const std::string all = std::to_string(rows());
    const auto insert = [](const std::string& first, const std::string& last) {
      return "INSERT INTO work SELECT g, g % 1000, 'status ' || g % 7 FROM generate_series(" + first + ", " + last +
             ") g; ";
    };
    return Program({"psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", stack.dsn(), "-c",
                    "BEGIN; " + insert("1", half) + "SAVEPOINT s; " +
                        insert(all + " + 1", all + " + " + std::to_string(rows() / 10)) + "ROLLBACK TO s; " +
                        insert(half + " + 1", all) + "COMMIT"},
                   stack.folder() + "/writer.log");
  }

  bool has_files_without_a_name() {
    // Not run_ok: ls fails over a file that is closed while it looks.
    const std::string files = run({"ls", "-l", "/proc/" + std::to_string(stack.replicator().pid()) + "/fd"}).output;
    return files.find("(deleted)") != std::string::npos;
  }

  std::string broker() { return "127.0.0.1:" + std::to_string(stack.kafka().port()); }

  /// In the topic, as its end offsets say.
  std::int64_t records() {
    std::vector<std::string> command = {"kcat", "-Q", "-b", broker()};
    for (int partition = 0; partition < kPartitions; ++partition) {
      command.insert(command.end(), {"-t", stack.topic() + ":" + std::to_string(partition) + ":-1"});
    }
    const std::string answer = run_ok(command);  // "topic [partition] offset N", a line each
    const std::string word = "offset ";
    std::int64_t sum = 0;
    for (std::size_t at = 0; (at = answer.find(word, at)) != std::string::npos; at += word.size())
      sum += std::atoll(answer.c_str() + at + word.size());
    return sum;
  }

  /// The ids of the rows in the topic, by partition, each in its file; fails where they do not increase strictly.
  std::int64_t distinct_rows_in_order() {
    std::string script = "set -e; cd " + stack.folder() + "; export LC_ALL=C; ";
    for (int partition = 0; partition < kPartitions; ++partition) {
      const std::string ids = "ids." + std::to_string(partition);
      script += "kcat -C -q -e -b " + broker() + " -t " + stack.topic() + " -p " + std::to_string(partition) +
                " -f '%s\\n' | grep -F '\"op\":\"c\"' | cut -c8-37 > " + ids + "; sort -c -u " + ids + "; ";
    }
    script += "sort -m -u ids.* | wc -l; cat ids.* | wc -l";
    const std::string counts = run_ok({"bash", "-c", script});
    const std::size_t line = counts.find('\n');
    EXPECT_EQ(std::atoll(counts.c_str()), std::atoll(counts.c_str() + line)) << "the same id in two partitions";
    return std::atoll(counts.c_str());
  }

  Stack stack;
};

}  // namespace

TEST_P(LargeTransaction, PassesWholeThroughAKill) {
  Program writer = write();
  if (std::string(GetParam()) == "on") {
    ASSERT_TRUE(eventually([&] { return has_files_without_a_name(); }, patience())) << stack.replicator().log();
    stack.replicator().kill_now();  // while it is in progress
    start();
  }
  ASSERT_EQ(writer.wait(patience()), 0) << writer.log();
  ASSERT_TRUE(eventually([&] { return records() > rows() / 5; }, patience())) << stack.replicator().log();
  EXPECT_LT(stack.replicator().peak_memory_kib(), kMaxMemoryKib);
  stack.replicator().kill_now();  // while it is sent
  start();
  ASSERT_TRUE(stack.caught_up(patience())) << stack.replicator().log();
  EXPECT_EQ(distinct_rows_in_order(), stack.sql_number("SELECT count(*) FROM work"));
  EXPECT_LT(stack.replicator().peak_memory_kib(), kMaxMemoryKib);
  EXPECT_FALSE(has_files_without_a_name());
}

INSTANTIATE_TEST_SUITE_P(Streaming, LargeTransaction, testing::Values("off", "on"),
                         [](const auto& protocol) { return std::string(protocol.param); });
