#include "sluice/postgres/visibility.h"

#include <gtest/gtest.h>

namespace sluice::postgres {
namespace {

TEST(Snapshot, IsReadAsPostgresPrintsIt) {
  const auto snapshot = parse_snapshot("731:736:731,734");
  ASSERT_TRUE(snapshot);
  EXPECT_EQ(snapshot->xmin, 731U);
  EXPECT_EQ(snapshot->xmax, 736U);
  EXPECT_EQ(snapshot->running, (std::vector<std::uint64_t>{731, 734}));
  EXPECT_TRUE(parse_snapshot("5:5:")->running.empty());
}

TEST(Snapshot, AnythingElseIsRefused) {
  for (const char* text : {"", "5", "5:x:", "9:5:", "5:9:7,6", "5:9:7;8", "5:9:x"}) {
    EXPECT_FALSE(parse_snapshot(text)) << text;
  }
}

TEST(Visible, AreThoseThatHadEnded) {
  const auto snapshot = *parse_snapshot("731:736:731,734");
  for (const std::uint32_t xid : {3U, 730U, 732U, 735U}) EXPECT_TRUE(is_visible(xid, snapshot)) << xid;
  for (const std::uint32_t xid : {731U, 734U, 736U, 900U}) EXPECT_FALSE(is_visible(xid, snapshot)) << xid;
}

TEST(Visible, IdsWrapAround) {
  const auto snapshot = *parse_snapshot("8589934590:8589934600:8589934595");  // 2^33 - 2 and on
  EXPECT_TRUE(is_visible(0xFFFF'FFF0U, snapshot));
  EXPECT_TRUE(is_visible(4, snapshot));
  EXPECT_FALSE(is_visible(3, snapshot));
  EXPECT_FALSE(is_visible(8, snapshot));
}

}  // namespace
}  // namespace sluice::postgres
