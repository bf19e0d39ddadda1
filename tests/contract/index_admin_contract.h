// What every IndexAdmin does. An adapter instantiates it with a factory of worlds.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "sluice/pipeline/index_admin.h"

namespace sluice::testing {

class IndexAdminWorld {
 public:
  virtual ~IndexAdminWorld() = default;
  virtual pipeline::IndexAdmin& admin() = 0;
  /// `word` as a name that nobody else uses.
  virtual std::string name(const std::string& word) = 0;
};

class IndexAdminContract : public ::testing::TestWithParam<std::function<std::unique_ptr<IndexAdminWorld>()>> {
 protected:
  void SetUp() override {
    world_ = GetParam()();
    if (!world_) GTEST_SKIP() << "the server is not there";
  }
  pipeline::IndexAdmin& admin() { return world_->admin(); }
  std::string name(const std::string& word) { return world_->name(word); }

  std::unique_ptr<IndexAdminWorld> world_;
};

/// ASSERT_OK(admin().refresh(index)): the message says what went wrong.
#define ASSERT_OK(expression)                                                                        \
  do {                                                                                               \
    const auto sluice_result = (expression);                                                         \
    ASSERT_TRUE(sluice_result) << sluice_result.error().id << ": " << sluice_result.error().message; \
  } while (false)

TEST_P(IndexAdminContract, WhatWasNeverStoredIsNotLoaded) {
  const auto loaded = admin().load(name("group/never-0"));
  ASSERT_OK(loaded);
  EXPECT_FALSE(loaded->has_value());
}

TEST_P(IndexAdminContract, WhatWasStoredLastIsLoadedAtOnce) {
  const std::string id = name("group/cdc-events-0 ü");
  ASSERT_OK(admin().store(id, R"({"offset":1,"last_id":"a"})"));
  ASSERT_OK(admin().store(id, R"({"offset":2,"last_id":"b"})"));
  EXPECT_EQ(admin().load(id).value(), R"({"offset":2,"last_id":"b"})");
}

TEST_P(IndexAdminContract, EnsuringTwiceIsHarmless) {
  for (int round = 0; round < 2; ++round) {
    ASSERT_OK(admin().ensure_journal(name("public_users")));
    ASSERT_OK(admin().ensure_mirror(name("current-g1"), R"({"id":{"type":"long"}})"));
  }
}

TEST_P(IndexAdminContract, AnAliasLeadsToTheGenerationPublishedLast) {
  const std::string alias = name("current_public_users");
  const std::string first = alias + "-g1";
  const std::string second = alias + "-g2";
  for (const std::string& index : {first, second}) ASSERT_OK(admin().ensure_mirror(index, "{}"));
  EXPECT_EQ(admin().published(alias).value(), std::nullopt);
  ASSERT_OK(admin().publish(alias, first));
  EXPECT_EQ(admin().published(alias).value(), first);
  ASSERT_OK(admin().publish(alias, first));
  ASSERT_OK(admin().publish(alias, second));
  EXPECT_EQ(admin().published(alias).value(), second);
}

TEST_P(IndexAdminContract, AnIndexCanBeRefreshed) {
  ASSERT_OK(admin().ensure_journal(name("public_users")));
  ASSERT_OK(admin().refresh(name("public_users")));
}

}  // namespace sluice::testing
