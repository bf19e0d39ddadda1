// Topics, the control topic and dead letters on a real broker.
#include "sluice/kafka/topics.h"

#include <poll.h>

#include "contract/kafka_eyes.h"
#include "sluice/kafka/control_topic.h"
#include "sluice/kafka/dead_letters.h"
#include "sluice/kafka/producer.h"
#include "sluice/kafka/topic_poll.h"

namespace sluice::testing {
namespace {

/// What no compression makes smaller.
std::string noise(std::size_t bytes) {
  std::string text(bytes, ' ');
  std::uint32_t seed = 7;
  for (char& byte : text) byte = static_cast<char>(33 + ((seed = seed * 1'664'525 + 1'013'904'223) >> 24) % 90);
  return text;
}

class KafkaTopics : public ::testing::Test {
 protected:
  void SetUp() override {
    auto topics = kafka::Topics::open(client_);
    ASSERT_TRUE(topics) << topics.error().message;
    topics_ = std::move(*topics);
  }

  static base::Deadline soon() { return base::Clock::now() + std::chrono::seconds(30); }

  void write_control(const std::string& topic,
                     const std::vector<std::pair<std::string, std::optional<std::string>>>& all) {
    auto producer = kafka::Producer::open(client_, {}, {}, topic);
    ASSERT_TRUE(producer);
    std::vector<change::Record> records;
    for (const auto& [key, value] : all) {
      change::Record record;
      record.topic = change::kControlTopic;
      record.kind = change::RecordKind::Control;
      record.key = key;
      record.tombstone = !value;
      if (value) record.value = *value;
      records.push_back(record);
    }
    const auto written = kafka::send_and_wait(**producer, records, soon());
    ASSERT_TRUE(written) << written.error().message;
  }

  kafka::ClientOptions client_ = client_of(Server::shared(Server::Kind::Kafka));
  std::unique_ptr<kafka::Topics> topics_;
};

TEST_F(KafkaTopics, AMissingTopicIsNoError) {
  const auto found = topics_->describe({unique_topic("none")});
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->size(), 1U);
  EXPECT_FALSE((*found)[0]);
}

TEST_F(KafkaTopics, ATopicIsCreatedAsAskedAndDescribedAsItIs) {
  const std::string name = unique_topic("made");
  ASSERT_TRUE(topics_->create({{name, 4, -1, {{"max.message.bytes", "2000000"}, {"retention.ms", "-1"}}}}));
  const std::string seen = run_ok({"kcat", "-L", "-b", client_.brokers, "-t", name});
  EXPECT_NE(seen.find("with 4 partitions"), std::string::npos) << seen;
  const auto found = topics_->describe({unique_topic("none"), name});
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_FALSE((*found)[0]);
  ASSERT_TRUE((*found)[1]);
  const kafka::TopicDescription& topic = *(*found)[1];
  EXPECT_EQ(topic.name, name);
  EXPECT_EQ(topic.partitions.size(), 4U);
  EXPECT_EQ(topic.replication_factor, 1);
  EXPECT_EQ(topic.settings.at("max.message.bytes"), "2000000");
  EXPECT_EQ(topic.settings.at("retention.ms"), "-1");
  EXPECT_EQ(topic.partitions[3].end, 0);
}

TEST_F(KafkaTopics, ATopicOfEventsTakesTheLargestRecordThatMayBeSent) {
  const std::string name = unique_topic("large");
  constexpr std::uint32_t kLargest = 3'000'000;  // more than a broker takes by itself
  ASSERT_TRUE(topics_->create({kafka::events_topic(name, kLargest)}));
  const auto found = topics_->describe({name});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_TRUE(kafka::inspect(*(*found)[0], kLargest));
  kafka::ProducerOptions options;
  options.max_message_bytes = kLargest;
  auto producer = kafka::Producer::open(client_, options, {name}, unique_topic("control"));
  ASSERT_TRUE(producer) << producer.error().message;
  const std::string value = noise(kLargest - 100);  // the frame of a record counts, too
  change::Record record;
  record.key = "key";
  record.value = value;
  const auto written = kafka::send_and_wait(**producer, {&record, 1}, soon());
  ASSERT_TRUE(written) << written.error().message;
  const auto stored = kcat_records(client_.brokers, name, 0);
  ASSERT_EQ(stored.size(), 1U);
  EXPECT_EQ(stored[0].value, value);
}

TEST_F(KafkaTopics, TheTopicIdIsTheOneThatKafkasOwnToolPrintsAndChangesWithTheTopic) {
  const std::string name = unique_topic("id");
  const std::string tool = SLUICE_SOURCE_DIR "/Docker_Files/native/kafka";
  create_topic(client_, name, 1);
  const auto first = topics_->describe({name});
  ASSERT_TRUE(first && (*first)[0]);
  const std::string printed =
      run_ok({tool, "tool", "TopicCommand", "--bootstrap-server", client_.brokers, "--describe", "--topic", name});
  EXPECT_NE(printed.find("TopicId: " + (*first)[0]->id), std::string::npos) << printed << (*first)[0]->id;
  run_ok({tool, "tool", "TopicCommand", "--bootstrap-server", client_.brokers, "--delete", "--topic", name});
  ASSERT_TRUE(eventually([&] {
    const auto found = topics_->describe({name});
    return found && !(*found)[0];
  }));
  create_topic(client_, name, 1);
  const auto second = topics_->describe({name});
  ASSERT_TRUE(second && (*second)[0]);
  EXPECT_NE((*first)[0]->id, (*second)[0]->id);
}

TEST_F(KafkaTopics, ThePollSaysInTheBackgroundWhatDescribeSays) {
  const std::string name = unique_topic("polled");
  create_topic(client_, name, 2);
  auto poll = kafka::TopicPoll::open(client_);
  ASSERT_TRUE(poll) << poll.error().message;
  EXPECT_FALSE((*poll)->answer()->has_value()) << "nobody has asked";
  const auto ask = [&](const std::vector<std::string>& names) {
    kafka::TopicAnswers answers;
    (*poll)->ask(names);
    EXPECT_TRUE(eventually([&] {
      auto answer = (*poll)->answer();
      EXPECT_TRUE(answer) << answer.error().message;
      if (answer && *answer) answers = **answer;
      return !answer || answer->has_value();
    }));
    return answers;
  };
  const auto answers = ask({unique_topic("none"), name});
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_FALSE(answers[0]);
  ASSERT_TRUE(answers[1]);
  EXPECT_EQ(answers[1]->topic_id, (*topics_->describe({name}))[0]->id);
  EXPECT_EQ(answers[1]->partitions, 2);
  EXPECT_FALSE((*poll)->answer()->has_value()) << "an answer is given once";
  EXPECT_EQ(ask({name}).size(), 1U);
}

TEST_F(KafkaTopics, APollThatNobodyAnswersIsAnErrorAfterItsTime) {
  kafka::ClientOptions nowhere = client_;
  nowhere.brokers = "127.0.0.1:1";
  nowhere.request_timeout = base::Milliseconds(300);
  auto poll = kafka::TopicPoll::open(nowhere);
  ASSERT_TRUE(poll);
  (*poll)->ask({"t"});
  base::Error error;
  EXPECT_TRUE(eventually([&] {
    auto answer = (*poll)->answer();
    if (!answer) error = answer.error();
    return !answer;
  }));
  EXPECT_EQ(error.id, "kafka.unreachable");
  EXPECT_EQ(error.recovery, base::Recovery::Retry);
}

TEST_F(KafkaTopics, CreatingWhatExistsChangesNothing) {
  const std::string name = unique_topic("twice");
  ASSERT_TRUE(topics_->create({{name, 2, -1, {}}}));
  ASSERT_TRUE(topics_->create({{name, 5, -1, {}}}));
  EXPECT_EQ((*topics_->describe({name}))[0]->partitions.size(), 2U);
}

TEST_F(KafkaTopics, SettingsThatTheBrokerRefusesStopWithItsWords) {
  const std::string name = unique_topic("bad");
  const auto created = topics_->create({{name, 1, 1, {{"cleanup.policy", "sometimes"}}}});
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().id, "kafka.create_failed");
  EXPECT_EQ(created.error().recovery, base::Recovery::Stop);
  EXPECT_NE(created.error().message.find("sometimes"), std::string::npos);
  const auto too_many = topics_->create({{name, 1, 9, {}}});
  ASSERT_FALSE(too_many);
  EXPECT_EQ(too_many.error().id, "kafka.create_failed");
}

TEST_F(KafkaTopics, WhenNobodyAnswersTheReasonIsInTheMessage) {
  kafka::ClientOptions nowhere = client_;
  nowhere.brokers = "127.0.0.1:1";
  nowhere.request_timeout = base::Milliseconds(2'000);
  auto topics = kafka::Topics::open(nowhere);
  ASSERT_TRUE(topics);
  const auto found = (*topics)->describe({"t"});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().id, "kafka.unreachable");
  EXPECT_EQ(found.error().recovery, base::Recovery::Retry);
  EXPECT_NE(found.error().message.find("refused"), std::string::npos) << found.error().message;
}

TEST_F(KafkaTopics, TheControlTopicGivesTheLatestValueOfEachKeyAndThenTheNews) {
  const std::string name = unique_topic("control");
  ASSERT_TRUE(topics_->create({kafka::control_topic(name)}));
  ASSERT_TRUE(kafka::inspect_control_topic(*(*topics_->describe({name}))[0]));
  write_control(name, {{"schema:1", "a"}, {"epoch:p", "1"}, {"schema:1", "b"}, {"gone", "x"}, {"gone", std::nullopt}});
  auto reader = kafka::ControlReader::open(client_, name, {}, soon());
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_EQ((*reader)->entries(), (std::map<std::string, std::string>{{"schema:1", "b"}, {"epoch:p", "1"}}));
  EXPECT_TRUE((*reader)->poll()->empty());
  write_control(name, {{"epoch:p", "2"}, {"schema:1", std::nullopt}});
  std::vector<kafka::ControlEntry> news;
  EXPECT_TRUE(eventually([&] {
    const auto some = (*reader)->poll();
    if (some) news.insert(news.end(), some->begin(), some->end());
    return news.size() == 2;
  }));
  EXPECT_EQ(news[0].value, "2");
  EXPECT_EQ(news[0].offset, 5);
  EXPECT_TRUE(news[1].removed);
  EXPECT_EQ((*reader)->entries(), (std::map<std::string, std::string>{{"epoch:p", "2"}}));
}

TEST_F(KafkaTopics, TheControlReadersDescriptorWakesForNews) {
  const std::string name = unique_topic("control");
  ASSERT_TRUE(topics_->create({kafka::control_topic(name)}));
  auto reader = kafka::ControlReader::open(client_, name, {}, soon());
  ASSERT_TRUE(reader) << reader.error().message;
  while ((*reader)->waits_for().deadline) ASSERT_TRUE((*reader)->poll());
  write_control(name, {{"k", "v"}});
  EXPECT_TRUE(eventually([&] {
    const pipeline::Wait wait = (*reader)->waits_for();
    pollfd descriptor{wait.fd, wait.events, 0};
    if (::poll(&descriptor, 1, 100) != 1) return false;
    return !(*reader)->poll()->empty();
  }));
}

TEST_F(KafkaTopics, AControlReaderReadsOnToTheEndAsItIsNow) {
  const std::string name = unique_topic("control");
  ASSERT_TRUE(topics_->create({kafka::control_topic(name)}));
  auto reader = kafka::ControlReader::open(client_, name, {}, soon());
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_TRUE((*reader)->read_on(soon())->empty());
  for (int turn = 1; turn <= 3; ++turn) {
    // What is acknowledged before the call is in its answer; nobody polls meanwhile.
    std::vector<std::pair<std::string, std::optional<std::string>>> all;
    for (int i = 0; i < 1'500; ++i) all.emplace_back("k" + std::to_string(i), std::to_string(turn));
    all.emplace_back("k0", std::nullopt);
    write_control(name, all);
    const auto news = (*reader)->read_on(soon());
    ASSERT_TRUE(news) << news.error().message;
    ASSERT_EQ(news->size(), 1'501U);
    EXPECT_EQ(news->back().key, "k0");
    EXPECT_TRUE(news->back().removed);
    EXPECT_EQ((*reader)->entries().size(), 1'499U);
    EXPECT_EQ((*reader)->entries().at("k1"), std::to_string(turn));
  }
  EXPECT_TRUE((*reader)->read_on(soon())->empty());
}

TEST_F(KafkaTopics, AControlReaderThatCannotReadOnSaysSoByItsDeadline) {
  const std::string name = unique_topic("control");
  ASSERT_TRUE(topics_->create({kafka::control_topic(name)}));
  auto reader = kafka::ControlReader::open(client_, name, {}, soon());
  ASSERT_TRUE(reader) << reader.error().message;
  const auto late = (*reader)->read_on(base::Clock::now() - std::chrono::seconds(1));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().recovery, base::Recovery::Retry);
}

TEST_F(KafkaTopics, AControlTopicOverItsBoundStops) {
  const std::string name = unique_topic("control");
  ASSERT_TRUE(topics_->create({kafka::control_topic(name)}));
  write_control(name, {{"a", std::string(600, 'x')}, {"b", std::string(600, 'x')}});
  kafka::ControlReaderOptions options;
  options.max_bytes = 1'000;
  const auto reader = kafka::ControlReader::open(client_, name, options, soon());
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().id, "kafka.control_topic_too_large");
}

TEST_F(KafkaTopics, ADeadLetterIsTheRecordWithItsOriginAndReason) {
  const std::string topic = unique_topic("poison");
  auto letters = kafka::open_dead_letters(client_, {});
  ASSERT_TRUE(letters);
  pipeline::DeadLetter letter;
  letter.partition = {topic, 2};
  letter.record.offset = 42;
  letter.record.timestamp_ms = 1'700'000'000'000;
  letter.record.key = "key";
  letter.record.value = "{\"broken\":";
  letter.record.header = "h";
  letter.id = "0001-0000000001693e28-00000001";
  letter.error_type = "document_parsing_exception";
  letter.error_reason = std::string(10'000, 'r');
  letter.attempts = 3;
  const auto put = (*letters)->put(letter);
  ASSERT_TRUE(put) << put.error().message;
  letter.record.tombstone = true;
  letter.record.value = {};
  ASSERT_TRUE((*letters)->put(letter));
  std::istringstream lines(run_ok({"kcat", "-C", "-b", client_.brokers, "-t", topic + ".dlq", "-e", "-q", "-J"}));
  std::string line;
  ASSERT_TRUE(std::getline(lines, line));
  const auto json = nlohmann::json::parse(line);
  EXPECT_EQ(json["key"], "key");
  EXPECT_EQ(json["payload"], "{\"broken\":");
  std::map<std::string, std::string> headers;
  for (std::size_t i = 0; i < json["headers"].size(); i += 2) headers[json["headers"][i]] = json["headers"][i + 1];
  EXPECT_EQ(headers["sluice"], "h");
  EXPECT_EQ(headers["sluice.topic"], topic);
  EXPECT_EQ(headers["sluice.partition"], "2");
  EXPECT_EQ(headers["sluice.offset"], "42");
  EXPECT_EQ(headers["sluice.timestamp_ms"], "1700000000000");
  EXPECT_EQ(headers["sluice.id"], letter.id);
  EXPECT_EQ(headers["sluice.error_type"], letter.error_type);
  EXPECT_EQ(headers["sluice.error_reason"].size(), 2'048U);
  EXPECT_EQ(headers["sluice.attempts"], "3");
  ASSERT_TRUE(std::getline(lines, line));
  EXPECT_TRUE(nlohmann::json::parse(line)["payload"].is_null());
}

TEST_F(KafkaTopics, DeadLettersGoToTheTopicThatWasNamed) {
  kafka::DeadLetterOptions options;
  options.topic = unique_topic("letters");
  auto letters = kafka::open_dead_letters(client_, options);
  ASSERT_TRUE(letters);
  pipeline::DeadLetter letter;
  letter.partition = {unique_topic("poison"), 0};
  letter.record.value = "{";
  const auto put = (*letters)->put(letter);
  ASSERT_TRUE(put) << put.error().message;
  EXPECT_EQ(kcat_records(client_.brokers, options.topic, 0).size(), 1U);
}

TEST_F(KafkaTopics, ADeadLetterTopicThatMayNotBeMadeStops) {
  kafka::DeadLetterOptions options;
  options.missing_topic = kafka::MissingTopic::Refuse;
  auto letters = kafka::open_dead_letters(client_, options);
  ASSERT_TRUE(letters);
  pipeline::DeadLetter letter;
  letter.partition = {unique_topic("poison"), 0};
  const auto put = (*letters)->put(letter);
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().id, "kafka.topic_missing");
}

TEST_F(KafkaTopics, ADeadLetterThatNobodyTakesIsToldWithinItsTime) {
  kafka::ClientOptions nowhere = client_;
  nowhere.brokers = "127.0.0.1:1";
  nowhere.request_timeout = base::Milliseconds(300);
  auto letters = kafka::open_dead_letters(nowhere, {});
  ASSERT_TRUE(letters);
  pipeline::DeadLetter letter;
  letter.partition = {"t", 0};
  const auto put = (*letters)->put(letter);
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().id, "kafka.dlq_failed");
  EXPECT_EQ(put.error().recovery, base::Recovery::Retry);
}

TEST_F(KafkaTopics, WhatAnIdleClientOfDeadLettersHasToSayIsTakenWhenItIsTended) {
  kafka::ClientOptions nowhere = client_;
  nowhere.brokers = "127.0.0.1:1";
  std::size_t lines = 0;
  nowhere.log = [&lines](const kafka::LogLine&) { ++lines; };
  auto letters = kafka::open_dead_letters(nowhere, {});
  ASSERT_TRUE(letters);
  EXPECT_TRUE(eventually([&] {
    (*letters)->tend();
    return lines > 0;
  }));
}

TEST_F(KafkaTopics, ADeadLetterThatIsItselfTooLargeStopsWithItsPlaceAndTheRemedy) {
  const std::string topic = unique_topic("poison");
  // Whether the broker refuses it or our own limit.
  for (const std::uint32_t own_limit : {1'000'000U, 10'000U}) {
    if (own_limit == 1'000'000U) create_topic(client_, topic + ".dlq", 1, {{"max.message.bytes", "5000"}});
    kafka::DeadLetterOptions options;
    options.max_message_bytes = own_limit;
    auto letters = kafka::open_dead_letters(client_, options);
    ASSERT_TRUE(letters);
    const std::string value = noise(200'000);
    pipeline::DeadLetter letter;
    letter.partition = {topic, 2};
    letter.record.offset = 42;
    letter.record.key = "key";
    letter.record.value = value;
    const auto put = (*letters)->put(letter);
    ASSERT_FALSE(put);
    EXPECT_EQ(put.error().id, "kafka.dead_letter_too_large");
    EXPECT_EQ(put.error().recovery, base::Recovery::Stop);
    EXPECT_NE(put.error().message.find("topic " + topic + " partition 2 offset 42"), std::string::npos)
        << put.error().message;
    EXPECT_NE(put.error().message.find("max.message.bytes of " + topic + ".dlq"), std::string::npos);
  }
  EXPECT_TRUE(kcat_records(client_.brokers, topic + ".dlq", 0).empty());
}

}  // namespace
}  // namespace sluice::testing
