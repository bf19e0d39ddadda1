#include "sluice/postgres/publication.h"

#include <gtest/gtest.h>

namespace sluice::postgres {
namespace {

TEST(TableName, WithoutASchemaIsOfPublic) {
  EXPECT_EQ(parse_table_name("users"), (TableName{"public", "users"}));
  EXPECT_EQ(parse_table_name("sales.orders"), (TableName{"sales", "orders"}));
  EXPECT_EQ(parse_table_name("sales.orders.old"), (TableName{"sales", "orders.old"}));
  EXPECT_EQ(to_string(TableName{"sales", "orders"}), "sales.orders");
}

TEST(UncoveredTables, AreThoseThatThePublicationDoesNotName) {
  pipeline::PublicationFacts publication;
  publication.tables.resize(1);
  publication.tables[0].schema = "public";
  publication.tables[0].name = "users";
  const std::vector<TableName> wanted{{"public", "users"}, {"sales", "users"}, {"public", "orders"}};
  EXPECT_EQ(uncovered_tables(publication, wanted), (std::vector<TableName>{{"sales", "users"}, {"public", "orders"}}));
}

}  // namespace
}  // namespace sluice::postgres
