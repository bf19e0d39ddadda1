// servers: postgres
// link: sluice::postgres sluice::codec
//
// Every kind of message, by its name, on every version of PostgreSQL: what arrives is what the table says, what SQL
// says of the rows, and what test_decoding says of the same WAL.
#include "message_matrix.h"
#include "sluice/postgres/error_mapping.h"

namespace sluice::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class Messages : public MessageMatrix {
 protected:
  /// A table whose column `big` is stored out of line.
  void given_big_table(const std::string& more = "") {
    given(
        "create table t (id int primary key, n int, big text); alter table t alter big set storage external;"
        "create publication p for table t;" +
        more);
    sql("insert into t values (1, 0, repeat('x', 2100))");
  }
  /// Rows of a table and its partitions, published by the root's name or by the leaves'.
  void given_partitions(bool by_root) {
    given(
        fmt::format("create table root (id int primary key, n int) partition by range (id);"
                    "create table low partition of root for values from (0) to (100);"
                    "create table high partition of root for values from (100) to (200);"
                    "create publication p for table root with (publish_via_partition_root = {})",
                    by_root));
    sql("insert into root values (1, 0), (101, 0)");
  }
  /// False when this version cannot; then it says so.
  bool given_if_possible(const std::string& tables, std::string_view refusal, const std::string& publication) {
    sql(tables);
    EXPECT_EQ(sqlstate_of(publication), refusal);
    if (refusal.empty()) given("");
    return refusal.empty();
  }
};

TEST_P(Messages, UpdateWithDefaultIdentityAndTheKeyUnchanged) {
  given_big_table();
  sql("update t set n = 1");
  sql("update t set big = repeat('y', 2200), n = 2");
  const auto records = arrived();
  EXPECT_THAT(lines_of(records), ElementsAre(R"(c public.t:1 {"id":1,"n":0,"big":"~2100"})",
                                             R"(u public.t:1 {"id":1,"n":1} unavailable["big"])",
                                             R"(u public.t:1 {"id":1,"n":2,"big":"~2200"})"));
  expect_told(records);
  expect_replica("public.t");
  expect_one_schema(records.front());
}

TEST_P(Messages, UpdateOfTheKeyWithDefaultIdentity) {
  given_big_table();
  sql("update t set id = 2");
  const auto records = arrived();
  EXPECT_THAT(lines_of(records), ElementsAre(R"(c public.t:1 {"id":1,"n":0,"big":"~2100"})", R"(d public.t:1 {"id":1})",
                                             R"(c public.t:2 {"id":2,"n":0} unavailable["big"])"));
  expect_told(records);
  EXPECT_EQ(replica().rows("public.t"), rows_of("select id, n from t")) << "the value is not in the message";
}

TEST_P(Messages, UpdateOfTheKeyWithReselectFetchesTheValueByTheNewKey) {
  policy(Toast::Reselect);
  given_big_table();
  sql("update t set id = 2");
  sql("update t set n = 5");
  const auto records = arrived();
  EXPECT_THAT(lines_of(records), ElementsAre(R"(c public.t:1 {"id":1,"n":0,"big":"~2100"})", R"(d public.t:1 {"id":1})",
                                             R"(c public.t:2 {"id":2,"n":0,"big":"~2100"} reselected["big"])",
                                             R"(u public.t:2 {"id":2,"n":5,"big":"~2100"} reselected["big"])"));
  expect_told(records);
  expect_replica("public.t");
}

TEST_P(Messages, UpdateThatAssignsTheSameKey) {
  given_big_table();
  sql("update t set id = 1, n = 3");
  const auto records = arrived();
  EXPECT_EQ(line_of(records.back()), R"(u public.t:1 {"id":1,"n":3} unavailable["big"])");
  expect_told(records);
  expect_replica("public.t");
}

