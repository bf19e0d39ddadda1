#include "sluice/kafka/control_topic.h"

#include <fmt/format.h>
#include <poll.h>

#include "log_reader.h"
#include "message_view.h"

namespace sluice::kafka {
namespace {

using base::fail;
using base::Recovery;
using base::Result;
using pipeline::ConsumedRecord;
using pipeline::Partition;

/// Bound of one poll(), so that a caller's other work gets its turn.
constexpr std::size_t kMaxPolled = 1'000;

class RdkafkaControlReader final : public ControlReader {
 public:
  RdkafkaControlReader(const ClientOptions& client, std::string topic, const ControlReaderOptions& options)
      : partition_{std::move(topic), 0}, max_bytes_(options.max_bytes), log_(client) {}

  Result<void> start(const ClientOptions& client, base::Deadline deadline);
  const std::map<std::string, std::string>& entries() const override { return entries_; }
  Result<std::vector<ControlEntry>> poll() override;
  pipeline::Wait waits_for() const override;

 private:
  Result<void> apply(const ConsumedRecord& record);

  Partition partition_;
  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::map<std::string, std::string> entries_;
  LogReader log_;
  bool more_waits_ = true;
};

Result<void> RdkafkaControlReader::apply(const ConsumedRecord& record) {
  const std::string key(record.key);
  const auto old = entries_.find(key);
  if (old != entries_.end()) bytes_ -= key.size() + old->second.size();
  if (record.tombstone) {
    if (old != entries_.end()) entries_.erase(old);
    return {};
  }
  bytes_ += key.size() + record.value.size();
  if (bytes_ > max_bytes_)
    return fail(
        Recovery::Stop, "kafka.control_topic_too_large",
        fmt::format("The control topic {} holds more than {} bytes. Look for what does not belong there, or name "
                    "another one in kafka.control_topic",
                    partition_.topic, max_bytes_));
  entries_[key] = std::string(record.value);
  return {};
}

Result<void> RdkafkaControlReader::start(const ClientOptions& client, base::Deadline deadline) {
  SLUICE_TRY(log_.start(client));
  SLUICE_ASSIGN(const OffsetMap begins, log_.offsets({partition_}, RD_KAFKA_OFFSET_SPEC_EARLIEST, deadline));
  SLUICE_ASSIGN(const OffsetMap ends, log_.offsets({partition_}, RD_KAFKA_OFFSET_SPEC_LATEST, deadline));
  const LogStretch all{partition_, begins.at(partition_), ends.at(partition_)};
  const auto visit = [this](const Partition&, const ConsumedRecord& record) { return apply(record); };
  SLUICE_TRY(log_.read({&all, 1}, visit, deadline));
  return log_.follow(partition_, all.end);
}

Result<std::vector<ControlEntry>> RdkafkaControlReader::poll() {
  log_.drain();
  more_waits_ = true;
  std::vector<ControlEntry> news;
  while (news.size() < kMaxPolled) {
    SLUICE_ASSIGN(const MessageHandle message, log_.next(0));
    if (!message) {
      more_waits_ = false;
      break;
    }
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) continue;
    const ConsumedRecord record = view_of(*message);
    SLUICE_TRY(apply(record));
    news.push_back({std::string(record.key), std::string(record.value), record.tombstone, record.offset});
  }
  return news;
}

pipeline::Wait RdkafkaControlReader::waits_for() const {
  pipeline::Wait wait{log_.wake().fd(), POLLIN, std::nullopt};
  if (more_waits_) wait.deadline = base::Clock::now();
  return wait;
}

}  // namespace

Result<std::unique_ptr<ControlReader>> ControlReader::open(const ClientOptions& client, const std::string& topic,
                                                           const ControlReaderOptions& options,
                                                           base::Deadline deadline) {
  auto reader = std::make_unique<RdkafkaControlReader>(client, topic, options);
  SLUICE_TRY(reader->start(client, deadline));
  return reader;
}

}  // namespace sluice::kafka
