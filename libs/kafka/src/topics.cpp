#include "sluice/kafka/topics.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <thread>

#include "admin.h"
#include "errors.h"

namespace sluice::kafka {
namespace {

using base::Error;
using base::fail;
using base::Recovery;
using base::Result;
using pipeline::Partition;

constexpr std::string_view kFallbackId = "kafka.admin_failed";

constexpr std::array<std::string_view, 7> kSettings{
    "cleanup.policy",  "max.message.bytes", "min.insync.replicas",           "retention.ms",
    "retention.bytes", "compression.type",  "unclean.leader.election.enable"};

using ConfigResource = base::Handle<rd_kafka_ConfigResource_t, &rd_kafka_ConfigResource_destroy>;
using NewTopicHandle = base::Handle<rd_kafka_NewTopic_t, &rd_kafka_NewTopic_destroy>;
using SettingsByTopic = std::map<std::string, std::map<std::string, std::string>>;

SettingsByTopic read_settings(rd_kafka_event_t* answer) {
  std::size_t count = 0;
  const auto* const resources =
      rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(answer), &count);
  SettingsByTopic settings;
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t entries_count = 0;
    const auto* const entries = rd_kafka_ConfigResource_configs(resources[i], &entries_count);
    auto& of_topic = settings[rd_kafka_ConfigResource_name(resources[i])];
    for (std::size_t k = 0; k < entries_count; ++k) {
      const char* value = rd_kafka_ConfigEntry_value(entries[k]);
      const std::string_view name = rd_kafka_ConfigEntry_name(entries[k]);
      if (value != nullptr && std::find(kSettings.begin(), kSettings.end(), name) != kSettings.end())
        of_topic.emplace(name, value);
    }
  }
  return settings;
}

Result<NewTopicHandle> new_topic(const NewTopic& topic) {
  std::array<char, 512> reason{};
  NewTopicHandle handle(rd_kafka_NewTopic_new(topic.name.c_str(), topic.partitions, topic.replication_factor,
                                              reason.data(), reason.size()));
  if (!handle)
    return fail(Recovery::Stop, "kafka.create_failed",
                fmt::format("Topic {} cannot be created: {}. Correct its settings", topic.name, reason.data()));
  for (const auto& [name, value] : topic.settings)
    rd_kafka_NewTopic_set_config(handle.get(), name.c_str(), value.c_str());
  return handle;
}

/// Which refusals of CreateTopics may pass by themselves.
bool may_pass(rd_kafka_resp_err_t code) {
  return is_transport(code) || code == RD_KAFKA_RESP_ERR_NOT_CONTROLLER ||
         code == RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS || code == RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED;
}

class RdkafkaTopics final : public Topics {
 public:
  explicit RdkafkaTopics(const ClientOptions& options) : state_(options), timeout_(options.request_timeout) {}

  Result<void> start(const ClientOptions& options);
  Result<std::vector<std::optional<TopicDescription>>> describe(const std::vector<std::string>& names) override;
  Result<void> create(const std::vector<NewTopic>& topics) override;

 private:
  base::Deadline deadline() const { return base::Clock::now() + timeout_; }
  Result<EventHandle> answer(base::Deadline deadline, std::string_view request);
  Result<std::vector<TopicFacts>> facts(const std::vector<std::string>& names, base::Deadline deadline);
  Result<SettingsByTopic> settings(const std::vector<std::string>& names, base::Deadline deadline);
  Result<OffsetMap> offsets(const std::vector<Partition>& partitions, rd_kafka_OffsetSpec_t spec,
                            base::Deadline deadline);
  Result<void> request_creation(const std::vector<NewTopic>& topics, base::Deadline deadline);
  Result<void> wait_for_leaders(const std::vector<NewTopic>& topics, base::Deadline deadline);

  ClientState state_;
  base::Milliseconds timeout_;
  ClientHandle client_;
  QueueHandle answers_;
};

Result<void> RdkafkaTopics::start(const ClientOptions& options) {
  SLUICE_ASSIGN(ConfHandle conf, make_conf(options, {}, state_));
  SLUICE_ASSIGN(client_, make_client(RD_KAFKA_PRODUCER, std::move(conf)));
  answers_.reset(rd_kafka_queue_new(client_.get()));
  return {};
}

Result<EventHandle> RdkafkaTopics::answer(base::Deadline deadline, std::string_view request) {
  // librdkafka's own time-out is the deadline too and answers with more to say; it gets a moment longer.
  auto event = wait_for_answer(client_.get(), answers_.get(), state_, deadline + std::chrono::seconds(1), request);
  // An answer that comes too late must not be taken for that of the next request.
  if (!event) answers_.reset(rd_kafka_queue_new(client_.get()));
  return event;
}

Result<std::vector<TopicFacts>> RdkafkaTopics::facts(const std::vector<std::string>& names, base::Deadline deadline) {
  ask_topics(client_.get(), names, left_ms(deadline), answers_.get());
  SLUICE_ASSIGN(const EventHandle event, answer(deadline, "Describing topics"));
  auto facts = read_topics(event.get());
  if (!facts) return tl::make_unexpected(state_.explained(facts.error()));
  return facts;
}

