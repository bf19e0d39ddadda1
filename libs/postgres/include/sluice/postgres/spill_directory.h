// Spill files in a directory of this host. A file has no name: it is gone with its descriptor, also after a kill, and
// shows in `df`, not in `ls`.
//
// Thread rule: one thread. Error, Retry: pg.spool_failed.
#pragma once

#include <memory>
#include <string>

#include "sluice/pgoutput/spill.h"

namespace sluice::postgres {

class SpillDirectory : public pgoutput::SpillArea {
 public:
  /// REQUIRES: `path` exists once a file is made.
  explicit SpillDirectory(std::string path) : path_(std::move(path)) {}

  base::Result<std::unique_ptr<pgoutput::SpillFile>> make_file() override;

 private:
  std::string path_;
};

}  // namespace sluice::postgres
