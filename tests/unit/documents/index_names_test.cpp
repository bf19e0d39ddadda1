#include "sluice/documents/index_names.h"

#include <gtest/gtest.h>

using namespace sluice;
using namespace sluice::documents;

namespace {

IndexNames default_names() { return {"cdc_", "current_"}; }

}  // namespace

TEST(IndexNames, AreThePrefixTheSchemaAndTheTable) {
  IndexNames names = default_names();
  EXPECT_EQ(*names.journal("public", "users"), "cdc_public_users");
  EXPECT_EQ(*names.mirror("public", "users"), "current_public_users");
  EXPECT_EQ(*names.generation("current_public_users", 12), "current_public_users-g12");
}

TEST(IndexNames, AreLowerCaseAndHaveNothingThatElasticsearchForbids) {
  EXPECT_EQ(index_part("Users"), "users");
  EXPECT_EQ(index_part("a b"), "a~20b");
  EXPECT_EQ(index_part("a:b/c#d*e~"), "a~3ab~2fc~23d~2ae~7e");
  EXPECT_EQ(index_part("ä"), "~c3~a4");
  EXPECT_EQ(index_part("a\"b,c|d<e>f?g\\h"), "a~22b~2cc~7cd~3ce~3ef~3fg~5ch");
  EXPECT_EQ(index_part("$price-2.x%"), "$price-2.x%");
}

TEST(IndexNames, DoNotBeginWithWhatElasticsearchForbidsThere) {
  IndexNames names("", "current_");
  EXPECT_EQ(*names.journal("_private", "t"), "~5fprivate_t");
  EXPECT_EQ(*names.journal("-", "t"), "~2d_t");
  EXPECT_EQ(*names.journal("a", "_t"), "a__t");
}

TEST(IndexNames, MayBeAskedForAgain) {
  IndexNames names = default_names();
  EXPECT_TRUE(names.journal("public", "users"));
  EXPECT_TRUE(names.journal("public", "users"));
}

TEST(IndexNames, RefuseTwoTablesThatWouldMeet) {
  IndexNames names = default_names();
  ASSERT_TRUE(names.journal("a_b", "c"));
  const auto met = names.journal("a", "b_c");
  ASSERT_FALSE(met.has_value());
  EXPECT_EQ(met.error().id, "es.index_collision");
  EXPECT_EQ(met.error().recovery, base::Recovery::Stop);
  ASSERT_TRUE(names.journal("public", "users"));
  EXPECT_FALSE(names.journal("public", "Users")) << "they differ in case only";
}

TEST(IndexNames, RefuseAJournalAndAMirrorThatWouldMeet) {
  IndexNames names("", "current_");
  ASSERT_TRUE(names.mirror("public", "users"));
  EXPECT_FALSE(names.journal("current", "public_users"));
}

TEST(IndexNames, RefuseAGenerationThatWouldBeAnAlias) {
  IndexNames names = default_names();
  ASSERT_TRUE(names.mirror("public", "users-g1"));
  EXPECT_FALSE(names.generation("current_public_users", 1));
}

TEST(IndexNames, RefuseWhatIsTooLong) {
  IndexNames names = default_names();
  const auto name = names.journal(std::string(63, ' '), std::string(63, ' '));
  ASSERT_FALSE(name.has_value());
  EXPECT_EQ(name.error().id, "es.index_name_too_long");
}

TEST(EpochOfGeneration, ReadsWhatGenerationWrites) {
  EXPECT_EQ(epoch_of_generation("current_public_users", "current_public_users-g12"), 12u);
  for (const char* other : {"current_public_users", "current_public_users-g", "current_public_users-gx", "other-g1",
                            "current_public_users-g1-2", "current_public_users2-g1"}) {
    EXPECT_EQ(epoch_of_generation("current_public_users", other), std::nullopt) << other;
  }
}