TEST_P(Messages, TwoKeysSwappedThroughATemporaryOne) {
  given_big_table("insert into t values (2, 20, 'b')");
  sql("delete from t where id = 2; insert into t values (2, 20, 'b')");
  (void)arrived();
  sql("update t set big = 'a' where id = 1; update t set id = -1 where id = 1; update t set id = 1 where id = 2;"
      "update t set id = 2 where id = -1");
  const auto records = arrived();
  EXPECT_EQ(records.size(), 7U);
  EXPECT_THAT(replica().rows("public.t"), ElementsAre(R"({"big":"a","id":2,"n":0})", R"({"big":"b","id":1,"n":20})"));
}

TEST_P(Messages, UpdateAndDeleteWithFullIdentity) {
  given_big_table("alter table t replica identity full");
  sql("update t set n = null");
  sql("update t set id = 2");
  sql("delete from t");
  const auto records = arrived();
  EXPECT_THAT(lines_of(records), ElementsAre(R"(c public.t:1 {"id":1,"n":0,"big":"~2100"})",
                                             R"(u public.t:1 {"id":1,"n":0,"big":"~2100"} -> )"
                                             R"({"id":1,"n":null,"big":"~2100"})",
                                             R"(d public.t:1 {"id":1,"n":null,"big":"~2100"})",
                                             R"(c public.t:2 {"id":2,"n":null,"big":"~2100"})",
                                             R"(d public.t:2 {"id":2,"n":null,"big":"~2100"})"));
  const Lines words = told();
  EXPECT_THAT(words[1], HasSubstr("new-tuple: id[integer]:1 n[integer]:null big[text]:unchanged-toast-datum"));
  EXPECT_EQ(first_difference(in_its_words(records), words), "");
  expect_replica("public.t");
}

TEST_P(Messages, IndexIdentityWhenOnlyThePrimaryKeyChanges) {
  given(
      "create table t (id int primary key, code text not null unique); create publication p for table t;"
      "alter table t replica identity using index t_code_key");
  sql("insert into t values (1, 'a')");
  sql("update t set id = 2");
  sql("update t set code = 'b'");
  const auto records = arrived();
  EXPECT_THAT(lines_of(records),
              ElementsAre(R"(c public.t:a {"id":1,"code":"a"})", R"(u public.t:a {"id":2,"code":"a"})",
                          R"(d public.t:a {"code":"a"})", R"(c public.t:b {"id":2,"code":"b"})"));
  expect_told(records);
  expect_replica("public.t");  // keyed by the identity: by the primary key, row 1 would stay for ever
  expect_one_schema(records.back());
}

TEST_P(Messages, RelationOfFullFlagsAllColumnsAndTheKeyIsThePrimaryOneOfTheCatalog) {
  given(
      "create table t (a int, b int, c text, primary key (b, a)); alter table t replica identity full;"
      "create table nokey (a int, b int); alter table nokey replica identity full;"
      "create publication p for table t, nokey");
  sql("insert into t values (1, 2, 'x'); insert into nokey values (1, 2); update nokey set b = 3");
  const auto records = arrived();
  EXPECT_THAT(lines_of(records),
              ElementsAre(R"(c public.t:["1","2"] {"a":1,"b":2,"c":"x"})", R"(c public.nokey: {"a":1,"b":2})",
                          R"(u public.nokey: {"a":1,"b":2} -> {"a":1,"b":3})"));
  expect_told(records);
  for (const Arrived& record : records) expect_one_schema(record);
  for (const auto& [table, schema] : schemas()) {
    for (const auto& column : schema->columns) EXPECT_TRUE(column.identity) << table << " " << column.name;
  }
}

TEST_P(Messages, IdentityNothingOrDefaultWithoutPrimaryKeyRefusesTheApplication) {
  given(
      "create table nothing (id int primary key); alter table nothing replica identity nothing;"
      "create table bare (id int); create table t (id int primary key);"
      "create publication p for table nothing, bare, t");
  for (const std::string table : {"nothing", "bare"}) {
    sql("insert into " + table + " values (1)");
    EXPECT_EQ(sqlstate_of("update " + table + " set id = 2"), "55000");
    EXPECT_EQ(sqlstate_of("delete from " + table), "55000");
    EXPECT_EQ(refusal_named(table), "55000");
  }
  EXPECT_EQ(refusal_named("t"), "");
  const auto records = arrived();
  EXPECT_THAT(lines_of(records), ElementsAre(R"(c public.nothing: {"id":1})", R"(c public.bare: {"id":1})"));
  expect_told(records);
  for (const Arrived& record : records) expect_one_schema(record);
}

