// Port: where streamed transactions wait for their commit when they outgrow memory.
//
// Thread rule: one thread. Errors, all Retry unless the adapter says otherwise: its own; nothing of a transaction was
// given out before its commit, so the server sends all of it again.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "sluice/base/error.h"

namespace sluice::pgoutput {

/// Bytes in their order. What it holds is gone with it, however the process ends.
class SpillFile {
 public:
  SpillFile() = default;
  virtual ~SpillFile() = default;
  SpillFile(const SpillFile&) = delete;
  SpillFile& operator=(const SpillFile&) = delete;

  virtual base::Result<void> append(std::string_view bytes) = 0;
  /// Fills `out` from `offset` on. REQUIRES: so much was appended.
  virtual base::Result<void> read(std::uint64_t offset, std::span<char> out) = 0;
  /// Forgets what lies behind `size`. REQUIRES: so much was appended.
  virtual base::Result<void> truncate(std::uint64_t size) = 0;
};

class SpillArea {
 public:
  SpillArea() = default;
  virtual ~SpillArea() = default;
  SpillArea(const SpillArea&) = delete;
  SpillArea& operator=(const SpillArea&) = delete;

  virtual base::Result<std::unique_ptr<SpillFile>> make_file() = 0;
};

}  // namespace sluice::pgoutput
