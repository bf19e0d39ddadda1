#include "routing.h"

#include <algorithm>

#include <fmt/format.h>

namespace sluice::connector {

std::vector<std::string> topics_of(const config::Settings& settings) { return {settings.kafka.topic}; }

bool writes_tombstones(const config::Settings& settings, bool topic_is_compacted) {
  if (settings.kafka.tombstones == config::AutoSwitch::Auto) return topic_is_compacted;
  return settings.kafka.tombstones == config::AutoSwitch::On;
}

std::string fingerprint_of(const config::Settings& settings, std::int32_t partitions, bool tombstones) {
  std::vector<std::string> operations = settings.postgres.publication_operations;
  std::sort(operations.begin(), operations.end());
  return fmt::format(
      "1;publication={};topic={};partitions={};key=identity;partitioner=murmur2;envelope=sluice;tombstones={};"
      "operations={}",
      settings.postgres.publication_name, settings.kafka.topic, partitions, tombstones ? "on" : "off",
      fmt::join(operations, ","));
}

}  // namespace sluice::connector
