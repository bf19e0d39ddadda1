// One life of es_consumer, wired: consumer group → documents → bulks → offsets.
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "../adapter_options.h"
#include "../routing.h"
#include "control_topic_log.h"
#include "sluice/connector/es_consumer.h"
#include "sluice/documents/event_documents.h"
#include "sluice/documents/generations.h"
#include "sluice/elastic/bulk_sink.h"
#include "sluice/elastic/index_admin.h"
#include "sluice/kafka/consumer.h"
#include "sluice/kafka/dead_letters.h"
#include "sluice/log/log.h"
#include "sluice/pipeline/indexing.h"
#include "sluice/pipeline/supervise.h"
#include "status_publisher.h"

namespace sluice::connector {
namespace {

using base::Recovery;

const log::Logger logger = log::get("es_consumer");

elastic::ConnectionOptions connection_options(const config::ElasticsearchSettings& from) {
  elastic::ConnectionOptions options;
  options.addresses = from.addresses;
  options.username = from.username.value_or("");
  options.password = from.password;
  options.api_key = from.api_key;
  options.ca_file = from.ca_file.value_or("");
  options.connect_timeout = from.connect_timeout;
  options.request_timeout = from.request_timeout;
  return options;
}

elastic::IndexOptions index_options(const config::ElasticsearchSettings& from) {
  return {from.indexPrefix, from.number_of_shards, from.number_of_replicas, from.refresh_interval};
}

kafka::ConsumerOptions consumer_options(const config::Settings& settings) {
  kafka::ConsumerOptions options;
  options.group = settings.kafka.groupID;
  options.topics = topics_of(settings);
  options.session_timeout = settings.kafka.session_timeout;
  options.max_poll_interval = settings.kafka.max_poll_interval;
  options.max_queue_kilobytes = static_cast<std::uint32_t>(settings.kafka.max_fetch_bytes.bytes >> 10);
  return options;
}

kafka::DeadLetterOptions dead_letter_options(const config::Settings& settings) {
  kafka::DeadLetterOptions options;
  options.topic = settings.dead_letter_topic();
  const bool may_create = config::is_on(settings.kafka.create_topics);
  options.missing_topic = may_create ? kafka::MissingTopic::Create : kafka::MissingTopic::Refuse;
  options.replication_factor = replication_factor(settings);
  options.timeout = settings.kafka.request_timeout;
  options.max_message_bytes = static_cast<std::uint32_t>(settings.kafka.max_message_bytes.bytes);
  return options;
}

std::string mirror_output(const config::Settings& settings) { return "mirror:" + settings.elasticsearch.mirrorPrefix; }

pipeline::IndexingOptions indexing_options(const config::Settings& settings) {
  const config::ElasticsearchSettings& from = settings.elasticsearch;
  pipeline::IndexingOptions options;
  options.group = settings.kafka.groupID;
  if (config::is_on(from.journal)) options.outputs.push_back("journal:" + from.indexPrefix);
  if (config::is_on(from.mirror)) options.outputs.push_back(mirror_output(settings));
  options.max_bulk_bytes = from.bulk_max_bytes.bytes;
  options.max_bulk_actions = from.bulk_max_actions;
  options.max_bulk_age = from.bulk_max_age;
  options.max_rejected_per_minute = settings.dead_letters.max_per_minute;
  options.stop_grace = settings.stop_grace;
  options.backoff = {settings.retry.initial_backoff, settings.retry.max_backoff, settings.retry.backoff_multiplier};
  return options;
}

/// Two tables that would meet in one index are told at the start, as far as the configuration names them.
base::Result<void> claim_names(const config::Settings& settings, documents::IndexNames& names) {
  for (const config::TableName& table : settings.postgres.tables) {
    if (config::is_on(settings.elasticsearch.journal)) SLUICE_TRY(names.journal(table.schema, table.table));
    if (config::is_on(settings.elasticsearch.mirror)) SLUICE_TRY(names.mirror(table.schema, table.table));
  }
  return {};
}

std::int64_t wall_clock_ms() {
  const auto now = base::WallClock::now().time_since_epoch();
  return std::chrono::duration_cast<base::Milliseconds>(now).count();
}

base::Result<void> read_and_index(const config::Settings& settings, pipeline::StopSignal& stop,
                                  EsConsumerStatusPublisher& status, std::optional<base::Deadline>& reading_since) {
  const config::ElasticsearchSettings& search = settings.elasticsearch;
  documents::IndexNames names(search.indexPrefix, search.mirrorPrefix);
  SLUICE_TRY(claim_names(settings, names));
  const auto warn = [&status](std::string_view id, const std::string& message) { status.warned(id, message); };
  SLUICE_ASSIGN(auto admin, elastic::IndexAdmin::open(connection_options(search), index_options(search), warn));
  elastic::BulkSinkOptions bulk_options;
  bulk_options.max_in_flight = search.max_in_flight_bulks;
  SLUICE_ASSIGN(auto sink, elastic::BulkSink::open(connection_options(search), bulk_options));
  SLUICE_ASSIGN(auto letters, kafka::open_dead_letters(client_options(settings), dead_letter_options(settings)));

  ControlTopicLog control(settings);
  documents::Generations generations(
      {settings.pipeline_name(), settings.kafka.groupID, mirror_output(settings), value_options(settings)}, *admin,
      control, names, warn);
  const bool has_mirror = config::is_on(search.mirror);
  const auto journal = config::is_on(search.journal) ? documents::Journal::On : documents::Journal::Off;
  documents::EventDocuments maker(journal, names, *admin, has_mirror ? &generations : nullptr, wall_clock_ms);

  SLUICE_ASSIGN(auto source, kafka::Consumer::open(client_options(settings), consumer_options(settings)));
  logger.info("group {} reads {} and writes to {}", settings.kafka.groupID, settings.kafka.topic,
              search.addresses.front());
  pipeline::Indexing indexing(indexing_options(settings), {*source, *sink, *letters, *admin, maker, status});
  const auto look_around = [&] {
    letters->tend();
    status.tick(indexing, *source, maker, has_mirror ? &generations : nullptr, stop);
  };
  reading_since = base::Clock::now();
  const auto settlement = indexing.run(stop, look_around);
  if (settlement && *settlement == pipeline::Settlement::Settled) return {};
  const bool was_to_stop = stop.requested() && (settlement || settlement.error().recovery == Recovery::Retry);
  if (!was_to_stop) return tl::make_unexpected(settlement.error());
  return base::fail(Recovery::Stop, "es_consumer.not_settled",
                    fmt::format("the stop came before everything that was read had been written{}. Nothing is lost: it "
                                "is read again at the next start",
                                settlement ? "" : " (" + settlement.error().message + ")"));
}

}  // namespace

base::Result<void> run_es_consumer(const config::Settings& settings, pipeline::StopSignal& stop) {
  SLUICE_ASSIGN(const auto status, EsConsumerStatusPublisher::open(settings));
  const auto on_retry = [&status](const base::Error& error, base::Milliseconds wait) {
    status->retrying(error, wait);
    logger.warning(error);
    logger.info("trying again in {} ms", wait.count());
  };
  return pipeline::supervise(supervise_limits(settings), stop, on_retry, [&]() -> pipeline::Attempt {
    std::optional<base::Deadline> reading_since;
    auto result = read_and_index(settings, stop, *status, reading_since);
    return attempt_of(std::move(result), reading_since, settings);
  });
}

}  // namespace sluice::connector
