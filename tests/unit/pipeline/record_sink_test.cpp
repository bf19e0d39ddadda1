// The fake sink keeps the same contract as the real one: a simulation that trusts them is worth something.
#include "contract/record_sink_contract.h"

namespace sluice::testing {
namespace {

class MemorySinkPlace final : public SinkPlace {
 public:
  std::unique_ptr<pipeline::RecordSink> open() override {
    auto sink = std::make_unique<MemoryRecordSink>(broker_, Pace::Immediate);
    return sink;
  }
  void spoil(pipeline::RecordSink& sink) override {
    dynamic_cast<MemoryRecordSink&>(sink).fail_with({base::Recovery::Retry, "kafka.producer_fatal", "As told. Go on"});
  }
  std::vector<StoredRecord> stored(std::int32_t partition) override { return broker_.logs[{0, partition}]; }

 private:
  MemoryBroker broker_;
};

INSTANTIATE_TEST_SUITE_P(Memory, RecordSinkContract,
                         ::testing::Values([] { return std::make_unique<MemorySinkPlace>(); }));
change::Record to_partition(std::int32_t partition, std::string_view value) {
  change::Record record;
  record.partition = partition;
  record.value = value;
  return record;
}

TEST(MemoryRecordSink, ACrashKeepsWhatWasAppendedAndForgetsTheRest) {
  MemoryBroker broker;
  {
    MemoryRecordSink sink(broker, Pace::Manual);
    for (const char* value : {"1", "2", "3"}) ASSERT_TRUE(sink.send(to_partition(0, value), {1}));
    sink.append({0, 0}, 2);
    sink.acknowledge({0, 0}, 1);
    EXPECT_EQ(sink.deliveries()->size(), 1U);
  }
  EXPECT_EQ((broker.logs[{0, 0}].size()), 2U);
}

TEST(MemoryRecordSink, PartitionsAreDeliveredInAnyOrderByChance) {
  bool later_first = false;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    MemoryBroker broker;
    MemoryRecordSink sink(broker, Pace::Manual);
    ASSERT_TRUE(sink.send(to_partition(0, "first"), {1}));
    ASSERT_TRUE(sink.send(to_partition(1, "second"), {2}));
    std::mt19937_64 random(seed);
    while (sink.in_flight_records() == 2) sink.step(random);
    later_first |= (*sink.deliveries())[0].ticket.value == 2;
  }
  EXPECT_TRUE(later_first);
}

}  // namespace
}  // namespace sluice::testing