TEST_P(Messages, TruncateCascadeOfSeveralTablesAndRestartIdentity) {
  given(
      "create table parent (id serial primary key); create table child (id int primary key, parent int references "
      "parent); create table other (id int primary key); create publication p for all tables");
  sql("insert into parent values (default); insert into child values (1, 1); insert into other values (1)");
  sql("begin; insert into other values (2); truncate parent cascade; insert into parent values (default); end");
  sql("truncate other, parent, child restart identity");
  sql("insert into other values (3)");
  const auto records = arrived();
  EXPECT_THAT(
      lines_of(records),
      ElementsAre(R"(c public.parent:1 {"id":1})", R"(c public.child:1 {"id":1,"parent":1})",
                  R"(c public.other:1 {"id":1})", R"(c public.other:2 {"id":2})", "t sluice:truncate:public.parent",
                  "t sluice:truncate:public.child", R"(c public.parent:2 {"id":2})", "t sluice:truncate:public.other",
                  "t sluice:truncate:public.parent", "t sluice:truncate:public.child", R"(c public.other:3 {"id":3})"));
  std::vector<int> places;  // every table has one of its own in its transaction
  for (const Arrived& record : records) places.push_back(record.value["source"]["seq"]);
  EXPECT_THAT(places, ElementsAre(1, 2, 3, 1, 2, 3, 4, 1, 2, 3, 1));
  EXPECT_THAT(told(), ElementsAre(HasSubstr("public.parent: INSERT"), HasSubstr("INSERT"), HasSubstr("INSERT"),
                                  HasSubstr("INSERT"), "table public.parent, public.child: TRUNCATE: cascade",
                                  HasSubstr("INSERT"),
                                  "table public.other, public.parent, public.child: TRUNCATE: restart_seqs",
                                  "table public.other: INSERT: id[integer]:3"));
  for (const char* table : {"public.parent", "public.child", "public.other"}) expect_replica(table);
}

TEST_P(Messages, TruncateOfOnePartitionWithPublishViaPartitionRoot) {
  given_partitions(true);
  (void)arrived();
  sql("truncate low");
  EXPECT_THAT(arrived(), IsEmpty());
  EXPECT_THAT(told(), ::testing::Contains("table public.low: TRUNCATE: (no-flags)"));
  EXPECT_NE(replica().rows("public.root"), rows_of("select * from root")) << "nothing tells of it (rule P-35)";
  sql("truncate root");
  EXPECT_THAT(lines_of(arrived()), ElementsAre("t sluice:truncate:public.root"));
  expect_replica("public.root");
}

TEST_P(Messages, TruncateOfPartitionsByTheirOwnNames) {
  given_partitions(false);
  sql("truncate low");
  sql("insert into root values (2, 0)");
  const auto records = arrived();
  EXPECT_THAT(lines_of(records),
              ElementsAre(R"(c public.low:1 {"id":1,"n":0})", R"(c public.high:101 {"id":101,"n":0})",
                          "t sluice:truncate:public.low", R"(c public.low:2 {"id":2,"n":0})"));
  expect_replica("public.low");
  expect_replica("public.high");
}

TEST_P(Messages, RowMovedBetweenPartitionsUnderTheNameOfTheRoot) {
  given_partitions(true);
  sql("update root set n = 1 where id = 1; update root set id = 150 where id = 1; delete from root where id = 101");
  const auto records = arrived();
  EXPECT_THAT(lines_of(records),
              ElementsAre(R"(c public.root:1 {"id":1,"n":0})", R"(c public.root:101 {"id":101,"n":0})",
                          R"(u public.root:1 {"id":1,"n":1})", R"(d public.root:1 {"id":1})",
                          R"(c public.root:150 {"id":150,"n":1})", R"(d public.root:101 {"id":101})"));
  EXPECT_EQ(records[3].value["source"]["txId"], records[4].value["source"]["txId"]);
  EXPECT_EQ(told().size(), 6U);
  expect_replica("public.root");
  for (const Arrived& record : records) expect_one_schema(record);
}

