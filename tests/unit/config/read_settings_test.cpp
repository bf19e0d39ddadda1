#include "sluice/config/read_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <map>
#include <string>

#include "sluice/config/describe.h"
#include "sluice/testing/temporary_directory.h"

namespace sluice::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// What both programs need at least.
constexpr const char* kSmallest = R"(postgres:
  slot_name: s
  publication_name: p
  tables: [public.users]
kafka:
  brokers: [localhost:9092]
  topic: t
elasticsearch:
  addresses: [http://localhost:9200]
)";

// Configure block of the system that this one takes its configuration over from.
constexpr const char* kSeed = R"(postgres:
  host: localhost
  port: 5432
  user: cdc_user
  password: secret
  dbname: mydb
  slot_name: my_slot
  publication_name: my_publication
  tables:
    - public.users

kafka:
  brokers:
    - localhost:9092
  topic: cdc-events
  groupID: cdc-es-consumer

elasticsearch:
  addresses:
    - http://localhost:9200
  username: elastic
  password: youelasticsearchpassword
  indexPrefix: cdc_
)";

/// reading(text).with({"a.b=c"}).where("VAR", "value").of(App::EsConsumer)
class Config {
 public:
  explicit Config(std::string text) { request_.text = std::move(text); }
  Config& with(std::vector<std::string> overrides) {
    request_.overrides = std::move(overrides);
    return *this;
  }
  Config& where(const std::string& variable, const std::string& value) {
    variables_[variable] = value;
    return *this;
  }
  Config& of(App app) {
    request_.app = app;
    return *this;
  }
  Reading read() {
    request_.environment = [this](const std::string& name) -> std::optional<std::string> {
      const auto found = variables_.find(name);
      return found == variables_.end() ? std::nullopt : std::optional(found->second);
    };
    return read_settings(request_);
  }
  /// REQUIRES: there is no mistake.
  Settings settings() {
    const Reading reading = read();
    if (reading) return *reading;
    ADD_FAILURE() << as_error(reading.error()).message;
    return {};
  }
  std::vector<std::string> mistakes() {
    std::vector<std::string> texts;
    const Reading reading = read();
    if (reading) return texts;
    for (const Mistake& mistake : reading.error()) {
      texts.push_back(mistake.place + " " + std::string(mistake.id) + " " + mistake.message);
    }
    return texts;
  }
  std::vector<std::string> ids() {
    std::vector<std::string> ids;
    const Reading reading = read();
    if (reading) return ids;
    for (const Mistake& mistake : reading.error()) ids.emplace_back(mistake.id);
    return ids;
  }

 private:
  Request request_;
  std::map<std::string, std::string> variables_;
};

/// The smallest configuration with more lines in one of its sections.
Config smallest_with(const std::string& section, const std::string& lines) {
  std::string text = kSmallest;
  const std::size_t at = text.find(section + ":\n");
  if (at == std::string::npos) return Config(text + section + ":\n" + lines);
  return Config(text.insert(at + section.size() + 2, lines));
}

TEST(ReadSettings, TheSeedsFileWorksAsItIs) {
  for (const App app : {App::Replicator, App::EsConsumer}) {
    const Settings s = Config(kSeed).of(app).settings();
    EXPECT_EQ(s.postgres.host, "localhost");
    EXPECT_EQ(s.postgres.port, 5432U);
    EXPECT_EQ(s.postgres.user, "cdc_user");
    EXPECT_EQ(s.postgres.password.reveal(), "secret");
    EXPECT_EQ(s.postgres.dbname, "mydb");
    EXPECT_EQ(s.postgres.slot_name, "my_slot");
    EXPECT_EQ(s.postgres.publication_name, "my_publication");
    EXPECT_THAT(s.postgres.tables, ElementsAre(TableName{"public", "users"}));
    EXPECT_THAT(s.kafka.brokers, ElementsAre("localhost:9092"));
    EXPECT_EQ(s.kafka.topic, "cdc-events");
    EXPECT_EQ(s.kafka.groupID, "cdc-es-consumer");
    EXPECT_THAT(s.elasticsearch.addresses, ElementsAre("http://localhost:9200"));
    EXPECT_EQ(s.elasticsearch.username, "elastic");
    EXPECT_EQ(s.elasticsearch.password.reveal(), "youelasticsearchpassword");
    EXPECT_EQ(s.elasticsearch.indexPrefix, "cdc_");
    EXPECT_EQ(s.pipeline_name(), "my_slot");
    EXPECT_EQ(s.dead_letter_topic(), "cdc-events.dlq");
  }
}

