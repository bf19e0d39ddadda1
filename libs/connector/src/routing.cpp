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
  // Events of a halted table are left out, which the tails cannot tell from sent (rule K-9). Only `continue` is named:
  // from there to `halt` nothing is lost.
  const bool continues = settings.postgres.on_rewrite == config::OnRewrite::Continue;
  return fmt::format(
      "1;publication={};topic={};partitions={};key=identity;partitioner=murmur2;envelope=sluice;tombstones={};"
      "operations={}{}",
      settings.postgres.publication_name, settings.kafka.topic, partitions, tombstones ? "on" : "off",
      fmt::join(operations, ","), continues ? ";on_rewrite=continue" : "");
}

}  // namespace sluice::connector
