#include "sluice/pipeline/group_checkpoint.h"

#include <gtest/gtest.h>

using namespace sluice::pipeline;

namespace {

GroupCheckpoint example() {
  return {{"cdc-events", 2}, "Ab3-_x", 42, 7, "0001-0000000001693e28-00000001", {"journal:cdc_", "mirror:current_"}};
}

}  // namespace

TEST(GroupCheckpoint, ReadsBackWhatItWrites) {
  const auto read = parse_group_checkpoint(to_json(example()));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(*read, example());
}

TEST(GroupCheckpoint, IsOneJsonObjectThatPeopleCanRead) {
  EXPECT_EQ(to_json(example()),
            R"({"topic":"cdc-events","partition":2,"topic_id":"Ab3-_x","offset":42,"from":7,)"
            R"("last_id":"0001-0000000001693e28-00000001","outputs":["journal:cdc_","mirror:current_"]})");
}

TEST(GroupCheckpoint, SaysWhereAnOutputBeganThatIsReadAgain) {
  GroupCheckpoint checkpoint = example();
  checkpoint.since = {{"mirror:current_", 3}};
  EXPECT_EQ(checkpoint.holds_since("mirror:current_"), 3);
  EXPECT_EQ(checkpoint.holds_since("journal:cdc_"), 7);
  const std::string json = to_json(checkpoint);
  EXPECT_NE(json.find(R"("since":{"mirror:current_":3})"), std::string::npos) << json;
  const auto read = parse_group_checkpoint(json);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(*read, checkpoint);
}

TEST(GroupCheckpoint, RefusesWhatItWouldNotWrite) {
  for (const char* text :
       {"", "{}", "[]", R"({"topic":1})",
        R"({"topic":"t","partition":0,"topic_id":"","offset":1,"from":2,"last_id":"","outputs":[]})",
        R"({"topic":"t","partition":0,"topic_id":"","offset":1,"from":-1,"last_id":"","outputs":[]})",
        R"({"topic":"t","partition":0,"topic_id":"","offset":1,"from":0,"last_id":"","outputs":[],"since":[1]})",
        R"({"topic":"t","partition":0,"topic_id":"","offset":1,"from":0,"last_id":"","outputs":[],"since":{"a":-1}})",
        R"({"topic":"t","partition":0,"topic_id":"","offset":"1","from":0,"last_id":"","outputs":[]})"}) {
    const auto read = parse_group_checkpoint(text);
    ASSERT_FALSE(read.has_value()) << text;
    EXPECT_EQ(read.error().id, "es.bad_checkpoint");
    EXPECT_EQ(read.error().recovery, sluice::base::Recovery::Stop);
  }
}

TEST(GroupCheckpoint, HasAnIdThatIsSafeInAUrl) {
  EXPECT_EQ(checkpoint_id("sluice-es-consumer", {"cdc-events", 0}), "sluice-es-consumer/cdc-events-0");
  EXPECT_EQ(checkpoint_id("a/b c?", {"t", 11}), "a%2fb%20c%3f/t-11");
  EXPECT_EQ(bookkeeping_id("g", "generation-3"), "g/generation-3");
}
