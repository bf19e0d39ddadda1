#include "sluice/config/describe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "sluice/config/read_settings.h"

namespace sluice::config {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string shipped_file() {
  std::ifstream file(SLUICE_SOURCE_DIR "/config.yaml");
  return {std::istreambuf_iterator<char>(file), {}};
}

Reading read(const std::string& text, App app = App::Replicator) {
  return read_settings({text, "config.yaml", {}, app, [](const std::string&) { return std::nullopt; }});
}

Settings with_required_keys() {
  Settings settings;
  settings.postgres.slot_name = "sluice";
  settings.postgres.publication_name = "sluice";
  settings.postgres.tables = {{"public", "users"}};
  settings.kafka.brokers = {"localhost:9092"};
  settings.kafka.topic = "cdc-events";
  settings.elasticsearch.addresses = {"http://localhost:9200"};
  return settings;
}

// To write it anew after a change of the tables: SLUICE_WRITE_CONFIG=1 unit_config
TEST(DefaultConfigFile, IsTheOneThatIsShipped) {
  if (std::getenv("SLUICE_WRITE_CONFIG") != nullptr)
    std::ofstream(SLUICE_SOURCE_DIR "/config.yaml") << default_config_file();
  EXPECT_EQ(shipped_file(), default_config_file());
}

TEST(DefaultConfigFile, SaysWhatTheCodeDoesWithoutIt) {
  for (const App app : {App::Replicator, App::EsConsumer}) {
    const Reading reading = read(shipped_file(), app);
    ASSERT_TRUE(reading) << as_error(reading.error()).message;
    EXPECT_EQ(effective_config(*reading), effective_config(with_required_keys()));
  }
}

TEST(DefaultConfigFile, HasEveryKeyWithItsMeaning) {
  const std::string file = shipped_file();
  for (const KeyReference& key : key_reference()) {
    EXPECT_THAT(file, HasSubstr(key.path.substr(key.path.find('.') + 1) + ": ")) << key.path;
    EXPECT_GT(key.meaning.size(), 6U) << key.path;
    EXPECT_TRUE(key.meaning.ends_with('.')) << key.path << " is described by sentences";
  }
}

TEST(DefaultConfigFile, HasNoLineThatIsTooLongToRead) {
  std::ifstream file(SLUICE_SOURCE_DIR "/config.yaml");
  for (std::string line; std::getline(file, line);) EXPECT_LE(line.size(), 120U) << line;
}

TEST(EffectiveConfig, ReadsBackAsTheSameSettings) {
  Settings settings = with_required_keys();
  settings.pipeline = "orders";
  settings.state_dir = "/var/lib/odd: dir #1 ${x} \"q\" \\ \n";
  settings.postgres.host = "/var/run/postgresql";
  settings.postgres.port = 1;
  settings.postgres.sslmode = SslMode::VerifyCa;
  settings.postgres.tables = {{"a.b", "c\"d"}, {"public", "null"}};
  settings.postgres.park_after = Milliseconds(1'500);
  settings.postgres.idle_checkpoint_bytes = Size{65'537};
  settings.kafka.brokers = {"[::1]:9092", "b:1"};
  settings.kafka.properties = {{"client.rack", "- a: b"}, {"debug", "broker,topic"}};
  settings.elasticsearch.indexPrefix = "";
  settings.retry.backoff_multiplier = 1.75;
  settings.log.level = LogLevel::Error;
  const Reading reading = read(effective_config(settings));
  ASSERT_TRUE(reading) << as_error(reading.error()).message << "\n" << effective_config(settings);
  EXPECT_EQ(effective_config(*reading), effective_config(settings));
  EXPECT_EQ(reading->state_dir, settings.state_dir);
  EXPECT_EQ(reading->postgres.tables, settings.postgres.tables);
  EXPECT_EQ(reading->kafka.properties, settings.kafka.properties);
  EXPECT_EQ(reading->kafka.brokers, settings.kafka.brokers);
}

TEST(EffectiveConfig, HidesSecrets) {
  Settings settings = with_required_keys();
  settings.postgres.password = Secret("hunter2");
  settings.elasticsearch.api_key = Secret("hunter2");
  settings.kafka.properties = {{"ssl.key.password", "hunter2"}, {"sasl.oauthbearer.client.secret", "hunter2"}};
  const std::string text = effective_config(settings);
  EXPECT_THAT(text, Not(HasSubstr("hunter2")));
  EXPECT_THAT(text, HasSubstr("password: \"********\""));
}

TEST(JsonSchema, HasEveryKeyAndAllowsNoOther) {
  const auto schema = nlohmann::json::parse(json_schema());
  EXPECT_EQ(schema["additionalProperties"], false);
  for (const KeyReference& key : key_reference()) {
    const std::size_t dot = key.path.find('.');
    const auto& properties =
        dot == std::string::npos ? schema["properties"] : schema["properties"][key.path.substr(0, dot)]["properties"];
    EXPECT_TRUE(properties.contains(key.path.substr(dot == std::string::npos ? 0 : dot + 1))) << key.path;
  }
  EXPECT_EQ(schema["properties"]["kafka"]["additionalProperties"], false);
  EXPECT_EQ(schema["properties"]["postgres"]["properties"]["port"]["anyOf"][0]["maximum"], 65'535);
}

TEST(KeyReference, NamesTypeBoundsAndDefault) {
  std::set<std::string> paths;
  for (const KeyReference& key : key_reference()) {
    EXPECT_TRUE(paths.insert(key.path).second) << key.path << " stands there twice";
    EXPECT_FALSE(key.type.empty());
    if (key.path != "postgres.park_after") continue;
    EXPECT_EQ(key.type, "duration, 1s to 10m");
    EXPECT_EQ(key.default_value, "20s");
  }
  EXPECT_TRUE(paths.contains("postgres.park_after"));
  EXPECT_TRUE(paths.contains("state_dir"));
}

}  // namespace
}  // namespace sluice::config
