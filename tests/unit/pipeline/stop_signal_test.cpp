#include "sluice/pipeline/stop_signal.h"

#include <csignal>
#include <cstdlib>

#include <gtest/gtest.h>

using sluice::pipeline::StopSignal;

TEST(StopSignal, OnceAsksTwiceForces) {
  StopSignal stop;
  EXPECT_FALSE(stop.requested());
  stop.request();
  EXPECT_TRUE(stop.requested());
  EXPECT_FALSE(stop.forced());
  stop.request();
  EXPECT_TRUE(stop.forced());
}

TEST(StopSignalDeathTest, TheThirdSignalEndsAProcessThatDoesNotListen) {
  EXPECT_EXIT(
      {
        StopSignal stop;
        sluice::pipeline::stop_on_signals(stop, 6, "ERROR cut\n");
        std::raise(SIGINT);
        std::raise(SIGTERM);
        std::raise(SIGINT);
        std::exit(1);
      },
      testing::ExitedWithCode(6), "^ERROR cut\n$");
}
