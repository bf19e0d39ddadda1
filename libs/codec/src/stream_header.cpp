#include "sluice/codec/stream_header.h"

#include <fmt/core.h>

#include "sluice/base/byte_reader.h"
#include "sluice/base/check.h"
#include "sluice/base/text_buffer.h"
#include "sluice/codec/record_key.h"
#include "text_escape.h"

namespace sluice::codec {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kMaxNameBytes = 0xFFFF;
constexpr std::string_view kIdMember = R"({"id":")";

template <class T>
char* put_number(char* to, T number) {
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8) {
    *to++ = static_cast<char>((number >> shift) & 0xFF);
  }
  return to;
}

void append_sized(std::string& out, std::string_view bytes) {
  SLUICE_CHECK(bytes.size() <= kMaxNameBytes, "pipeline names and fingerprints are short");
  char size[2];
  put_number(size, static_cast<std::uint16_t>(bytes.size()));
  out.append(size, sizeof(size));
  out.append(bytes);
}

tl::unexpected<base::Error> bad_header(std::string_view what) {
  return base::fail(base::Recovery::Reject, "codec.bad_header",
                    fmt::format("The record header 'sluice' {}; if a newer version of this program wrote it, use that "
                                "version, else find out who writes into this topic",
                                what));
}

std::string marker_content(const MarkerOrigin& origin) {
  std::uint64_t replacements = 0;
  base::TextBuffer json;
  json.append(R"({"pipeline":")");
  append_escaped(origin.pipeline, json, replacements);
  json.append(R"(","epoch":)");
  json.append_number(origin.epoch);
  json.append(R"(,"fingerprint":")");
  append_escaped(origin.fingerprint, json, replacements);
  json.append(R"("})");
  return std::string(json.view());
}

}  // namespace

StreamHeaderBytes encode_header(const StreamHeader& header) {
  StreamHeaderBytes bytes{};
  char* to = bytes.data();
  to = put_number(to, kVersion);
  to = put_number(to, static_cast<std::uint8_t>(header.kind));
  to = put_number(to, header.last.epoch);
  to = put_number(to, header.last.commit_lsn.value());
  to = put_number(to, header.last.seq);
  put_number(to, header.last.part);
  return bytes;
}

std::string encode_marker_header(const MarkerOrigin& origin) {
  const StreamHeaderBytes fixed = encode_header({HeaderKind::Marker, change::EventId{}});
  std::string bytes(fixed.data(), fixed.size());
  char epoch[4];
  put_number(epoch, origin.epoch);
  bytes.append(epoch, sizeof(epoch));
  append_sized(bytes, origin.pipeline);
  append_sized(bytes, origin.fingerprint);
  return bytes;
}

base::Result<DecodedHeader> decode_header(std::string_view bytes) {
  base::ByteReader reader(bytes);
  if (reader.u8() != kVersion) return bad_header("is empty or of an unknown version");
  const std::uint8_t kind = reader.u8();
  if (kind > static_cast<std::uint8_t>(HeaderKind::Control)) return bad_header("is of an unknown kind");
  DecodedHeader decoded;
  decoded.header.kind = static_cast<HeaderKind>(kind);
  decoded.header.last.epoch = reader.u32();
  decoded.header.last.commit_lsn = change::Lsn(reader.u64());
  decoded.header.last.seq = reader.u32();
  decoded.header.last.part = reader.u32();
  if (decoded.header.kind == HeaderKind::Marker) {
    MarkerOrigin& origin = decoded.marker.emplace();
    origin.epoch = reader.u32();
    origin.pipeline = reader.bytes(reader.u16());
    origin.fingerprint = reader.bytes(reader.u16());
  }
  if (!reader.finished()) return bad_header("has another size than its kind");
  return decoded;
}

void append_marker(const MarkerOrigin& origin, const MarkerSource& source, std::string_view header, std::int64_t now_ms,
                   change::TopicIndex topic, std::int32_t partition, change::RecordBatch& out) {
  std::uint64_t replacements = 0;
  base::TextBuffer json;
  const auto member = [&](std::string_view lead, std::string_view text) {
    json.append(lead);
    append_escaped(text, json, replacements);
  };
  json.append(R"({"id":null,"op":"m","ts_ms":)");
  json.append_number(now_ms);
  member(R"(,"source":{"version":")", source.version);
  member(R"(","connector":"postgresql","name":")", source.name);
  json.append(R"(","ts_ms":)");
  json.append_number(now_ms);
  json.append(R"(,"ts_us":)");
  json.append_number(now_ms * 1000);
  member(R"(,"snapshot":"false","db":")", source.database);
  json.append(R"(","schema":"","table":"","txId":null,"lsn":null,"commit_lsn":null,"seq":null,"epoch":)");
  json.append_number(origin.epoch);
  json.append(R"(,"schema_id":null,"xmin":null},"before":null,"after":null,"message":{"prefix":")");
  json.append(kMarkerPrefix);
  member(R"(","content":")", marker_content(origin));
  json.append(R"(","transactional":false}})");

  const change::RecordBatch::Piece key = out.append(kMarkerKey);
  change::Record& record = out.add(key, out.append(json.view()));
  record.topic = topic;
  record.partition = partition;
  record.kind = change::RecordKind::Marker;
  record.header = header;
}

std::optional<change::EventId> peek_event_id(std::string_view value) {
  if (!value.starts_with(kIdMember)) return std::nullopt;
  constexpr std::size_t kMaxIdBytes = 64;
  const std::string_view rest = value.substr(kIdMember.size(), kMaxIdBytes);
  const std::size_t end = rest.find('"');
  if (end == std::string_view::npos) return std::nullopt;
  // A snapshot row's id goes on after the ordinal, so it is none of these.
  const base::Result<change::EventId> id = change::parse_event_id(rest.substr(0, end));
  if (!id) return std::nullopt;
  return *id;
}

}  // namespace sluice::codec
