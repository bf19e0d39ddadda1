#include "sluice/admin/lag_clock.h"

#include <gtest/gtest.h>

using namespace sluice;
using std::chrono::seconds;

namespace {
const base::Clock::time_point kBegin{};
}

TEST(LagClock, NothingSeenIsNoLag) {
  admin::LagClock clock;
  EXPECT_EQ(clock.behind(0, kBegin), seconds(0));
}

TEST(LagClock, TheOldestPositionThatIsNotDurableCounts) {
  admin::LagClock clock;
  clock.seen(100, kBegin);
  clock.seen(200, kBegin + seconds(5));
  EXPECT_EQ(clock.behind(50, kBegin + seconds(10)), seconds(10));
  EXPECT_EQ(clock.behind(100, kBegin + seconds(10)), seconds(5));
  EXPECT_EQ(clock.behind(199, kBegin + seconds(12)), seconds(7));
  EXPECT_EQ(clock.behind(200, kBegin + seconds(12)), seconds(0));
}

TEST(LagClock, TheSamePositionSeenAgainIsNoNewerThanItWas) {
  admin::LagClock clock;
  clock.seen(100, kBegin);
  clock.seen(100, kBegin + seconds(9));
  EXPECT_EQ(clock.behind(99, kBegin + seconds(10)), seconds(10));
}

TEST(LagClock, WithoutEndBehindItNeverSaysLessThanTheTruth) {
  admin::LagClock clock;
  for (int i = 1; i <= 20'000; ++i) clock.seen(static_cast<std::uint64_t>(i), kBegin + seconds(i));
  EXPECT_EQ(clock.behind(0, kBegin + seconds(20'000)), seconds(19'999));
  EXPECT_GE(clock.behind(15'000, kBegin + seconds(20'000)), seconds(4'999));
  EXPECT_EQ(clock.behind(20'000, kBegin + seconds(20'000)), seconds(0));
}
