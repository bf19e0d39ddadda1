#include "sluice/postgres/error_mapping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::postgres {
namespace {

using base::Recovery;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(ConnectError, TheServersSourceLineAndItsLastMarkAreLeftOut) {
  const auto message = [](const char* text) { return connect_error(text, "app@db").message; };
  EXPECT_EQ(message("FATAL: 28P01: password authentication failed for user \"u\" LOCATION: auth_failed, auth.c:334"),
            "cannot connect to PostgreSQL at app@db: FATAL: 28P01: password authentication failed for user \"u\". "
            "Check postgres.user, its password, and the server's pg_hba.conf");
  EXPECT_EQ(message("Connection refused Is the server accepting TCP/IP connections?"),
            "cannot connect to PostgreSQL at app@db: Connection refused Is the server accepting TCP/IP connections. "
            "Check that the server runs and that host and port are right");
}

TEST(SqlstateIn, FindsTheLastCodeOfALibpqMessage) {
  EXPECT_EQ(sqlstate_in("connection to server at \"::1\" failed: FATAL:  28000: no entry connection to server at "
                        "\"127.0.0.1\" failed: FATAL:  3D000: database \"x\" does not exist"),
            "3D000");
  EXPECT_EQ(sqlstate_in("FATAL: 28P01: password authentication failed"), "28P01");
}

TEST(SqlstateIn, AMessageOfLibpqItselfHasNone) {
  EXPECT_EQ(sqlstate_in("connection refused: Is the server running on that host?"), "");
  EXPECT_EQ(sqlstate_in("could not translate host name \"HOSTS\" to address: Name"), "");
}

struct ConnectCase {
  const char* message;
  Recovery recovery;
  const char* id;
};
class ConnectError : public ::testing::TestWithParam<ConnectCase> {};

TEST_P(ConnectError, SaysWhatTheCallerMustDo) {
  const auto error = connect_error(GetParam().message, "app@db");
  EXPECT_EQ(error.id, GetParam().id);
  EXPECT_EQ(error.recovery, GetParam().recovery);
  EXPECT_THAT(error.message, HasSubstr("app@db"));
}

INSTANTIATE_TEST_SUITE_P(
    Messages, ConnectError,
    ::testing::Values(
        ConnectCase{"FATAL:  28P01: password authentication failed for user \"u\"", Recovery::Stop, "pg.auth_failed"},
        ConnectCase{"FATAL:  28000: no pg_hba.conf entry for host", Recovery::Stop, "pg.auth_failed"},
        ConnectCase{"fe_sendauth: no password supplied", Recovery::Stop, "pg.auth_failed"},
        ConnectCase{"FATAL:  3D000: database \"x\" does not exist", Recovery::Stop, "pg.database_missing"},
        ConnectCase{"FATAL:  53300: sorry, too many clients already", Recovery::Retry, "pg.too_many_connections"},
        ConnectCase{"FATAL:  57P03: the database system is starting up", Recovery::Retry, "pg.unreachable"},
        ConnectCase{"FATAL:  57P01: terminating connection", Recovery::Retry, "pg.unreachable"},
        ConnectCase{"FATAL:  42501: must be superuser or replication role to start walsender", Recovery::Stop,
                    "pg.privilege"},
        ConnectCase{"server does not support SSL, but SSL was required", Recovery::Stop, "pg.tls_failed"},
        ConnectCase{"SSL error: certificate verify failed", Recovery::Stop, "pg.tls_failed"},
        ConnectCase{"SSL SYSCALL error: EOF detected", Recovery::Retry, "pg.unreachable"},
        ConnectCase{"Connection refused Is the server running on that host?", Recovery::Retry, "pg.unreachable"},
        ConnectCase{"FATAL:  42704: unrecognized configuration parameter", Recovery::Stop, "pg.query_failed"}));

TEST(QueryError, ABrokenConnectionIsTriedAgain) {
  const auto error = query_error("", "server closed the connection unexpectedly", "reading");
  EXPECT_EQ(error.id, "pg.connection_lost");
  EXPECT_EQ(error.recovery, Recovery::Retry);
}

TEST(QueryError, LocksAndLackOfResourcesAreTriedAgainAndMistakesAreNot) {
  for (const char* state : {"55P03", "57014", "40001", "40P01", "53100", "53200", "58030"}) {
    EXPECT_EQ(query_error(state, "m", "a").recovery, Recovery::Retry) << state;
  }
  for (const char* state : {"42601", "42P01", "0A000", "XX000"}) {
    EXPECT_EQ(query_error(state, "m", "a").recovery, Recovery::Stop) << state;
  }
  EXPECT_EQ(query_error("42501", "permission denied", "a").id, "pg.privilege");
}

TEST(QueryError, AMessageThatMayQuoteACellValueIsWithheld) {
  const auto error = query_error("22P02", "invalid input syntax for type integer: \"4711-secret\"", "reading");
  EXPECT_THAT(error.message, Not(HasSubstr("4711")));
  EXPECT_THAT(error.message, HasSubstr("22P02"));
}

TEST(StreamError, KnowsTheCodesOfAWalsender) {
  EXPECT_EQ(stream_error("55006", "replication slot \"s\" is active for PID 7").id, "pg.slot_active");
  EXPECT_THAT(stream_error("55006", "replication slot \"s\" is active for PID 7").message, HasSubstr("PID 7"));
  EXPECT_EQ(stream_error("55006", "m").recovery, Recovery::Retry);
  EXPECT_EQ(stream_error("22021", "invalid byte sequence 0xff").id, "pg.bad_encoding");
  EXPECT_THAT(stream_error("22021", "invalid byte sequence 0xff").message, Not(HasSubstr("0xff")));
  EXPECT_EQ(stream_error("57P01", "terminating connection").id, "pg.connection_lost");
  EXPECT_EQ(stream_error("0A000", "cannot use different column lists").id, "pg.decoding_failed");
  EXPECT_EQ(stream_error("58P01", "requested WAL segment has already been removed").id, "pg.decoding_failed");
}

}  // namespace
}  // namespace sluice::postgres
