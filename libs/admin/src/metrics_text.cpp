#include "sluice/admin/metrics_text.h"

#include <cmath>

#include <fmt/core.h>

namespace sluice::admin {
namespace {

constexpr double kMicroseconds = 1'000'000;

enum class Quotes { Kept, Escaped };

void append_escaped(std::string& out, std::string_view text, Quotes quotes) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes == Quotes::Escaped) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

std::string_view type_name(MetricType type) {
  switch (type) {
    case MetricType::Counter: return "counter";
    case MetricType::Gauge: return "gauge";
    case MetricType::Histogram: return "histogram";
  }
  return "untyped";
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

class LabelWriter {
 public:
  explicit LabelWriter(std::string& out) : out_(out) {}
  void add(std::string_view name, std::string_view value) {
    out_ += any_ ? ',' : '{';
    any_ = true;
    out_ += name;
    out_ += "=\"";
    append_escaped(out_, value, Quotes::Escaped);
    out_ += '"';
  }
  void close() {
    if (any_) out_ += '}';
  }

 private:
  std::string& out_;
  bool any_ = false;
};

}  // namespace

void MetricsText::family(std::string_view name, MetricType type, std::string_view help) {
  name_ = name;
  text_ += fmt::format("# HELP {} ", name);
  append_escaped(text_, help, Quotes::Kept);
  text_ += fmt::format("\n# TYPE {} {}\n", name, type_name(type));
}

void MetricsText::sample(double value, const Labels& labels) { line("", value, labels); }

void MetricsText::single(std::string_view name, MetricType type, std::string_view help, double value) {
  family(name, type, help);
  sample(value);
}

void MetricsText::histogram(std::string_view name, std::string_view help, const pipeline::LatencyHistogram& histogram) {
  this->histogram(name, help, histogram, kMicroseconds);
}

void MetricsText::histogram(std::string_view name, std::string_view help, const pipeline::SizeHistogram& histogram) {
  this->histogram(name, help, histogram, 1);
}

/// `unit`: so many of the histogram's are one of the metric's.
template <class Bounds>
void MetricsText::histogram(std::string_view name, std::string_view help, const pipeline::Histogram<Bounds>& histogram,
                            double unit) {
  family(name, MetricType::Histogram, help);
  const auto& buckets = histogram.buckets();
  const auto& bounds = pipeline::Histogram<Bounds>::kBounds;
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    below += buckets[i];
    const std::string bound = i < bounds.size() ? number(static_cast<double>(bounds[i]) / unit) : "+Inf";
    line("_bucket", static_cast<double>(below), {{"le", bound}});
  }
  line("_sum", static_cast<double>(histogram.sum()) / unit, {});
  line("_count", static_cast<double>(histogram.count()), {});
}

void MetricsText::line(std::string_view suffix, double value, const Labels& labels) {
  text_ += name_;
  text_ += suffix;
  LabelWriter writer(text_);
  for (const auto& [name, label] : common_) writer.add(name, label);
  for (const auto& [name, label] : labels) writer.add(name, label);
  writer.close();
  text_ += ' ';
  text_ += number(value);
  text_ += '\n';
}

}  // namespace sluice::admin