TEST_P(Messages, RowMovedBetweenPartitionsUnderTheirOwnNames) {
  given_partitions(false);
  sql("update root set id = 150 where id = 1");
  const auto records = arrived();
  EXPECT_THAT(lines_of(records),
              ElementsAre(R"(c public.low:1 {"id":1,"n":0})", R"(c public.high:101 {"id":101,"n":0})",
                          R"(d public.low:1 {"id":1})", R"(c public.high:150 {"id":150,"n":0})"));
  expect_told(records);
  expect_replica("public.low");
  expect_replica("public.high");
  for (const Arrived& record : records) expect_one_schema(record);
}

TEST_P(Messages, GeneratedColumnIsNotPublished) {
  given(
      "create table t (id int primary key, twice int generated always as (id * 2) stored, name text);"
      "create publication p for table t");
  sql("insert into t (id, name) values (1, 'a')");
  sql("update t set id = 2");
  const auto records = arrived();
  EXPECT_THAT(lines_of(records), ElementsAre(R"(c public.t:1 {"id":1,"name":"a"})", R"(d public.t:1 {"id":1})",
                                             R"(c public.t:2 {"id":2,"name":"a"})"));
  expect_replica("public.t", "select id, name from t");
  expect_one_schema(records.front());
}

TEST_P(Messages, GeneratedColumnWithPublishGeneratedColumns) {
  if (!given_if_possible(
          "create table t (id int primary key, twice int generated always as (id * 2) stored, name text)",
          GetParam().publish_generated_columns,
          "create publication p for table t with (publish_generated_columns = stored)")) {
    return;
  }
  sql("insert into t (id, name) values (1, 'a')");
  sql("update t set id = 2");
  const auto records = arrived();
  EXPECT_THAT(lines_of(records),
              ElementsAre(R"(c public.t:1 {"id":1,"twice":2,"name":"a"})", R"(d public.t:1 {"id":1})",
                          R"(c public.t:2 {"id":2,"twice":4,"name":"a"})"));
  expect_told(records);
  expect_replica("public.t");
  expect_one_schema(records.front());
}

TEST_P(Messages, GeneratedColumnInTheIdentity) {
  given(
      "create table t (id int primary key, twice int generated always as (id * 2) stored);"
      "alter table t replica identity full; create publication p for table t");
  sql("insert into t values (1)");
  EXPECT_EQ(sqlstate_of("update t set id = 2"), GetParam().update_with_a_generated_column_in_the_identity);
  EXPECT_EQ(refusal_named("t"), GetParam().update_with_a_generated_column_in_the_identity);
}

TEST_P(Messages, ColumnListAndAnUpdateOfAnotherColumn) {
  if (!given_if_possible("create table t (id int primary key, secret text, a int)",
                         GetParam().row_filters_and_column_lists, "create publication p for table t (id, a)")) {
    return;
  }
  sql("insert into t values (1, 'hidden', 5)");
  sql("update t set secret = 'still hidden'");
  const auto records = arrived();
  EXPECT_THAT(lines_of(records), ElementsAre(R"(c public.t:1 {"id":1,"a":5})", R"(u public.t:1 {"id":1,"a":5})"));
  expect_replica("public.t", "select id, a from t");
  expect_one_schema(records.front());
}

