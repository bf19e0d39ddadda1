#include "sluice/postgres/visibility.h"

#include <algorithm>
#include <charconv>

#include "sluice/postgres/query_result.h"

namespace sluice::postgres {
namespace {

// Takes a number and the separator behind it from the front of `text`.
bool take(std::string_view& text, char separator, std::uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.empty()) return true;
  if (text.front() != separator) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

base::Result<SnapshotIds> parse_snapshot(std::string_view text) {
  SnapshotIds ids;
  bool good = take(text, ':', ids.xmin) && take(text, ':', ids.xmax);
  while (good && !text.empty()) good = take(text, ',', ids.running.emplace_back());
  if (!good || ids.xmin > ids.xmax || !std::is_sorted(ids.running.begin(), ids.running.end())) {
    return unexpected_answer("pg_current_snapshot()");
  }
  return ids;
}

bool is_visible(std::uint32_t xid, const SnapshotIds& snapshot) {
  const auto distance = static_cast<std::int32_t>(xid - static_cast<std::uint32_t>(snapshot.xmax));
  const std::uint64_t full = snapshot.xmax + static_cast<std::uint64_t>(static_cast<std::int64_t>(distance));
  if (full >= snapshot.xmax) return false;
  if (full < snapshot.xmin) return true;
  return !std::binary_search(snapshot.running.begin(), snapshot.running.end(), full);
}

}  // namespace sluice::postgres
