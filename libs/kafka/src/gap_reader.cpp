#include "sluice/kafka/gap_reader.h"

#include <fmt/core.h>
#include <poll.h>

#include <algorithm>
#include <deque>

#include "errors.h"
#include "log_reader.h"
#include "message_view.h"
#include "sluice/base/check.h"

namespace sluice::kafka {
namespace {

using base::Recovery;
using base::Result;
using pipeline::ConsumedRecord;

/// Bound of one poll(), so that the pipeline's other work gets its turn.
constexpr std::size_t kMaxPolled = 1'000;

/// Offsets in [begin, end) of which `ours` were delivered to us.
struct Stretch {
  change::TopicIndex topic = 0;
  std::int32_t partition = 0;
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::uint64_t ours = 0;
};

class RdkafkaGapReader final : public GapReader {
 public:
  RdkafkaGapReader(ClientOptions client, GapReaderOptions options, ReadClue read)
      : client_(std::move(client)), options_(std::move(options)), read_(std::move(read)) {}

  void add(const DeliveryGap& gap) override;
  Result<std::vector<GapContents>> poll(base::Deadline now) override;
  std::uint64_t unread() const override;
  const std::optional<base::Error>& failure() const override { return failure_; }
  pipeline::Wait waits_for() const override;

 private:
  enum class Progress { Waiting, Read };
  const std::string& topic() const { return options_.topics[waiting_.front().topic]; }
  Result<void> begin(base::Deadline now);
  Result<Progress> carry_on(base::Deadline now);
  Result<void> count(const ConsumedRecord& record);
  GapContents finish();

  ClientOptions client_;
  GapReaderOptions options_;
  ReadClue read_;
  std::deque<Stretch> waiting_;  // the first one is being read, if `reading_`
  std::optional<LogReader> log_;
  bool reading_ = false;
  bool more_waits_ = false;
  GapContents found_;
  base::Deadline give_up_{};
  base::Deadline next_attempt_{};
  std::optional<base::Error> failure_;
};

void RdkafkaGapReader::add(const DeliveryGap& gap) {
  SLUICE_CHECK(gap.topic < options_.topics.size(), "gaps are of the topics that the reader was made with");
  if (waiting_.size() >= options_.max_waiting) {
    const auto is_same = [&](const Stretch& each) {
      return each.topic == gap.topic && each.partition == gap.partition;
    };
    const auto last = std::find_if(waiting_.rbegin(), waiting_.rend(), is_same);
    // Not the one that is being read: its end is fixed.
    if (last != waiting_.rend() && !(reading_ && &*last == &waiting_.front())) {
      last->ours += static_cast<std::uint64_t>(gap.begin - last->end);
      last->end = gap.end;
      return;
    }
  }
  waiting_.push_back({gap.topic, gap.partition, gap.begin, gap.end, 0});
}

std::uint64_t RdkafkaGapReader::unread() const {
  std::uint64_t offsets = 0;
  for (const Stretch& each : waiting_) offsets += static_cast<std::uint64_t>(each.end - each.begin) - each.ours;
  return offsets;
}

Result<void> RdkafkaGapReader::begin(base::Deadline now) {
  if (!log_) {
    log_.emplace(client_);
    SLUICE_TRY(log_->start(client_));
  }
  const Stretch& stretch = waiting_.front();
  found_ = {topic(), stretch.partition, stretch.begin, 0, 0};
  give_up_ = now + options_.timeout;
  reading_ = true;
  return log_->follow({topic(), stretch.partition}, stretch.begin);
}

Result<void> RdkafkaGapReader::count(const ConsumedRecord& record) {
  const auto clue = read_(record);
  if (clue && !clue->pipeline.empty() && clue->pipeline != options_.pipeline)
    return tl::make_unexpected(topic_in_use(topic(), waiting_.front().partition, clue->pipeline));
  const bool is_foreign = !clue || clue->kind == RecordClue::Kind::Foreign;
  ++(is_foreign ? found_.foreign_records : found_.late_appends);
  return {};
}

Result<RdkafkaGapReader::Progress> RdkafkaGapReader::carry_on(base::Deadline now) {
  log_->drain();
  const Stretch& stretch = waiting_.front();
  more_waits_ = true;
  for (std::size_t polled = 0; polled < kMaxPolled; ++polled) {
    SLUICE_ASSIGN(const MessageHandle message, log_->next(0));
    if (!message) {
      more_waits_ = false;
      if (now < give_up_) return Progress::Waiting;
      return tl::make_unexpected(error_of(
          RD_KAFKA_RESP_ERR__TIMED_OUT,
          fmt::format("Reading topic {} partition {} from offset {}", topic(), stretch.partition, stretch.begin),
          "kafka.unreachable"));
    }
    const bool at_end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
    if (!at_end && message->offset < stretch.end) SLUICE_TRY(count(view_of(*message)));
    // Offsets may be missing (compaction, transaction marks). An end before the gap's is that of an open transaction.
    const std::int64_t next = at_end ? message->offset : message->offset + 1;
    if (next >= stretch.end) return Progress::Read;
  }
  return Progress::Waiting;
}

GapContents RdkafkaGapReader::finish() {
  log_->stop();
  reading_ = false;
  more_waits_ = true;
  failure_.reset();
  found_.late_appends -= std::min(found_.late_appends, waiting_.front().ours);
  waiting_.pop_front();
  // A client that nobody asks keeps all that it has to say.
  if (waiting_.empty()) log_.reset();
  return found_;
}

Result<std::vector<GapContents>> RdkafkaGapReader::poll(base::Deadline now) {
  std::vector<GapContents> read;
  while (!waiting_.empty() && now >= next_attempt_) {
    auto progress = reading_ ? Result<void>() : begin(now);
    auto carried = progress ? carry_on(now) : Result<Progress>(tl::make_unexpected(std::move(progress.error())));
    if (!carried) {
      // A new client and the gap from its begin: what was counted of it is counted again.
      log_.reset();
      reading_ = false;
      more_waits_ = false;
      next_attempt_ = now + options_.retry_after;
      if (carried.error().recovery == Recovery::Stop) return tl::make_unexpected(std::move(carried.error()));
      failure_ = std::move(carried.error());
      break;
    }
    if (*carried == Progress::Waiting) break;
    read.push_back(finish());
  }
  return read;
}

pipeline::Wait RdkafkaGapReader::waits_for() const {
  if (waiting_.empty()) return {};
  if (!reading_) return {-1, 0, next_attempt_};
  return {log_->wake().fd(), POLLIN, more_waits_ ? base::Clock::now() : give_up_};
}

}  // namespace

std::unique_ptr<GapReader> GapReader::make(ClientOptions client, GapReaderOptions options, ReadClue read) {
  return std::make_unique<RdkafkaGapReader>(std::move(client), std::move(options), std::move(read));
}

}  // namespace sluice::kafka
