// A secret out of a file that only its owner may read (rule S-3).
#pragma once

#include <string>

#include "key.h"

namespace sluice::config {

/// The text of the file without the line break at its end. Complaints: config.secret_file, config.secret_file_mode.
tl::expected<Secret, Complaint> read_secret_file(const std::string& path);

}  // namespace sluice::config
