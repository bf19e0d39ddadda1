// The fakes keep the same contracts as the real adapters: a simulation that trusts them is worth something.
#include "contract/record_sink_contract.h"
#include "contract/record_source_contract.h"

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

class MemorySourcePlace final : public SourcePlace {
 public:
  MemorySourcePlace() {
    for (std::int32_t i = 0; i < kPartitions; ++i) memory_.logs[{topic(), i}];
  }
  std::string topic() const override { return "events"; }
  void write(std::int32_t partition, const std::vector<MemoryMessage>& messages) override {
    auto& log = memory_.logs.at({topic(), partition}).messages;
    log.insert(log.end(), messages.begin(), messages.end());
  }
  void trim(std::int32_t partition, pipeline::Offset begin) override {
    memory_.logs.at({topic(), partition}).begin = begin;
  }
  std::unique_ptr<pipeline::RecordSource> open() override { return std::make_unique<MemoryRecordSource>(memory_); }
  void demand_one(pipeline::RecordSource& source) override {
    dynamic_cast<MemoryRecordSource&>(source).take({{topic(), 1}});
  }

 private:
  MemoryTopic memory_;
};

INSTANTIATE_TEST_SUITE_P(Memory, RecordSinkContract,
                         ::testing::Values([] { return std::make_unique<MemorySinkPlace>(); }));
INSTANTIATE_TEST_SUITE_P(Memory, RecordSourceContract,
                         ::testing::Values([] { return std::make_unique<MemorySourcePlace>(); }));

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

TEST(MemoryRecordSource, ALostPartitionIsToldAndItsCommitsAreForgotten) {
  MemoryTopic topic;
  topic.logs[{"events", 0}].messages = {{"k", "v", "", 0}};
  MemoryRecordSource source(topic);
  ASSERT_TRUE(source.next());
  ASSERT_TRUE(source.begin({"events", 0}, 0));
  ASSERT_TRUE(source.finish({"events", 0}, 1));
  source.lose({{"events", 0}});
  const auto event = source.next();
  ASSERT_TRUE(event && *event);
  EXPECT_TRUE(std::holds_alternative<pipeline::Lost>(**event));
  ASSERT_TRUE(source.commit());
  EXPECT_EQ((topic.logs[{"events", 0}].committed), std::nullopt);
}

}  // namespace
}  // namespace sluice::testing
