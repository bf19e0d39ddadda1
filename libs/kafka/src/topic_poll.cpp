#include "sluice/kafka/topic_poll.h"

#include <fmt/core.h>

#include <algorithm>

#include "admin.h"
#include "errors.h"

namespace sluice::kafka {
namespace {

using base::Result;

class RdkafkaTopicPoll final : public TopicPoll {
 public:
  explicit RdkafkaTopicPoll(const ClientOptions& options) : state_(options), timeout_(options.request_timeout) {}

  Result<void> start(const ClientOptions& options) {
    SLUICE_ASSIGN(ConfHandle conf, make_conf(options, {}, state_));
    SLUICE_ASSIGN(client_, make_client(RD_KAFKA_PRODUCER, std::move(conf)));
    return {};
  }
  void ask(const std::vector<std::string>& names) override;
  Result<std::optional<TopicAnswers>> answer() override;

 private:
  ClientState state_;
  base::Milliseconds timeout_;
  ClientHandle client_;
  QueueHandle answers_;
  std::vector<std::string> names_;
};

void RdkafkaTopicPoll::ask(const std::vector<std::string>& names) {
  names_ = names;
  // A new queue: what comes late for the last question goes nowhere.
  answers_.reset(rd_kafka_queue_new(client_.get()));
  ask_topics(client_.get(), names_, static_cast<int>(timeout_.count()), answers_.get());
}

Result<std::optional<TopicAnswers>> RdkafkaTopicPoll::answer() {
  rd_kafka_poll(client_.get(), 0);
  if (state_.refusal()) return tl::make_unexpected(*state_.refusal());
  if (!answers_) return std::nullopt;
  const EventHandle event(rd_kafka_queue_poll(answers_.get(), 0));
  if (!event) return std::nullopt;
  auto found = read_topics(event.get());
  if (!found) return tl::make_unexpected(state_.explained(std::move(found.error())));
  TopicAnswers answers(names_.size());
  for (const TopicFacts& topic : *found) {
    if (topic.error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) continue;
    if (topic.error != RD_KAFKA_RESP_ERR_NO_ERROR)
      return tl::make_unexpected(error_of(topic.error, fmt::format("Topic {}", topic.name), "kafka.admin_failed"));
    const auto name = std::find(names_.begin(), names_.end(), topic.name);
    if (name == names_.end()) continue;
    answers[static_cast<std::size_t>(name - names_.begin())] = {topic.name, topic.id, topic.partitions, {}};
  }
  return answers;
}

}  // namespace

Result<std::unique_ptr<TopicPoll>> TopicPoll::open(const ClientOptions& client) {
  auto poll = std::make_unique<RdkafkaTopicPoll>(client);
  SLUICE_TRY(poll->start(client));
  return poll;
}

}  // namespace sluice::kafka
