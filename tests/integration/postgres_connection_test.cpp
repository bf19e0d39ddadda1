// Connecting: every way in which it fails has its own id, and a session never depends on what a role or database was
// given.
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdlib>
#include <fstream>
#include <future>

#include <gmock/gmock.h>

#include "sluice/testing/postgres_fixture.h"
#include "sluice/testing/temporary_directory.h"

namespace sluice::testing {
namespace {

using base::Recovery;
using postgres::Connection;
using postgres::ConnectionKind;
using postgres::ConnectOptions;
using ::testing::HasSubstr;
using ::testing::Not;

/// A variable of the environment that ends with its block.
class Variable {
 public:
  Variable(std::string name, const std::string& value) : name_(std::move(name)) {
    if (const char* before = std::getenv(name_.c_str())) before_ = before;
    setenv(name_.c_str(), value.c_str(), 1);
  }
  ~Variable() {
    if (before_) {
      setenv(name_.c_str(), before_->c_str(), 1);
    } else {
      unsetenv(name_.c_str());
    }
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  std::string name_;
  std::optional<std::string> before_;
};

class PostgresConnection : public PostgresFixture {
 protected:
  static base::Error error_of(const ConnectOptions& options) {
    const auto connection = Connection::open(options, ConnectionKind::Sql);
    return connection ? base::Error{Recovery::Stop, "connected", ""} : connection.error();
  }
};

TEST_F(PostgresConnection, AWrongPasswordStopsAndIsNotShown) {
  ConnectOptions wrong = options();
  wrong.password = base::Secret("not-the-password");
  const auto error = error_of(wrong);
  EXPECT_EQ(error.id, "pg.auth_failed");
  EXPECT_EQ(error.recovery, Recovery::Stop);
  EXPECT_THAT(error.message, Not(HasSubstr("not-the-password")));
}

TEST_F(PostgresConnection, AConnectionStringWorksAndIsOverridden) {
  ConnectOptions given;
  given.conninfo = base::Secret(fmt::format("host=127.0.0.1 port={} user=postgres password={} dbname=nowhere",
                                            *options().port, options().password.reveal()));
  given.dbname = name();
  Connection connection = must(Connection::open(given, ConnectionKind::Sql));
  EXPECT_EQ(value_in(connection, "select current_database()"), name());
}

TEST_F(PostgresConnection, WhatIsNotConfiguredComesFromTheEnvironment) {
  const Variable host("PGHOST", "127.0.0.1");
  const Variable port("PGPORT", std::to_string(*options().port));
  const Variable user("PGUSER", "postgres");
  const Variable password("PGPASSWORD", options().password.reveal());
  const Variable database("PGDATABASE", name());
  for (const ConnectionKind kind : {ConnectionKind::Sql, ConnectionKind::Replication}) {
    Connection connection = must(Connection::open({}, kind));
    EXPECT_EQ(value_in(connection, "select current_user || '@' || current_database()"), "postgres@" + name());
    EXPECT_EQ(value_in(connection, "select inet_server_port()"), std::to_string(*options().port));
  }
  ConnectOptions given;
  given.dbname = "postgres";
  Connection connection = must(Connection::open(given, ConnectionKind::Sql));
  EXPECT_EQ(value_in(connection, "select current_database()"), "postgres") << "what is configured counts more";
}

TEST_F(PostgresConnection, WhatIsNotConfiguredComesFromTheServiceFile) {
  const TemporaryDirectory folder;
  std::ofstream(folder.path() + "/services")
      << fmt::format("[sluice]\nhost=127.0.0.1\nport={}\nuser=postgres\npassword={}\ndbname=nowhere\n", *options().port,
                     options().password.reveal());
  const Variable file("PGSERVICEFILE", folder.path() + "/services");
  const Variable service("PGSERVICE", "sluice");
  ConnectOptions given;
  given.dbname = name();
  Connection connection = must(Connection::open(given, ConnectionKind::Sql));
  EXPECT_EQ(value_in(connection, "select current_user || '@' || current_database()"), "postgres@" + name());
}

TEST_F(PostgresConnection, ABadConnectionStringIsNotShown) {
  ConnectOptions bad;
  bad.conninfo = base::Secret("host=a passwort=geheim");
  const auto error = error_of(bad);
  EXPECT_EQ(error.id, "pg.bad_connection_string");
  EXPECT_THAT(error.message, Not(HasSubstr("geheim")));
}

TEST_F(PostgresConnection, AMissingDatabaseStops) {
  ConnectOptions wrong = options();
  wrong.dbname = "no_such_database";
  EXPECT_EQ(error_of(wrong).id, "pg.database_missing");
}

TEST_F(PostgresConnection, NobodyListeningIsTriedAgain) {
  ConnectOptions wrong = options();
  wrong.port = static_cast<std::uint16_t>(1);
  const auto error = error_of(wrong);
  EXPECT_EQ(error.id, "pg.unreachable");
  EXPECT_EQ(error.recovery, Recovery::Retry);
}

TEST_F(PostgresConnection, APeerThatNeverAnswersIsGivenUp) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ConnectOptions silent = options();
  silent.port = ntohs(address.sin_port);
  silent.connect_timeout = base::Milliseconds(200);
  auto error = std::async(std::launch::async, [&] { return error_of(silent); });
  EXPECT_EQ(error.wait_for(std::chrono::seconds(60)), std::future_status::ready) << "it ends with the peer only";
  close(listener);
  EXPECT_EQ(error.get().id, "pg.unreachable");
}

TEST_F(PostgresConnection, AServerWithoutTlsIsToldFromAnUnreachableOne) {
  ConnectOptions strict = options();
  strict.sslmode = "require";
  EXPECT_EQ(error_of(strict).id, "pg.tls_failed");
}

TEST_F(PostgresConnection, TooManyConnectionsAreTriedAgain) {
  sql(fmt::format("create role {0}_r login password 'x' connection limit 0", name()));
  ConnectOptions limited = options();
  limited.user = name() + "_r";
  limited.password = base::Secret("x");
  const auto error = error_of(limited);
  EXPECT_EQ(error.id, "pg.too_many_connections");
  EXPECT_EQ(error.recovery, Recovery::Retry);
  sql(fmt::format("drop role {}_r", name()));
}

TEST_F(PostgresConnection, ARoleWithoutReplicationIsToldSo) {
  sql(fmt::format("create role {0}_r login password 'x'", name()));
  ConnectOptions plain = options();
  plain.user = name() + "_r";
  plain.password = base::Secret("x");
  const auto connection = Connection::open(plain, ConnectionKind::Replication);
  EXPECT_EQ(connection ? "connected" : connection.error().id, "pg.privilege");
  sql(fmt::format("drop role {}_r", name()));
}

TEST_F(PostgresConnection, SettingsOfTheDatabaseDoNotReachUs) {
  sql(
      fmt::format("alter database {0} set datestyle = 'German'; alter database {0} set timezone = 'Asia/Tokyo';"
                  "alter database {0} set extra_float_digits = -10; alter database {0} set bytea_output = 'escape';"
                  "alter database {0} set search_path = public; alter database {0} set statement_timeout = '1ms'",
                  name()));
  for (const ConnectionKind kind : {ConnectionKind::Sql, ConnectionKind::Replication}) {
    Connection connection = session(kind);
    EXPECT_EQ(value_in(connection, "select timestamptz '2026-11-21 08:00:00+00'"), "2026-11-21 08:00:00+00");
    EXPECT_EQ(value_in(connection, "select 0.1::float8 + 0.2::float8"), "0.30000000000000004");
    EXPECT_EQ(value_in(connection, "select '\\x01'::bytea"), "\\x01");
    EXPECT_EQ(value_in(connection, "select current_setting('search_path')"), "");
    EXPECT_EQ(value_in(connection, "select current_setting('default_transaction_read_only')"), "on");
    EXPECT_EQ(value_in(connection, "select current_setting('wal_sender_timeout')"), "1min");
    EXPECT_EQ(value_in(connection, "select current_setting('tcp_user_timeout')"), "30000");
  }
}

TEST_F(PostgresConnection, AnswersAreReadByTypeAndChecked) {
  Connection connection = session();
  const std::vector<std::string> parameters{"7", "it's"};
  const auto answer = must(
      connection.query("test", "select $1::int, $2::text, null, true, '0/16B3748'::pg_lsn, 1.5::float8", parameters));
  postgres::RowReader row = answer.row(0);
  EXPECT_EQ(row.u32(), 7U);
  EXPECT_EQ(row.text(), "it's");
  EXPECT_EQ(row.optional_text(), std::nullopt);
  EXPECT_TRUE(row.boolean());
  EXPECT_EQ(row.lsn(), change::Lsn(0x16B3748));
  EXPECT_EQ(row.f64(), 1.5);
  EXPECT_FALSE(row.failed());
  EXPECT_EQ(row.text(), "");  // there is no seventh
  EXPECT_TRUE(row.failed());
}

TEST_F(PostgresConnection, AnAnswerThatDoesNotComeIsGivenUp) {
  Connection connection = session();
  const auto answer = connection.query_within(base::Milliseconds(100), "waiting", "select pg_sleep(30)");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().id, "pg.timeout");
  EXPECT_EQ(answer.error().recovery, Recovery::Retry);
}

TEST_F(PostgresConnection, ABackendThatWasTerminatedIsALostConnection) {
  Connection connection = session();
  sql(fmt::format("select pg_terminate_backend({})", connection.backend_pid()));
  EXPECT_TRUE(eventually([&] {
    const auto answer = connection.query("test", "select 1");
    return !answer && answer.error().id == "pg.connection_lost";
  }));
}

TEST_F(PostgresConnection, NamesAndTextsAreQuoted) {
  Connection connection = session();
  EXPECT_EQ(connection.identifier("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(value_in(connection, "select " + connection.literal("a'b\\c")), "a'b\\c");
  EXPECT_EQ(connection.literal("\xFF'"), "E'\xFF'''");
}

class PostgresSqlAscii : public PostgresFixture {
  std::string database_options() const override { return "ENCODING 'SQL_ASCII' LOCALE 'C'"; }
};

TEST_F(PostgresSqlAscii, IsReadUnconverted) {
  EXPECT_TRUE(main_session().reads_sql_ascii());
  EXPECT_EQ(sql("select convert_from('\\xff', 'SQL_ASCII')"), "\xFF");
}

}  // namespace
}  // namespace sluice::testing
