// Holds the promise of the hot path: a row of a table that is known costs no allocation.
#include <gtest/gtest.h>

#include "fake_catalog.h"
#include "message_writer.h"
#include "sluice/pgoutput/assembler.h"
#include "sluice/pgoutput/copy_row.h"
#include "sluice/testing/counted_allocations.h"

namespace pgoutput = sluice::pgoutput;
namespace change = sluice::change;
using namespace sluice::testing::wire;
using sluice::testing::allocations;

TEST(Allocation, ARowOfAKnownTableAllocatesNothing) {
  sluice::testing::FakeCatalog catalog;
  pgoutput::Assembler assembler(1, catalog);
  const std::string inserted = insert(1, {text("1"), text("Ada")});
  const std::string updated = update(1, old({text("1"), text("Ada")}), {text("1"), unchanged()});
  ASSERT_TRUE(assembler.apply(begin(0x100), {}));
  ASSERT_TRUE(assembler.apply(relation(1, "public", "users", 'f', {key_column("id"), {"name"}}), {}));
  ASSERT_TRUE(assembler.apply(updated, change::Lsn(8)));

  const std::size_t before = allocations;
  for (int row = 0; row < 100; ++row) {
    const bool both = assembler.apply(inserted, change::Lsn(8)) && assembler.apply(updated, change::Lsn(8));
    if (!both) break;
  }
  EXPECT_EQ(allocations - before, 0u);
}

TEST(Allocation, ARowOfCopyAllocatesNothing) {
  pgoutput::CopyRowParser parser;
  change::Row row;
  ASSERT_TRUE(parser.parse("1\ta\\tb\n", 2, row));
  const std::size_t before = allocations;
  for (int count = 0; count < 100; ++count) {
    if (!parser.parse("1\ta\\tb\n", 2, row)) break;
  }
  EXPECT_EQ(allocations - before, 0u);
}
