#include <fmt/format.h>

#include "sluice/connector/version.h"

namespace sluice::connector {

std::string version_text(std::string_view program) {
  return fmt::format("{} {} (revision {})\n", program, kVersion, kRevision);
}

}  // namespace sluice::connector
