// Thousands of seeded lives of a replication, with crashes, broken connections, lost producers and full disks between
// any two steps; and the same lives with one promise broken on purpose, which has to be noticed.
#include <gtest/gtest.h>

#include "unit/pipeline/replication_simulation/world.h"

using sluice::simulation::Mutant;
using sluice::simulation::run;

TEST(ReplicationSimulation, TenThousandSeedsLoseNothingDoubleNothingAndKeepTheOrder) {
  for (std::uint64_t seed = 1; seed <= 10'000; ++seed) {
    const std::string broken_promise = run(seed, Mutant::None);
    ASSERT_EQ(broken_promise, "") << "seed " << seed;
  }
}

class ReplicationMutant : public testing::TestWithParam<Mutant> {};

TEST_P(ReplicationMutant, IsCaught) {
  for (std::uint64_t seed = 1; seed <= 5'000; ++seed) {
    if (!run(seed, GetParam()).empty()) return;
  }
  FAIL() << "5,000 seeds did not notice the broken promise";
}

INSTANTIATE_TEST_SUITE_P(Confirming, ReplicationMutant,
                         testing::Values(Mutant::StoreLies, Mutant::AckOnSend, Mutant::AckOnFailure,
                                         Mutant::ConfirmHeartbeat, Mutant::ConfirmOnRead, Mutant::StoreHandedOver,
                                         Mutant::NoTails, Mutant::TailTooHigh, Mutant::KeepPositionAfterSinkLoss,
                                         Mutant::CutCountsAsWhole, Mutant::SkipAfterReconnect, Mutant::ForgetTables,
                                         Mutant::TablesOfNow));