Result<SettingsByTopic> RdkafkaTopics::settings(const std::vector<std::string>& names, base::Deadline deadline) {
  std::vector<ConfigResource> owners;
  std::vector<rd_kafka_ConfigResource_t*> resources;
  for (const auto& name : names) {
    owners.emplace_back(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name.c_str()));
    resources.push_back(owners.back().get());
  }
  const AdminOptionsHandle options(rd_kafka_AdminOptions_new(client_.get(), RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS));
  std::array<char, 256> reason{};
  rd_kafka_AdminOptions_set_request_timeout(options.get(), std::max(left_ms(deadline), 1), reason.data(),
                                            reason.size());
  rd_kafka_DescribeConfigs(client_.get(), resources.data(), resources.size(), options.get(), answers_.get());
  SLUICE_ASSIGN(const EventHandle event, answer(deadline, "Describing the settings of topics"));
  const rd_kafka_resp_err_t code = rd_kafka_event_error(event.get());
  // Who may not see the settings may still write: no settings, and inspect() says so.
  if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED || code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED)
    return SettingsByTopic{};
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return tl::make_unexpected(state_.explained(error_of(code, "Describing the settings of topics", kFallbackId)));
  return read_settings(event.get());
}

Result<OffsetMap> RdkafkaTopics::offsets(const std::vector<Partition>& partitions, rd_kafka_OffsetSpec_t spec,
                                         base::Deadline deadline) {
  return offsets_of(client_.get(), answers_, state_, partitions, spec, RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED,
                    deadline);
}

Result<std::vector<std::optional<TopicDescription>>> RdkafkaTopics::describe(const std::vector<std::string>& names) {
  if (names.empty()) return std::vector<std::optional<TopicDescription>>{};
  const base::Deadline until = deadline();
  SLUICE_ASSIGN(const auto all_facts, facts(names, until));
  std::map<std::string, TopicFacts> found;
  std::vector<std::string> existing;
  std::vector<Partition> partitions;
  for (const TopicFacts& topic : all_facts) {
    if (topic.error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) continue;
    if (topic.error != RD_KAFKA_RESP_ERR_NO_ERROR)
      return tl::make_unexpected(error_of(topic.error, fmt::format("Topic {}", topic.name), kFallbackId));
    found.emplace(topic.name, topic);
    existing.push_back(topic.name);
    for (std::int32_t i = 0; i < topic.partitions; ++i) partitions.push_back({topic.name, i});
  }
  std::vector<std::optional<TopicDescription>> descriptions(names.size());
  if (existing.empty()) return descriptions;
  SLUICE_ASSIGN(auto settings_of, settings(existing, until));
  SLUICE_ASSIGN(const auto begins, offsets(partitions, RD_KAFKA_OFFSET_SPEC_EARLIEST, until));
  SLUICE_ASSIGN(const auto ends, offsets(partitions, RD_KAFKA_OFFSET_SPEC_LATEST, until));
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto topic = found.find(names[i]);
    if (topic == found.end()) continue;
    TopicDescription description{
        names[i], topic->second.id, topic->second.replication_factor, {}, settings_of[names[i]]};
    for (std::int32_t k = 0; k < topic->second.partitions; ++k)
      description.partitions.push_back({begins.at({names[i], k}), ends.at({names[i], k})});
    descriptions[i] = std::move(description);
  }
  return descriptions;
}

Result<void> RdkafkaTopics::request_creation(const std::vector<NewTopic>& topics, base::Deadline deadline) {
  std::vector<NewTopicHandle> owners;
  std::vector<rd_kafka_NewTopic_t*> requests;
  for (const NewTopic& topic : topics) {
    SLUICE_ASSIGN(auto handle, new_topic(topic));
    requests.push_back(handle.get());
    owners.push_back(std::move(handle));
  }
  const AdminOptionsHandle options(rd_kafka_AdminOptions_new(client_.get(), RD_KAFKA_ADMIN_OP_CREATETOPICS));
  std::array<char, 256> reason{};
  rd_kafka_AdminOptions_set_request_timeout(options.get(), std::max(left_ms(deadline), 1), reason.data(),
                                            reason.size());
  rd_kafka_CreateTopics(client_.get(), requests.data(), requests.size(), options.get(), answers_.get());
  SLUICE_ASSIGN(const EventHandle event, answer(deadline, "Creating topics"));
  if (const auto code = rd_kafka_event_error(event.get()); code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return tl::make_unexpected(state_.explained(error_of(code, "Creating topics", kFallbackId)));
  std::size_t count = 0;
  const auto* const results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  for (std::size_t i = 0; i < count; ++i) {
    const rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[i]);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) continue;
    Error error = error_of(code, fmt::format("Creating topic {}", rd_kafka_topic_result_name(results[i])), kFallbackId);
    if (error.id != kFallbackId || may_pass(code)) return tl::make_unexpected(std::move(error));
    const char* why = rd_kafka_topic_result_error_string(results[i]);
    return fail(
        Recovery::Stop, "kafka.create_failed",
        fmt::format("The broker refuses to create topic {}: {}. Correct kafka.partitions, replication factor and "
                    "topic settings, or create the topic by hand",
                    rd_kafka_topic_result_name(results[i]), why == nullptr ? rd_kafka_err2str(code) : why));
  }
  return {};
}

