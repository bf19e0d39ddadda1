#include "control_topic_log.h"

#include <utility>

#include "../adapter_options.h"

namespace sluice::connector {

base::Result<std::vector<pipeline::ControlEntry>> ControlTopicLog::read() {
  if (!reader_) return open();
  auto news = reader_->read_on(base::Clock::now() + settings_.kafka.request_timeout);
  if (!news) {
    reader_.reset();
    return tl::make_unexpected(std::move(news.error()));
  }
  std::vector<pipeline::ControlEntry> entries;
  for (kafka::ControlEntry& entry : *news) {
    if (entry.removed) {
      given_.erase(entry.key);
    } else {
      given_[entry.key] = entry.value;
    }
    entries.push_back({std::move(entry.key), std::move(entry.value), entry.removed});
  }
  return entries;
}

base::Result<std::vector<pipeline::ControlEntry>> ControlTopicLog::open() {
  const base::Deadline deadline = base::Clock::now() + settings_.kafka.request_timeout;
  auto opened = kafka::ControlReader::open(client_options(settings_), settings_.kafka.control_topic, {}, deadline);
  if (!opened) {
    // The replicator makes it when it starts for the first time.
    if (opened.error().id == "kafka.topic_missing") opened.error().recovery = base::Recovery::Retry;
    return tl::make_unexpected(std::move(opened.error()));
  }
  reader_ = std::move(*opened);
  const auto& now = reader_->entries();
  std::vector<pipeline::ControlEntry> entries;
  for (const auto& [key, value] : now) {
    const auto known = given_.find(key);
    if (known == given_.end() || known->second != value) entries.push_back({key, value, false});
  }
  for (const auto& [key, value] : given_) {
    if (!now.contains(key)) entries.push_back({key, "", true});
  }
  given_ = now;
  return entries;
}

}  // namespace sluice::connector
