#include "sluice/kafka/topics.h"

#include <gtest/gtest.h>

namespace sluice::kafka {
namespace {

TopicDescription sound_topic() {
  return {"events",
          "id",
          3,
          {{0, 10}, {0, 20}, {5, 30}},
          {{"cleanup.policy", "delete"},
           {"max.message.bytes", "1048588"},
           {"min.insync.replicas", "2"},
           {"unclean.leader.election.enable", "false"}}};
}

TEST(InspectTopic, ASoundTopicGivesNoWarning) {
  const auto warnings = inspect(sound_topic(), 1'000'000);
  ASSERT_TRUE(warnings);
  EXPECT_TRUE(warnings->empty());
}

TEST(InspectTopic, ATopicThatTakesSmallerRecordsThanWeSendStops) {
  const auto result = inspect(sound_topic(), 2'000'000);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().id, "kafka.message_limit");
  EXPECT_NE(result.error().message.find("1048588"), std::string::npos);
}

TEST(InspectTopic, EachWeaknessIsASentence) {
  TopicDescription weak = sound_topic();
  weak.replication_factor = 1;
  weak.settings["min.insync.replicas"] = "1";
  weak.settings["unclean.leader.election.enable"] = "true";
  weak.settings["cleanup.policy"] = "compact,delete";
  const auto warnings = inspect(weak, 0);
  ASSERT_TRUE(warnings);
  EXPECT_EQ(warnings->size(), 4U);
}

TEST(InspectTopic, HiddenSettingsAreToldAndNotGuessed) {
  TopicDescription hidden = sound_topic();
  hidden.settings.clear();
  const auto warnings = inspect(hidden, 5'000'000);
  ASSERT_TRUE(warnings);
  ASSERT_EQ(warnings->size(), 1U);
  EXPECT_NE((*warnings)[0].find("not checked"), std::string::npos);
}

TEST(InspectControlTopic, OneCompactedPartitionIsRight) {
  TopicDescription topic{"control", "", 1, {{0, 0}}, {{"cleanup.policy", "compact"}}};
  EXPECT_TRUE(inspect_control_topic(topic));
}

TEST(InspectControlTopic, DeletionOrMorePartitionsWouldForgetSchemas) {
  TopicDescription deleting{"control", "", 1, {{0, 0}}, {{"cleanup.policy", "delete"}}};
  ASSERT_FALSE(inspect_control_topic(deleting));
  EXPECT_EQ(inspect_control_topic(deleting).error().id, "kafka.control_topic_unfit");
  TopicDescription two{"control", "", 1, {{0, 0}, {0, 0}}, {{"cleanup.policy", "compact"}}};
  EXPECT_FALSE(inspect_control_topic(two));
}

}  // namespace
}  // namespace sluice::kafka
