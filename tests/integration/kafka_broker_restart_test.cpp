// The producer over a broker that is stopped, killed and started again under load (rules K-1 to K-3): nothing lost,
// nothing twice, order kept, by one and the same producer.
//
// servers: own
#include <poll.h>

#include <future>
#include <thread>

#include "contract/kafka_eyes.h"
#include "sluice/kafka/consumer.h"
#include "sluice/kafka/producer.h"

namespace sluice::testing {
namespace {

constexpr std::uint64_t kPartitions = 3;

class KafkaBrokerRestart : public ::testing::Test {
 protected:
  void SetUp() override {
    create_topic(client_, topic_, kPartitions);
    auto producer = kafka::Producer::open(client_, {}, {topic_}, topic_);
    ASSERT_TRUE(producer) << producer.error().message;
    producer_ = std::move(*producer);
  }

  /// Sends as fast as it is taken, for as long as the condition asks for more.
  void send_while(const std::function<bool()>& more) {
    while (more()) {
      for (int burst = 0; burst < 100; ++burst) {
        const std::string value = std::to_string(sent_ / kPartitions);
        change::Record record;
        record.partition = static_cast<std::int32_t>(sent_ % kPartitions);
        record.key = "k";
        record.value = value;
        const auto status = producer_->send(record, {sent_});
        ASSERT_TRUE(status) << status.error().message;
        if (*status == pipeline::SendStatus::Full) {
          was_full_ = true;
          break;
        }
        ++sent_;
      }
      take_deliveries();
      if (::testing::Test::HasFatalFailure()) return;
      const pipeline::Wait wait = producer_->waits_for();
      pollfd descriptor{wait.fd, wait.events, 0};
      ::poll(&descriptor, 1, wait.deadline ? 0 : 5);
    }
  }

  void take_deliveries() {
    const auto delivered = producer_->deliveries();
    ASSERT_TRUE(delivered) << delivered.error().message;
    delivered_ += delivered->size();
    was_unreachable_ |= producer_->reachability().unreachable_since.has_value();
  }

  /// What the test does to the broker goes on beside the load.
  void under_load(const std::function<void()>& deed) {
    const std::uint64_t begin = delivered_;
    send_while([&] { return delivered_ < begin + 20'000; });
    std::atomic<bool> done{false};
    std::thread thread([&] {
      deed();
      done = true;
    });
    send_while([&] { return !done.load(); });
    thread.join();
    const std::uint64_t after = delivered_;
    send_while([&] { return delivered_ < after + 20'000; });
  }

  void expect_all_once_and_in_order() {
    const auto flushed = producer_->flush(base::Clock::now() + std::chrono::seconds(60));
    ASSERT_TRUE(flushed) << flushed.error().message;
    take_deliveries();
    EXPECT_EQ(delivered_, sent_);
    std::uint64_t stored = 0;
    for (std::uint64_t partition = 0; partition < kPartitions; ++partition) {
      std::istringstream lines(run_ok({"kcat", "-C", "-b", client_.brokers, "-t", topic_, "-p",
                                       std::to_string(partition), "-o", "beginning", "-e", "-q"}));
      std::uint64_t expected = 0;
      for (std::string line; std::getline(lines, line); ++expected, ++stored)
        ASSERT_EQ(line, std::to_string(expected)) << "partition " << partition;
    }
    EXPECT_EQ(stored, sent_);
  }

  Server broker_ = Server::own(Server::Kind::Kafka);
  kafka::ClientOptions client_ = client_of(broker_);
  std::string topic_ = unique_topic("restart");
  std::unique_ptr<kafka::Producer> producer_;
  std::uint64_t sent_ = 0;
  std::uint64_t delivered_ = 0;
  bool was_full_ = false;
  bool was_unreachable_ = false;
};

TEST_F(KafkaBrokerRestart, ACleanRestartLosesAndRepeatsNothing) {
  under_load([&] {
    broker_.stop();
    broker_.start();
  });
  expect_all_once_and_in_order();
}

TEST_F(KafkaBrokerRestart, AKilledBrokerLosesAndRepeatsNothing) {
  for (int i = 0; i < 3; ++i)
    under_load([&] {
      broker_.kill_now();
      broker_.start();
    });
  expect_all_once_and_in_order();
  EXPECT_TRUE(was_full_) << "the queue is bounded while nobody answers";
  EXPECT_TRUE(was_unreachable_);
  EXPECT_FALSE(producer_->reachability().unreachable_since) << "it answers again";
  EXPECT_FALSE(producer_->reachability().last_error.empty());
}

TEST_F(KafkaBrokerRestart, AProducerIsDestroyedWithoutWaitingForABrokerThatIsGone) {
  send_while([&] { return delivered_ < 1'000; });
  broker_.kill_now();
  send_while([&] { return !was_full_; });
  // Its records have no time-out: one that waited for them would wait until the broker is back.
  const auto destroyed = std::async(std::launch::async, [&] { producer_.reset(); });
  EXPECT_EQ(destroyed.wait_for(seconds(60)), std::future_status::ready);
  broker_.start();
}

}  // namespace
}  // namespace sluice::testing
