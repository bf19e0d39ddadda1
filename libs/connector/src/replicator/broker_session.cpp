#include "broker_session.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/core.h>

#include "../adapter_options.h"
#include "../routing.h"
#include "record_clue.h"
#include "sluice/codec/stream_header.h"
#include "sluice/connector/version.h"
#include "sluice/kafka/control_topic.h"
#include "sluice/kafka/tails.h"
#include "sluice/kafka/topics.h"
#include "sluice/log/log.h"

namespace sluice::connector {
namespace {

using base::Recovery;

kafka::NewTopic events_topic(const config::Settings& settings, const std::string& name) {
  auto topic = kafka::events_topic(name, static_cast<std::uint32_t>(settings.kafka.max_message_bytes.bytes));
  topic.partitions = static_cast<std::int32_t>(settings.kafka.partitions);
  return topic;
}

pipeline::TopicIncarnation incarnation_of(const kafka::TopicDescription& topic) {
  pipeline::TopicIncarnation incarnation{topic.name, topic.id, static_cast<std::int32_t>(topic.partitions.size()), {}};
  for (const auto& partition : topic.partitions) incarnation.end_offsets.push_back(partition.end);
  return incarnation;
}

std::vector<kafka::TailTopic> tail_topics(const std::vector<pipeline::TopicIncarnation>& topics) {
  std::vector<kafka::TailTopic> out;
  for (change::TopicIndex index = 0; index < topics.size(); ++index) {
    out.push_back({index, topics[index].topic, topics[index].partitions});
  }
  return out;
}

bool is_empty(const pipeline::TopicIncarnation& topic) {
  return std::ranges::all_of(topic.end_offsets, [](std::int64_t end) { return end == 0; });
}

}  // namespace

base::Error topic_missing(const std::string& name) {
  return {Recovery::Stop, "kafka.topic_missing",
          fmt::format("topic {} does not exist. Make it, or switch kafka.create_topics on", name)};
}

kafka::ClientOptions BrokerSession::client() const {
  kafka::ClientOptions options = client_options(settings_);
  options.interrupted = interrupted_;
  return options;
}

base::Result<BrokerFacts> BrokerSession::gather() {
  SLUICE_ASSIGN(auto topics, kafka::Topics::open(client()));
  SLUICE_TRY(ensure_topics(*topics));
  std::vector<std::string> names = topics_of(settings_);
  const std::size_t events = names.size();
  names.push_back(settings_.kafka.control_topic);
  SLUICE_ASSIGN(const auto described, topics->describe(names));
  BrokerFacts facts;
  for (std::size_t index = 0; index < described.size(); ++index) {
    const auto& topic = described[index];
    if (!topic) return tl::make_unexpected(topic_missing(names[index]));
    if (index == events) {
      SLUICE_TRY(kafka::inspect_control_topic(*topic));
      continue;
    }
    SLUICE_ASSIGN(const auto warnings, kafka::inspect(*topic, settings_.kafka.max_message_bytes.bytes));
    if (!std::exchange(has_warned_, true)) {
      for (const auto& warning : warnings) log::get("kafka").warning("{}", warning);
    }
    facts.topics.push_back(incarnation_of(*topic));
    const auto policy = topic->settings.find("cleanup.policy");
    if (policy != topic->settings.end() && policy->second.find("compact") != std::string::npos)
      facts.is_compacted = true;
  }
  SLUICE_TRY(read_control_topic(facts));
  if (!facts.announced_epoch) SLUICE_TRY(peek_tails(facts));
  return facts;
}

base::Result<void> BrokerSession::ensure_topics(kafka::Topics& topics) {
  if (!config::is_on(settings_.kafka.create_topics)) return {};
  std::vector<kafka::NewTopic> missing;
  std::vector<std::string> names = topics_of(settings_);
  names.push_back(settings_.kafka.control_topic);
  SLUICE_ASSIGN(const auto described, topics.describe(names));
  for (std::size_t index = 0; index < names.size(); ++index) {
    if (described[index]) continue;
    const bool is_control = index + 1 == names.size();
    missing.push_back(is_control ? kafka::control_topic(names[index]) : events_topic(settings_, names[index]));
    missing.back().replication_factor = replication_factor(settings_);
  }
  return missing.empty() ? base::Result<void>{} : topics.create(missing);
}

base::Result<void> BrokerSession::read_control_topic(BrokerFacts& facts) {
  const base::Deadline deadline = base::Clock::now() + settings_.kafka.request_timeout;
  SLUICE_ASSIGN(const auto reader, kafka::ControlReader::open(client(), settings_.kafka.control_topic, {}, deadline));
  std::set<std::uint32_t> complete;  // epochs
  for (const auto& [key, value] : reader->entries()) {
    SLUICE_ASSIGN(const auto record, codec::parse_control_record(key, value));
    if (!record) continue;
    if (const auto* epoch = std::get_if<codec::EpochRecord>(&*record)) {
      if (epoch->pipeline == settings_.pipeline_name()) facts.announced_epoch = epoch->epoch;
    } else if (const auto* snapshot = std::get_if<codec::SnapshotRecord>(&*record)) {
      if (snapshot->pipeline == settings_.pipeline_name()) complete.insert(snapshot->epoch);
    } else if (std::holds_alternative<codec::SchemaRecord>(*record)) {
      facts.schemas.emplace(key, value);
    }
  }
  facts.snapshot_is_complete = facts.announced_epoch && complete.contains(*facts.announced_epoch);
  return {};
}

/// A control topic that was lost must not make a pipeline that has been running look like a new one.
base::Result<void> BrokerSession::peek_tails(BrokerFacts& facts) {
  if (std::ranges::all_of(facts.topics, is_empty)) return {};
  const base::Deadline deadline = base::Clock::now() + settings_.kafka.request_timeout;
  SLUICE_ASSIGN(const auto tails,
                kafka::peek_tails(client(), tail_topics(facts.topics), settings_.pipeline_name(), read_clue, deadline));
  for (const auto& tail : tails) facts.written_epoch = std::max(facts.written_epoch, tail.last.epoch);
  return {};
}

base::Result<void> BrokerSession::announce(const std::map<std::string, std::string>& records) {
  SLUICE_ASSIGN(const auto producer, open_producer());
  std::vector<change::Record> out;
  for (const auto& [key, value] : records) {
    out.push_back({.topic = change::kControlTopic, .kind = change::RecordKind::Control, .key = key, .value = value});
  }
  const base::Deadline deadline = base::Clock::now() + settings_.kafka.request_timeout;
  SLUICE_TRY(kafka::send_and_wait(*producer, out, deadline, interrupted_));
  return {};
}

base::Result<std::unique_ptr<kafka::Producer>> BrokerSession::open_producer() {
  return kafka::Producer::open(client_options(settings_), producer_options(settings_), topics_of(settings_),
                               settings_.kafka.control_topic);
}

Tails BrokerSession::no_tails(const std::vector<pipeline::TopicIncarnation>& topics) {
  Tails tails;
  for (const auto& topic : topics) {
    tails.last.emplace_back(topic.end_offsets.size());
    tails.end_offsets.push_back(topic.end_offsets);
  }
  return tails;
}

std::optional<Tails> BrokerSession::settled_tails(const pipeline::Checkpoint& stored,
                                                  const std::vector<pipeline::TopicIncarnation>& topics) {
  Tails tails = no_tails(topics);
  for (std::size_t index = 0; index < topics.size(); ++index) {
    for (std::size_t partition = 0; partition < topics[index].end_offsets.size(); ++partition) {
      const auto known = std::find_if(stored.tails.begin(), stored.tails.end(), [&](const auto& tail) {
        return tail.topic == topics[index].topic && tail.partition == static_cast<std::int32_t>(partition);
      });
      if (known == stored.tails.end() || known->end_offset != topics[index].end_offsets[partition]) return std::nullopt;
      tails.last[index][partition] = known->last;
    }
  }
  return tails;
}

base::Result<Tails> BrokerSession::recover_tails(kafka::Producer& producer, const pipeline::Checkpoint& stored,
                                                 const std::vector<pipeline::TopicIncarnation>& topics) {
  const codec::MarkerOrigin origin{settings_.pipeline_name(), stored.epoch, stored.fingerprint};
  const std::string header = codec::encode_marker_header(origin);
  const codec::MarkerSource source{std::string(kVersion), settings_.pipeline_name(), stored.slot.database};
  change::RecordBatch batch;
  const auto wall = base::WallClock::now().time_since_epoch();
  codec::append_marker(origin, source, header, std::chrono::duration_cast<base::Milliseconds>(wall).count(), 0, 0,
                       batch);
  const base::Deadline deadline = base::Clock::now() + settings_.kafka.request_timeout;
  SLUICE_ASSIGN(const auto found, kafka::recover_tails(client(), producer, tail_topics(topics), batch[0],
                                                       settings_.pipeline_name(), read_clue, deadline));
  Tails tails = no_tails(topics);
  for (const auto& tail : found) {
    const auto topic =
        std::find_if(topics.begin(), topics.end(), [&](const auto& known) { return known.topic == tail.topic; });
    const auto index = static_cast<std::size_t>(topic - topics.begin());
    tails.last[index][static_cast<std::size_t>(tail.partition)] = tail.last;
    tails.end_offsets[index][static_cast<std::size_t>(tail.partition)] = tail.end_offset;
  }
  return tails;
}

}  // namespace sluice::connector