TEST_P(Messages, ColumnListWithoutTheIdentityRefusesTheApplication) {
  if (!given_if_possible("create table t (id int primary key, a int)", GetParam().row_filters_and_column_lists,
                         "create publication p for table t (a)")) {
    return;
  }
  sql("insert into t values (1, 5)");
  EXPECT_EQ(sqlstate_of("update t set a = 6"), "42P10");
  EXPECT_EQ(sqlstate_of("delete from t"), "42P10");
  EXPECT_EQ(refusal_named("t"), "42P10");
  EXPECT_THAT(lines_of(arrived()), ElementsAre(R"(c public.t: {"a":5})"));
}

TEST_P(Messages, RowFilterWhenTheOldRowIsInAndTheNewOneOutAndTheReverse) {
  if (!given_if_possible("create table t (id int primary key, active bool, name text); alter table t replica identity "
                         "full",
                         GetParam().row_filters_and_column_lists, "create publication p for table t where (active)")) {
    return;
  }
  sql("insert into t values (1, true, 'Ada'), (2, false, 'Bob')");
  sql("update t set name = 'Ada L.' where id = 1");
  sql("update t set active = false where id = 1");
  sql("update t set active = true where id = 2");
  sql("update t set name = 'nobody' where id = 1");
  sql("delete from t where id = 1");
  const auto records = arrived();
  EXPECT_THAT(lines_of(records), ElementsAre(R"(c public.t:1 {"id":1,"active":true,"name":"Ada"})",
                                             R"(u public.t:1 {"id":1,"active":true,"name":"Ada"} -> )"
                                             R"({"id":1,"active":true,"name":"Ada L."})",
                                             R"(d public.t:1 {"id":1,"active":true,"name":"Ada L."})",
                                             R"(c public.t:2 {"id":2,"active":true,"name":"Bob"})"));
  EXPECT_EQ(told().size(), 7U) << "the filter held back what it should";
  EXPECT_EQ(refusal_named("t"), "");
  expect_replica("public.t", "select * from t where active");
}

TEST_P(Messages, RowFilterOfAColumnOutsideTheIdentityRefusesTheApplication) {
  if (!given_if_possible("create table t (id int primary key, active bool)", GetParam().row_filters_and_column_lists,
                         "create publication p for table t where (active)")) {
    return;
  }
  sql("insert into t values (1, true)");
  EXPECT_EQ(sqlstate_of("update t set active = false"), "42P10");
  EXPECT_EQ(sqlstate_of("delete from t"), "42P10");
  EXPECT_EQ(refusal_named("t"), "42P10");
  EXPECT_THAT(lines_of(arrived()), ElementsAre(R"(c public.t:1 {"id":1,"active":true})"));
}

TEST_P(Messages, TwoPublicationsWithDifferentColumnLists) {
  if (!given_if_possible("create table t (id int primary key, a int, b int)", GetParam().row_filters_and_column_lists,
                         "create publication p for table t (id, a); create publication q for table t (id, b)")) {
    return;
  }
  sql("insert into t values (1, 2, 3)");
  const auto both = main_session().query(
      "reading", fmt::format("select count(*) from pg_logical_slot_peek_binary_changes('{}', null, null, "
                             "'proto_version', '1', 'publication_names', 'p,q')",
                             name()));
  ASSERT_FALSE(both);
  EXPECT_THAT(both.error().message, HasSubstr("0A000"));
  const base::Error named = postgres::stream_error("0A000", both.error().message);
  EXPECT_EQ(named.id, "pg.decoding_failed");
  EXPECT_EQ(named.recovery, base::Recovery::Stop);
  // A pipeline names one publication, so another one does not disturb it.
  EXPECT_THAT(lines_of(arrived()), ElementsAre(R"(c public.t:1 {"id":1,"a":2})"));
}

TEST_P(Messages, UpdateThatChangesNothing) {
  given_big_table();
  sql("update t set n = n");
  const auto records = arrived();
  EXPECT_EQ(line_of(records.back()), R"(u public.t:1 {"id":1,"n":0} unavailable["big"])");
  expect_told(records);
  expect_replica("public.t");
}

