// The pieces that both statuses have in their JSON and in their metrics.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "sluice/admin/status.h"
#include "sluice/pipeline/replication_status.h"

namespace sluice::admin {

using Json = nlohmann::ordered_json;

/// 2026-01-31T12:00:00.123Z
std::string time_text(base::WallClock::time_point at);

Json latency_json(const pipeline::LatencyHistogram& histogram);
Json size_json(const pipeline::SizeHistogram& histogram);
Json errors_json(const ErrorTally& errors);
/// Whatever bytes a message holds, this is valid JSON.
std::string dump(const Json& json);

void write_errors(MetricsText& out, const ErrorTally& errors);

// A label is for a small set: the tables behind these are counted together.
constexpr std::size_t kMaxTableLabels = 200;
constexpr std::string_view kOtherTables = "(other)";

/// A member per operation.
Json operations_json(const pipeline::TableCounters& of);
/// Samples by table and operation.
void write_table(MetricsText& out, std::string_view table, const pipeline::TableCounters& of);
/// The same of many tables; `counters` says which TableCounters of a value of the map.
template <class Tables, class Counters>
void write_tables(MetricsText& out, const Tables& tables, Counters counters) {
  pipeline::TableCounters other;
  std::size_t labels = 0;
  for (const auto& [table, of] : tables) {
    if (++labels <= kMaxTableLabels) {
      write_table(out, table, std::invoke(counters, of));
    } else {
      other.add(std::invoke(counters, of));
    }
  }
  if (labels > kMaxTableLabels) write_table(out, kOtherTables, other);
}

}  // namespace sluice::admin
