// What every SpillArea does. An adapter instantiates it with a factory:
//   INSTANTIATE_TEST_SUITE_P(Memory, SpillContract, ::testing::Values([] { return std::make_unique<MemorySpill>(); }));
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "sluice/pgoutput/spill.h"

namespace sluice::testing {

class SpillContract : public ::testing::TestWithParam<std::function<std::unique_ptr<pgoutput::SpillArea>()>> {
 protected:
  static std::string read(pgoutput::SpillFile& file, std::uint64_t offset, std::size_t size) {
    std::string out(size, '?');
    const auto done = file.read(offset, out);
    return done ? out : done.error().message;
  }

  std::unique_ptr<pgoutput::SpillArea> area_ = GetParam()();
};

TEST_P(SpillContract, GivesBackWhatWasAppendedFromAnywhere) {
  auto file = *area_->make_file();
  ASSERT_TRUE(file->append("one two "));
  ASSERT_TRUE(file->append("three"));
  EXPECT_EQ(read(*file, 0, 13), "one two three");
  EXPECT_EQ(read(*file, 4, 3), "two");
  EXPECT_EQ(read(*file, 12, 1), "e");
}

TEST_P(SpillContract, GoesOnWhereItWasCut) {
  auto file = *area_->make_file();
  ASSERT_TRUE(file->append("kept, dropped"));
  ASSERT_TRUE(file->truncate(5));
  ASSERT_TRUE(file->append(" and more"));
  EXPECT_EQ(read(*file, 0, 14), "kept, and more");
  ASSERT_TRUE(file->truncate(0));
  ASSERT_TRUE(file->append("anew"));
  EXPECT_EQ(read(*file, 0, 4), "anew");
}

TEST_P(SpillContract, FilesDoNotShareTheirBytes) {
  auto one = *area_->make_file();
  auto other = *area_->make_file();
  ASSERT_TRUE(one->append("one"));
  ASSERT_TRUE(other->append("other"));
  EXPECT_EQ(read(*one, 0, 3), "one");
  EXPECT_EQ(read(*other, 0, 5), "other");
}

TEST_P(SpillContract, HoldsMoreThanOneReadOrWriteOfTheKernel) {
  auto file = *area_->make_file();
  const std::string piece(3 << 20, 'x');
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(file->append(piece + std::to_string(i)));
  EXPECT_EQ(read(*file, 2 * (piece.size() + 1) + piece.size() - 1, 3), "x2x");
  EXPECT_EQ(read(*file, 0, piece.size()), piece);
}

}  // namespace sluice::testing