TEST_P(Messages, AddColumnWithAConstantDefault) {
  given("create table t (id int primary key); create publication p for table t");
  sql("insert into t values (1), (2)");
  sql("alter table t add column n int default 7");
  sql("insert into t values (3)");
  sql("update t set id = 20 where id = 2");
  const auto records = arrived();
  EXPECT_THAT(lines_of(records),
              ElementsAre(R"(c public.t:1 {"id":1})", R"(c public.t:2 {"id":2})", R"(c public.t:3 {"id":3,"n":7})",
                          R"(d public.t:2 {"id":2})", R"(c public.t:20 {"id":20,"n":7})"));
  expect_one_schema(records.back());
  EXPECT_NE(records[0].value["source"]["schema_id"], records[2].value["source"]["schema_id"]);
  // Row 1 has the column in PostgreSQL; no event tells of it.
  EXPECT_THAT(replica().rows("public.t"), ElementsAre(R"({"id":1})", R"({"id":20,"n":7})", R"({"id":3,"n":7})"));
  EXPECT_EQ(sql("select n from t where id = 1"), "7");
}

TEST_P(Messages, RewritesOfATableSendNothing) {
  given("create table t (id int primary key, n int); create publication p for table t");
  sql("insert into t values (1, 1)");
  const auto before = arrived();
  sql("alter table t alter n type bigint using n * 1000");
  sql("alter table t add column at timestamptz default clock_timestamp()");
  sql("vacuum full t");
  sql("cluster t using t_pkey");
  EXPECT_THAT(arrived(), IsEmpty());
  EXPECT_EQ(sql("select n from t"), "1000");
  EXPECT_THAT(replica().rows("public.t"), ElementsAre(R"({"id":1,"n":1})")) << "nothing tells of it";
  sql("insert into t values (2, 2, null)");
  const auto records = arrived();
  EXPECT_THAT(lines_of(records), ElementsAre(R"(c public.t:2 {"id":2,"n":2,"at":null})"));
  EXPECT_NE(before[0].value["source"]["schema_id"], records[0].value["source"]["schema_id"]);
  expect_one_schema(records[0]);
}

TEST_P(Messages, AddColumnInsideATransaction) {
  given("create table t (id int primary key); create publication p for table t");
  sql("begin; insert into t values (1); alter table t add column a text; insert into t values (2, 'x');"
      "alter table t drop column a; insert into t values (3); end");
  const auto records = arrived();
  EXPECT_THAT(lines_of(records),
              ElementsAre(R"(c public.t:1 {"id":1})", R"(c public.t:2 {"id":2,"a":"x"})", R"(c public.t:3 {"id":3})"));
  EXPECT_EQ(records[0].value["source"]["txId"], records[2].value["source"]["txId"]);
  expect_one_schema(records.back());
}

TEST_P(Messages, DdlInAnAbortedTransactionLeavesTheOldColumns) {
  given("create table t (id int primary key); create publication p for table t");
  sql("begin; alter table t add column a text; insert into t values (1, 'x'); rollback");
  sql("insert into t values (2)");
  const auto records = arrived();
  EXPECT_THAT(lines_of(records), ElementsAre(R"(c public.t:2 {"id":2})"));
  expect_told(records);
  expect_one_schema(records.back());
}

TEST_P(Messages, NothingOfARollbackToASavepointOfOnConflictDoNothingAndOfSelectForUpdate) {
  given("create table t (id int primary key, n int); create publication p for table t");
  sql("begin; insert into t values (1, 1); savepoint a; insert into t values (2, 2); savepoint b;"
      "update t set n = 9; rollback to a; savepoint c; insert into t values (3, 3); release c; end");
  sql("begin; insert into t values (4, 4); rollback");
  sql("insert into t values (1, 5) on conflict do nothing");
  sql("select * from t for update");
  sql("begin; savepoint a; insert into t values (5, 5); rollback to a; end");
  const auto records = arrived();
  EXPECT_THAT(lines_of(records), ElementsAre(R"(c public.t:1 {"id":1,"n":1})", R"(c public.t:3 {"id":3,"n":3})"));
  EXPECT_EQ(records[1].value["source"]["seq"], 2) << "counted without what was rolled back (rule P-5)";
  expect_told(records);
  expect_replica("public.t");
}

