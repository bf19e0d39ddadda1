// What every OffsetStore does. An adapter instantiates it with a factory whose place outlives the stores opened on it:
//   INSTANTIATE_TEST_SUITE_P(Lmdb, OffsetStoreContract, ::testing::Values([] { return std::make_unique<LmdbPlace>();
//   }));
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "sluice/pipeline/checkpoint.h"

namespace sluice::testing {

/// Where checkpoints lie: it survives the stores.
class OffsetPlace {
 public:
  virtual ~OffsetPlace() = default;
  virtual std::unique_ptr<pipeline::OffsetStore> open() = 0;
};

/// Every field differs from its default.
inline pipeline::Checkpoint full_checkpoint() {
  pipeline::Checkpoint checkpoint;
  checkpoint.pipeline = "orders";
  checkpoint.epoch = 7;
  checkpoint.position = {0xffff'ffff'ffff'ff00};
  checkpoint.last_data_end = {0x1693E28};
  checkpoint.highest_xid = 0x1'0000'0003;
  checkpoint.fingerprint = "5f1c09aa7be20143";
  checkpoint.settled = true;
  checkpoint.snapshot = pipeline::SnapshotPhase::Running;
  checkpoint.slot = {"orders_slot", 0xfedc'ba98'7654'3210, 3, "shop \"1\"", change::Lsn(0x16'B374'D848)};
  checkpoint.publication = {
      "orders_pub",
      16'400,
      771,
      {{"public.orders", 16'401, 772}, {"public.strange \n name", 16'402, 773}, {"sales", 16'403, 774, true}}};
  checkpoint.topics = {{"cdc-events", "nT1x-QoQRvG", 3, {0, 42, 9'000'000'000}}, {"other", "", 1, {5}}};
  checkpoint.tails = {{"cdc-events", 2, 42, {7, change::Lsn(0x1693E28), 4, 1}}};
  checkpoint.tables["public.orders"] = {{16'390, {{"id", 20, -1}, {"strange \n name", 1043, 24}}, {{"id"}}},
                                        std::nullopt};
  checkpoint.tables["public.keyless"] = {{16'392, {{"id", 20, -1}}, std::vector<std::string>()}, std::nullopt};
  checkpoint.tables["public.broken"] = {{16'391, {}},
                                        pipeline::TableHalt{"another type of column a", change::Lsn(0x1693E28)}};
  return checkpoint;
}

class OffsetStoreContract : public ::testing::TestWithParam<std::function<std::unique_ptr<OffsetPlace>()>> {
 protected:
  std::unique_ptr<OffsetPlace> place_ = GetParam()();
};

TEST_P(OffsetStoreContract, WhereNothingWasSavedNothingIsLoaded) {
  const auto loaded = place_->open()->load();
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_FALSE(loaded->has_value());
}

TEST_P(OffsetStoreContract, EveryFieldComesBackAsItWas) {
  const auto store = place_->open();
  ASSERT_TRUE(store->save(full_checkpoint()));
  const auto loaded = store->load();
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(*loaded, full_checkpoint());
}

TEST_P(OffsetStoreContract, EachSnapshotPhaseComesBackAsItWas) {
  using enum pipeline::SnapshotPhase;
  const auto store = place_->open();
  for (const auto phase : {None, Intended, Running, Done}) {
    auto checkpoint = full_checkpoint();
    checkpoint.snapshot = phase;
    ASSERT_TRUE(store->save(checkpoint));
    EXPECT_EQ((*store->load())->snapshot, phase);
  }
}

TEST_P(OffsetStoreContract, AnEmptyCheckpointIsNotTheSameAsNone) {
  const auto store = place_->open();
  ASSERT_TRUE(store->save(pipeline::Checkpoint{}));
  const auto loaded = store->load();
  ASSERT_TRUE(loaded && loaded->has_value());
  EXPECT_EQ(*loaded, pipeline::Checkpoint{});
}

TEST_P(OffsetStoreContract, TheLastSaveSurvivesTheStore) {
  auto checkpoint = full_checkpoint();
  {
    const auto store = place_->open();
    for (std::uint64_t position = 1; position <= 100; ++position) {
      checkpoint.position = {position};
      ASSERT_TRUE(store->save(checkpoint));
    }
  }
  const auto loaded = place_->open()->load();
  ASSERT_TRUE(loaded && loaded->has_value());
  EXPECT_EQ(**loaded, checkpoint);
}

TEST_P(OffsetStoreContract, WhatGrowsAndShrinksAgainStaysRight) {
  const auto store = place_->open();
  for (const std::size_t tables : {0U, 5U, 3'000U, 40U, 2'000U, 1U}) {
    pipeline::Checkpoint checkpoint = full_checkpoint();
    for (std::size_t table = 0; table < tables; ++table) {
      checkpoint.publication.members.push_back({"public.table_" + std::to_string(table), 20'000, 800});
    }
    ASSERT_TRUE(store->save(checkpoint));
    EXPECT_EQ(*store->load(), checkpoint) << tables << " tables";
  }
}

}  // namespace sluice::testing
