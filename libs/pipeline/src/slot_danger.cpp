#include "sluice/pipeline/slot_danger.h"

#include <fmt/core.h>

namespace sluice::pipeline {

std::optional<base::Error> slot_in_danger(const SlotFacts& slot) {
  constexpr std::uint64_t kUsedToLeft = 4;
  std::string why;
  if (slot.wal_status == "unreserved" || slot.wal_status == "lost") {
    why = "its wal_status is " + slot.wal_status;
  } else if (slot.safe_wal_size_bytes) {
    const auto left = static_cast<std::uint64_t>(std::max<std::int64_t>(*slot.safe_wal_size_bytes, 0));
    if (left * kUsedToLeft > slot.retained_bytes) return std::nullopt;
    why = fmt::format("it keeps {} bytes of WAL and may keep {} more", slot.retained_bytes, left);
  } else {
    return std::nullopt;
  }
  return base::Error{base::Recovery::Retry, "pg.slot_in_danger",
                     fmt::format("slot {} can be lost, and with it the changes that were not read: {}. See that it is "
                                 "read on, or raise max_slot_wal_keep_size",
                                 slot.name, why)};
}

}  // namespace sluice::pipeline
