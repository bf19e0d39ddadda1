#include "sluice/change/event_id.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/core.h>

namespace sluice::change {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::size_t kPlainSize = 4 + 1 + 16 + 1 + 8;
constexpr std::size_t kPartSize = 1 + 4;

void put_hex(char* out, std::uint64_t value, int digits) {
  for (int digit = digits - 1; digit >= 0; --digit) {
    out[digit] = kHexDigits[value & 0xF];
    value >>= 4;
  }
}

bool read_hex(std::string_view text, std::uint64_t& out) {
  const bool lower =
      std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (!lower) return false;
  return std::from_chars(text.data(), text.data() + text.size(), out, 16).ec == std::errc{};
}

}  // namespace

void append_text(const EventId& id, std::string& out) {
  std::array<char, kPlainSize + kPartSize> text{};
  put_hex(&text[0], id.epoch, 4);
  text[4] = '-';
  put_hex(&text[5], id.commit_lsn.value(), 16);
  text[21] = '-';
  put_hex(&text[22], id.seq, 8);
  if (id.part == 0) {
    out.append(text.data(), kPlainSize);
    return;
  }
  text[kPlainSize] = '.';
  put_hex(&text[kPlainSize + 1], id.part, 4);
  out.append(text.data(), text.size());
}

std::string to_string(const EventId& id) {
  std::string text;
  append_text(id, text);
  return text;
}

base::Result<EventId> parse_event_id(std::string_view text) {
  const auto bad = [&] {
    return base::fail(base::Recovery::Reject, "change.bad_event_id",
                      fmt::format("'{}' is not an event id (eeee-cccccccccccccccc-ssssssss)", text.substr(0, 40)));
  };
  const bool has_part = text.size() == kPlainSize + kPartSize;
  if (text.size() != kPlainSize && !has_part) return bad();
  if (text[4] != '-' || text[21] != '-' || (has_part && text[kPlainSize] != '.')) return bad();
  std::uint64_t epoch = 0;
  std::uint64_t commit = 0;
  std::uint64_t seq = 0;
  std::uint64_t part = 0;
  if (!read_hex(text.substr(0, 4), epoch) || !read_hex(text.substr(5, 16), commit) ||
      !read_hex(text.substr(22, 8), seq) || (has_part && !read_hex(text.substr(kPlainSize + 1), part))) {
    return bad();
  }
  return EventId{static_cast<std::uint32_t>(epoch), Lsn(commit), static_cast<std::uint32_t>(seq),
                 static_cast<std::uint32_t>(part)};
}

std::uint64_t external_version(Lsn commit_lsn, std::uint32_t seq) {
  constexpr std::uint64_t kWrap = std::uint64_t{1} << 50;
  return ((commit_lsn.value() % kWrap) >> 3) << 16 | std::min(seq, kSaturatedSeq);
}

std::uint64_t snapshot_version(Lsn v) { return external_version(v, 0); }

}  // namespace sluice::change