TEST_P(Messages, OnConflictDoUpdateIsAnUpdate) {
  given("create table t (id int primary key, n int); create publication p for table t");
  sql("insert into t values (1, 1)");
  sql("insert into t values (1, 2), (2, 3) on conflict (id) do update set n = excluded.n");
  const auto records = arrived();
  EXPECT_THAT(lines_of(records), ElementsAre(R"(c public.t:1 {"id":1,"n":1})", R"(u public.t:1 {"id":1,"n":2})",
                                             R"(c public.t:2 {"id":2,"n":3})"));
  expect_told(records);
  expect_replica("public.t");
}

TEST_P(Messages, LogicalMessage) {
  given("create table t (id int primary key); create publication p for table t");
  sql("begin; select pg_logical_emit_message(true, 'a', 'first'); insert into t values (1);"
      "select pg_logical_emit_message(true, 'b', 'second'); select pg_logical_emit_message(true, 'b', ''); end");
  sql("begin; select pg_logical_emit_message(true, 'c', 'lost'); rollback");
  sql("begin; select pg_logical_emit_message(false, 'd', 'alone'); rollback");
  sql("insert into t values (2)");
  const std::string count = fmt::format(
      "select count(*) from pg_logical_slot_peek_binary_changes('{}', null, null, 'proto_version', '1',"
      " 'publication_names', 'p' {{}}) where get_byte(data, 0) = ascii('M')",
      name());
  EXPECT_EQ(sql(fmt::format(fmt::runtime(count), ", 'messages', 'true'")), "4");
  EXPECT_EQ(sql(fmt::format(fmt::runtime(count), "")), "0") << "they come only when they are asked for";
  const auto records = arrived();
  EXPECT_THAT(lines_of(records),
              ElementsAre(R"(m sluice:message:a {"prefix":"a","content":"first","transactional":true})",
                          R"(c public.t:1 {"id":1})",
                          R"(m sluice:message:b {"prefix":"b","content":"second","transactional":true})",
                          R"(m sluice:message:b {"prefix":"b","content":"","transactional":true})",
                          R"(m sluice:message:d {"prefix":"d","content":"alone","transactional":false})",
                          R"(c public.t:2 {"id":2})"));
  expect_told(records);
}

TEST_P(Messages, PreparedTransaction) {
  given("create table t (id int primary key, n int); create publication p for table t");
  sql("begin; insert into t values (1, 1); prepare transaction 'one'");
  sql("begin; insert into t values (2, 2); prepare transaction 'two'");
  sql("insert into t values (3, 3)");
  auto records = arrived();
  EXPECT_THAT(lines_of(records), ElementsAre(R"(c public.t:3 {"id":3,"n":3})"));
  sql("commit prepared 'one'");
  sql("rollback prepared 'two'");
  for (const Arrived& late : arrived()) records.push_back(late);
  EXPECT_THAT(lines_of(records), ElementsAre(R"(c public.t:3 {"id":3,"n":3})", R"(c public.t:1 {"id":1,"n":1})"));
  EXPECT_LT(records[0].value["id"], records[1].value["id"]) << "by the order of commits";
  expect_told(records);
  expect_replica("public.t");
}

TEST_P(Messages, PreparedTransactionWithAReconnectInBetween) {
  given("create table t (id int primary key, n int); create publication p for table t");
  sql("begin; insert into t values (1, 1); update t set n = 2; prepare transaction 'one'");
  sql("insert into t values (3, 3)");
  auto records = arrived();
  confirm_and_reconnect();
  sql("commit prepared 'one'");
  for (const Arrived& late : arrived()) records.push_back(late);
  EXPECT_THAT(lines_of(records), ElementsAre(R"(c public.t:3 {"id":3,"n":3})", R"(c public.t:1 {"id":1,"n":1})",
                                             R"(u public.t:1 {"id":1,"n":2})"));
  expect_told(records);
  expect_replica("public.t");
}

