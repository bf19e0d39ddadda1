// What this build is.
//
// Thread rule: constants.
#pragma once

#include <string>
#include <string_view>

namespace sluice::connector {

/// "0.1.0": the project's version; source.version of every event.
extern const std::string_view kVersion;
/// The git revision it was built from; "unknown" outside of a checkout.
extern const std::string_view kRevision;

/// A line with version and revision, and one for each client library.
std::string version_text(std::string_view program);

}  // namespace sluice::connector
