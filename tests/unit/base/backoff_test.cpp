#include "sluice/base/backoff.h"

#include <gtest/gtest.h>

using sluice::base::Backoff;
using sluice::base::Milliseconds;

TEST(Backoff, GrowsToItsBoundAndStaysThere) {
  Backoff backoff({Milliseconds(100), Milliseconds(1'000), 2.0}, 1);
  for (const int ceiling : {100, 200, 400, 800, 1'000, 1'000}) {
    const auto wait = backoff.next().count();
    EXPECT_LE(wait, ceiling);
    EXPECT_GE(wait, ceiling / 2);
  }
}

TEST(Backoff, BeginsAgainAfterASuccess) {
  Backoff backoff({Milliseconds(100), Milliseconds(60'000), 10.0}, 1);
  (void)backoff.next();
  (void)backoff.next();
  backoff.reset();
  EXPECT_LE(backoff.next().count(), 100);
}

TEST(Backoff, ManyAttemptsDoNotOverflow) {
  Backoff backoff({Milliseconds(100), Milliseconds(1'000), 2.0}, 1);
  for (int attempt = 0; attempt < 5'000; ++attempt) EXPECT_LE(backoff.next().count(), 1'000);
}
