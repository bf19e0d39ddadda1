// Prometheus' text exposition format, version 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format), as a text that grows.
//
// Thread rule: a value.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/pipeline/replication_status.h"

namespace sluice::admin {

using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

enum class MetricType { Counter, Gauge, Histogram };

class MetricsText {
 public:
  /// `common` stand on every sample, before its own.
  explicit MetricsText(std::vector<std::pair<std::string, std::string>> common) : common_(std::move(common)) {}

  /// The HELP and TYPE lines; the samples that follow are of this family. A family is begun once.
  void family(std::string_view name, MetricType type, std::string_view help);
  void sample(double value, const Labels& labels = {});
  /// A family of one sample.
  void single(std::string_view name, MetricType type, std::string_view help, double value);
  /// A whole family, with bounds in seconds.
  void histogram(std::string_view name, std::string_view help, const pipeline::LatencyHistogram& histogram);
  /// A whole family, with bounds in what the name says.
  void histogram(std::string_view name, std::string_view help, const pipeline::SizeHistogram& histogram);

  const std::string& text() const { return text_; }

 private:
  template <class Bounds>
  void histogram(std::string_view name, std::string_view help, const pipeline::Histogram<Bounds>& histogram,
                 double unit);
  void line(std::string_view suffix, double value, const Labels& labels);

  std::vector<std::pair<std::string, std::string>> common_;
  std::string name_;
  std::string text_;
};

}  // namespace sluice::admin
