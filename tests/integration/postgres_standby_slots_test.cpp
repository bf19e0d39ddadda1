// servers: postgres
// link: sluice::postgres sluice::codec
//
// A slot that a standby keeps a copy of gives nothing before the standby has it (PostgreSQL 17 and newer), and says so
// with a warning over the same connection.
#include <thread>

#include "message_matrix.h"

namespace sluice::testing {
namespace {

using ::testing::ElementsAre;

class PostgresStandbySlots : public MessageMatrix {};

// Its SQLSTATE is that of a publication that was skipped, and a name in it may be any word.
TEST_P(PostgresStandbySlots, TheWarningOfOneThatWaitsIsNotTakenForAMissingPublication) {
  const std::string standby = "publication_" + name();
  sql("select pg_create_physical_replication_slot('" + standby + "')");
  sql("create table t (id int primary key); create publication p for table t");
  postgres::Connection replication = session(postgres::ConnectionKind::Replication);
  must(postgres::create_slot(
      replication, main_session(),
      {.name = name(), .snapshot = postgres::SlotSnapshot::Nothing, .failover = postgres::SlotFailover::On}));
  sql("alter system set synchronized_standby_slots = " + standby);
  sql("select pg_reload_conf()");
  sql("insert into t values (1)");
  std::thread standby_is_given_up([this] {
    postgres::Connection server = writer();
    EXPECT_TRUE(eventually([&] {
      return value_in(server,
                      "select wait_event from pg_replication_slots join pg_stat_activity on pid = active_pid"
                      " where slot_name = '" +
                          name() + "'") == "WaitForStandbyConfirmation";
    }));
    value_in(server, "alter system reset synchronized_standby_slots");
    value_in(server, "select pg_reload_conf()");
  });
  const auto records = read();
  standby_is_given_up.join();
  disconnect();
  sql("select pg_drop_replication_slot('" + standby + "')");
  ASSERT_TRUE(records) << records.error().message;
  EXPECT_THAT(lines_of(*records), ElementsAre(R"(c public.t:1 {"id":1})"));
}

INSTANTIATE_TEST_SUITE_P(, PostgresStandbySlots, ::testing::Values(ServerVersion{17}, ServerVersion{18}),
                         name_of_version);

}  // namespace
}  // namespace sluice::testing
