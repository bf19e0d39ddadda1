// What each error code of a broker becomes (rules K-2, K-3). librdkafka's mock cluster pushes the codes; it does not
// check sequences and is asked about nothing else.
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <poll.h>

#include <algorithm>

#include "sluice/kafka/consumer.h"
#include "sluice/kafka/producer.h"

namespace sluice::kafka {
namespace {

constexpr std::int16_t kProduce = 0;
constexpr std::int16_t kListOffsets = 2;
constexpr std::int16_t kInitProducerId = 22;

class MockCluster {
 public:
  MockCluster() {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, nullptr);
    owner_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0);
    cluster_ = rd_kafka_mock_cluster_new(owner_, 1);
    rd_kafka_mock_topic_create(cluster_, "events", 2, 1);
    rd_kafka_mock_topic_create(cluster_, "control", 1, 1);
    rd_kafka_mock_start_request_tracking(cluster_);
  }
  MockCluster(const MockCluster&) = delete;
  MockCluster& operator=(const MockCluster&) = delete;
  ~MockCluster() {
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(owner_);
  }

  ClientOptions client() const {
    ClientOptions options;
    options.brokers = rd_kafka_mock_cluster_bootstraps(cluster_);
    options.properties = {{"retry.backoff.ms", "10"}, {"retry.backoff.max.ms", "20"}};
    return options;
  }
  void answer_next(std::int16_t request, rd_kafka_resp_err_t code) {
    rd_kafka_mock_push_request_errors_array(cluster_, request, 1, &code);
  }
  int requests(std::int16_t key) const {
    std::size_t count = 0;
    rd_kafka_mock_request_t** const all = rd_kafka_mock_get_requests(cluster_, &count);
    const auto found = std::count_if(all, all + count, [key](const rd_kafka_mock_request_t* request) {
      return rd_kafka_mock_request_api_key(const_cast<rd_kafka_mock_request_t*>(request)) == key;
    });
    rd_kafka_mock_request_destroy_array(all, count);
    return static_cast<int>(found);
  }

 private:
  rd_kafka_t* owner_ = nullptr;
  rd_kafka_mock_cluster_t* cluster_;
};

class ErrorCodes : public ::testing::Test {
 protected:
  /// Sends a record and waits: its delivery, or the error that ended the producer.
  base::Result<void> send_one() {
    if (!producer_) {
      auto opened = Producer::open(cluster_.client(), {}, {"events"}, "control");
      if (!opened) return tl::make_unexpected(opened.error());
      producer_ = std::move(*opened);
    }
    change::Record record;
    record.key = "secret-key";
    record.value = "secret-value";
    SLUICE_TRY(producer_->send(record, {1}));
    const base::Deadline deadline = base::Clock::now() + std::chrono::seconds(10);
    while (base::Clock::now() < deadline) {
      SLUICE_ASSIGN(const auto delivered, producer_->deliveries());
      if (!delivered.empty()) return {};
      const pipeline::Wait wait = producer_->waits_for();
      pollfd descriptor{wait.fd, wait.events, 0};
      ::poll(&descriptor, 1, 100);
    }
    return base::fail(base::Recovery::Retry, "test.nothing", "Nothing came. Look at the mock cluster");
  }

  MockCluster cluster_;
  std::unique_ptr<Producer> producer_;
};

struct Expected {
  rd_kafka_resp_err_t code;
  std::string_view id;
  base::Recovery recovery;
};

class FinalErrorCodes : public ErrorCodes, public ::testing::WithParamInterface<Expected> {};

TEST_P(FinalErrorCodes, EndTheProducerWithTheirId) {
  cluster_.answer_next(kProduce, GetParam().code);
  const auto result = send_one();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().id, GetParam().id);
  EXPECT_EQ(result.error().recovery, GetParam().recovery);
  EXPECT_NE(result.error().message.find("events"), std::string::npos);
  EXPECT_EQ(result.error().message.find("secret"), std::string::npos);
  EXPECT_FALSE(producer_->deliveries());
}

INSTANTIATE_TEST_SUITE_P(
    Produce, FinalErrorCodes,
    ::testing::Values(Expected{RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, "kafka.message_too_large", base::Recovery::Stop},
                      Expected{RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, "kafka.forbidden", base::Recovery::Stop},
                      Expected{RD_KAFKA_RESP_ERR_INVALID_RECORD, "kafka.delivery_failed", base::Recovery::Retry},
                      Expected{RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, "kafka.delivery_failed",
                               base::Recovery::Retry}));

class PassingErrorCodes : public ErrorCodes, public ::testing::WithParamInterface<rd_kafka_resp_err_t> {};

TEST_P(PassingErrorCodes, AreMendedWithoutAWord) {
  ASSERT_TRUE(send_one());
  cluster_.answer_next(kProduce, GetParam());
  const auto result = send_one();
  EXPECT_TRUE(result) << result.error().message;
  EXPECT_EQ(producer_->in_flight_records(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Produce, PassingErrorCodes,
                         ::testing::Values(RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                                           RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
                                           RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR));

/// A topic that was made just now is known to the controller before it is to each leader.
TEST_F(ErrorCodes, ALeaderThatDoesNotKnowItsTopicYetIsAskedAgain) {
  cluster_.answer_next(kListOffsets, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
  ConsumerOptions options;
  options.group = "group";
  options.topics = {"events"};
  auto consumer = Consumer::open(cluster_.client(), options);
  ASSERT_TRUE(consumer) << consumer.error().message;
  // The mock cluster describes no topics, so the assignment never comes; but the question does, for begin and end.
  constexpr int kOfOneAttempt = 2;
  const base::Deadline deadline = base::Clock::now() + std::chrono::seconds(30);
  while (cluster_.requests(kListOffsets) <= kOfOneAttempt && base::Clock::now() < deadline) {
    const auto event = (*consumer)->next();
    ASSERT_TRUE(event) << event.error().message;
    const pipeline::Wait wait = (*consumer)->waits_for();
    pollfd descriptor{wait.fd, wait.events, 0};
    ::poll(&descriptor, 1, 100);
  }
  EXPECT_GT(cluster_.requests(kListOffsets), kOfOneAttempt);
}

TEST_F(ErrorCodes, AUserWhoMayNotBeIdempotentIsToldSo) {
  cluster_.answer_next(kInitProducerId, RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED);
  const auto result = send_one();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().id, "kafka.forbidden");
  EXPECT_EQ(result.error().recovery, base::Recovery::Stop);
}

}  // namespace
}  // namespace sluice::kafka
