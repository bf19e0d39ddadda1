#include "sluice/log/library_version.h"

#include <fmt/core.h>
#include <sqlite3.h>

namespace sluice::log {

std::string library_version() { return fmt::format("SQLite {}", sqlite3_libversion()); }

}  // namespace sluice::log
