// Keeps documents whose versions tie (version_type external_gte, rule P-5) of one key in one bulk at a time: for those
// alone the order of arrival decides, so a later one must not overtake an earlier one through another bulk.
//
// Thread rule: the pipeline's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <unordered_map>

#include "sluice/pipeline/document_sink.h"

namespace sluice::pipeline {

/// Of index and id; 0: not a saturated document. Two keys that meet only wait for each other needlessly.
inline std::uint64_t saturated_key(const Document& document) {
  if (document.version_type != VersionType::ExternalGte) return 0;
  const std::uint64_t index = std::hash<std::string_view>{}(document.index);
  const std::uint64_t id = std::hash<std::string_view>{}(document.id);
  return (index ^ (id << 1 | id >> 63)) | 1;
}

class SaturatedKeys {
 public:
  /// A bulk other than `ticket` has it.
  bool is_elsewhere(std::uint64_t key, std::uint64_t ticket) const {
    const auto found = tickets_.find(key);
    return found != tickets_.end() && found->second != ticket;
  }
  void enter(std::uint64_t key, std::uint64_t ticket) { tickets_[key] = ticket; }
  void leave(std::uint64_t key) { tickets_.erase(key); }

 private:
  std::unordered_map<std::uint64_t, std::uint64_t> tickets_;
};

}  // namespace sluice::pipeline
