#include "sluice/codec/stream_header.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace sluice;
using namespace sluice::codec;

namespace {

const change::EventId kLast{7, change::Lsn(0x16'B374'D848), 300, 2};
const MarkerOrigin kOrigin{"orders", 7, "5f1c09aa7be20143"};

std::string bytes_of(const StreamHeader& header) {
  const StreamHeaderBytes bytes = encode_header(header);
  return std::string(bytes.data(), bytes.size());
}

}  // namespace

TEST(StreamHeader, HasTheDocumentedBytes) {
  EXPECT_EQ(
      bytes_of({HeaderKind::Snapshot, kLast}),
      std::string("\x01\x01\x00\x00\x00\x07\x00\x00\x00\x16\xB3\x74\xD8\x48\x00\x00\x01\x2C\x00\x00\x00\x02", 22));
}

TEST(StreamHeader, IsReadAsItWasWritten) {
  for (const HeaderKind kind : {HeaderKind::Stream, HeaderKind::Snapshot, HeaderKind::Control}) {
    const base::Result<DecodedHeader> decoded = decode_header(bytes_of({kind, kLast}));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->header, (StreamHeader{kind, kLast}));
    EXPECT_FALSE(decoded->marker);
  }
}

TEST(StreamHeader, OfAMarkerSaysWhoWroteItAndKnowsNoId) {
  const base::Result<DecodedHeader> decoded = decode_header(encode_marker_header(kOrigin));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->header, (StreamHeader{HeaderKind::Marker, change::EventId{}}));
  EXPECT_EQ(decoded->marker, kOrigin);
}

TEST(StreamHeader, CutOffOrTooLongIsRefused) {
  for (const std::string& whole : {bytes_of({HeaderKind::Snapshot, kLast}), encode_marker_header(kOrigin)}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const base::Result<DecodedHeader> decoded = decode_header(std::string_view(whole).substr(0, size));
      ASSERT_FALSE(decoded) << size;
      EXPECT_EQ(decoded.error().id, "codec.bad_header");
      EXPECT_EQ(decoded.error().recovery, base::Recovery::Reject);
    }
    EXPECT_FALSE(decode_header(whole + "x"));
  }
}

TEST(StreamHeader, OfAnUnknownVersionOrKindIsRefused) {
  std::string bytes = bytes_of({HeaderKind::Snapshot, kLast});
  bytes[1] = 4;
  EXPECT_FALSE(decode_header(bytes));
  bytes[1] = 1;
  bytes[0] = 2;
  EXPECT_FALSE(decode_header(bytes));
}

TEST(Marker, IsAnEnvelopeThatNamesItsPipeline) {
  const std::string header = encode_marker_header(kOrigin);
  change::RecordBatch batch;
  append_marker(kOrigin, {"0.1.0", "sluice", "mydb"}, header, 1'700'000'000'123, 4, 2, batch);
  ASSERT_EQ(batch.size(), 1u);
  const change::Record record = batch[0];
  EXPECT_EQ(record.kind, change::RecordKind::Marker);
  EXPECT_EQ(record.topic, 4u);
  EXPECT_EQ(record.partition, 2);
  EXPECT_EQ(record.key, "sluice:marker");
  EXPECT_EQ(record.header, header);

  const auto json = nlohmann::json::parse(record.value);
  EXPECT_EQ(json["op"], "m");
  EXPECT_EQ(json["message"]["prefix"], "sluice.resume");
  const auto content = nlohmann::json::parse(json["message"]["content"].get<std::string>());
  EXPECT_EQ(content, nlohmann::json({{"pipeline", "orders"}, {"epoch", 7}, {"fingerprint", "5f1c09aa7be20143"}}));
}

TEST(PeekEventId, ReadsTheIdsOfStreamEventsOnly) {
  EXPECT_EQ(peek_event_id(R"({"id":"0001-0000000001693e28-00000001","op":"c")"),
            (change::EventId{1, change::Lsn(0x1693E28), 1, 0}));
  EXPECT_EQ(peek_event_id(R"({"id":"0001-0000000001693e28-00000001.8001","op":"m")"),
            (change::EventId{1, change::Lsn(0x1693E28), 1, 0x8001}));
  EXPECT_FALSE(
      peek_event_id(R"({"id":"0001-0000000001693e28-00000000.r16384.0123456789abcdef0123456789abcdef","op":"r")"));
  EXPECT_FALSE(peek_event_id(R"({"id":null,"op":"m")"));
  EXPECT_FALSE(peek_event_id(R"({"id":")"));
  EXPECT_FALSE(peek_event_id(""));
}
