// ${VAR}, ${VAR:-default} and $${ in a value. As in a shell, the default stands in for a variable that is not set or
// empty.
#pragma once

#include <string>
#include <string_view>

#include "key.h"
#include "sluice/config/read_settings.h"

namespace sluice::config {

/// Complaints: config.unset_variable, config.bad_variable.
tl::expected<std::string, Complaint> expand_variables(std::string_view text, const Environment& environment);

/// The whole text is one or more variables: it comes from the environment only.
bool is_only_variables(std::string_view text);

}  // namespace sluice::config
