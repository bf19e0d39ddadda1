#include "sluice/postgres/library_version.h"

#include <fmt/core.h>
#include <libpq-fe.h>

namespace sluice::postgres {

std::string library_version() {
  const int version = PQlibVersion();
  return fmt::format("libpq {}.{}", version / 10'000, version % 10'000);
}

}  // namespace sluice::postgres
