// Topics of one's own on a real broker, and kcat as the eyes that do not use our code.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "sluice/kafka/topics.h"
#include "sluice/testing/memory_record_sink.h"
#include "sluice/testing/program.h"
#include "sluice/testing/stack.h"

namespace sluice::testing {

inline kafka::ClientOptions client_of(const Server& broker) {
  kafka::ClientOptions options;
  options.brokers = "127.0.0.1:" + std::to_string(broker.port());
  // A rebalance is noticed with the heartbeat: 3 s each are too long for a test.
  options.properties = {{"heartbeat.interval.ms", "200"}};
  return options;
}

inline std::string unique_topic(const std::string& stem) { return stem + "-" + unique_name(); }

inline void create_topic(const kafka::ClientOptions& client, const std::string& name, std::int32_t partitions,
                         std::map<std::string, std::string> settings = {}) {
  auto topics = kafka::Topics::open(client);
  ASSERT_TRUE(topics) << topics.error().message;
  const auto created = (*topics)->create({{name, partitions, 1, std::move(settings)}});
  ASSERT_TRUE(created) << created.error().message;
}

/// What kcat reads of a partition, in order. Offsets are checked to be without a hole when there are no transactions.
inline std::vector<StoredRecord> kcat_records(const std::string& brokers, const std::string& topic,
                                              std::int32_t partition) {
  std::istringstream lines(run_ok({"kcat", "-C", "-b", brokers, "-t", topic, "-p", std::to_string(partition), "-o",
                                   "beginning", "-e", "-q", "-J"}));
  std::vector<StoredRecord> records;
  for (std::string line; std::getline(lines, line);) {
    const auto json = nlohmann::json::parse(line);
    StoredRecord record;
    if (json["key"].is_string()) record.key = json["key"];
    if (json["payload"].is_string()) record.value = json["payload"];
    if (json.contains("headers"))
      for (std::size_t i = 0; i + 1 < json["headers"].size(); i += 2)
        if (json["headers"][i] == "sluice") record.header = json["headers"][i + 1];
    records.push_back(std::move(record));
  }
  return records;
}

}  // namespace sluice::testing
