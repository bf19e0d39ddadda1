// The checkpoint of a pipeline in an LMDB environment on the local disk (rules P-1, P-2.7): `<state_dir>/offsets/`,
// mode 0700, one entry a pipeline, each save one transaction with full sync.
//
// Whatever a disk can do to the file is found before a byte of it is believed: at open the length, both meta pages,
// every page that can be reached and the list of free pages are checked, so that LMDB, which trusts its file, never
// meets a page that could crash it; each entry carries a checksum and the number of the transaction that wrote it, so
// that an older page in the place of the newest is found as well.
//
// Thread rule: one thread. One process at a time has the environment open.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sluice/base/error.h"
#include "sluice/pipeline/checkpoint.h"

namespace sluice::offsets {

class LmdbOffsetStore final : public pipeline::OffsetStore {
 public:
  /// Makes `state_dir` and the environment when they are missing. REQUIRES: `pipeline` has 1 to 511 bytes.
  /// Errors: offsets.in_use (Stop) another process has it open; offsets.corrupt, offsets.unreadable (Stop);
  /// offsets.disk_full, offsets.write_failed (Retry).
  static base::Result<std::unique_ptr<LmdbOffsetStore>> open(const std::string& state_dir, std::string pipeline);

  /// For who only looks: what is stored. Nothing is made where there is no environment.
  /// Errors: as open().
  static base::Result<std::optional<pipeline::Checkpoint>> read(const std::string& state_dir, std::string pipeline);

  ~LmdbOffsetStore() override;

  base::Result<std::optional<pipeline::Checkpoint>> load() override;

  /// Disk space is reserved before LMDB is touched. After an error the environment is opened again by the next call:
  /// what was saved before is still there.
  base::Result<void> save(const pipeline::Checkpoint& checkpoint) override;

 private:
  class OwnerLock;
  class Environment;
  LmdbOffsetStore(std::string directory, std::string pipeline);
  base::Result<void> ensure_open();

  std::string directory_;
  std::string pipeline_;
  std::unique_ptr<OwnerLock> lock_;
  std::unique_ptr<Environment> environment_;
};

}  // namespace sluice::offsets
