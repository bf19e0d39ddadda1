// The fake source keeps the same contract as the real one: a simulation that trusts it is worth something.
#include "contract/record_source_contract.h"

namespace sluice::testing {
namespace {

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

INSTANTIATE_TEST_SUITE_P(Memory, RecordSourceContract,
                         ::testing::Values([] { return std::make_unique<MemorySourcePlace>(); }));

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
