// Thousands of seeded interleavings of deliveries, refusals, lost answers, rebalances, crashes, stops and restored
// backups, against an oracle that knows what happened at the source (rules K-12 to K-15, E-1 to E-12).
//
// A failing seed is run alone with SLUICE_SIMULATION_SEED=<seed> and --gtest_filter=*Simulation*/0.
#include <gtest/gtest.h>

#include <cstdlib>

#include "unit/pipeline/indexing_simulation/simulation.h"

namespace sluice::pipeline::simulation {
namespace {

constexpr std::uint64_t kSeedsPerBlock = 250;
constexpr std::uint64_t kBlocks = 40;

class IndexingSimulation : public testing::TestWithParam<std::uint64_t> {};

TEST_P(IndexingSimulation, LosesDoublesAndInventsNothing) {
  std::uint64_t begin = GetParam() * kSeedsPerBlock;
  std::uint64_t end = begin + kSeedsPerBlock;
  if (const char* only = std::getenv("SLUICE_SIMULATION_SEED")) {
    begin = std::strtoull(only, nullptr, 10);
    end = begin + 1;
  }
  for (std::uint64_t seed = begin; seed < end; ++seed) {
    ASSERT_EQ(Simulation(seed).run(), "") << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Blocks, IndexingSimulation, testing::Range(std::uint64_t{0}, kBlocks));

class IndexingMutants : public testing::TestWithParam<Mutant> {};

TEST_P(IndexingMutants, AreNoticed) {
  constexpr std::uint64_t kEnoughSeeds = 300;
  for (std::uint64_t seed = 0; seed < kEnoughSeeds; ++seed) {
    if (!Simulation(seed, GetParam()).run().empty()) return;
  }
  FAIL() << "a wrong program went through " << kEnoughSeeds << " seeds unnoticed";
}

INSTANTIATE_TEST_SUITE_P(All, IndexingMutants, testing::ValuesIn(kMutants));

}  // namespace
}  // namespace sluice::pipeline::simulation
