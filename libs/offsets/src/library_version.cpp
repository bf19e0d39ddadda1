#include "sluice/offsets/library_version.h"

#include <fmt/core.h>
#include <lmdb.h>

namespace sluice::offsets {

std::string library_version() {
  return fmt::format("LMDB {}.{}.{}", MDB_VERSION_MAJOR, MDB_VERSION_MINOR, MDB_VERSION_PATCH);
}

}  // namespace sluice::offsets
