// servers: postgres
// link: sluice::postgres sluice::codec
//
// What the replicator says of tables and publications before it begins, on every version of PostgreSQL. Kafka is not
// needed for that, so there is none.
#include <fstream>

#include "message_matrix.h"
#include "sluice/testing/temporary_directory.h"

namespace sluice::testing {
namespace {

using ::testing::StartsWith;

class SourceChecks : public MessageMatrix {
 protected:
  Program& replicator(const std::string& more) {
    std::ofstream(folder_.path() + "/config.yaml")
        << "state_dir: " << folder_.path()
        << "/state\nadmin: {enabled: off}\npostgres:\n  host: 127.0.0.1\n  port: " << *options().port
        << "\n  user: " << role_ << "\n  password: local-only\n  dbname: " << name() << "\n  slot_name: " << name()
        << "\n  publication_name: p\n  tables: [public.t]\n"
        << more << "\nkafka: {brokers: ['127.0.0.1:1'], topic: t, control_topic: c, request_timeout: 1s}\n";
    program_.emplace(std::vector<std::string>{SLUICE_BINARY_DIR "/bin/replicator", "run", "--config",
                                              folder_.path() + "/config.yaml"},
                     folder_.path() + "/log");
    return *program_;
  }
  void expect_refused(const std::string& id, const std::string& more = "") {
    Program& program = replicator(more);
    EXPECT_EQ(program.wait(), 3) << program.log();
    EXPECT_THAT(program.last_line(), StartsWith("ERROR " + id + ": "));
  }
  /// Who the replicator is, from now on.
  void role(const std::string& name) { role_ = name; }
  std::string publications() { return sql("select count(*) from pg_publication"); }

 private:
  std::string role_ = "postgres";
  TemporaryDirectory folder_;
  std::optional<Program> program_;
};

TEST_P(SourceChecks, RequireFullRefusesATableWhoseValuesMayBeMissing) {
  sql("create table t (id int primary key, big text)");
  expect_refused("pg.identity_not_full", "  toast: require_full");
  sql("alter table t replica identity full");
  Program& program = replicator("  toast: require_full");
  EXPECT_TRUE(eventually([&] { return program.log().find("kafka.") != std::string::npos; })) << program.log();
}

TEST_P(SourceChecks, ARoleFromWhichAPolicyHidesRowsTakesNoSnapshot) {
  const std::string limited = name() + "_r";
  sql(
      fmt::format("create table t (id int primary key); alter table t enable row level security;"
                  "create publication p for table t;"
                  "create role {0} login replication password 'local-only'; grant select on t to {0}",
                  limited));
  role(limited);
  expect_refused("pg.row_security");
  sql(fmt::format("alter role {} bypassrls", limited));
  Program& program = replicator("");
  EXPECT_TRUE(eventually([&] { return program.log().find("kafka.") != std::string::npos; })) << program.log();
  program.kill_now();
  sql(fmt::format("drop owned by {0}; drop role {0}", limited));
}

TEST_P(SourceChecks, APublicationThatWouldStopTheApplicationIsNotMade) {
  sql("create table t (id int)");
  expect_refused("pg.updates_refused");
  EXPECT_EQ(publications(), "0");
  EXPECT_EQ(sqlstate_of("update t set id = 2"), "");
  Program& program = replicator("  publication_operations: [insert, truncate]");
  EXPECT_TRUE(eventually([&] { return publications() == "1"; })) << program.log();
  EXPECT_EQ(sqlstate_of("update t set id = 2"), "");
}

TEST_P(SourceChecks, APublicationOfSomebodyElseThatStopsTheApplicationIsNamed) {
  sql("create table t (id int); create publication p for table t");
  Program& program = replicator("");
  EXPECT_TRUE(eventually([&] { return program.log().find("pg.updates_refused") != std::string::npos; }))
      << program.log();
  EXPECT_TRUE(program.is_running());
}

TEST_P(SourceChecks, PartitionsWhoseChangesNeverComeAreNamed) {
  sql("create table t (id int) partition by range (id); alter table t replica identity full;"
      "create foreign data wrapper nothing; create server nowhere foreign data wrapper nothing;"
      "create foreign table away partition of t default server nowhere");
  Program& program = replicator("");
  EXPECT_TRUE(eventually([&] { return program.log().find("pg.table_not_logged") != std::string::npos; }))
      << program.log();
  EXPECT_TRUE(program.is_running());
}

INSTANTIATE_TEST_SUITE_P(, SourceChecks, ::testing::ValuesIn(kServerVersions), name_of_version);

}  // namespace
}  // namespace sluice::testing
