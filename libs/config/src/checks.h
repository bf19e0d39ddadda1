// What a single text may be. Each gives a complaint, which goes on from "`value` ": "is no …: write …".
#pragma once

#include <string>
#include <string_view>

#include "key.h"

namespace sluice::config {

Verdict check_not_empty(std::string_view text);
Verdict check_pipeline_name(std::string_view text);
Verdict check_slot_name(std::string_view text);
Verdict check_publication_name(std::string_view text);
Verdict check_operation(std::string_view text);
Verdict check_topic(std::string_view text);
Verdict check_broker(std::string_view text);
Verdict check_address(std::string_view text);
Verdict check_index_prefix(std::string_view text);
Verdict check_listen_address(std::string_view text);

/// Of a name in kafka.properties.
Verdict check_property(std::string_view name);

/// REQUIRES: check_listen_address() accepted it.
bool is_loopback(std::string_view listen_address);

}  // namespace sluice::config
