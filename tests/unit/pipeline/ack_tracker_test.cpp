#include "sluice/pipeline/ack_tracker.h"

#include <gtest/gtest.h>

using namespace sluice::change;
using namespace sluice::pipeline;

namespace {

class AckTrackerTest : public testing::Test {
 protected:
  /// A transaction of `records` records that ends at `end`; returns its ticket.
  Ticket transaction(std::uint64_t end, int records) {
    const Ticket ticket = tracker.open_transaction();
    for (int i = 0; i < records; ++i) tracker.add(ticket);
    tracker.end_transaction({.end = Position{end}, .commit_lsn = Lsn(end - 8)});
    return ticket;
  }
  void expect_durable(std::uint64_t position) { EXPECT_EQ(tracker.durable(), Position{position}); }

  AckTracker tracker{Position{100}, Position{90}};
};

}  // namespace

TEST_F(AckTrackerTest, BeginsAtWhatIsStored) {
  expect_durable(100);
  EXPECT_EQ(tracker.last_data_end(), Position{90});
  EXPECT_EQ(tracker.handed_over(), Position{100});
  EXPECT_TRUE(tracker.settled());
}

TEST_F(AckTrackerTest, ATransactionIsDurableWithItsLastRecord) {
  const Ticket ticket = transaction(200, 2);
  tracker.ack(ticket);
  expect_durable(100);
  tracker.ack(ticket);
  expect_durable(200);
  EXPECT_EQ(tracker.last_data_end(), Position{200});
}

TEST_F(AckTrackerTest, ALaterTransactionWaitsForAnEarlierOne) {
  const Ticket first = transaction(200, 1);
  const Ticket second = transaction(300, 1);
  tracker.ack(second);
  expect_durable(100);
  tracker.ack(first);
  expect_durable(300);
}

TEST_F(AckTrackerTest, AnOpenTransactionIsNeverDurable) {
  const Ticket ticket = tracker.open_transaction();
  tracker.add(ticket);
  tracker.ack(ticket);
  expect_durable(100);
  EXPECT_FALSE(tracker.settled());
  tracker.end_transaction({.end = Position{200}});
  expect_durable(200);
}

TEST_F(AckTrackerTest, AHeartbeatWaitsForWhatIsBeforeIt) {
  const Ticket ticket = transaction(200, 1);
  tracker.heartbeat(Position{500});
  expect_durable(100);
  tracker.ack(ticket);
  expect_durable(500);
  EXPECT_EQ(tracker.last_data_end(), Position{200}) << "idle progress is no data";
}

TEST_F(AckTrackerTest, AHeartbeatInsideATransactionIsIgnored) {
  const Ticket ticket = tracker.open_transaction();
  tracker.add(ticket);
  tracker.heartbeat(Position{500});
  tracker.end_transaction({.end = Position{200}});
  tracker.ack(ticket);
  expect_durable(200);
}

TEST_F(AckTrackerTest, AHeartbeatBehindUsIsIgnored) {
  tracker.heartbeat(Position{50});
  expect_durable(100);
}

TEST_F(AckTrackerTest, NeighbouringHeartbeatsTakeOneEntry) {
  transaction(200, 1);
  for (std::uint64_t position = 300; position < 100'000; ++position) tracker.heartbeat(Position{position});
  EXPECT_EQ(tracker.size(), 2u);
}

TEST_F(AckTrackerTest, ATransactionWithoutRowsIsIdleProgress) {
  tracker.end_transaction({.end = Position{300}});
  expect_durable(300);
  EXPECT_EQ(tracker.last_data_end(), Position{90});
}

TEST_F(AckTrackerTest, ATransactionWhoseRecordsWereAllKnownIsDurableAtOnce) {
  tracker.open_transaction();
  tracker.end_transaction({.end = Position{200}});
  expect_durable(200);
  EXPECT_EQ(tracker.last_data_end(), Position{200});
}

TEST_F(AckTrackerTest, TellsEachSettledTransactionOnce) {
  const Ticket ticket = transaction(200, 1);
  SettledTransaction settled;
  EXPECT_FALSE(tracker.take_settled(settled));
  tracker.ack(ticket);
  ASSERT_TRUE(tracker.take_settled(settled));
  EXPECT_EQ(settled.end, Position{200});
  EXPECT_FALSE(tracker.take_settled(settled));
}

TEST_F(AckTrackerTest, ADeliveryThatWasNeverSentIsABug) {
  const Ticket ticket = transaction(200, 1);
  tracker.ack(ticket);
  EXPECT_DEATH(tracker.ack(ticket), "still in flight");
}
