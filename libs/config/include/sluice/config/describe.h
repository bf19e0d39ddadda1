// The settings as text: what is in force, and what there is.
//
// Thread rule: pure functions.
#pragma once

#include <string>
#include <vector>

#include "sluice/base/secret.h"
#include "sluice/config/settings.h"

namespace sluice::config {

/// As a config.yaml that gives the same settings again, with secrets hidden.
std::string effective_config(const Settings& settings);

/// The documented default configuration: the top-level config.yaml is this text.
std::string default_config_file();

/// A JSON Schema (2020-12) of config.yaml, for editors.
std::string json_schema();

/// One line of the README's table of keys.
struct KeyReference {
  std::string path;           ///< postgres.park_after
  std::string type;           ///< duration, 1s to 5m
  std::string default_value;  ///< 20s; empty: none
  std::string meaning;
};
std::vector<KeyReference> key_reference();

/// Every secret that is set, for the log to hide.
std::vector<base::Secret> secrets_of(const Settings& settings);

}  // namespace sluice::config