Result<void> RdkafkaTopics::wait_for_leaders(const std::vector<NewTopic>& topics, base::Deadline deadline) {
  std::vector<std::string> names;
  for (const auto& topic : topics) names.push_back(topic.name);
  while (true) {
    SLUICE_ASSIGN(const auto all_facts, facts(names, deadline));
    if (std::all_of(all_facts.begin(), all_facts.end(), [](const TopicFacts& topic) { return topic.has_leaders; }))
      return {};
    if (base::Clock::now() >= deadline)
      return fail(Recovery::Retry, "kafka.unreachable",
                  "The topics just created have no leaders yet. Check that all brokers run");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

Result<void> RdkafkaTopics::create(const std::vector<NewTopic>& topics) {
  if (topics.empty()) return {};
  const base::Deadline until = deadline();
  SLUICE_TRY(request_creation(topics, until));
  return wait_for_leaders(topics, until);
}

std::optional<std::uint64_t> number(const TopicDescription& topic, const char* setting) {
  const auto found = topic.settings.find(setting);
  if (found == topic.settings.end()) return std::nullopt;
  std::uint64_t value = 0;
  const char* end = found->second.data() + found->second.size();
  const auto [stop, code] = std::from_chars(found->second.data(), end, value);
  return code == std::errc() && stop == end ? std::optional(value) : std::nullopt;
}

std::string setting(const TopicDescription& topic, const char* name) {
  const auto found = topic.settings.find(name);
  return found == topic.settings.end() ? std::string() : found->second;
}

}  // namespace

NewTopic events_topic(std::string name, std::uint32_t max_message_bytes) {
  NewTopic topic{.name = std::move(name)};
  // Brokers count the batch: its header and a record's own lengths stand beside key and value.
  constexpr std::uint64_t kBatchOverhead = 1'024;
  constexpr std::uint64_t kEveryBrokerTakes = 1'000'000;
  if (max_message_bytes > kEveryBrokerTakes)
    topic.settings["max.message.bytes"] = std::to_string(max_message_bytes + kBatchOverhead);
  return topic;
}

NewTopic control_topic(std::string name) { return {std::move(name), 1, -1, {{"cleanup.policy", "compact"}}}; }

Result<std::unique_ptr<Topics>> Topics::open(const ClientOptions& client) {
  auto topics = std::make_unique<RdkafkaTopics>(client);
  SLUICE_TRY(topics->start(client));
  return topics;
}

Result<std::vector<std::string>> inspect(const TopicDescription& topic, std::uint64_t max_message_bytes) {
  const auto limit = number(topic, "max.message.bytes");
  if (limit && *limit < max_message_bytes)
    return fail(Recovery::Stop, "kafka.message_limit",
                fmt::format("Topic {} takes records of at most {} bytes, kafka.max_message_bytes is {}. Raise the "
                            "topic's max.message.bytes or lower ours",
                            topic.name, *limit, max_message_bytes));
  std::vector<std::string> warnings;
  const auto warn = [&](std::string text) { warnings.push_back(fmt::format("Topic {} {}", topic.name, text)); };
  if (topic.replication_factor < 3)
    warn(fmt::format("has {} replica(s): with fewer than 3 a lost broker can lose acknowledged changes",
                     topic.replication_factor));
  if (topic.settings.empty()) warn("does not show its settings to this user: they are not checked");
  if (const auto in_sync = number(topic, "min.insync.replicas"); in_sync && *in_sync < 2)
    warn("has min.insync.replicas below 2: one replica alone may acknowledge");
  if (setting(topic, "unclean.leader.election.enable") == "true")
    warn("allows unclean leader election: acknowledged changes can be lost");
  if (setting(topic, "cleanup.policy").find("compact") != std::string::npos)
    warn("is compacted: older changes of a key disappear, so the journal cannot be rebuilt from it");
  return warnings;
}

Result<void> inspect_control_topic(const TopicDescription& topic) {
  const std::string policy = setting(topic, "cleanup.policy");
  if (topic.partitions.size() == 1 && (policy.empty() || policy == "compact")) return {};
  return fail(Recovery::Stop, "kafka.control_topic_unfit",
              fmt::format("The control topic {} has {} partition(s) and cleanup.policy \"{}\"; it must have one and be "
                          "compacted, or what it remembers is lost. Make it so, or name another one in "
                          "kafka.control_topic",
                          topic.name, topic.partitions.size(), policy));
}

}  // namespace sluice::kafka
