// The page for people: one file, nothing is loaded from elsewhere. It reads /status every two seconds.
#pragma once

#include <string_view>

namespace sluice::admin {

extern const std::string_view kStatusPage;

}  // namespace sluice::admin
