#include "sluice/change/row.h"

#include <gtest/gtest.h>

using namespace sluice::change;

TEST(Row, AnOwnedRowOutlivesTheBytesItWasReadFrom) {
  Row kept;
  {
    std::string message = "Ada|12.50";
    Row row;
    row.add({CellKind::Text, std::string_view(message).substr(0, 3)});
    row.add({CellKind::Unchanged, {}});
    row.add({CellKind::Text, std::string_view(message).substr(4)});
    kept = row.owned();
    message.assign(message.size(), 'x');
  }
  ASSERT_EQ(kept.size(), 3u);
  EXPECT_EQ(kept[0].bytes, "Ada");
  EXPECT_EQ(kept[1].kind, CellKind::Unchanged);
  EXPECT_EQ(kept[2].bytes, "12.50");
}

TEST(Row, ARefilledRowHasNothingOfTheOldOne) {
  Row row;
  row.add({CellKind::Text, "old"});
  row.refill(2)[1] = {CellKind::Text, "new"};
  ASSERT_EQ(row.size(), 2u);
  EXPECT_EQ(row[0].kind, CellKind::Null);
  EXPECT_EQ(row[1].bytes, "new");
}
