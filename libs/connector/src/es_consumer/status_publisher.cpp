#include "status_publisher.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "../adapter_options.h"
#include "sluice/connector/version.h"
#include "sluice/log/log.h"

namespace sluice::connector {
namespace {

const log::Logger logger = log::get("es_consumer");

// While it runs, an index that Elasticsearch makes slowly is the longest that the thread is busy.
constexpr base::Milliseconds kRunningSilence{120'000};
constexpr base::Milliseconds kStartingSilence{600'000};

}  // namespace

base::Result<std::unique_ptr<EsConsumerStatusPublisher>> EsConsumerStatusPublisher::open(
    const config::Settings& settings) {
  std::unique_ptr<EsConsumerStatusPublisher> publisher(new EsConsumerStatusPublisher(settings));
  publisher->show(kStartingSilence);
  if (config::is_on(settings.admin.enabled)) {
    SLUICE_ASSIGN(publisher->server_,
                  admin::AdminServer::start(admin_options(settings, "es_consumer"), publisher->board_));
  }
  return publisher;
}

EsConsumerStatusPublisher::EsConsumerStatusPublisher(const config::Settings& settings) {
  status_.pipeline = settings.pipeline_name();
  status_.group = settings.kafka.groupID;
  status_.version = kVersion;
}

void EsConsumerStatusPublisher::retrying(const base::Error& error, base::Milliseconds wait) {
  status_.errors.note(error);
  status_.state = admin::EsConsumerState::Starting;
  status_.obstacles = {{std::string(error.id), status_.errors.last()->message}};
  status_.indexing.partitions.clear();
  status_.ends.clear();
  ended_by_ = error.id;
  told_ = {ended_by_};  // the caller logs it
  told_partitions_.reset();
  show(wait + kStartingSilence);
}

void EsConsumerStatusPublisher::tick(const pipeline::Indexing& indexing, const kafka::Consumer& source,
                                     const documents::EventDocuments& maker, const documents::Generations* generations,
                                     const pipeline::StopSignal& stop) {
  status_.state = stop.requested() ? admin::EsConsumerState::Stopping : admin::EsConsumerState::Running;
  status_.indexing = indexing.status();
  const documents::EventDocumentsCounters& made = maker.counters();
  status_.tables = made.tables;
  status_.skipped = {made.skipped_tombstones, made.skipped_markers, made.skipped_messages};
  status_.retired_events = made.retired;
  status_.incomplete_documents = made.incomplete;
  status_.ends.clear();
  for (const auto& partition : status_.indexing.partitions) {
    if (const auto end = source.end_of(partition.partition)) status_.ends.emplace(partition.partition, *end);
  }
  if (generations != nullptr) status_.published_epoch = generations->published_epoch();
  status_.obstacles.clear();
  if (source.reachability().unreachable_since) {
    status_.obstacles.push_back({"kafka.unreachable", "no broker of Kafka answers"});
  }
  log_changes();
  show(kRunningSilence);
}

void EsConsumerStatusPublisher::log_changes() {
  std::set<std::string> now;
  for (const admin::Reason& reason : status_.reasons()) {
    if (reason.id.starts_with("admin.")) continue;  // of the program itself, said elsewhere
    now.insert(reason.id);
    if (!told_.contains(reason.id)) logger.warning(base::Error{base::Recovery::Retry, reason.id, reason.message});
  }
  const std::size_t partitions = status_.indexing.partitions.size();
  // A new attempt that has not come so far yet may end by the same.
  if (partitions == 0 && told_.contains(ended_by_)) now.insert(ended_by_);
  for (const std::string& id : told_) {
    if (!now.contains(id)) logger.info("{} is over", id);
  }
  told_ = std::move(now);
  if (told_partitions_.value_or(0) != partitions) logger.info("the group gave this member {} partitions", partitions);
  told_partitions_ = partitions;
}

void EsConsumerStatusPublisher::warned(std::string_view id, const std::string& message) {
  status_.errors.note(id, message);
  logger.warning(base::Error{base::Recovery::Retry, id, message});
}

void EsConsumerStatusPublisher::bulk_written(const Bulk& bulk) {
  using std::chrono::duration_cast;
  status_.bulk_sizes.observe(bulk.documents, bulk.bytes);
  status_.bulk_duration.observe(duration_cast<base::Microseconds>(bulk.duration).count());
  const auto wall = base::WallClock::now().time_since_epoch();
  const auto age = wall - base::Milliseconds(bulk.oldest_record_timestamp_ms);
  status_.record_to_bulk.observe(duration_cast<base::Microseconds>(age).count());
  status_.newest_lag_seconds = std::max(0.0, std::chrono::duration<double>(age).count());
}

void EsConsumerStatusPublisher::show(base::Milliseconds max_silence) {
  status_.at = base::WallClock::now();
  board_.publish(std::make_shared<const admin::EsConsumerStatus>(status_), max_silence);
}

}  // namespace sluice::connector
