// The configurations that compose and the demo start the programs with are right by the reader of today.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "sluice/config/read_settings.h"
#include "sluice/testing/temporary_directory.h"

namespace sluice::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

using Names = std::map<std::string, std::string>;

constexpr const char* kFolder = SLUICE_SOURCE_DIR "/Docker_Files/";

std::string content_of(const std::string& name) {
  std::ifstream file(kFolder + name);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

Reading read(App app, const std::string& name, const std::string& text, const Names& variables) {
  return read_settings({text, name, {}, app, [&](const std::string& asked) {
                          const auto found = variables.find(asked);
                          return found == variables.end() ? std::nullopt : std::optional(found->second);
                        }});
}

std::string mistakes_of(const Reading& reading) {
  std::string text;
  for (const Mistake& mistake : reading.error()) text += to_string(mistake) + "\n";
  return text;
}

/// What the demo's sed does, with the words that stand in its own line.
std::string filled(std::string text, const Names& words) {
  const std::string demo = content_of("demo");
  for (const auto& [word, value] : words) {
    const std::string placeholder = "@" + word + "@";
    EXPECT_NE(demo.find("s|" + placeholder + "|"), std::string::npos) << placeholder << ": the demo fills it no more";
    EXPECT_THAT(text, HasSubstr(placeholder));
    for (std::size_t at = 0; (at = text.find(placeholder, at)) != std::string::npos; at += value.size())
      text.replace(at, placeholder.size(), value);
  }
  EXPECT_THAT(text, Not(HasSubstr("@"))) << "a placeholder that nothing fills";
  return text;
}

// Each program has the variables that compose.yaml gives it, and no other.
TEST(ReadSettingsContainer, ComposeStartsBothProgramsWithoutAMistake) {
  const std::map<App, Names> programs = {
      {App::Replicator, {{"POSTGRES_PASSWORD", "one"}, {"SLUICE_TOKEN", "change-me"}}},
      {App::EsConsumer, {{"ELASTIC_PASSWORD", "two"}, {"SLUICE_TOKEN", "change-me"}}}};
  const std::string text = content_of("compose-config.yaml");
  for (const auto& [app, variables] : programs) {
    const Reading reading = read(app, "compose-config.yaml", text, variables);
    ASSERT_TRUE(reading) << mistakes_of(reading);
    const Settings& s = *reading;
    EXPECT_EQ(s.postgres.host, "postgres");
    EXPECT_THAT(s.postgres.tables, ElementsAre(TableName{"public", "users"}));
    EXPECT_THAT(s.kafka.brokers, ElementsAre("kafka:9092"));
    EXPECT_THAT(s.elasticsearch.addresses, ElementsAre("http://elasticsearch:9200"));
    EXPECT_EQ(s.admin.token.reveal(), "change-me");
    EXPECT_EQ(app == App::Replicator ? s.postgres.password.reveal() : s.elasticsearch.password.reveal(),
              app == App::Replicator ? "one" : "two");
  }
}

TEST(ReadSettingsContainer, TheDemoStartsBothProgramsWithoutAMistake) {
  const testing::TemporaryDirectory demo;
  std::ofstream(demo / "password") << "local-only";
  ASSERT_EQ(::chmod((demo / "password").c_str(), 0600), 0);
  const std::string text = filled(content_of("demo_files/config.yaml.in"), {{"DEMO", demo.path()},
                                                                            {"HOST", "127.0.0.1"},
                                                                            {"PORT", "5433"},
                                                                            {"USER", "postgres"},
                                                                            {"KAFKA", "127.0.0.1:9093"},
                                                                            {"ES", "http://127.0.0.1:9201"}});
  for (const App app : {App::Replicator, App::EsConsumer}) {
    const Reading reading = read(app, "demo_files/config.yaml.in", text, {});
    ASSERT_TRUE(reading) << mistakes_of(reading);
    const Settings& s = *reading;
    EXPECT_EQ(s.state_dir, demo / "state");
    EXPECT_EQ(s.postgres.port, 5433U);
    EXPECT_THAT(s.postgres.tables, ElementsAre(TableName{"public", "customers"}, TableName{"public", "orders"}));
    EXPECT_THAT(s.kafka.brokers, ElementsAre("127.0.0.1:9093"));
    EXPECT_THAT(s.elasticsearch.addresses, ElementsAre("http://127.0.0.1:9201"));
    EXPECT_EQ(s.postgres.password.reveal(), app == App::Replicator ? "local-only" : "") << "of the replicator alone";
  }
}

}  // namespace
}  // namespace sluice::config
