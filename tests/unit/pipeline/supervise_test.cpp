#include "sluice/pipeline/supervise.h"

#include <gtest/gtest.h>

using namespace sluice;
using pipeline::Attempt;
using pipeline::AttemptProgress;

namespace {

const pipeline::SuperviseLimits kFast{{base::Milliseconds(1), base::Milliseconds(2), 2.0}, base::Milliseconds(0)};

Attempt failing(base::Recovery recovery) {
  return {base::fail(recovery, "test.failed", "no"), AttemptProgress::Failed};
}

}  // namespace

TEST(Supervise, TriesAgainUntilAnAttemptSucceeds) {
  pipeline::StopSignal stop;
  int attempts = 0;
  int heard = 0;
  const auto result = supervise(
      kFast, stop, [&](const base::Error&, base::Milliseconds) { ++heard; },
      [&]() -> Attempt {
        if (++attempts < 4) return failing(base::Recovery::Retry);
        return {base::Result<void>{}, AttemptProgress::Worked};
      });
  EXPECT_TRUE(result);
  EXPECT_EQ(attempts, 4);
  EXPECT_EQ(heard, 3);
}

TEST(Supervise, DoesNotRetryWhatAnOperatorHasToDecide) {
  pipeline::StopSignal stop;
  int attempts = 0;
  const auto result = supervise(
      kFast, stop, [](const base::Error&, base::Milliseconds) {},
      [&] {
        ++attempts;
        return failing(base::Recovery::Stop);
      });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().recovery, base::Recovery::Stop);
  EXPECT_EQ(attempts, 1);
}

TEST(Supervise, WhatFailsBecauseOfAStopIsNotTriedAgain) {
  pipeline::StopSignal stop;
  int heard = 0;
  const auto result = supervise(
      kFast, stop, [&](const base::Error&, base::Milliseconds) { ++heard; },
      [&] {
        stop.request();
        return failing(base::Recovery::Retry);
      });
  EXPECT_TRUE(result);
  EXPECT_EQ(heard, 0);
}

TEST(Supervise, TheTimeBetweenAttemptsMayBeUsed) {
  pipeline::StopSignal stop;
  int used = 0;
  const auto result = supervise(
      kFast, stop, [](const base::Error&, base::Milliseconds) {},
      [&]() -> Attempt {
        if (used < 2) return failing(base::Recovery::Retry);
        return {base::Result<void>{}, AttemptProgress::Worked};
      },
      [&](base::Deadline) { ++used; });
  EXPECT_TRUE(result);
  EXPECT_EQ(used, 2);
}

TEST(Supervise, AStopEndsTheWaiting) {
  pipeline::StopSignal stop;
  const pipeline::SuperviseLimits slow{{base::Milliseconds(600'000), base::Milliseconds(600'000), 2.0},
                                       base::Milliseconds(0)};
  const auto result = supervise(
      slow, stop, [&](const base::Error&, base::Milliseconds) { stop.request(); },
      [&] { return failing(base::Recovery::Retry); });
  EXPECT_TRUE(result);
}

TEST(Supervise, AnOutageThatLastsTooLongEndsWithItsError) {
  pipeline::StopSignal stop;
  pipeline::SuperviseLimits limits = kFast;
  limits.max_outage = base::Milliseconds(5);
  const auto result = supervise(
      limits, stop, [](const base::Error&, base::Milliseconds) {}, [&] { return failing(base::Recovery::Retry); });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().recovery, base::Recovery::Retry);
}
