// Settings that are each right and cannot be right together.
#pragma once

#include <string>
#include <vector>

#include "sluice/config/read_settings.h"

namespace sluice::config {

struct Conflict {
  std::vector<std::string> paths;  ///< of the keys that meet; the first one is where it is reported
  std::string message;
};

std::vector<Conflict> find_conflicts(const Settings& settings, App app);

}  // namespace sluice::config
