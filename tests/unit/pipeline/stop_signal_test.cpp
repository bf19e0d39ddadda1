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

TEST(StopSignalDeathTest, ATerminalThatHasGoneAsksOnceHoweverOftenItSaysSo) {
  EXPECT_EXIT(
      {
        StopSignal stop;
        sluice::pipeline::stop_on_signals(stop, 6, "ERROR cut\n");
        for (int i = 0; i < 5; ++i) std::raise(SIGHUP);
        std::exit(stop.requested() && !stop.forced() ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST(StopSignalDeathTest, UnderNohupATerminalThatHasGoneIsNoMatter) {
  EXPECT_EXIT(
      {
        std::signal(SIGHUP, SIG_IGN);
        StopSignal stop;
        sluice::pipeline::stop_on_signals(stop, 6, "ERROR cut\n");
        std::raise(SIGHUP);
        std::exit(stop.requested() ? 1 : 0);
      },
      testing::ExitedWithCode(0), "");
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