TEST(ReadSettings, WhatIsNotSaidIsLeftToLibpqOrToItsDefault) {
  const Settings s = Config(kSmallest).settings();
  EXPECT_EQ(s.postgres.host, std::nullopt);
  EXPECT_EQ(s.postgres.sslmode, std::nullopt);
  EXPECT_EQ(s.postgres.park_after, Milliseconds(20'000));
  EXPECT_EQ(s.kafka.compression, Compression::Lz4);
  EXPECT_EQ(s.elasticsearch.bulk_max_bytes, 8_mb);
}

TEST(ReadSettings, ValuesHaveTypesAndUnits) {
  const Settings s = Config(R"(
pipeline: orders
postgres: {slot_name: s, publication_name: p, tables: public.a, sslmode: verify-full, park_after: 1m30s,
  wal_sender_timeout: 3m, idle_checkpoint_bytes: 64kb, create_publication: yes, snapshot: never,
  publication_operations: "insert, delete"}
kafka: {brokers: "a:1, b:2", topic: t, partitions: 12, compression: zstd, linger: 0, max_message_bytes: 1 MB,
  properties: {socket.keepalive.enable: true, statistics.interval.ms: 500}}
retry: {backoff_multiplier: 1.5, max_outage: 2h}
log: {level: WARNING, max_age: 1d}
)")
                         .settings();
  EXPECT_EQ(s.pipeline_name(), "orders");
  EXPECT_EQ(s.postgres.sslmode, SslMode::VerifyFull);
  EXPECT_EQ(s.postgres.park_after, Milliseconds(90'000));
  EXPECT_EQ(s.postgres.idle_checkpoint_bytes, 64_kb);
  EXPECT_EQ(s.postgres.create_publication, Switch::On);
  EXPECT_EQ(s.postgres.snapshot, SnapshotMode::Never);
  EXPECT_THAT(s.postgres.publication_operations, ElementsAre("insert", "delete"));
  EXPECT_THAT(s.kafka.brokers, ElementsAre("a:1", "b:2"));
  EXPECT_EQ(s.kafka.partitions, 12U);
  EXPECT_EQ(s.kafka.compression, Compression::Zstd);
  EXPECT_EQ(s.kafka.linger, Milliseconds(0));
  EXPECT_EQ(s.kafka.max_message_bytes, 1_mb);
  EXPECT_THAT(s.kafka.properties, ::testing::UnorderedElementsAre(::testing::Pair("socket.keepalive.enable", "true"),
                                                                  ::testing::Pair("statistics.interval.ms", "500")));
  EXPECT_EQ(s.retry.backoff_multiplier, 1.5);
  EXPECT_EQ(s.retry.max_outage, Milliseconds(7'200'000));
  EXPECT_EQ(s.log.level, LogLevel::Warning);
  EXPECT_EQ(s.log.max_age, Milliseconds(86'400'000));
}

TEST(ReadSettings, EveryMistakeIsToldAtOnceWithItsPlace) {
  EXPECT_THAT(
      Config(R"(postgres:
  prot: 5432
  port: many
  slot_name: My-Slot
  publication_name: p
  tables: [users]
kafka:
  brokers: [localhost]
  partitions: 0
  linger: 10 lightyears
  compression: lz44
)")
          .mistakes(),
      ElementsAre(
          "config.yaml:2:3 config.unknown_key unknown key `postgres.prot`: did you mean `port`?",
          "config.yaml:3:9 config.wrong_type postgres.port: `many` is no number, 1 to 65535",
          HasSubstr("config.yaml:4:14 config.out_of_range postgres.slot_name: `My-Slot` is no name of a slot"),
          "config.yaml:6:12 config.wrong_type postgres.tables: `users` is no table: write schema.table, and a name "
          "with a dot in quotes",
          "config.yaml:9:15 config.out_of_range kafka.partitions: `0` is out of range: number, 1 to 10000",
          "config.yaml:10:11 config.wrong_type kafka.linger: `10 lightyears` is no duration, 0s to 15m, such as 5ms "
          "or 10s",
          HasSubstr("config.yaml:11:16 config.wrong_type kafka.compression: `lz44` is none of none | gzip | snappy | "
                    "lz4 | zstd: did you mean lz4?"),
          "config.yaml:7:1 config.missing_key kafka.topic is missing: write for example `topic: cdc-events`"));
}

TEST(ReadSettings, TheErrorThatStopsCountsTheMistakesAndNamesTheFirst) {
  const Reading reading = Config("kafka:\n  topci: x\n").read();
  ASSERT_FALSE(reading);
  const base::Error error = as_error(reading.error());
  EXPECT_EQ(error.recovery, base::Recovery::Stop);
  EXPECT_EQ(error.id, "config.unknown_key");
  EXPECT_EQ(error.message,
            std::to_string(reading.error().size()) +
                " mistakes, the first: config.yaml:2:3: unknown key `kafka.topci`: did you mean `topic`?");
}

TEST(ReadSettings, AMistakeOfTheCommandLineNamesItsKeyOnce) {
  const auto text = [](const std::string& override) {
    return to_string(Config(kSmallest).with({override}).read().error().front());
  };
  EXPECT_EQ(text("postgres.port=x"), "--set postgres.port: `x` is no number, 1 to 65535");
  EXPECT_EQ(text("postgres.prot=1"), "--set postgres.prot: unknown key `postgres.prot`: did you mean `port`?");
}

TEST(ReadSettings, AnOverrideMayBeAListInBrackets) {
  for (const char* list : {"[a:1, 'b:2']", "a:1,b:2"}) {
    EXPECT_THAT(Config(kSmallest).with({std::string("kafka.brokers=") + list}).settings().kafka.brokers,
                ElementsAre("a:1", "b:2"));
  }
  EXPECT_THAT(Config(kSmallest).with({"postgres.tables=[public.users, users]"}).mistakes(),
              ElementsAre("--set postgres.tables config.wrong_type postgres.tables: `users` is no table: write "
                          "schema.table, and a name with a dot in quotes"));
}

TEST(ReadSettings, WhatIsMissingFromAFileThatIsNoYamlIsNotGuessed) {
  EXPECT_THAT(Config("postgres: [\n").ids(), ElementsAre("config.bad_yaml"));
  EXPECT_THAT(Config("- a\n").ids(), ElementsAre("config.wrong_type"));
}

TEST(ReadSettings, TheNearestKeyIsNamed) {
  const auto suggestion = [](const std::string& section, const std::string& key) {
    const auto mistakes = smallest_with(section, "  " + key + ": 1\n").mistakes();
    return mistakes.empty() ? std::string() : mistakes.front().substr(mistakes.front().find(": ") + 2);
  };
  EXPECT_EQ(suggestion("kafka", "groupId"), "did you mean `groupID`?");
  EXPECT_EQ(suggestion("kafka", "group_id"), "did you mean `groupID`?");
  EXPECT_EQ(suggestion("elasticsearch", "index_prefix"), "did you mean `indexPrefix`?");
  EXPECT_EQ(suggestion("postgres", "username"), "did you mean `user`?");
  EXPECT_EQ(suggestion("postgres", "database"), "did you mean `dbname`?");
  EXPECT_EQ(suggestion("postgres", "colour"), "remove it; `config --schema` lists what there is");
  EXPECT_EQ(suggestion("postgres", "slto_name"), "did you mean `slot_name`?");
  EXPECT_EQ(suggestion("postgres", "brokers"), "did you mean `kafka.brokers`?");
  EXPECT_THAT(Config("postgress: {}\n").mistakes().front(), HasSubstr("did you mean `postgres`?"));
}

TEST(ReadSettings, AKeyThatStandsTwiceIsAMistake) {
  EXPECT_THAT(smallest_with("kafka", "  linger: 1ms\n  linger: 2ms\n").mistakes(),
              ElementsAre("config.yaml:7:3 config.duplicate_key kafka.linger stands at config.yaml:6:3, too: "
                          "remove one"));
  EXPECT_THAT(Config(std::string(kSmallest) + "kafka: {}\n").ids(), ElementsAre("config.duplicate_key"));
}

TEST(ReadSettings, AKeyWithoutAValueIsAMistakeButAnEmptySectionIsNot) {
  EXPECT_THAT(smallest_with("kafka", "  client_id:\n").ids(), ElementsAre("config.wrong_type"));
  EXPECT_THAT(smallest_with("log", "").ids(), IsEmpty());
}

TEST(ReadSettings, EachProgramNeedsItsOwnSectionsOnly) {
  const std::string kafka = "kafka: {brokers: [b:1], topic: t}\n";
  EXPECT_THAT(Config(kafka + "elasticsearch: {addresses: [http://e:1]}\n").of(App::EsConsumer).ids(), IsEmpty());
  EXPECT_THAT(
      Config(kafka + "postgres: {slot_name: s, publication_name: p, tables: [a.b]}\n").of(App::Replicator).ids(),
      IsEmpty());
  EXPECT_THAT(Config(kafka).of(App::EsConsumer).ids(), ElementsAre("config.missing_key"));
  EXPECT_THAT(Config("").of(App::Replicator).ids(),
              ElementsAre("config.missing_key", "config.missing_key", "config.missing_key", "config.missing_key",
                          "config.conflict"));
}

TEST(ReadSettings, TheFormWithSeveralDatabasesIsNotSupportedYet) {
  const auto mistakes =
      Config(
          "connector_name: c\nflush_interval: 10s\noffset_file: o\ninactive_slot_check: true\n"
          "retry_config:\n  max_retries: 3\ndatabases:\n  - conn_str: postgres://user1:pass1@host1/db1\n" +
          std::string(kSmallest))
          .mistakes();
  ASSERT_EQ(mistakes.size(), 6U);
  for (const std::string& mistake : mistakes) {
    EXPECT_THAT(mistake, HasSubstr("config.not_supported"));
    EXPECT_THAT(mistake, Not(HasSubstr("pass1")));
  }
}

TEST(ReadSettings, WhatComesLaterIsNotSupportedYetRatherThanWrong) {
  EXPECT_THAT(smallest_with("postgres", "  snapshot: when_needed\n").ids(), ElementsAre("config.not_supported"));
  EXPECT_THAT(smallest_with("kafka", "  delivery: transactional\n").ids(), ElementsAre("config.not_supported"));
  EXPECT_THAT(smallest_with("kafka", "  on_oversize: dlq\n").ids(), ElementsAre("config.not_supported"));
  EXPECT_THAT(Config(kSmallest).with({"kafka.topic=cdc.{schema}.{table}"}).ids(), ElementsAre("config.not_supported"));
  EXPECT_THAT(Config(kSmallest).with({"postgres.tables=public.*"}).ids(), ElementsAre("config.not_supported"));
}

TEST(ReadSettings, PropertiesThatBreakAPromiseAreRefusedWithTheReason) {
  for (const char* name :
       {"enable.idempotence", "acks", "request.required.acks", "partitioner", "enable.auto.commit", "max.in.flight",
        "max.in.flight.requests.per.connection", "message.timeout.ms", "auto.offset.reset", "group.id"}) {
    const auto mistakes = smallest_with("kafka", std::string("  properties:\n    ") + name + ": hunter2\n").mistakes();
    ASSERT_EQ(mistakes.size(), 1U) << name;
    EXPECT_THAT(mistakes[0], HasSubstr(std::string("config.yaml:7:5 config.refused_property kafka.properties: `") +
                                       name + "` cannot be set: "));
    EXPECT_THAT(mistakes[0], Not(HasSubstr("hunter2")));
  }
  EXPECT_EQ(smallest_with("kafka", "  properties: {socket.nagle.disable: false}\n").settings().kafka.properties.size(),
            1U);
}

TEST(ReadSettings, TablesAreTakenAsTheyAreWritten) {
  EXPECT_THAT(Config(kSmallest)
                  .with({R"(postgres.tables=public.Users,"odd.schema"."a""b", s.with space)"})
                  .settings()
                  .postgres.tables,
              ElementsAre(TableName{"public", "Users"}, TableName{"odd.schema", "a\"b"}, TableName{"s", "with space"}));
  for (const char* bad : {"users", "a.b.c", ".b", "a.", "\"a.b", "a.\"\""}) {
    EXPECT_THAT(Config(kSmallest).with({std::string("postgres.tables=") + bad}).ids(), ElementsAre("config.wrong_type"))
        << bad;
  }
}

// Variables

TEST(Variables, StandForTheirValuesAnywhereInAText) {
  auto config = smallest_with("postgres", "  host: db-${REGION}.${DOMAIN:-example.org}\n  port: ${PORT:-5433}\n");
  const Settings s = config.where("REGION", "eu").settings();
  EXPECT_EQ(s.postgres.host, "db-eu.example.org");
  EXPECT_EQ(s.postgres.port, 5433U);
}

TEST(Variables, CannotAddKeysOrLists) {
  const Settings s = smallest_with("postgres", "  host: ${EVIL}\n").where("EVIL", "x\n  port: 1\n- y").settings();
  EXPECT_EQ(s.postgres.host, "x\n  port: 1\n- y");
  EXPECT_EQ(s.postgres.port, std::nullopt);
}

TEST(Variables, MissingOrMalformedOnesAreMistakes) {
  EXPECT_THAT(smallest_with("postgres", "  host: ${NOWHERE}\n").mistakes(),
              ElementsAre("config.yaml:2:9 config.unset_variable postgres.host: the value needs the variable NOWHERE, "
                          "which is not set: "
                          "set it, or write ${NOWHERE:-default}"));
  EXPECT_THAT(smallest_with("postgres", "  host: a${B\n  user: ${1X}\n  dbname: ${}\n").ids(),
              ElementsAre("config.bad_variable", "config.bad_variable", "config.bad_variable"));
}

TEST(Variables, TwoDollarsAreTheCharactersThemselves) {
  EXPECT_EQ(smallest_with("postgres", "  password: a$${b}$c\n").settings().postgres.password.reveal(), "a${b}$c");
}

TEST(Variables, OfTheOtherProgramMayBeMissing) {
  EXPECT_THAT(smallest_with("elasticsearch", "  username: e\n  password: ${ELASTIC}\n").of(App::Replicator).ids(),
              IsEmpty());
  EXPECT_THAT(smallest_with("elasticsearch", "  username: e\n  password: ${ELASTIC}\n").of(App::EsConsumer).ids(),
              ElementsAre("config.unset_variable"));
}

// Overrides

TEST(Overrides, WinOverTheFile) {
  const Settings s =
      Config(kSeed)
          .with({"postgres.port=6543", "kafka.brokers=a:1,b:2", "state_dir=/var/lib/sluice",
                 "kafka.properties.socket.timeout.ms=5000", "elasticsearch.mirror=on", "log.level=debug"})
          .settings();
  EXPECT_EQ(s.postgres.port, 6543U);
  EXPECT_THAT(s.kafka.brokers, ElementsAre("a:1", "b:2"));
  EXPECT_EQ(s.state_dir, "/var/lib/sluice");
  EXPECT_EQ(s.kafka.properties.at("socket.timeout.ms"), "5000");
  EXPECT_EQ(s.elasticsearch.mirror, Switch::On);
  EXPECT_EQ(s.log.level, LogLevel::Debug);
}

TEST(Overrides, AreCheckedLikeTheFile) {
  EXPECT_THAT(Config(kSmallest)
                  .with({"postgres.prot=1", "postgres.port=x", "nothing", "=x", "nosuch.key=1",
                         "kafka.properties.acks=0", "kafka.properties=x", "postgres=1"})
                  .mistakes(),
              ElementsAre("--set postgres.prot config.unknown_key unknown key `postgres.prot`: did you mean `port`?",
                          "--set postgres.port config.wrong_type postgres.port: `x` is no number, 1 to 65535",
                          "--set … config.bad_override an override has the form section.key=value",
                          "--set … config.bad_override an override has the form section.key=value",
                          HasSubstr("--set nosuch.key config.unknown_key unknown key `nosuch`"),
                          HasSubstr("--set kafka.properties.acks config.refused_property"),
                          HasSubstr("--set kafka.properties config.wrong_type"),
                          "--set postgres config.bad_override postgres is a section: write postgres.<key>=value"));
}

TEST(Overrides, AValueMayHoldEqualsSigns) {
  EXPECT_EQ(Config(kSmallest).with({"postgres.dbname=a=b"}).settings().postgres.dbname, "a=b");
}

TEST(Overrides, ASecretOnTheCommandLineIsRefusedUnlessItIsAVariable) {
  const auto mistakes = Config(kSmallest).with({"postgres.password=hunter2", "admin.token=${T:-hunter2}"}).mistakes();
  ASSERT_EQ(mistakes.size(), 2U);
  for (const std::string& mistake : mistakes) {
    EXPECT_THAT(mistake, HasSubstr("config.secret_in_arguments"));
    EXPECT_THAT(mistake, Not(HasSubstr("hunter2")));
  }
  EXPECT_EQ(
      Config(kSmallest).with({"postgres.password=${PW}"}).where("PW", "hunter2").settings().postgres.password.reveal(),
      "hunter2");
}

// Secrets

class SecretFile : public ::testing::Test {
 protected:
  std::string make(const std::string& text, mode_t mode) {
    const std::string path = directory_ / "secret";
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }
  Config naming(const std::string& path) { return smallest_with("postgres", "  password_file: " + path + "\n"); }
  testing::TemporaryDirectory directory_;
};

TEST_F(SecretFile, IsReadWithoutItsLineBreak) {
  EXPECT_EQ(naming(make("hunter2\n", 0600)).settings().postgres.password.reveal(), "hunter2");
  EXPECT_EQ(naming(make("two words \r\n", 0400)).settings().postgres.password.reveal(), "two words ");
}

TEST_F(SecretFile, ThatOthersMayReadIsRefused) {
  for (const mode_t mode : {0644U, 0640U, 0604U, 0620U}) {
    const auto mistakes = naming(make("hunter2", mode)).mistakes();
    ASSERT_EQ(mistakes.size(), 1U);
    EXPECT_THAT(mistakes[0], HasSubstr("config.yaml:2:18 config.secret_file_mode postgres.password_file: "));
    EXPECT_THAT(mistakes[0], HasSubstr("chmod 600"));
  }
}

TEST_F(SecretFile, ThatIsMissingEmptyOrADirectoryIsAMistake) {
  EXPECT_THAT(naming(directory_ / "nowhere").ids(), ElementsAre("config.secret_file"));
  EXPECT_THAT(naming(make("\n", 0600)).ids(), ElementsAre("config.secret_file"));
  EXPECT_THAT(naming(directory_.path()).ids(), ElementsAre("config.secret_file"));
}

TEST_F(SecretFile, BesideTheSecretItselfIsAConflict) {
  const std::string path = make("hunter2", 0600);
  EXPECT_THAT(smallest_with("postgres", "  password: a\n  password_file: " + path + "\n").ids(),
              ElementsAre("config.conflict"));
}

TEST_F(SecretFile, OfTheOtherProgramIsNotOpened) {
  auto config = smallest_with("elasticsearch", "  username: e\n  password_file: /nowhere\n");
  EXPECT_THAT(config.of(App::Replicator).ids(), IsEmpty());
  EXPECT_THAT(config.of(App::EsConsumer).ids(), ElementsAre("config.secret_file"));
}

TEST(Secrets, AreInNoMessage) {
  const auto mistakes =
      Config(R"(postgres: {password: [hunter2], slot_name: s, publication_name: p, tables: [a.b], pasword: hunter2}
kafka: {brokers: ["u:hunter2@b:1"], topic: t, sasl_password: hunter2}
elasticsearch: {addresses: ["http://u:hunter2@e:1"], password: hunter2}
admin: {token: {a: hunter2}}
)")
          .of(App::EsConsumer)
          .mistakes();
  EXPECT_GE(mistakes.size(), 6U);
  for (const std::string& mistake : mistakes) EXPECT_THAT(mistake, Not(HasSubstr("hunter2")));
}

TEST(Secrets, AreListedForTheLog) {
  const Settings s = smallest_with("kafka", "  properties: {ssl.key.password: key-pass, client.rack: r}\n")
                         .with({"postgres.password=${PW}"})
                         .where("PW", "hunter2")
                         .settings();
  EXPECT_THAT(secrets_of(s), ElementsAre(Secret("hunter2"), Secret("key-pass")));
}

// What cannot go together

struct Together {
  std::string section, lines, key;
};
class Conflicts : public ::testing::TestWithParam<Together> {};

TEST_P(Conflicts, AreMistakes) {
  const auto mistakes = smallest_with(GetParam().section, GetParam().lines).of(App::EsConsumer).mistakes();
  ASSERT_EQ(mistakes.size(), 1U) << (mistakes.empty() ? "" : mistakes[1]);
  EXPECT_THAT(mistakes[0], HasSubstr(" config.conflict " + GetParam().key + ": "));
  EXPECT_THAT(mistakes[0], ::testing::StartsWith("config.yaml:")) << "the place where one of the keys was written";
}

TEST(ReadSettings, AMirrorNeedsWholeRowsAndTheNameOfItsPipeline) {
  const std::string file = R"(
kafka: {brokers: [localhost:9092], topic: t}
elasticsearch: {addresses: [http://localhost:9200], mirror: on}
)";
  const auto mistakes = Config(file).of(App::EsConsumer).mistakes();
  ASSERT_EQ(mistakes.size(), 1U);
  EXPECT_THAT(mistakes[0], HasSubstr(" config.conflict elasticsearch.mirror: "));
  for (const std::string name : {"pipeline: p", "postgres: {slot_name: p}"}) {
    EXPECT_THAT(Config(file + name).of(App::EsConsumer).mistakes(), ::testing::IsEmpty()) << name;
  }
  auto partial = Config(file + "postgres: {slot_name: p, toast: mark}").of(App::EsConsumer);
  EXPECT_THAT(partial.ids(), ElementsAre("config.conflict"));
  EXPECT_THAT(partial.with({"elasticsearch.mirror=off"}).ids(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    All, Conflicts,
    ::testing::Values(
        Together{"postgres", "  create_slot: off\n", "postgres.snapshot"},
        Together{"postgres", "  park_after: 60s\n", "postgres.park_after"},
        Together{"postgres", "  status_interval: 21s\n", "postgres.status_interval"},
        Together{"postgres", "  publication_operations: []\n", "postgres.publication_operations"},
        Together{"kafka", "  control_topic: t\n", "kafka.control_topic"},
        Together{"dead_letters", "  topic: t\n", "dead_letters.topic"},
        Together{"kafka", "  max_message_bytes: 33mb\n", "kafka.max_message_bytes"},
        Together{"kafka", "  max_poll_interval: 10s\n", "kafka.session_timeout"},
        Together{"kafka", "  security_protocol: sasl_ssl\n", "kafka.security_protocol"},
        Together{"kafka", "  sasl_username: u\n", "kafka.security_protocol"},
        Together{"kafka", "  ssl_ca_file: /ca\n", "kafka.security_protocol"},
        Together{"kafka", "  security_protocol: ssl\n  ssl_key_file: /key\n", "kafka.ssl_certificate_file"},
        Together{
            "kafka",
            "  security_protocol: sasl_plaintext\n  sasl_mechanism: PLAIN\n  sasl_username: u\n  sasl_password: p\n",
            "kafka.sasl_mechanism"},
        Together{"elasticsearch", "  journal: off\n", "elasticsearch.journal"},
        Together{"elasticsearch", "  mirror: on\n  mirrorPrefix: cdc_\n", "elasticsearch.mirrorPrefix"},
        Together{"elasticsearch", "  api_key: k\n  username: u\n  password: p\n", "elasticsearch.api_key"},
        Together{"elasticsearch", "  username: u\n", "elasticsearch.username"},
        Together{"elasticsearch", "  ca_file: /ca\n", "elasticsearch.ca_file"},
        Together{"retry", "  max_backoff: 100ms\n", "retry.initial_backoff"},
        Together{"admin", "  es_consumer: 0.0.0.0:8081\n", "admin.es_consumer"},
        Together{"admin", "  es_consumer: 127.0.0.1:8080\n", "admin.es_consumer"}));

TEST(ReadSettings, AConflictWithAValueThatWasNotTakenIsNotToldTwice) {
  EXPECT_THAT(smallest_with("postgres", "  wal_sender_timeout: soon\n  park_after: 5m\n").ids(),
              ElementsAre("config.wrong_type"));
}

TEST(ReadSettings, WhoListensToOtherHostsNeedsAToken) {
  EXPECT_THAT(smallest_with("admin", "  replicator: '[::]:8080'\n").ids(), ElementsAre("config.conflict"));
  EXPECT_THAT(smallest_with("admin", "  replicator: '[::]:8080'\n  token: abc\n").ids(), IsEmpty());
  EXPECT_THAT(smallest_with("admin", "  replicator: 127.0.0.1.evil.example:8080\n").ids(),
              ElementsAre("config.conflict"));
  for (const char* loopback : {"127.0.0.1:1", "localhost:0", "'[::1]:9'", "127.1.2.3:80"}) {
    EXPECT_THAT(smallest_with("admin", std::string("  replicator: ") + loopback + "\n").ids(), IsEmpty()) << loopback;
  }
}

// What is no configuration at all

TEST(ReadSettings, AnAliasStandsForWhatItNames) {
  const Settings s = smallest_with("retry", "  initial_backoff: &wait 3s\n  max_backoff: *wait\n").settings();
  EXPECT_EQ(s.retry.initial_backoff, Milliseconds(3'000));
  EXPECT_EQ(s.retry.max_backoff, Milliseconds(3'000));
}

TEST(ReadSettings, AliasesThatHaveNoEndAreRefused) {
  EXPECT_THAT(Config("postgres: &a\n  tables: *a\n").ids().front(), "config.bad_yaml");
  std::string bomb = "a: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int level = 1; level < 9; ++level) {
    bomb += "b" + std::to_string(level) + ": &a" + std::to_string(level) + " [";
    for (int copy = 0; copy < 10; ++copy) bomb += (copy > 0 ? ", *a" : "*a") + std::to_string(level - 1);
    bomb += "]\n";
  }
  EXPECT_THAT(Config(bomb).ids().front(), "config.bad_yaml");
}

TEST(LoadSettings, AFileThatCannotBeReadIsAMistake) {
  const testing::TemporaryDirectory directory;
  const Reading missing = load_settings(directory / "nowhere.yaml", App::Replicator, {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().front().id, "config.unreadable");
  EXPECT_EQ(load_settings(directory.path(), App::Replicator, {}).error().front().id, "config.unreadable");
  std::ofstream(directory / "large.yaml") << "a: " << std::string(2 << 20, 'x');
  EXPECT_EQ(load_settings(directory / "large.yaml", App::Replicator, {}).error().front().id, "config.unreadable");
  std::ofstream(directory / "good.yaml") << kSeed;
  EXPECT_TRUE(load_settings(directory / "good.yaml", App::Replicator, {"postgres.port=1"}));
}

}  // namespace
}  // namespace sluice::config
