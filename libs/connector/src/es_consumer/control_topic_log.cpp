#include "control_topic_log.h"

#include "../adapter_options.h"
#include "sluice/kafka/control_topic.h"

namespace sluice::connector {

base::Result<std::vector<pipeline::ControlEntry>> ControlTopicLog::read() {
  const base::Deadline deadline = base::Clock::now() + settings_.kafka.request_timeout;
  SLUICE_ASSIGN(const auto reader,
                kafka::ControlReader::open(client_options(settings_), settings_.kafka.control_topic, {}, deadline));
  std::vector<pipeline::ControlEntry> entries;
  for (const auto& [key, value] : reader->entries()) {
    const auto [known, is_new] = given_.try_emplace(key, value);
    if (!is_new && known->second == value) continue;
    known->second = value;
    entries.push_back({key, value, false});
  }
  return entries;
}

}  // namespace sluice::connector
