// Where records go, and the fingerprint of everything that decides it (rule P-5).
//
// Thread rule: pure functions.
#pragma once

#include <string>
#include <vector>

#include "sluice/config/settings.h"

namespace sluice::connector {

/// The topics of a pipeline, by change::TopicIndex.
std::vector<std::string> topics_of(const config::Settings& settings);

/// Whether a null value follows each delete: as configured, `auto` by whether the topic is compacted.
bool writes_tombstones(const config::Settings& settings, bool topic_is_compacted);

/// Readable, so that two of them can be told apart by an operator.
std::string fingerprint_of(const config::Settings& settings, std::int32_t partitions, bool tombstones);

}  // namespace sluice::connector
