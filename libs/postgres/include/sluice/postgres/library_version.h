// The client library underneath, for `version` and bug reports.
//
// Thread rule: a pure function.
#pragma once

#include <string>

namespace sluice::postgres {

/// Such as "libpq 1.2.3".
std::string library_version();

}  // namespace sluice::postgres
