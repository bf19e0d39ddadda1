// What the two programs say to somebody at a terminal. No server is needed.
// link: sluice::base
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "sluice/testing/program.h"
#include "sluice/testing/temporary_directory.h"

using sluice::testing::TemporaryDirectory;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

namespace {

struct Ended {
  int code = -1;
  std::string text;  ///< stdout and stderr

  std::vector<std::string> lines() const {
    std::vector<std::string> found;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) found.push_back(line);
    return found;
  }
};

Ended run(const std::string& line) {
  Ended ended;
  std::FILE* pipe = popen((SLUICE_BINARY_DIR "/bin/" + line + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return ended;
  char buffer[4'096];
  for (std::size_t got = 0; (got = std::fread(buffer, 1, sizeof(buffer), pipe)) > 0;) ended.text.append(buffer, got);
  const int status = pclose(pipe);
  if (WIFEXITED(status)) ended.code = WEXITSTATUS(status);
  return ended;
}

}  // namespace

TEST(CommandLine, EveryHelpFitsAScreen) {
  for (const char* line : {"replicator --help", "es_consumer --help", "replicator run --help", "replicator logs --help",
                           "replicator config --help", "replicator status --help", "replicator slot --help",
                           "replicator slot adopt --help", "replicator slot reset --help", "es_consumer logs --help"}) {
    const Ended help = run(line);
    EXPECT_EQ(help.code, 0) << line;
    EXPECT_LT(help.lines().size(), 24u) << line << "\n" << help.text;
    for (const std::string& shown : help.lines()) EXPECT_LE(shown.size(), 80u) << line << ": " << shown;
  }
}

TEST(CommandLine, TheHelpOfACommandNamesTheOptionsOfAll) {
  for (const char* line : {"replicator run --help", "replicator slot adopt --help", "es_consumer logs --help"}) {
    EXPECT_THAT(run(line).text, HasSubstr("--config FILE")) << line;
  }
}

TEST(CommandLine, WhoOnlyLooksMakesNoState) {
  const std::string nowhere = "/nowhere/" + std::to_string(getpid());
  const std::string options = " --config " SLUICE_SOURCE_DIR
                              "/config.yaml --set postgres.host=127.0.0.1 "
                              "--set postgres.port=1 --set admin.enabled=off --set state_dir=" +
                              nowhere;
  const Ended tables = run("replicator tables" + options);
  EXPECT_EQ(tables.code, 0) << tables.text;
  EXPECT_THAT(tables.text, HasSubstr("no state in " + nowhere));
  const Ended status = run("replicator status" + options);
  EXPECT_EQ(status.code, 0) << status.text;
  EXPECT_THAT(status.text, HasSubstr("stored position  none in " + nowhere));
  EXPECT_THAT(status.text, HasSubstr("slot             not known: pg.unreachable"));
}

TEST(CommandLine, WhatIsWrongWithItIsOneLineWithAnIdAndTheWayToTheHelp) {
  const auto expect = [](const std::string& line, const std::string& help) {
    const Ended ended = run(line);
    EXPECT_EQ(ended.code, 2) << line;
    EXPECT_THAT(ended.text, StartsWith("ERROR config.bad_argument: ")) << line;
    EXPECT_THAT(ended.text, HasSubstr("See " + help + " --help\n")) << line;
    EXPECT_EQ(ended.lines().size(), 1u) << ended.text;
  };
  expect("replicator frobnicate", "replicator");
  expect("replicator --no-such-flag", "replicator");
  expect("replicator run --config", "replicator run");
  expect("replicator slot", "replicator slot");
  expect("replicator slot reset", "replicator slot reset");
  expect("replicator logs --limit abc", "replicator logs");
  expect("es_consumer slot adopt", "es_consumer");
}

TEST(CommandLine, EachMistakeOfTheConfigurationHasItsLineAndTheLastNamesTheFirst) {
  const std::string file = SLUICE_SOURCE_DIR "/config.yaml";
  const Ended ended = run("replicator run --config " + file + " --set kafka.topc=x --set nonsense");
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.lines(),
              testing::ElementsAre(StartsWith("--set kafka.topc: unknown key `kafka.topc`: did you mean `topic`? ["),
                                   StartsWith("--set …: an override has the form section.key=value [config."),
                                   StartsWith("ERROR config.unknown_key: 2 mistakes, the first: --set kafka.topc:")));
}

TEST(CommandLine, LogsAreReadBackByLevelAgeAndNumber) {
  const TemporaryDirectory state;
  const std::string options = " --config " SLUICE_SOURCE_DIR "/config.yaml --set state_dir=" + state.path();
  // Nobody listens there, so that something of each level is written.
  ASSERT_EQ(
      run("replicator run" + options +
          " --set postgres.host=127.0.0.1 --set postgres.port=1 --set retry.max_outage=1s --set admin.enabled=off")
          .code,
      4);
  const auto logs = [&](const std::string& choice) {
    const Ended ended = run("replicator logs" + options + choice);
    EXPECT_EQ(ended.code, 0) << ended.text;
    return ended.lines();
  };
  const auto has = [](const std::string& level) { return HasSubstr(" " + level); };
  const auto all = logs("");
  EXPECT_THAT(all, Contains(has("info    replicator/replicator: version")));
  EXPECT_THAT(all, Contains(has("warning replicator/")));
  EXPECT_THAT(all.back(), AllOf(has("error   replicator/"), HasSubstr("[pg.unreachable]")));
  EXPECT_THAT(logs(" --level warning"), AllOf(Not(IsEmpty()), Each(Not(has("info ")))));
  EXPECT_THAT(logs(" --level error"), testing::ElementsAre(all.back()));
  EXPECT_THAT(logs(" --limit 2"), testing::ElementsAre(all[all.size() - 2], all.back()));

  // As if the first line had been written three hours ago.
  const char* const make_older = R"(
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as logs:
    logs.execute("UPDATE logs SET ts = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-3 hours') WHERE id = 1")
)";
  sluice::testing::run_ok({"python3", "-c", make_older, state / "logs.db"});
  EXPECT_THAT(logs(" --since 1h"), testing::ElementsAreArray(all.begin() + 1, all.end()));
  EXPECT_EQ(logs(" --since 4h").size(), all.size());
}

TEST(CommandLine, TablesThatWouldMeetInOneIndexAreRefusedBeforeAnythingIsConnected) {
  sluice::testing::TemporaryDirectory folder;
  const std::string common = "es_consumer run --config " SLUICE_SOURCE_DIR
                             "/config.yaml --set admin.enabled=off"
                             " --set state_dir=" +
                             folder.path() + " --set elasticsearch.indexPrefix=cdc_";
  const Ended ended = run(common + " --set 'postgres.tables=[public.users, public.Users]'");
  EXPECT_EQ(ended.code, 3) << ended.text;
  EXPECT_THAT(ended.text, HasSubstr("es.index_collision"));
  EXPECT_THAT(ended.text, HasSubstr("the journal of public.users and for the journal of public.Users"));
}
