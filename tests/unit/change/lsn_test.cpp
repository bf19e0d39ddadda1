#include "sluice/change/lsn.h"

#include <gtest/gtest.h>

using namespace sluice::change;

TEST(Lsn, ReadsAndWritesPostgresForm) {
  const auto lsn = Lsn::parse("16/B374D848");
  ASSERT_TRUE(lsn.has_value());
  EXPECT_EQ(lsn->value(), 0x16B374D848u);
  EXPECT_EQ(to_string(*lsn), "16/B374D848");
  EXPECT_EQ(to_string(Lsn(1)), "0/1");
}

TEST(Lsn, RefusesWhatIsNoPosition) {
  for (const char* text : {"", "/", "1", "1/", "/1", "1/2/3", "g/1", "1/123456789", " 1/2", "-1/2", "0x1/2"}) {
    const auto lsn = Lsn::parse(text);
    ASSERT_FALSE(lsn.has_value()) << text;
    EXPECT_EQ(lsn.error().id, "change.bad_lsn");
  }
}

TEST(Lsn, DistanceIsNeverNegative) {
  EXPECT_EQ(bytes_between(Lsn(10), Lsn(15)), 5u);
  EXPECT_EQ(bytes_between(Lsn(15), Lsn(10)), 0u);
}
