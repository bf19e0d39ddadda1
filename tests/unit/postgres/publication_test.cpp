#include "sluice/postgres/publication.h"

#include <gmock/gmock.h>

namespace sluice::postgres {
namespace {

using ::testing::HasSubstr;

TEST(UncoveredTables, AreThoseThatThePublicationDoesNotName) {
  pipeline::PublicationFacts publication;
  publication.tables.resize(1);
  publication.tables[0].schema = "public";
  publication.tables[0].name = "users";
  const std::vector<TableName> wanted{{"public", "users"}, {"sales", "users"}, {"public", "orders"}};
  EXPECT_EQ(uncovered_tables(publication, wanted), (std::vector<TableName>{{"sales", "users"}, {"public", "orders"}}));
}

TEST(UndecodedPartitions, AreForeignOrUnlogged) {
  pipeline::TableFacts table;
  table.schema = "sales";
  table.name = "orders";
  table.kind = 'p';
  table.partitions = 4;
  EXPECT_FALSE(undecoded_partitions(table));
  table.foreign_partitions = 1;
  ASSERT_TRUE(undecoded_partitions(table));
  EXPECT_EQ(undecoded_partitions(table)->id, "pg.table_not_logged");
  EXPECT_THAT(undecoded_partitions(table)->message, HasSubstr("sales.orders has partitions"));
  EXPECT_THAT(undecoded_partitions(table)->message, HasSubstr("foreign tables: 1, unlogged: 0"));
  table.foreign_partitions = 0;
  table.unlogged_partitions = 2;
  ASSERT_TRUE(undecoded_partitions(table));
  EXPECT_THAT(undecoded_partitions(table)->message, HasSubstr("foreign tables: 0, unlogged: 2"));
}

}  // namespace
}  // namespace sluice::postgres
