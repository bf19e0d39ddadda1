#include "status_json.h"

#include <array>
#include <chrono>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/core.h>

namespace sluice::admin {
namespace {

double seconds(std::int64_t us) { return static_cast<double>(us) / 1'000'000; }

template <class Bounds>
double mean(const pipeline::Histogram<Bounds>& histogram) {
  return histogram.count() == 0 ? 0.0 : static_cast<double>(histogram.sum()) / static_cast<double>(histogram.count());
}

}  // namespace

std::string time_text(base::WallClock::time_point at) {
  const auto ms = std::chrono::duration_cast<base::Milliseconds>(at.time_since_epoch()).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(at)), ms % 1'000);
}

Json latency_json(const pipeline::LatencyHistogram& histogram) {
  Json json;
  json["count"] = histogram.count();
  json["mean_seconds"] = mean(histogram) / 1'000'000;
  json["p50_seconds"] = seconds(histogram.quantile(0.5));
  json["p99_seconds"] = seconds(histogram.quantile(0.99));
  return json;
}

Json size_json(const pipeline::SizeHistogram& histogram) {
  return {{"mean", mean(histogram)}, {"p50", histogram.quantile(0.5)}, {"p99", histogram.quantile(0.99)}};
}

Json errors_json(const ErrorTally& errors) {
  Json json;
  json["count_by_id"] = Json::object();
  for (const auto& [id, count] : errors.by_id()) json["count_by_id"][id] = count;
  json["last"] = nullptr;
  if (const auto& last = errors.last()) {
    json["last"] = {{"id", last->id}, {"message", last->message}, {"time", time_text(last->at)}};
  }
  return json;
}

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

void write_errors(MetricsText& out, const ErrorTally& errors) {
  out.family("sluice_errors_total", MetricType::Counter, "Errors and warnings that were lived with, by id.");
  for (const auto& [id, count] : errors.by_id()) out.sample(static_cast<double>(count), {{"id", id}});
}

Json operations_json(const pipeline::TableCounters& of) {
  return {{"snapshot", of.snapshot},
          {"insert", of.inserted},
          {"update", of.updated},
          {"delete", of.deleted},
          {"truncate", of.truncated}};
}

void write_table(MetricsText& out, std::string_view table, const pipeline::TableCounters& of) {
  const std::array<std::pair<std::string_view, std::uint64_t>, 5> ops = {{{"snapshot", of.snapshot},
                                                                          {"insert", of.inserted},
                                                                          {"update", of.updated},
                                                                          {"delete", of.deleted},
                                                                          {"truncate", of.truncated}}};
  for (const auto& [op, count] : ops) {
    out.sample(static_cast<double>(count), {{"table", table}, {"op", op}});
  }
}

}  // namespace sluice::admin
