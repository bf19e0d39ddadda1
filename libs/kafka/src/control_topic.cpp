#include "sluice/kafka/control_topic.h"

#include <fmt/core.h>
#include <poll.h>

#include <algorithm>

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
  Result<std::vector<ControlEntry>> read_on(base::Deadline deadline) override;
  pipeline::Wait waits_for() const override;

 private:
  Result<void> apply(const ConsumedRecord& record);
  Result<void> take(const rd_kafka_message_t& message, std::vector<ControlEntry>& news);

  Partition partition_;
  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::map<std::string, std::string> entries_;
  LogReader log_;
  pipeline::Offset next_ = 0;  // everything below has been read
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
  next_ = all.end;
  return log_.follow(partition_, all.end);
}

Result<void> RdkafkaControlReader::take(const rd_kafka_message_t& message, std::vector<ControlEntry>& news) {
  // Offsets may be missing at the end (compaction, transaction marks): it is told by an offset, too.
  if (message.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    next_ = std::max(next_, message.offset);
    return {};
  }
  const ConsumedRecord record = view_of(message);
  SLUICE_TRY(apply(record));
  news.push_back({std::string(record.key), std::string(record.value), record.tombstone, record.offset});
  next_ = record.offset + 1;
  return {};
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
    SLUICE_TRY(take(*message, news));
  }
  return news;
}

Result<std::vector<ControlEntry>> RdkafkaControlReader::read_on(base::Deadline deadline) {
  constexpr int kTurnMs = 50;
  SLUICE_ASSIGN(const OffsetMap ends, log_.offsets({partition_}, RD_KAFKA_OFFSET_SPEC_LATEST, deadline));
  const pipeline::Offset end = ends.at(partition_);
  if (end < next_)
    return fail(
        Recovery::Retry, "kafka.read_failed",
        fmt::format("The control topic {} ends at {}, before what was read of it: it was made again, and is read "
                    "again from its begin",
                    partition_.topic, end));
  std::vector<ControlEntry> news;
  while (next_ < end) {
    SLUICE_ASSIGN(const MessageHandle message, log_.next(std::min(kTurnMs, left_ms(deadline))));
    if (message) {
      SLUICE_TRY(take(*message, news));
    } else if (base::Clock::now() >= deadline) {
      return fail(Recovery::Retry, "kafka.unreachable",
                  fmt::format("The control topic {} could not be read to its end in time. Check that the brokers run",
                              partition_.topic));
    }
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
