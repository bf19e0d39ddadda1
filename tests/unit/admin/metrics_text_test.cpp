#include "sluice/admin/metrics_text.h"

#include <gtest/gtest.h>

using namespace sluice;
using admin::MetricsText;
using admin::MetricType;

namespace {
const std::vector<std::pair<std::string, std::string>> kPipeline{{"pipeline", "p"}};
}

TEST(MetricsText, AFamilyHasItsHelpAndItsTypeOnceBeforeItsSamples) {
  MetricsText out({});
  out.family("sluice_things_total", MetricType::Counter, "Things.");
  out.sample(3, {{"kind", "a"}});
  out.sample(4, {{"kind", "b"}});
  EXPECT_EQ(out.text(),
            "# HELP sluice_things_total Things.\n"
            "# TYPE sluice_things_total counter\n"
            "sluice_things_total{kind=\"a\"} 3\n"
            "sluice_things_total{kind=\"b\"} 4\n");
}

TEST(MetricsText, CommonLabelsStandOnEverySampleAndASampleWithoutLabelsHasNoBraces) {
  MetricsText with(kPipeline);
  with.single("sluice_lag_seconds", MetricType::Gauge, "Lag.", 0.25);
  EXPECT_NE(with.text().find("sluice_lag_seconds{pipeline=\"p\"} 0.25\n"), std::string::npos);
  MetricsText without({});
  without.single("sluice_lag_seconds", MetricType::Gauge, "Lag.", 0.25);
  EXPECT_NE(without.text().find("\nsluice_lag_seconds 0.25\n"), std::string::npos);
}

TEST(MetricsText, LabelsAndHelpCannotBreakOutOfTheirLine) {
  MetricsText out({});
  out.family("sluice_x", MetricType::Gauge, "a \\ b\nc \"quoted\"");
  out.sample(1, {{"table", "we\"ird\\ta\nble"}});
  EXPECT_EQ(out.text(),
            "# HELP sluice_x a \\\\ b\\nc \"quoted\"\n"
            "# TYPE sluice_x gauge\n"
            "sluice_x{table=\"we\\\"ird\\\\ta\\nble\"} 1\n");
}

TEST(MetricsText, ALargeCounterKeepsEveryDigit) {
  MetricsText out({});
  out.single("sluice_bytes_total", MetricType::Counter, "Bytes.", 123'456'789'012'345.0);
  EXPECT_NE(out.text().find(" 123456789012345\n"), std::string::npos) << out.text();
}

TEST(MetricsText, AHistogramOfSizesKeepsItsUnit) {
  pipeline::SizeHistogram sizes;
  sizes.observe(1);
  sizes.observe(5'000);
  MetricsText out({});
  out.histogram("sluice_batch_bytes", "Bytes.", sizes);
  const std::string& text = out.text();
  EXPECT_NE(text.find("sluice_batch_bytes_bucket{le=\"1\"} 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("sluice_batch_bytes_bucket{le=\"4096\"} 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("sluice_batch_bytes_bucket{le=\"16384\"} 2\n"), std::string::npos) << text;
  EXPECT_NE(text.find("sluice_batch_bytes_sum 5001\n"), std::string::npos) << text;
  EXPECT_NE(text.find("sluice_batch_bytes_count 2\n"), std::string::npos) << text;
}

TEST(MetricsText, AHistogramCountsUpwardsInSecondsAndEndsWithEverything) {
  pipeline::LatencyHistogram latency;
  latency.observe(500);            // within 1 ms
  latency.observe(1'000);          // a bound belongs to its bucket
  latency.observe(1'500);          // within 2 ms
  latency.observe(3'600'000'000);  // beyond every bound
  MetricsText out(kPipeline);
  out.histogram("sluice_wait_seconds", "Waiting.", latency);
  const std::string& text = out.text();
  EXPECT_NE(text.find("# TYPE sluice_wait_seconds histogram\n"), std::string::npos);
  EXPECT_NE(text.find("sluice_wait_seconds_bucket{pipeline=\"p\",le=\"0.001\"} 2\n"), std::string::npos) << text;
  EXPECT_NE(text.find("sluice_wait_seconds_bucket{pipeline=\"p\",le=\"0.002\"} 3\n"), std::string::npos) << text;
  EXPECT_NE(text.find("sluice_wait_seconds_bucket{pipeline=\"p\",le=\"600\"} 3\n"), std::string::npos) << text;
  EXPECT_NE(text.find("sluice_wait_seconds_bucket{pipeline=\"p\",le=\"+Inf\"} 4\n"), std::string::npos) << text;
  EXPECT_NE(text.find("sluice_wait_seconds_sum{pipeline=\"p\"} 3600.003\n"), std::string::npos) << text;
  EXPECT_NE(text.find("sluice_wait_seconds_count{pipeline=\"p\"} 4\n"), std::string::npos) << text;
}
