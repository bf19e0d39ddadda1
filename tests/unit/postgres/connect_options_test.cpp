#include "sluice/postgres/connect_options.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::postgres {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// The last one counts, as for libpq.
std::optional<std::string> value_of(const ConnectKeywords& keywords, const std::string& name) {
  const auto found =
      std::find_if(keywords.rbegin(), keywords.rend(), [&](const auto& pair) { return pair.first == name; });
  return found == keywords.rend() ? std::nullopt : std::optional(found->second);
}

TEST(ConnectOptions, WhatIsAbsentIsLeftToLibpq) {
  const auto keywords = connect_keywords({}, ConnectionKind::Sql);
  for (const char* name : {"host", "port", "user", "password", "dbname", "sslmode", "sslrootcert", "replication"}) {
    EXPECT_FALSE(value_of(keywords, name)) << name;
  }
}

TEST(ConnectOptions, FieldsOverrideTheConnectionStringWhichComesFirst) {
  ConnectOptions options;
  options.conninfo = base::Secret("host=a dbname=b");
  options.dbname = "c";
  const auto keywords = connect_keywords(options, ConnectionKind::Sql);
  EXPECT_EQ(keywords.front(), (std::pair<std::string, std::string>("dbname", "host=a dbname=b")));
  EXPECT_EQ(value_of(keywords, "dbname"), "c");
}

TEST(ConnectOptions, OnlyAReplicationConnectionAsksForReplication) {
  EXPECT_EQ(value_of(connect_keywords({}, ConnectionKind::Replication), "replication"), "database");
}

TEST(ConnectOptions, ExtraKeywordsOverrideOursButNotTheSettingsOfTheSession) {
  ConnectOptions options;
  options.extra = {
      {"gssencmode", "prefer"}, {"options", "-c datestyle=SQL -c work_mem=1MB"}, {"client_encoding", "LATIN1"}};
  const auto keywords = connect_keywords(options, ConnectionKind::Sql);
  EXPECT_EQ(value_of(keywords, "gssencmode"), "prefer");
  EXPECT_EQ(value_of(keywords, "client_encoding"), "UTF8");
  const std::string settings = *value_of(keywords, "options");
  EXPECT_THAT(settings, HasSubstr("-c work_mem=1MB"));
  EXPECT_LT(settings.find("datestyle=SQL"), settings.find("datestyle=ISO"));
}

TEST(ConnectOptions, TheVariablePgoptionsIsKept) {
  ASSERT_EQ(setenv("PGOPTIONS", "-c geqo=off", 1), 0);
  EXPECT_THAT(*value_of(connect_keywords({}, ConnectionKind::Sql), "options"), HasSubstr("-c geqo=off "));
  unsetenv("PGOPTIONS");
}

TEST(ConnectOptions, EverySettingThatRendersValuesIsFixed) {
  const std::string settings = session_settings({}, "");
  for (const char* setting :
       {"datestyle=ISO", "intervalstyle=postgres", "timezone=UTC", "extra_float_digits=1", "bytea_output=hex",
        "lc_monetary=C", "search_path= ", "row_security=off", "statement_timeout=0",
        "idle_in_transaction_session_timeout=0", "default_transaction_read_only=on", "lock_timeout=10000",
        "tcp_user_timeout=30000", "wal_sender_timeout=60000"}) {
    EXPECT_THAT(settings + " ", HasSubstr(std::string("-c ") + setting));
  }
}

TEST(ConnectOptions, ScrubbingHidesEverySecretAndKeepsOneLine) {
  ConnectOptions options;
  options.password = base::Secret("hunter2");
  options.conninfo = base::Secret("host=a password=s3cret");
  options.extra = {{"sslpassword", "keyword"}};
  const std::string text = scrubbed("bad \"host=a password=s3cret\"\n\thunter2,  keyword\x1B[0m\n", options);
  EXPECT_EQ(text, "bad \"********\" ********, ******** [0m");
}

TEST(ConnectOptions, TheTargetInMessagesHasNoSecret) {
  ConnectOptions options;
  options.conninfo = base::Secret("postgresql://u:p@h/d");
  options.user = "app";
  options.password = base::Secret("hunter2");
  options.port = static_cast<std::uint16_t>(5433);
  options.dbname = "shop";
  EXPECT_EQ(describe_target(options), "app@(host of the connection string):5433/shop");
}

}  // namespace
}  // namespace sluice::postgres
