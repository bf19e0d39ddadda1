// An OffsetStore that remembers in memory. The disk is an object of its own, so that a test can destroy the store (a
// crash) and make a new one over what was saved; a disk can be told to fail.
//
// Thread rule: one thread.
#pragma once

#include <optional>

#include "sluice/pipeline/checkpoint.h"

namespace sluice::testing {

struct MemoryDisk {
  std::optional<pipeline::Checkpoint> saved;
  std::optional<base::Error> fails_with;  ///< every call, until it is taken away
  int saves = 0;
};

class MemoryOffsetStore final : public pipeline::OffsetStore {
 public:
  explicit MemoryOffsetStore(MemoryDisk& disk) : disk_(disk) {}

  base::Result<std::optional<pipeline::Checkpoint>> load() override {
    if (disk_.fails_with) return tl::unexpected<base::Error>(*disk_.fails_with);
    return disk_.saved;
  }

  base::Result<void> save(const pipeline::Checkpoint& checkpoint) override {
    if (disk_.fails_with) return tl::unexpected<base::Error>(*disk_.fails_with);
    disk_.saved = checkpoint;
    ++disk_.saves;
    return {};
  }

 private:
  MemoryDisk& disk_;
};

}  // namespace sluice::testing
