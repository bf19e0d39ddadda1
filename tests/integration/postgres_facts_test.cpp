// Facts about server, publication, tables and slot, each against what SQL was told before.
#include <algorithm>
#include <atomic>
#include <thread>

#include <gmock/gmock.h>

#include "sluice/postgres/publication.h"
#include "sluice/postgres/server.h"
#include "sluice/testing/postgres_fixture.h"

namespace sluice::testing {
namespace {

const std::vector<std::string> kAllOperations = {"insert", "update", "delete", "truncate"};

using base::Recovery;
using change::ReplicaIdentity;
using pipeline::TableFacts;
using postgres::Connection;
using postgres::ConnectionKind;
using postgres::TableName;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Names = std::vector<std::string>;

class PostgresFacts : public PostgresFixture {
 protected:
  TableFacts table(const std::string& table_name, const std::string& schema = "public") {
    const std::vector<TableName> wanted{{schema, table_name}};
    return must(postgres::fetch_tables(main_session(), wanted)).at(0);
  }
};

TEST_F(PostgresFacts, OfTheServerAreThoseThatSqlGives) {
  Connection replication = session(ConnectionKind::Replication);
  const auto facts = must(postgres::fetch_server_facts(replication));
  EXPECT_EQ(std::to_string(facts.system_id), sql("select system_identifier from pg_control_system()"));
  EXPECT_EQ(std::to_string(facts.timeline), sql("select timeline_id from pg_control_checkpoint()"));
  EXPECT_EQ(facts.database, name());
  EXPECT_EQ(facts.wal_level, "logical");
  EXPECT_EQ(facts.encoding, "UTF8");
  EXPECT_EQ(std::to_string(facts.version_num), sql("show server_version_num"));
  EXPECT_FALSE(facts.in_recovery);
  EXPECT_EQ(std::to_string(facts.max_slots), sql("show max_replication_slots"));
  EXPECT_LE(facts.free_slots, facts.max_slots);
  EXPECT_LT(facts.free_senders, facts.max_senders);
  EXPECT_EQ(facts.max_slot_wal_keep_size_mb, -1);
  EXPECT_TRUE(facts.role_may_replicate);
  EXPECT_LE(facts.snapshot_xmin, facts.next_xid);
  EXPECT_LE(facts.wal_end, must(change::Lsn::parse(sql("select pg_current_wal_insert_lsn()"))));
  EXPECT_TRUE(must(postgres::fetch_timeline_history(replication, 1)).empty());
}

TEST_F(PostgresFacts, OfATimelineThatNeverWasIsAnError) {
  Connection replication = session(ConnectionKind::Replication);
  EXPECT_FALSE(postgres::fetch_timeline_history(replication, 99));
}

TEST_F(PostgresFacts, OfIdentitiesAreWhatTheStreamWillFlag) {
  sql("create table plain (a int, b text); create table keyed (a int, b text, primary key (b, a));"
      "create table late (a int primary key deferrable, b text);"
      "create table full_one (a int primary key, b text); alter table full_one replica identity full;"
      "create table nothing (a int primary key); alter table nothing replica identity nothing;"
      "create table by_index (a int primary key, b text not null, c text);"
      "create unique index by_b on by_index (b) include (c); alter table by_index replica identity using index by_b");
  EXPECT_THAT(table("plain").identity_columns, IsEmpty());
  EXPECT_THAT(table("plain").primary_key, IsEmpty());
  EXPECT_THAT(table("keyed").identity_columns, ElementsAre("a", "b"));
  EXPECT_THAT(table("late").identity_columns, IsEmpty());
  EXPECT_THAT(table("late").primary_key, ElementsAre("a"));
  EXPECT_TRUE(table("late").primary_key_deferrable);
  EXPECT_FALSE(table("keyed").primary_key_deferrable);
  EXPECT_EQ(table("full_one").identity, ReplicaIdentity::Full);
  EXPECT_THAT(table("full_one").identity_columns, ElementsAre("a", "b"));
  EXPECT_EQ(table("nothing").identity, ReplicaIdentity::Nothing);
  EXPECT_THAT(table("nothing").identity_columns, IsEmpty());
  EXPECT_EQ(table("by_index").identity, ReplicaIdentity::Index);
  EXPECT_THAT(table("by_index").identity_columns, ElementsAre("b"));
  EXPECT_THAT(table("by_index").primary_key, ElementsAre("a"));
}

TEST_F(PostgresFacts, OfColumnsTellWhatMayComeUnchangedAndWhatIsGenerated) {
  sql("create table t (id int primary key, name text, small char(1), amount numeric, doc jsonb, at timestamptz,"
      " twice int generated always as (id * 2) stored, gone text); alter table t drop column gone;"
      " alter table t alter column amount set storage plain");
  EXPECT_THAT(table("t").columns, ElementsAre("id", "name", "small", "amount", "doc", "at"));
  EXPECT_THAT(table("t").generated_columns, ElementsAre("twice"));
  EXPECT_THAT(table("t").toastable_columns, ElementsAre("name", "small", "doc"));
}

TEST_F(PostgresFacts, OfPartitionsAndPersistence) {
  sql("create table root (id int, at date, primary key (id, at)) partition by range (at);"
      "create table leaf_a partition of root for values from ('2026-01-01') to ('2027-01-01');"
      "create table leaf_b partition of root default; create unlogged table quick (id int primary key);"
      "insert into root select g, '2026-05-05' from generate_series(1, 500) g; analyze root; analyze leaf_a; analyze "
      "leaf_b");
  EXPECT_EQ(table("root").kind, 'p');
  EXPECT_EQ(table("root").partitions, 2U);
  EXPECT_EQ(table("root").estimated_rows, 500);
  EXPECT_FALSE(table("root").partition);
  EXPECT_TRUE(table("leaf_a").partition);
  EXPECT_EQ(table("quick").persistence, 'u');
  EXPECT_EQ(table("quick").estimated_rows, -1);
}

TEST_F(PostgresFacts, OfPartitionsWhoseChangesAreNeverDecoded) {
  sql("create table plain (id int) partition by range (id); create table plain_leaf partition of plain default;"
      "create foreign data wrapper nothing; create server nowhere foreign data wrapper nothing;"
      "create table mixed (id int) partition by range (id); create table logged partition of mixed default;"
      "create table low partition of mixed for values from (0) to (9) partition by range (id);"
      "create foreign table away partition of low for values from (0) to (1) server nowhere;"
      "create unlogged table quick partition of low for values from (1) to (2);"
      "create unlogged table quicker partition of low for values from (2) to (3);"
      "create publication p for table plain, mixed with (publish_via_partition_root = true)");
  const auto tables = must(postgres::fetch_publication(main_session(), "p"))->tables;
  ASSERT_EQ(tables.size(), 2U);
  EXPECT_EQ(tables[0].name, "mixed");
  EXPECT_EQ(tables[0].partitions, 4U);
  EXPECT_EQ(tables[0].foreign_partitions, 1U);
  EXPECT_EQ(tables[0].unlogged_partitions, 2U);
  EXPECT_FALSE(postgres::undecoded_partitions(tables[1]));
}

TEST_F(PostgresFacts, OfRightsAreThoseOfOurRole) {
  const std::string role = name() + "_r";
  sql(fmt::format(
      "create table t (id int primary key, secret text); alter table t enable row level security;"
      "create schema hidden; create table hidden.h (id int primary key); grant select on hidden.h to public;"
      "create role {0} login replication password 'x'; grant select (id) on t to {0}",
      role));
  auto limited = options();
  limited.user = role;
  limited.password = base::Secret("x");
  {
    Connection connection = must(Connection::open(limited, ConnectionKind::Replication));
    const std::vector<TableName> wanted{{"public", "t"}, {"hidden", "h"}};
    const auto facts = must(postgres::fetch_tables(connection, wanted));
    EXPECT_FALSE(facts[0].may_select);
    EXPECT_TRUE(facts[0].row_security);
    EXPECT_FALSE(facts[1].may_select);
    const auto server = must(postgres::fetch_server_facts(connection));
    EXPECT_TRUE(server.role_may_replicate);
    EXPECT_FALSE(server.role_bypasses_rls);
    EXPECT_FALSE(server.role_may_create);
  }
  EXPECT_TRUE(table("t").may_select);
  EXPECT_FALSE(table("t").row_security);
  sql(fmt::format("drop owned by {0}; drop role {0}", role));
}

TEST_F(PostgresFacts, WhatIsDroppedWhileItIsAskedForIsNoLackOfARight) {
  sql("create table shrinking (id int primary key, a int); create table going (id int primary key)");
  Connection connection = session(ConnectionKind::Sql);
  must(connection.query("beginning", "begin isolation level repeatable read"));
  must(connection.query("taking a snapshot", "select 1"));
  sql("alter table shrinking drop column a; drop table going");
  const std::vector<TableName> wanted{{"public", "going"}, {"public", "shrinking"}};
  const auto facts = must(postgres::fetch_tables(connection, wanted));
  ASSERT_EQ(facts.size(), 2u);
  for (const TableFacts& each : facts) EXPECT_TRUE(each.may_select) << each.name;
  EXPECT_THAT(facts[1].columns, ElementsAre("id", "a")) << "as the snapshot has it";
}

// From 16 on the server opens the tables of a publication to list them, and waits for whoever drops one.
TEST_F(PostgresFacts, ATableThatIsDroppedWhileAPublicationIsReadIsNoReasonToStop) {
  sql("create table going (id int primary key); create table staying (id int primary key)");
  sql("create publication everything for all tables");
  Connection dropping = writer();
  must(dropping.query("dropping", "begin"));
  must(dropping.query("dropping", "drop table going"));
  std::atomic<bool> has_answered = false;
  base::Result<std::optional<pipeline::PublicationFacts>> answer;
  Connection asking = session(ConnectionKind::Sql);
  std::thread waiting([&] {
    answer = postgres::fetch_publication(asking, "everything");
    has_answered = true;
  });
  EXPECT_TRUE(eventually([&] {
    return has_answered || sql("select count(*) from pg_locks where not granted and database = (select oid from "
                               "pg_database where datname = current_database())") != "0";
  }));
  must(dropping.query("dropping", "commit"));
  waiting.join();
  if (answer) {
    EXPECT_EQ((*answer)->tables.size(), 2u);
  } else {
    EXPECT_EQ(answer.error().recovery, Recovery::Retry) << answer.error().message;
  }
  EXPECT_EQ(must(postgres::fetch_publication(asking, "everything"))->tables.size(), 1u);
}

TEST_F(PostgresFacts, AMissingTableIsNamedWithItsNeighbours) {
  sql("create table customers (id int); create table orders (id int)");
  const std::vector<TableName> wanted{{"public", "orders"}, {"public", "custommer"}};
  const auto facts = postgres::fetch_tables(main_session(), wanted);
  ASSERT_FALSE(facts);
  EXPECT_EQ(facts.error().id, "pg.table_missing");
  EXPECT_EQ(facts.error().recovery, Recovery::Stop);
  EXPECT_THAT(facts.error().message, HasSubstr("public.custommer (is public.customers meant?)"));
}

TEST_F(PostgresFacts, APublicationIsMadeForTablesWithStrangeNames) {
  sql("create schema \"S'x\"; create table \"S'x\".\"a.b\"\"c\" (id int primary key); create table t (id int primary "
      "key)");
  Connection plain = session();  // read-only by default, as the replicator's own
  const std::vector<TableName> wanted{{"S'x", "a.b\"c"}, {"public", "t"}};
  EXPECT_EQ(must(postgres::fetch_publication(plain, "my \"pub\"")), std::nullopt);
  must(postgres::create_publication(plain, "my \"pub\"", wanted, kAllOperations));
  const auto publication = must(postgres::fetch_publication(plain, "my \"pub\""));
  ASSERT_TRUE(publication);
  EXPECT_TRUE(publication->via_partition_root);
  EXPECT_TRUE(publication->inserts && publication->updates && publication->deletes && publication->truncates);
  EXPECT_FALSE(publication->all_tables);
  EXPECT_THAT(postgres::uncovered_tables(*publication, wanted), IsEmpty());
  ASSERT_EQ(publication->members.size(), 2U);
  EXPECT_EQ(std::to_string(publication->oid), sql("select oid from pg_publication"));
  EXPECT_EQ(std::to_string(publication->members[1].xmin), sql("select xmin from pg_publication_rel limit 1"));
}

TEST_F(PostgresFacts, AMemberThatWasMadeAgainHasAnotherOid) {
  sql("create table t (id int primary key); create publication p for table t");
  const auto before = must(postgres::fetch_publication(main_session(), "p"));
  sql("alter publication p drop table t; alter publication p add table t");
  const auto after = must(postgres::fetch_publication(main_session(), "p"));
  EXPECT_EQ(before->oid, after->oid);
  EXPECT_NE(before->members, after->members);
}

TEST_F(PostgresFacts, OfAPublicationFollowItsListsFiltersAndSchemas) {
  sql("create table t (id int primary key, a int, b text); create schema s; create table s.u (id int primary key);"
      "create publication lists for table t (id, b) where (id > 10);"
      "create publication schemas for table t, tables in schema s with (publish = 'insert')");
  const auto lists = must(postgres::fetch_publication(main_session(), "lists"));
  ASSERT_EQ(lists->tables.size(), 1U);
  EXPECT_THAT(lists->tables[0].columns, ElementsAre("id", "b"));
  EXPECT_TRUE(lists->tables[0].column_list);
  EXPECT_EQ(lists->tables[0].row_filter, "(id > 10)");
  const auto publication = must(postgres::fetch_publication(main_session(), "schemas"));
  ASSERT_EQ(publication->tables.size(), 2U);
  EXPECT_THAT(publication->tables[0].columns, ElementsAre("id", "a", "b"));
  EXPECT_EQ(publication->tables[1].schema, "s");
  EXPECT_FALSE(publication->tables[1].column_list);
  EXPECT_EQ(publication->tables[1].row_filter, "");
  EXPECT_FALSE(publication->updates);
  EXPECT_TRUE(std::any_of(publication->members.begin(), publication->members.end(),
                          [](const auto& member) { return member.is_schema && member.name == "s"; }));
}

TEST_F(PostgresFacts, ARoleThatMayNotPublishGetsTheCommandForTheOwner) {
  const std::string role = name() + "_r";
  sql(fmt::format("create table t (id int primary key); create role {} login password 'x'", role));
  auto limited = options();
  limited.user = role;
  limited.password = base::Secret("x");
  {
    Connection connection = must(Connection::open(limited, ConnectionKind::Sql));
    const std::vector<TableName> wanted{{"public", "t"}};
    const auto created = postgres::create_publication(connection, "p", wanted, kAllOperations);
    ASSERT_FALSE(created);
    EXPECT_EQ(created.error().id, "pg.privilege");
    EXPECT_THAT(created.error().message, HasSubstr("CREATE PUBLICATION \"p\" FOR TABLE \"public\".\"t\""));
    EXPECT_EQ(value_in(connection, "select 1"), "1");  // the session is usable
  }
  sql(fmt::format("drop role {}", role));
}

TEST_F(PostgresFacts, OfASlot) {
  EXPECT_EQ(must(postgres::fetch_slot(main_session(), name())), std::nullopt);
  sql(fmt::format("select pg_create_logical_replication_slot('{}', 'test_decoding', false, true)", name()));
  const auto slot = must(postgres::fetch_slot(main_session(), name()));
  ASSERT_TRUE(slot);
  EXPECT_EQ(slot->plugin, "test_decoding");
  EXPECT_EQ(slot->database, name());
  EXPECT_TRUE(slot->two_phase);
  EXPECT_FALSE(slot->temporary);
  EXPECT_FALSE(slot->active);
  EXPECT_EQ(slot->wal_status, "reserved");
  EXPECT_EQ(change::to_string(slot->confirmed_flush_lsn),
            sql("select confirmed_flush_lsn from pg_replication_slots where "
                "database = current_database()"));
  EXPECT_LT(slot->restart_lsn, slot->confirmed_flush_lsn);
  EXPECT_GT(slot->retained_bytes, 0U);
  EXPECT_GT(slot->catalog_xmin, 0U);
}

}  // namespace
}  // namespace sluice::testing
