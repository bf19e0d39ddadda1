// Making and dropping the slot.
#include <gmock/gmock.h>

#include "sluice/postgres/server.h"
#include "sluice/postgres/slot.h"
#include "sluice/testing/postgres_fixture.h"

namespace sluice::testing {
namespace {

using base::Recovery;
using postgres::Connection;
using postgres::ConnectionKind;
using postgres::SlotRequest;
using ::testing::HasSubstr;

class PostgresSlot : public PostgresFixture {
 protected:
  base::Result<postgres::CreatedSlot> create(const SlotRequest& request) {
    return postgres::create_slot(replication_.emplace(session(ConnectionKind::Replication)), main_session(), request);
  }

 private:
  std::optional<Connection> replication_;
};

TEST_F(PostgresSlot, ExportsASnapshotThatAnotherSessionReads) {
  sql("create table t (id int primary key); insert into t values (1)");
  const auto created = must(create({name()}));
  sql("insert into t values (2)");
  Connection reader = session();
  value_in(reader, "begin isolation level repeatable read read only");
  value_in(reader, "set transaction snapshot " + reader.literal(created.snapshot_name));
  EXPECT_EQ(value_in(reader, "select count(*) from public.t"), "1");
  const auto slot = must(postgres::fetch_slot(main_session(), name()));
  EXPECT_EQ(slot->confirmed_flush_lsn, created.consistent_point);
  EXPECT_EQ(slot->plugin, "pgoutput");
  EXPECT_FALSE(slot->two_phase);
}

TEST_F(PostgresSlot, WithoutASnapshotThereIsNoName) {
  SlotRequest request{name()};
  request.snapshot = postgres::SlotSnapshot::Nothing;
  EXPECT_EQ(must(create(request)).snapshot_name, "");
}

TEST_F(PostgresSlot, AnOpenWriteTransactionBlocksItAndIsNamed) {
  sql("create table t (id int)");
  Connection other = writer();
  value_in(other, "begin");
  value_in(other, "insert into t values (1)");
  SlotRequest request{name()};
  request.patience = base::Milliseconds(300);
  const auto created = create(request);
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().id, "pg.slot_blocked");
  EXPECT_EQ(created.error().recovery, Recovery::Retry);
  EXPECT_THAT(created.error().message, HasSubstr(fmt::format("pid {}", other.backend_pid())));
  // The server does not go on waiting for us, and nothing is left.
  EXPECT_TRUE(eventually([this] { return must(postgres::fetch_slot(main_session(), name())) == std::nullopt; }));
  value_in(other, "rollback");
  request.patience = base::Milliseconds(60'000);  // other databases' transactions are waited for, too
  EXPECT_TRUE(create(request));
}

TEST_F(PostgresSlot, ANameThatExistsIsNotTakenOver) {
  (void)must(create({name()}));
  EXPECT_EQ(create({name()}).error().id, "pg.slot_exists");
}

TEST_F(PostgresSlot, OnlyNamesThatPostgresAllowsReachTheServer) {
  for (const std::string& bad :
       {std::string(), std::string("A"), std::string("a-b"), std::string("a\" LOGICAL x"), std::string(64, 'a')}) {
    EXPECT_EQ(create({bad}).error().id, "pg.bad_slot_name") << bad;
  }
  EXPECT_TRUE(postgres::check_slot_name("a_1"));
}

TEST_F(PostgresSlot, AFailoverSlotNeedsVersion17) {
  SlotRequest request{name()};
  request.failover = postgres::SlotFailover::On;
  const auto created = create(request);
  EXPECT_EQ(created.has_value(), main_session().server_version_num() >= 170'000);
  EXPECT_EQ(created ? "pg.no_failover_slots" : created.error().id, "pg.no_failover_slots");
}

TEST_F(PostgresSlot, IsDroppedOnceAndNeverWhileItIsRead) {
  EXPECT_EQ(postgres::drop_slot(main_session(), name()).error().id, "pg.slot_missing");
  sql("create publication p");
  create_slot(name());
  {
    postgres::SqlCatalog catalog(options());
    auto stream =
        must(postgres::ReplicationStream::start(session(ConnectionKind::Replication), {name(), "p"}, catalog));
    const auto dropped = postgres::drop_slot(main_session(), name());
    ASSERT_FALSE(dropped);
    EXPECT_EQ(dropped.error().id, "pg.slot_active");
    EXPECT_EQ(dropped.error().recovery, Recovery::Retry);
    must(stream->finish(base::Milliseconds(5'000)));
  }
  EXPECT_TRUE(eventually([this] { return postgres::drop_slot(main_session(), name()).has_value(); }));
  EXPECT_EQ(must(postgres::fetch_slot(main_session(), name())), std::nullopt);
}

}  // namespace
}  // namespace sluice::testing
