// A consumer group as Kafka's own tool shows it.
//
// Thread rule: one thread.
#pragma once

#include <sstream>
#include <string>

#include "sluice/testing/program.h"

namespace sluice::testing {

/// What the group committed; "-": nothing, "": the group does not read this partition.
inline std::string committed_offset(const std::string& brokers, const std::string& group, const std::string& topic,
                                    int partition) {
  std::istringstream table(run_ok({SLUICE_SOURCE_DIR "/Docker_Files/native/kafka", "tool",
                                   "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", "--bootstrap-server",
                                   brokers, "--describe", "--group", group}));
  for (std::string line; std::getline(table, line);) {
    std::istringstream columns(line);
    std::string its_group, its_topic, its_partition, offset;
    columns >> its_group >> its_topic >> its_partition >> offset;
    if (its_topic == topic && its_partition == std::to_string(partition)) return offset;
  }
  return "";
}

}  // namespace sluice::testing
