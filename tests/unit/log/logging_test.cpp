#include "sluice/log/logging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "sluice/log/log_reader.h"
#include "sluice/log/redact.h"
#include "sluice/testing/temporary_directory.h"

namespace sluice::log {
namespace {

using base::Error;
using base::Milliseconds;
using base::Recovery;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::internal::CaptureStderr;
using ::testing::internal::GetCapturedStderr;

/// What `write` puts on the console.
std::string console_of(Options options, const std::function<void(Logging&)>& write) {
  CaptureStderr();
  {
    Logging logging(std::move(options));
    write(logging);
  }
  return GetCapturedStderr();
}

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = base::Clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (base::Clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

/// A directory for logs.db, and short ways to it.
class LogDatabase : public ::testing::Test {
 protected:
  std::string path() const { return directory_ / "state/logs.db"; }
  Options options() const {
    Options options;
    options.app = "replicator";
    options.pipeline = "orders";
    options.database = DatabaseOptions{};
    options.database->path = path();
    options.database->retry_after = Milliseconds(5);
    return options;
  }
  std::vector<std::string> messages(LogFilter filter = {}) const {
    std::vector<std::string> messages;
    const auto rows = read_logs(path(), filter);
    if (!rows) return {"error: " + rows.error().message};
    for (const LogRow& row : *rows) messages.push_back(row.message);
    return messages;
  }

  sluice::testing::TemporaryDirectory directory_;
};

TEST(Console, SaysWhenHowImportantWhoAndWhat) {
  const std::string text = console_of({}, [](Logging&) { get("kafka").warning("{} of {}", 1, "x"); });
  EXPECT_THAT(text,
              ::testing::MatchesRegex("[0-9]+-[0-9]+-[0-9]+T[0-9]+:[0-9]+:[0-9]+\\.[0-9]+Z warning kafka: 1 of x\n"));
}

TEST(Console, AnErrorIsFollowedByItsId) {
  const std::string text = console_of({}, [](Logging&) {
    get("postgres").error(Error{Recovery::Stop, "pg.slot_missing", "slot s is gone: make it again"});
  });
  EXPECT_THAT(text, HasSubstr("error   postgres: slot s is gone: make it again [pg.slot_missing]\n"));
}

TEST(Console, WhatIsBelowTheLevelIsNotWritten) {
  Options options;
  options.level = Level::Warning;
  const std::string text = console_of(options, [](Logging&) {
    get("x").info("quiet");
    EXPECT_FALSE(is_enabled(Level::Info));
    get("x").warning("loud");
  });
  EXPECT_THAT(text, HasSubstr("loud"));
  EXPECT_THAT(text, Not(HasSubstr("quiet")));
}

TEST(Console, AMessageIsOneLineThatCannotSteerATerminal) {
  const std::string text =
      console_of({}, [](Logging&) { get("x").info("a\nb\tc\x1b[2Jd\x7f \xc2\x9b e\xff f\xc3\xa9"); });
  EXPECT_THAT(text, HasSubstr(R"(a\nb\tc\x1b[2Jd\x7f \xc2\x9b e\xff f)"
                              "\xc3\xa9\n"));
}

TEST(Console, ASecretIsHidden) {
  register_secret(base::Secret("correct-horse"));
  const std::string text = console_of({}, [](Logging&) { get("x").info("conn password=abc correct-horse"); });
  EXPECT_THAT(text, HasSubstr("conn password=******** ********"));
}

TEST(Console, JsonLinesAreOneObjectEach) {
  Options options;
  options.format = Format::Json;
  const std::string text = console_of(options, [](Logging&) {
    get("es").warning(Error{Recovery::Retry, "es.away", "quote \" and \xff"});
  });
  const auto line = nlohmann::json::parse(text);
  EXPECT_EQ(line["level"], "warning");
  EXPECT_EQ(line["logger"], "es");
  EXPECT_EQ(line["error_id"], "es.away");
  EXPECT_EQ(line["message"], "quote \" and \\xff");
}

TEST(Console, AVeryLongMessageIsCutAndSaysSo) {
  const std::string text = console_of({}, [](Logging&) { get("x").info("{}", std::string(100'000, 'y')); });
  EXPECT_LT(text.size(), 9'000U);
  EXPECT_THAT(text, HasSubstr("more bytes)"));
}

TEST(Console, TheLastLineIsTheReasonAndNothingFollowsIt) {
  const std::string text = console_of({}, [](Logging& logging) {
    get("x").info("before");
    logging.finish(Error{Recovery::Stop, "pg.slot_missing", "slot s is gone. Make it again"});
    get("x").info("after");
  });
  EXPECT_THAT(text, ::testing::EndsWith("\nERROR pg.slot_missing: slot s is gone. Make it again\n"));
}

TEST(Console, AProgramWithoutLoggingHasALastLineToo) {
  CaptureStderr();
  write_last_line(Error{Recovery::Stop, "config.bad_yaml", "password=oops\nx"}, Format::Json);
  const auto line = nlohmann::json::parse(GetCapturedStderr());
  EXPECT_EQ(line["error_id"], "config.bad_yaml");
  EXPECT_EQ(line["message"], "password=********\\nx");
}

TEST_F(LogDatabase, HasEveryColumnOfARecord) {
  console_of(options(), [](Logging&) {
    get("postgres").error(Error{Recovery::Stop, "pg.slot_missing", "gone'); DROP TABLE logs; --"});
  });
  const auto rows = read_logs(path(), {});
  ASSERT_TRUE(rows) << rows.error().message;
  ASSERT_EQ(rows->size(), 1U);
  const LogRow& row = rows->front();
  EXPECT_THAT(row.ts, ::testing::MatchesRegex("[0-9]+-[0-9]+-[0-9]+T[0-9]+:[0-9]+:[0-9]+\\.[0-9][0-9][0-9]Z"));
  EXPECT_EQ(row.level, "error");
  EXPECT_EQ(row.logger, "postgres");
  EXPECT_EQ(row.message, "gone'); DROP TABLE logs; --");
  EXPECT_EQ(row.error_id, "pg.slot_missing");
  EXPECT_EQ(row.app, "replicator");
  EXPECT_EQ(row.pipeline, "orders");
}

TEST_F(LogDatabase, HasEverythingInOrderAfterTheEnd) {
  console_of(options(), [](Logging&) {
    for (int line = 0; line < 1'000; ++line) get("x").info("line {}", line);
  });
  const auto stored = messages();
  ASSERT_EQ(stored.size(), 1'000U);
  EXPECT_EQ(stored.front(), "line 0");
  EXPECT_EQ(stored.back(), "line 999");
}

TEST_F(LogDatabase, HasTheReasonOfTheEnd) {
  console_of(options(), [](Logging& logging) { logging.finish(Error{Recovery::Stop, "pg.slot_missing", "gone"}); });
  EXPECT_THAT(messages(), ElementsAre("gone"));
}

TEST_F(LogDatabase, HasAMessageSoonWithoutAnEnd) {
  console_of(options(), [this](Logging& logging) {
    get("x").info("soon");
    EXPECT_TRUE(eventually([&] { return logging.database_counts().stored == 1; }));
    EXPECT_THAT(messages(), ElementsAre("soon"));
  });
}

TEST_F(LogDatabase, TakesLinesOfManyThreads) {
  console_of(options(), [](Logging&) {
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([thread] {
        for (int line = 0; line < 100; ++line) get("x").info("{}/{}", thread, line);
      });
    }
    for (std::thread& thread : threads) thread.join();
  });
  EXPECT_EQ(messages().size(), 400U);
}

TEST_F(LogDatabase, HidesSecretsAndCanBeReadByItsOwnerOnly) {
  register_secret(base::Secret("battery-staple"));
  console_of(options(), [](Logging&) { get("x").info("battery-staple"); });
  EXPECT_THAT(messages(), ElementsAre("********"));
  struct stat status {};
  ASSERT_EQ(::stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  ASSERT_EQ(::stat((directory_ / "state").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700U);
}

TEST_F(LogDatabase, KeepsTheNewestRowsOnly) {
  Options small = options();
  small.database->max_rows = 50;
  small.database->prune_interval = Milliseconds(0);
  console_of(small, [](Logging&) {
    for (int line = 0; line < 500; ++line) get("x").info("line {}", line);
  });
  const auto stored = messages();
  EXPECT_EQ(stored.size(), 50U);
  EXPECT_EQ(stored.back(), "line 499");
}

TEST_F(LogDatabase, StaysBelowItsSize) {
  Options small = options();
  small.database->max_bytes = 256 << 10;
  small.database->prune_interval = Milliseconds(0);
  console_of(small, [](Logging& logging) {
    for (std::uint64_t line = 0; line < 1'000; ++line) get("x").info("{} {}", line, std::string(1'000, 'z'));
    EXPECT_TRUE(eventually([&] { return logging.database_counts().stored == 1'000; }));
  });
  EXPECT_LE(std::filesystem::file_size(path()), 256U << 10);
  EXPECT_GT(messages().size(), 50U);
  EXPECT_THAT(messages().back(), HasSubstr("999 z"));
}

TEST_F(LogDatabase, ForgetsWhatIsTooOld) {
  console_of(options(), [](Logging&) { get("x").info("old"); });
  Options short_memory = options();
  short_memory.database->max_age = Milliseconds(-1);
  console_of(short_memory, [](Logging&) { get("x").info("new"); });
  EXPECT_TRUE(messages().empty());
}

TEST_F(LogDatabase, WhatFindsNoRoomIsCountedAndReported) {
  // The directory is a file, so that nothing can be stored until it is taken away.
  std::ofstream(directory_ / "state") << "in the way";
  Options narrow = options();
  narrow.database->max_queued_records = 10;
  const std::string text = console_of(narrow, [this](Logging& logging) {
    for (int line = 0; line < 1'000; ++line) get("x").info("line {}", line);
    EXPECT_GE(logging.database_counts().dropped, 1'000U - 10 - 100);
    EXPECT_TRUE(eventually([&] { return logging.database_counts().failed_writes > 2; }));
    std::filesystem::remove(directory_ / "state");
    EXPECT_TRUE(eventually([&] { return logging.database_counts().stored > 0; }));
  });
  EXPECT_THAT(text, HasSubstr("[log.records_dropped]"));
  EXPECT_THAT(messages(), ::testing::Contains(HasSubstr("messages found no room")));
}

TEST_F(LogDatabase, AFailingDatabaseIsReportedOnceAndThenItsRecovery) {
  std::ofstream(directory_ / "state") << "in the way";
  const std::string text = console_of(options(), [this](Logging& logging) {
    get("x").info("kept");
    EXPECT_TRUE(eventually([&] { return logging.database_counts().failed_writes > 3; }));
    std::filesystem::remove(directory_ / "state");
    EXPECT_TRUE(eventually([&] { return logging.database_counts().stored == 1; }));
  });
  const auto first = text.find("[log.database_failed]");
  ASSERT_NE(first, std::string::npos) << text;
  EXPECT_EQ(text.find("[log.database_failed]", first + 1), std::string::npos) << text;
  EXPECT_THAT(text, HasSubstr("is written again"));
  EXPECT_THAT(messages(), ElementsAre("kept"));
}

TEST_F(LogDatabase, TheEndTriesOnceMoreAtOnceAndWaitsForNothingElse) {
  std::ofstream(directory_ / "state") << "in the way";
  Options patient = options();
  patient.database->retry_after = std::chrono::hours(1);
  console_of(patient, [](Logging& logging) {
    get("x").info("kept");
    ASSERT_TRUE(eventually([&] { return logging.database_counts().failed_writes == 1; }));
    logging.finish({base::Recovery::Stop, "x.over", "over"});
    EXPECT_EQ(logging.database_counts().failed_writes, 2U);
  });
}

TEST_F(LogDatabase, ADamagedFileIsPutAsideAndBegunAnew) {
  std::filesystem::create_directory(directory_ / "state");
  std::ofstream(path()) << std::string(10'000, '?');
  console_of(options(), [](Logging&) { get("x").info("fresh"); });
  EXPECT_THAT(messages(), ElementsAre("fresh"));
  EXPECT_TRUE(std::filesystem::exists(path() + ".damaged"));
}

TEST_F(LogDatabase, OnAFullDiskTheProgramGoesOnAndTheLogFollowsWhenThereIsSpace) {
  std::filesystem::create_directory(directory_ / "state");
  if (::mount("tmpfs", (directory_ / "state").c_str(), "tmpfs", 0, "size=256k") != 0) {
    GTEST_SKIP() << "mounting a tmpfs needs root";
  }
  const std::string text = console_of(options(), [this](Logging& logging) {
    std::ofstream ballast(directory_ / "state/ballast", std::ios::binary);
    while (ballast.write(std::string(4'096, 'x').data(), 4'096).flush()) continue;
    for (int line = 0; line < 200; ++line) get("x").info("line {}", line);
    EXPECT_TRUE(eventually([&] { return logging.database_counts().failed_writes > 0; }));
    std::filesystem::remove(directory_ / "state/ballast");
    ballast.close();
    EXPECT_TRUE(eventually([&] { return logging.database_counts().stored == 200; }));
  });
  EXPECT_THAT(text, HasSubstr("[log.database_failed]"));
  EXPECT_EQ(messages().size(), 200U);
  ::umount2((directory_ / "state").c_str(), MNT_DETACH);
}

TEST_F(LogDatabase, TwoProgramsShareIt) {
  console_of(options(), [this](Logging& logging) {
    sqlite3* other = nullptr;
    get("x").info("first");
    ASSERT_TRUE(eventually([&] { return logging.database_counts().stored == 1; }));
    ASSERT_EQ(sqlite3_open(path().c_str(), &other), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
    get("x").info("waits for the other one");
    sqlite3_exec(other, "ROLLBACK", nullptr, nullptr, nullptr);
    sqlite3_close(other);
  });
  EXPECT_THAT(messages(), ElementsAre("first", "waits for the other one"));
}

TEST_F(LogDatabase, IsReadBackByLevelTimeNameAndNumber) {
  const auto begin = base::WallClock::now();
  Options verbose = options();
  verbose.level = Level::Debug;
  console_of(verbose, [](Logging&) {
    get("a").debug("d");
    get("a").info("i");
    get("b").warning("w");
    get("b").error(Error{Recovery::Stop, "x.y", "e"});
  });
  LogFilter filter;
  filter.min_level = Level::Warning;
  EXPECT_THAT(messages(filter), ElementsAre("w", "e"));
  filter = {};
  filter.logger = "a";
  EXPECT_THAT(messages(filter), ElementsAre("d", "i"));
  filter = {};
  filter.error_id = "x.y";
  EXPECT_THAT(messages(filter), ElementsAre("e"));
  filter = {};
  filter.max_rows = 2;
  EXPECT_THAT(messages(filter), ElementsAre("w", "e")) << "the newest, oldest first";
  filter = {};
  filter.since = begin - std::chrono::seconds(1);
  EXPECT_EQ(messages(filter).size(), 4U);
  filter.since = base::WallClock::now() + std::chrono::hours(1);
  EXPECT_TRUE(messages(filter).empty());
}

TEST_F(LogDatabase, WhereNothingWasLoggedTheReaderSaysSo) {
  const auto rows = read_logs(path(), {});
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().id, "log.missing");
  std::filesystem::create_directory(directory_ / "state");
  std::ofstream(path()) << std::string(10'000, '?');
  EXPECT_EQ(read_logs(path(), {}).error().id, "log.unreadable");
}

}  // namespace
}  // namespace sluice::log
