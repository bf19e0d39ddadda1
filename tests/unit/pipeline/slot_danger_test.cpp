#include "sluice/pipeline/slot_danger.h"

#include <gtest/gtest.h>

using namespace sluice;
using pipeline::slot_in_danger;

namespace {

pipeline::SlotFacts slot_of(const std::string& wal_status) {
  pipeline::SlotFacts slot;
  slot.name = "s";
  slot.wal_status = wal_status;
  slot.retained_bytes = 800;
  return slot;
}

}  // namespace

TEST(SlotDanger, ASlotWithoutALimitIsInNone) {
  EXPECT_FALSE(slot_in_danger(slot_of("reserved")));
  EXPECT_FALSE(slot_in_danger(slot_of("extended")));
}

TEST(SlotDanger, WalThatIsGoneOrGoesNextIsTold) {
  for (const char* status : {"unreserved", "lost"}) {
    const auto danger = slot_in_danger(slot_of(status));
    ASSERT_TRUE(danger) << status;
    EXPECT_EQ(danger->id, "pg.slot_in_danger");
    EXPECT_NE(danger->message.find(status), std::string::npos) << danger->message;
  }
}

TEST(SlotDanger, ItIsToldWhenAFifthOfWhatMayBeKeptIsLeft) {
  auto slot = slot_of("extended");
  slot.safe_wal_size_bytes = 201;
  EXPECT_FALSE(slot_in_danger(slot));
  slot.safe_wal_size_bytes = 200;
  EXPECT_TRUE(slot_in_danger(slot));
  slot.safe_wal_size_bytes = -1;
  EXPECT_TRUE(slot_in_danger(slot));
}
