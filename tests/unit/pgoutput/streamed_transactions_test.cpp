#include "sluice/pgoutput/streamed_transactions.h"

#include <gmock/gmock.h>

#include "contract/spill_contract.h"
#include "sluice/pgoutput/assembler.h"
#include "unit/pgoutput/fake_catalog.h"
#include "unit/pgoutput/memory_spill.h"
#include "unit/pgoutput/message_writer.h"

namespace sluice::testing {
namespace {

using pgoutput::SpoolLimits;
using pgoutput::StreamedTransactions;
using ::testing::ElementsAre;
using wire::Bytes;

INSTANTIATE_TEST_SUITE_P(Memory, SpillContract, ::testing::Values([] { return std::make_unique<MemorySpill>(); }));

std::string stream_start(std::uint32_t xid, bool first) {
  return Bytes().character('S').u32(xid).u8(first ? 1 : 0).str();
}
std::string stream_stop() { return "E"; }
std::string stream_commit(std::uint32_t xid, std::uint64_t lsn) {
  const auto time = static_cast<std::uint64_t>(wire::kCommitTime);
  return Bytes().character('c').u32(xid).u8(0).u64(lsn).u64(lsn + 8).u64(time).str();
}
std::string stream_abort(std::uint32_t xid, std::uint32_t subxid) {
  return Bytes().character('A').u32(xid).u32(subxid).str();
}
/// A message of protocol 1, as one of the subtransaction `xid`.
std::string in(std::uint32_t xid, const std::string& message) {
  return Bytes().character(message.front()).u32(xid).raw(std::string_view(message).substr(1)).str();
}
std::string row(const std::string& value) { return wire::insert(16'385, {wire::text(value)}); }

class Streamed : public ::testing::Test {
 protected:
  void take(const std::string& message, std::uint64_t data_start = 0) {
    const auto taken = streamed_->take(message, change::Lsn(data_start));
    ASSERT_TRUE(taken) << taken.error().message;
    EXPECT_TRUE(*taken);
  }
  void chunk(std::uint32_t xid, bool first, const std::vector<std::string>& messages) {
    take(stream_start(xid, first));
    for (const std::string& message : messages) take(message);
    take(stream_stop());
  }
  std::vector<std::string> given() {
    std::vector<std::string> messages;
    for (;;) {
      const auto next = streamed_->next();
      if (!next) return {next.error().message};
      if (!*next) return messages;
      messages.emplace_back((*next)->message);
    }
  }
  std::string error_of(const std::string& message) {
    const auto taken = streamed_->take(message, {});
    return taken ? (*taken ? "kept" : "passed") : std::string(taken.error().id);
  }
  void limit(SpoolLimits limits) { streamed_.emplace(spill_, limits); }

  MemorySpill spill_;
  std::optional<StreamedTransactions> streamed_{std::in_place, spill_, SpoolLimits{}};
};

TEST_F(Streamed, ACommittedTransactionComesAsProtocol1SendsIt) {
  chunk(771, true, {in(771, wire::relation(16'385, "public", "t", 'd', {wire::key_column("id")})), in(771, row("1"))});
  EXPECT_THAT(given(), ElementsAre());
  chunk(771, false, {in(771, row("2"))});
  take(stream_commit(771, 5'000));
  EXPECT_FALSE(streamed_->is_between_transactions());
  EXPECT_THAT(given(),
              ElementsAre(wire::begin(5'000, 771), wire::relation(16'385, "public", "t", 'd', {wire::key_column("id")}),
                          row("1"), row("2"), wire::commit(5'000, 5'008)));
  EXPECT_TRUE(streamed_->is_between_transactions());
  EXPECT_EQ(streamed_->counters().transactions, 0U);
}

TEST_F(Streamed, EachMessageKeepsItsPlaceInTheWal) {
  take(stream_start(771, true));
  take(in(771, row("1")), 4'000);
  take(in(771, row("2")), 4'100);
  take(stream_stop());
  take(stream_commit(771, 5'000));
  (void)streamed_->next();
  EXPECT_EQ((*streamed_->next())->data_start, change::Lsn(4'000));
  EXPECT_EQ((*streamed_->next())->data_start, change::Lsn(4'100));
}

TEST_F(Streamed, WhatIsNotStreamedIsPassedOn) {
  chunk(771, true, {in(771, row("1"))});
  EXPECT_EQ(error_of(wire::begin(4'000, 772)), "passed");
  EXPECT_EQ(error_of(row("7")), "passed");
  EXPECT_EQ(error_of(wire::commit(4'000, 4'008)), "passed");
}

TEST_F(Streamed, TransactionsInterleaveByChunks) {
  chunk(771, true, {in(771, row("a1"))});
  chunk(772, true, {in(772, row("b1"))});
  chunk(771, false, {in(771, row("a2"))});
  take(stream_commit(772, 5'000));
  EXPECT_THAT(given(), ElementsAre(wire::begin(5'000, 772), row("b1"), wire::commit(5'000, 5'008)));
  take(stream_commit(771, 6'000));
  EXPECT_THAT(given(), ElementsAre(wire::begin(6'000, 771), row("a1"), row("a2"), wire::commit(6'000, 6'008)));
}

TEST_F(Streamed, ARolledBackTransactionLeavesNothing) {
  chunk(771, true, {in(771, row("1")), in(772, row("2"))});
  take(stream_abort(771, 771));
  EXPECT_EQ(streamed_->counters().bytes, 0U);
  EXPECT_EQ(error_of(stream_commit(771, 5'000)), "pgoutput.protocol_violation");
}

TEST_F(Streamed, ARolledBackSavepointTakesItsOwnAndTheInnerRowsAlong) {
  chunk(771, true, {in(771, row("kept")), in(772, row("outer")), in(773, row("inner")), in(772, row("outer again"))});
  take(stream_abort(771, 773));  // the server names the inner ones first
  take(stream_abort(771, 772));
  chunk(771, false, {in(774, row("new savepoint")), in(771, row("behind"))});
  take(stream_commit(771, 5'000));
  EXPECT_THAT(given(), ElementsAre(wire::begin(5'000, 771), row("kept"), row("new savepoint"), row("behind"),
                                   wire::commit(5'000, 5'008)));
}

TEST_F(Streamed, AnOuterSavepointThatWroteLaterGoesWhole) {
  chunk(771, true, {in(771, row("kept")), in(773, row("inner, released")), in(772, row("outer"))});
  take(stream_abort(771, 773));
  take(stream_abort(771, 772));
  take(stream_commit(771, 5'000));
  EXPECT_THAT(given(), ElementsAre(wire::begin(5'000, 771), row("kept"), wire::commit(5'000, 5'008)));
}

TEST_F(Streamed, ASavepointThatWroteNothingTakesTheInnerOnesAlong) {
  chunk(771, true, {in(771, row("kept")), in(773, row("inner"))});
  take(stream_abort(771, 772));
  take(stream_commit(771, 5'000));
  EXPECT_THAT(given(), ElementsAre(wire::begin(5'000, 771), row("kept"), wire::commit(5'000, 5'008)));
}

TEST_F(Streamed, TransactionIdsWrap) {
  chunk(0xFFFF'FFFE, true, {in(0xFFFF'FFFE, row("kept")), in(0xFFFF'FFFF, row("released")), in(3, row("rolled back"))});
  take(stream_abort(0xFFFF'FFFE, 3));
  take(stream_commit(0xFFFF'FFFE, 5'000));
  EXPECT_THAT(given(),
              ElementsAre(wire::begin(5'000, 0xFFFF'FFFE), row("kept"), row("released"), wire::commit(5'000, 5'008)));
}

TEST_F(Streamed, AbortsOfNewerProtocolsAreUnderstood) {
  chunk(771, true, {in(771, row("1"))});
  take(Bytes().raw(stream_abort(771, 771)).u64(5'000).u64(7).str());
  EXPECT_EQ(streamed_->counters().transactions, 0U);
}

TEST_F(Streamed, AnAbortOfATransactionThatNeverSentAnythingIsNoNews) { take(stream_abort(771, 771)); }

TEST_F(Streamed, TheLargestGoesIntoAFileAndComesBackWhole) {
  limit({.memory_bytes = 200'000});
  std::vector<std::string> sent;
  chunk(771, true, {in(771, row("small"))});
  for (int part = 0; part < 40; ++part) {
    take(stream_start(772, part == 0));
    for (int i = 0; i < 100; ++i) {
      sent.push_back(row(std::to_string(part * 100 + i) + std::string(700, 'x')));
      take(in(772, sent.back()));
    }
    take(stream_stop());
    // A savepoint that is rolled back, before the cut and across it.
    take(stream_start(772, false));
    for (int i = 0; i < part * 10; ++i) take(in(800 + static_cast<std::uint32_t>(part), row(std::string(500, 'y'))));
    take(stream_stop());
    take(stream_abort(772, 800 + static_cast<std::uint32_t>(part)));
    EXPECT_LT(streamed_->counters().bytes - streamed_->counters().spilled_bytes, 1'500'000U);
  }
  EXPECT_EQ(spill_.files_made, 1);
  EXPECT_GT(streamed_->counters().spilled_bytes, 2'000'000U);
  take(stream_commit(772, 5'000));
  sent.insert(sent.begin(), wire::begin(5'000, 772));
  sent.push_back(wire::commit(5'000, 5'008));
  EXPECT_EQ(given(), sent);
  EXPECT_EQ(spill_.files_open, 0);
  take(stream_commit(771, 6'000));
  EXPECT_THAT(given(), ElementsAre(wire::begin(6'000, 771), row("small"), wire::commit(6'000, 6'008)));
}

TEST_F(Streamed, AMessageThatIsLargerThanAnyBufferComesBackWhole) {
  limit({.memory_bytes = 1'000});
  const std::string huge = row(std::string(3'000'000, 'z'));
  chunk(771, true, {in(771, row("1")), in(771, huge), in(771, row("2"))});
  take(stream_commit(771, 5'000));
  EXPECT_THAT(given(), ElementsAre(wire::begin(5'000, 771), row("1"), huge, row("2"), wire::commit(5'000, 5'008)));
}

TEST_F(Streamed, AFullDiskIsAnErrorOfItsOwn) {
  limit({.memory_bytes = 1'000});
  spill_.is_full = true;
  take(stream_start(771, true));
  EXPECT_EQ(error_of(in(771, row(std::string(100'000, 'z')))), "pg.spool_failed");
}

TEST_F(Streamed, MoreThanTheLimitStops) {
  limit({.memory_bytes = 1'000, .total_bytes = 300'000});
  take(stream_start(771, true));
  take(in(771, row(std::string(200'000, 'z'))));
  EXPECT_EQ(error_of(in(771, row(std::string(200'000, 'z')))), "pgoutput.spool_full");
}

TEST(Assembler, AnAbortOfWhatTheServerKeptIsPassedOver) {
  FakeCatalog catalog;
  pgoutput::Assembler assembler(1, catalog);
  EXPECT_EQ(assembler.apply(stream_abort(771, 772), {}), std::nullopt);
  EXPECT_EQ(assembler.apply("A\0\0", {}).error().id, "pgoutput.malformed");
}

TEST_F(Streamed, WhatCannotStandWhereItDoesIsRefused) {
  take(stream_start(771, true));
  EXPECT_EQ(error_of(stream_start(772, true)), "pgoutput.protocol_violation");
  EXPECT_EQ(error_of(stream_commit(771, 5'000)), "pgoutput.protocol_violation");
  EXPECT_EQ(error_of(stream_abort(771, 771)), "pgoutput.protocol_violation");
  EXPECT_EQ(error_of(wire::begin(5'000, 772)), "pgoutput.protocol_violation");
  EXPECT_EQ(error_of(""), "pgoutput.protocol_violation");
  take(stream_stop());
  EXPECT_EQ(error_of(stream_stop()), "pgoutput.protocol_violation");
  EXPECT_EQ(error_of(stream_start(771, true)), "pgoutput.protocol_violation");   // it is not the first
  EXPECT_EQ(error_of(stream_start(773, false)), "pgoutput.protocol_violation");  // its first never came
  EXPECT_EQ(error_of(stream_commit(773, 5'000)), "pgoutput.protocol_violation");
}

TEST_F(Streamed, MessagesOfAnotherLengthAreRefused) {
  for (const std::string& whole : {stream_start(771, true), stream_commit(771, 5'000), stream_abort(771, 771)}) {
    for (std::size_t size = 1; size < whole.size(); ++size)
      EXPECT_EQ(error_of(whole.substr(0, size)), "pgoutput.malformed") << whole.front() << size;
    EXPECT_EQ(error_of(whole + "x"), "pgoutput.malformed") << whole.front();
  }
  EXPECT_EQ(error_of("Ex"), "pgoutput.malformed");
  take(stream_start(771, true));
  EXPECT_EQ(error_of("I\0\0\0"), "pgoutput.malformed");
}

}  // namespace
}  // namespace sluice::testing
