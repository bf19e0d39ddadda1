#include <fmt/core.h>

#include "sluice/connector/version.h"
#include "sluice/elastic/library_version.h"
#include "sluice/kafka/library_version.h"
#include "sluice/log/library_version.h"
#include "sluice/offsets/library_version.h"
#include "sluice/postgres/library_version.h"

namespace sluice::connector {

std::string version_text(std::string_view program) {
  return fmt::format("{} {} (revision {})\n{}\n{}\n{}\n{}\n{}\n", program, kVersion, kRevision,
                     postgres::library_version(), kafka::library_version(), elastic::library_version(),
                     offsets::library_version(), log::library_version());
}

}  // namespace sluice::connector
