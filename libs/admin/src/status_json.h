// The pieces that both statuses have in their JSON and in their metrics.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "sluice/admin/status.h"
#include "sluice/pipeline/replication_status.h"

namespace sluice::admin {

using Json = nlohmann::ordered_json;

/// 2026-01-31T12:00:00.123Z
std::string time_text(base::WallClock::time_point at);

Json latency_json(const pipeline::LatencyHistogram& histogram);
Json errors_json(const ErrorTally& errors);
/// Whatever bytes a message holds, this is valid JSON.
std::string dump(const Json& json);

void write_errors(MetricsText& out, const ErrorTally& errors);

}  // namespace sluice::admin
