#include "sluice/postgres/nap_gate.h"

#include <gtest/gtest.h>

namespace sluice::postgres {
namespace {

using base::Microseconds;
using base::Milliseconds;

// A clock that only moves when told to, and a stream of a given rate.
class NapGateTest : public ::testing::Test {
 protected:
  ReadAdvice ask(std::uint64_t waiting) { return gate.advise(waiting, now); }
  void receive_for(Milliseconds time, std::uint64_t bytes_per_ms) {
    now += time;
    gate.received(bytes_per_ms * static_cast<std::uint64_t>(time.count()));
  }

  base::Clock::time_point now{};
  NapGate gate{kTcpNaps, now};
};

TEST_F(NapGateTest, AQuietStreamIsReadAtOnceAndNeverNaps) {
  for (int message = 0; message < 1'000; ++message) {
    receive_for(Milliseconds(1), 100);
    EXPECT_EQ(ask(100), ReadAdvice::Read);
    EXPECT_EQ(ask(0), ReadAdvice::Wait);
  }
}

TEST_F(NapGateTest, AFastStreamWithLittleWaitingNaps) {
  receive_for(Milliseconds(5), 4'000);
  EXPECT_EQ(ask(8'191), ReadAdvice::Nap);
  EXPECT_EQ(gate.nap_end(), now + Milliseconds(20));
  EXPECT_TRUE(gate.asleep());
}

TEST_F(NapGateTest, AFullBufferIsReadAtOnceHoweverFastTheStream) {
  receive_for(Milliseconds(5), 40'000);
  EXPECT_EQ(ask(8'192), ReadAdvice::Read);
}

TEST_F(NapGateTest, JustBelowTheRateThereIsNoNap) {
  receive_for(Milliseconds(5), 3'999);
  EXPECT_EQ(ask(100), ReadAdvice::Read);
}

TEST_F(NapGateTest, ANapLastsUntilItsEndWhoeverAsks) {
  receive_for(Milliseconds(5), 40'000);
  ASSERT_EQ(ask(0), ReadAdvice::Nap);
  now += Microseconds(19'999);
  EXPECT_EQ(ask(1'000'000), ReadAdvice::Nap);
  now += Microseconds(1);
  EXPECT_EQ(ask(100), ReadAdvice::Read);
  EXPECT_FALSE(gate.asleep());
}

TEST_F(NapGateTest, AfterANapThatBroughtNothingItWaitsForTheSocket) {
  receive_for(Milliseconds(5), 40'000);
  ASSERT_EQ(ask(0), ReadAdvice::Nap);
  now += Milliseconds(20);
  EXPECT_EQ(ask(0), ReadAdvice::Wait);
  EXPECT_EQ(ask(0), ReadAdvice::Wait);
}

TEST_F(NapGateTest, ARateOverLessThanTheWindowIsNoRate) {
  receive_for(Milliseconds(4), 40'000);
  EXPECT_EQ(ask(100), ReadAdvice::Read);
}

TEST_F(NapGateTest, ABurstThatEndedDoesNotNapForLong) {
  receive_for(Milliseconds(5), 40'000);
  ASSERT_EQ(ask(0), ReadAdvice::Nap);
  now += Milliseconds(20);
  ASSERT_EQ(ask(0), ReadAdvice::Wait);
  receive_for(Milliseconds(5), 10);
  EXPECT_EQ(ask(10), ReadAdvice::Read);
}

TEST(NapGate, WithoutNapsItOnlyReadsAndWaits) {
  base::Clock::time_point now{};
  NapGate gate(kNoNaps, now);
  now += Milliseconds(10);
  gate.received(100'000'000);
  EXPECT_EQ(gate.advise(1, now), ReadAdvice::Read);
  EXPECT_EQ(gate.advise(0, now), ReadAdvice::Wait);
}

}  // namespace
}  // namespace sluice::postgres
