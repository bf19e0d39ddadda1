#include "gap_watch.h"

#include <utility>

#include <fmt/core.h>

#include "../adapter_options.h"
#include "../routing.h"
#include "record_clue.h"
#include "sluice/log/log.h"

namespace sluice::connector {
namespace {

constexpr base::Milliseconds kQuiet{60'000};

kafka::GapReaderOptions reader_options(const config::Settings& settings) {
  kafka::GapReaderOptions options;
  options.topics = topics_of(settings);
  options.pipeline = settings.pipeline_name();
  options.timeout = settings.kafka.request_timeout;
  return options;
}

}  // namespace

GapWatch::GapWatch(const config::Settings& settings, ReplicatorStatusPublisher& status)
    : status_(status), reader_(kafka::GapReader::make(client_options(settings), reader_options(settings), read_clue)) {}

void GapWatch::collect(kafka::DeliveryWatch& deliveries) {
  for (const kafka::DeliveryGap& gap : deliveries.take_gaps()) reader_->add(gap);
}

base::Result<void> GapWatch::tick(base::Deadline now, kafka::DeliveryWatch& deliveries) {
  collect(deliveries);
  SLUICE_ASSIGN(const auto gaps, reader_->poll(now));
  for (const kafka::GapContents& gap : gaps) report(now, gap);
  report_failure();
  return {};
}

void GapWatch::finish() {
  if (reader_->unread() == 0) return;
  warn("kafka.gap_unread",
       fmt::format("the program ended before it had read {} record(s) that lie between its own: it is "
                   "not known who wrote them. Compare the ids and keys of the topic's last records",
                   reader_->unread()));
}

bool GapWatch::Incident::begins(base::Deadline now) {
  const bool is_new = now >= quiet_at;
  quiet_at = now + kQuiet;
  return is_new;
}

void GapWatch::report(base::Deadline now, const kafka::GapContents& gap) {
  status_.count_gap(gap.late_appends, gap.foreign_records);
  if (gap.late_appends > 0 && late_appends_.begins(now)) {
    warn("kafka.late_appends",
         fmt::format("topic {} partition {} has {} record(s) of ours from offset {} on that this process did not "
                     "write: an earlier process of this pipeline ended with them on their way, or a second one runs. "
                     "Readers tell them by their ids; see that only one replicator runs",
                     gap.topic, gap.partition, gap.late_appends, gap.begin));
  }
  if (gap.foreign_records > 0 && foreign_records_.begins(now)) {
    warn("kafka.foreign_records",
         fmt::format("topic {} partition {} has {} record(s) from offset {} on that are not ours. In mode deduplicated "
                     "a topic belongs to one pipeline: find out who writes there, and give it another topic",
                     gap.topic, gap.partition, gap.foreign_records, gap.begin));
  }
}

void GapWatch::report_failure() {
  const auto& failure = reader_->failure();
  if (failure && !std::exchange(is_failing_, true)) warn(failure->id, failure->message);
  if (!failure) is_failing_ = false;
}

void GapWatch::warn(std::string_view id, std::string message) {
  const base::Error warning{base::Recovery::Retry, id, std::move(message)};
  status_.note(warning);
  log::get("kafka").warning(warning);
}

}  // namespace sluice::connector