TEST_P(Messages, OfAnOriginAreAsAllOthers) {
  given("create table t (id int primary key, name text); create publication p for table t");
  const std::string origin = name();
  sql("select pg_replication_origin_create('" + origin + "')");
  sql("select pg_replication_origin_session_setup('" + origin + "')");
  sql("begin; select pg_replication_origin_xact_setup('1/2345678', '2026-01-01 00:00:00+00');"
      "insert into t values (1, 'from elsewhere'); end");
  sql("select pg_replication_origin_session_reset()");
  sql("insert into t values (2, 'from here')");
  const auto records = arrived();
  EXPECT_THAT(lines_of(records), ElementsAre(R"(c public.t:1 {"id":1,"name":"from elsewhere"})",
                                             R"(c public.t:2 {"id":2,"name":"from here"})"));
  expect_told(records);
  expect_replica("public.t");
  sql("select pg_replication_origin_drop('" + origin + "')");
}

TEST_P(Messages, HaveTheSameIdsWhenTheyComeAgain) {
  given_big_table();
  sql("update t set id = 2; select pg_logical_emit_message(true, 'a', 'b'); truncate t");
  const auto first = must(read());
  disconnect();
  start_from_the_beginning();
  const auto again = must(read());
  ASSERT_EQ(first.size(), again.size());
  for (std::size_t at = 0; at < first.size(); ++at) EXPECT_EQ(first[at].value, again[at].value);
}

TEST_P(Messages, OfAPublicationThatIsNewerThanTheSlotAreNotLostInSilence) {
  given("create table t (id int primary key); create publication p for table t");
  sql("drop publication p; insert into t values (1); create publication p for table t");
  const auto refused = read();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().id, "pg.publication_newer_than_slot");
  EXPECT_EQ(refused.error().recovery, base::Recovery::Stop);
}

TEST_P(Messages, OfAPublicationThatIsGoneAreNotLostInSilence) {
  given("create table t (id int primary key); create publication p for table t");
  sql("drop publication p; insert into t values (1)");
  const auto refused = read();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().id, "pg.publication_missing");
  EXPECT_EQ(refused.error().recovery, base::Recovery::Stop);
}

// The checks can fail: on an event that is missing, on another value, on another order.
TEST_P(Messages, AreCheckedByWhatSeesEveryFault) {
  given_big_table();
  sql("update t set id = 2, n = 5; update t set n = 6; delete from t");
  const auto records = arrived();
  const Lines words = told();
  ASSERT_EQ(first_difference(in_its_words(records), words), "");
  const auto is_strictly_right = [](const std::vector<Arrived>& of) {
    Replica replica;
    for (const Arrived& record : of) replica.apply(record);
    return replica.violations().empty() && replica.rows("public.t").empty();
  };
  EXPECT_TRUE(is_strictly_right(records));
  for (std::size_t at = 0; at < records.size(); ++at) {
    auto missing = records;
    missing.erase(missing.begin() + static_cast<std::ptrdiff_t>(at));
    EXPECT_NE(first_difference(in_its_words(missing), words), "") << at;
    // An update less is seen by the words only: the row is deleted in the end.
    EXPECT_TRUE(!is_strictly_right(missing) || records[at].value["op"] == "u") << at;
    auto twice = records;
    twice.insert(twice.begin() + static_cast<std::ptrdiff_t>(at), records[at]);
    EXPECT_TRUE(!is_strictly_right(twice) || records[at].value["op"] == "u") << at;
    auto other = records;
    Json& row = other[at].value[other[at].value["after"].is_null() ? "before" : "after"];
    row["id"] = 99;
    EXPECT_NE(first_difference(in_its_words(other), words), "") << at;
  }
  auto swapped = records;
  std::swap(swapped[0], swapped[1]);
  EXPECT_FALSE(is_strictly_right(swapped));
}

INSTANTIATE_TEST_SUITE_P(, Messages, ::testing::ValuesIn(kServerVersions), name_of_version);

}  // namespace
}  // namespace sluice::testing
