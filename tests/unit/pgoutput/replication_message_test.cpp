#include "sluice/pgoutput/replication_message.h"

#include <gtest/gtest.h>

#include <limits>

#include "message_writer.h"

using namespace sluice;
using namespace sluice::pgoutput;
using sluice::testing::wire::Bytes;

namespace {

std::string xlog_data(std::uint64_t start, std::uint64_t end, std::int64_t time, std::string_view message) {
  return Bytes().character('w').u64(start).u64(end).u64(static_cast<std::uint64_t>(time)).raw(message).str();
}

std::string keepalive(std::uint64_t end, std::int64_t time, std::uint8_t reply) {
  return Bytes().character('k').u64(end).u64(static_cast<std::uint64_t>(time)).u8(reply).str();
}

}  // namespace

TEST(ReplicationMessage, XLogDataCarriesAMessageAndItsPosition) {
  const std::string bytes = xlog_data(0x100, 0x110, 1'000'000, "I...");
  const auto parsed = parse_replication_message(bytes);
  ASSERT_TRUE(parsed);
  const auto& data = std::get<XLogData>(*parsed);
  EXPECT_EQ(data.data_start, change::Lsn(0x100));
  EXPECT_EQ(data.wal_end, change::Lsn(0x110));
  EXPECT_EQ(data.send_time_us, 946'684'801'000'000);
  EXPECT_EQ(data.message, "I...");
}

TEST(ReplicationMessage, AKeepaliveMayAskForAReply) {
  const auto parsed = parse_replication_message(keepalive(0x110, 0, 1));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(std::get<Keepalive>(*parsed).wal_end, change::Lsn(0x110));
  EXPECT_EQ(std::get<Keepalive>(*parsed).send_time_us, kPostgresEpochUs);
  EXPECT_TRUE(std::get<Keepalive>(*parsed).reply_requested);
  EXPECT_FALSE(std::get<Keepalive>(*parse_replication_message(keepalive(0x110, 0, 0))).reply_requested);
}

TEST(ReplicationMessage, WhatEndsEarlyOrLateIsMalformed) {
  const std::string alive = keepalive(0x110, 0, 1);
  for (std::size_t size = 0; size < alive.size(); ++size) {
    EXPECT_EQ(parse_replication_message(alive.substr(0, size)).error().id, "pgoutput.malformed") << size;
  }
  EXPECT_FALSE(parse_replication_message(alive + "x"));
  const std::string data = xlog_data(0x100, 0x110, 0, "");
  for (std::size_t size = 0; size < data.size(); ++size)
    EXPECT_FALSE(parse_replication_message(data.substr(0, size))) << size;
  EXPECT_TRUE(parse_replication_message(data)) << "an empty message is the next parser's concern";
}

TEST(ReplicationMessage, ATimeThatDoesNotFitIsMalformed) {
  EXPECT_FALSE(parse_replication_message(keepalive(1, std::numeric_limits<std::int64_t>::max(), 0)));
  EXPECT_FALSE(unix_us_from_postgres(std::numeric_limits<std::int64_t>::max() - kPostgresEpochUs + 1));
  EXPECT_EQ(unix_us_from_postgres(std::numeric_limits<std::int64_t>::max() - kPostgresEpochUs),
            std::numeric_limits<std::int64_t>::max());
}

TEST(ReplicationMessage, AnUnknownKindIsUnexpected) {
  EXPECT_EQ(parse_replication_message("h").error().id, "pgoutput.unexpected_message");
}

TEST(ReplicationMessage, AStatusUpdateTellsThreePositionsAndOurClock) {
  std::string out = "kept";
  append_status_update({change::Lsn(0x0102030405060708), change::Lsn(2), change::Lsn(3), kPostgresEpochUs + 5, true},
                       out);
  EXPECT_EQ(out, "kept" + Bytes().character('r').u64(0x0102030405060708).u64(2).u64(3).u64(5).u8(1).str());
  out.clear();
  append_status_update({.clock_us = kPostgresEpochUs - 1}, out);
  EXPECT_EQ(out, Bytes().character('r').u64(0).u64(0).u64(0).u64(~std::uint64_t{0}).u8(0).str());
}
