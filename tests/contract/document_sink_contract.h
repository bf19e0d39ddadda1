// What every DocumentSink does. An adapter instantiates it with a factory of worlds: a sink, the search engine behind
// it, and an eye of the test's own to look into that.
//   INSTANTIATE_TEST_SUITE_P(Memory, DocumentSinkContract, ::testing::Values([] { return std::make_unique<…>(); }));
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "sluice/pipeline/document_sink.h"
#include "sluice/testing/documents.h"

namespace sluice::testing {

class DocumentSinkWorld {
 public:
  struct Found {
    std::uint64_t version = 0;
    nlohmann::json body;
  };
  virtual ~DocumentSinkWorld() = default;
  /// At most 2 batches in flight; sweeps by small pages.
  virtual pipeline::DocumentSink& sink() = 0;
  /// An empty journal or mirror of this name's own.
  virtual std::string journal() = 0;
  virtual std::string mirror() = 0;
  virtual std::string missing_index() = 0;
  virtual std::optional<Found> read(const std::string& index, const std::string& id) = 0;
};

class DocumentSinkContract : public ::testing::TestWithParam<std::function<std::unique_ptr<DocumentSinkWorld>()>> {
 protected:
  using Outcomes = std::vector<pipeline::ItemOutcome>;

  void SetUp() override {
    world_ = GetParam()();
    if (!world_) GTEST_SKIP() << "the server is not there";
    journal_ = world_->journal();
    mirror_ = world_->mirror();
  }

  pipeline::BatchOutcome outcome_of(pipeline::DocumentBatch batch) {
    EXPECT_TRUE(world_->sink().submit(std::move(batch), ++ticket_));
    return only_outcome();
  }

  pipeline::BatchOutcome only_outcome() {
    auto outcomes = wait_for_outcomes(world_->sink(), 1);
    if (!outcomes || outcomes->size() != 1 || outcomes->front().error) {
      ADD_FAILURE() << "no outcome: " << (outcomes ? "lost or more than one" : outcomes.error().message);
      return {};
    }
    EXPECT_EQ(outcomes->front().ticket, ticket_);
    return std::move(outcomes->front());
  }

  Outcomes create(const std::string& id, std::string_view body = R"({"op":"c"})") {
    pipeline::DocumentBatch batch;
    add_create(batch, journal_, id, body);
    return outcomes_in(outcome_of(std::move(batch)));
  }

  Outcomes index(const std::string& id, std::uint64_t version, std::string_view name,
                 pipeline::VersionType type = pipeline::VersionType::External) {
    pipeline::DocumentBatch batch;
    add_index(batch, mirror_, id, version, mirror_body(version, 0, name), type);
    return outcomes_in(outcome_of(std::move(batch)));
  }

  void sweep(std::uint64_t version, bool at_or_below = false, int partition = 0) {
    EXPECT_TRUE(
        world_->sink().sweep({mirror_, partition, version, at_or_below, 1, "0/50", "2026-11-21T08:00:00Z"}, ++ticket_));
    EXPECT_TRUE(only_outcome().items.empty());
  }

  std::string name_of(const std::string& id) {
    const auto found = world_->read(mirror_, id);
    return found ? found->body.value("name", "no name") : "no document";
  }

  bool is_deleted(const std::string& id) {
    const auto found = world_->read(mirror_, id);
    return found && found->body["_sluice"]["deleted"] == true;
  }

  static Outcomes outcomes_in(const pipeline::BatchOutcome& outcome) {
    Outcomes list;
    for (const pipeline::ItemResult& item : outcome.items) list.push_back(item.outcome);
    return list;
  }

  static constexpr auto kWritten = pipeline::ItemOutcome::Written;
  static constexpr auto kSuperseded = pipeline::ItemOutcome::Superseded;
  static constexpr auto kRejected = pipeline::ItemOutcome::Rejected;

  std::unique_ptr<DocumentSinkWorld> world_;
  std::string journal_;
  std::string mirror_;
  std::uint64_t ticket_ = 0;
};

TEST_P(DocumentSinkContract, AnswersEveryItemInOrder) {
  pipeline::DocumentBatch batch;
  add_create(batch, journal_, "a");
  add_index(batch, mirror_, "k", 7, mirror_body(7));
  add_create(batch, journal_, "a");
  add_index(batch, mirror_, "k", 6, mirror_body(6));
  add_create(batch, journal_, "bad", R"({"op":)");
  add_create(batch, journal_, "b");
  const pipeline::BatchOutcome outcome = outcome_of(std::move(batch));
  EXPECT_EQ(outcomes_in(outcome), (Outcomes{kWritten, kWritten, kSuperseded, kSuperseded, kRejected, kWritten}));
  EXPECT_EQ(outcome.documents.size(), 6u);
  EXPECT_EQ(outcome.items[4].error_type, "document_parsing_exception");
  EXPECT_TRUE(world_->read(journal_, "b"));
  EXPECT_FALSE(world_->read(journal_, "bad"));
}

TEST_P(DocumentSinkContract, WhatIsThereAlreadyIsNotCreatedAgain) {
  EXPECT_EQ(create("1", R"({"op":"c"})"), Outcomes{kWritten});
  EXPECT_EQ(create("1", R"({"op":"u"})"), Outcomes{kSuperseded});
  EXPECT_EQ(world_->read(journal_, "1")->body["op"], "c");
}

TEST_P(DocumentSinkContract, OfTwoVersionsTheHigherOneStaysWhateverCameFirst) {
  EXPECT_EQ(index("1", 10, "ten"), Outcomes{kWritten});
  EXPECT_EQ(index("1", 12, "twelve"), Outcomes{kWritten});
  EXPECT_EQ(index("1", 11, "eleven"), Outcomes{kSuperseded});
  EXPECT_EQ(index("1", 12, "again"), Outcomes{kSuperseded});
  EXPECT_EQ(name_of("1"), "twelve");
  EXPECT_EQ(world_->read(mirror_, "1")->version, 12u);
}

TEST_P(DocumentSinkContract, ExternalGteAcceptsWhatIsAsNew) {
  using pipeline::VersionType;
  EXPECT_EQ(index("1", 10, "first", VersionType::ExternalGte), Outcomes{kWritten});
  EXPECT_EQ(index("1", 10, "second", VersionType::ExternalGte), Outcomes{kWritten});
  EXPECT_EQ(index("1", 9, "third", VersionType::ExternalGte), Outcomes{kSuperseded});
  EXPECT_EQ(name_of("1"), "second");
}

TEST_P(DocumentSinkContract, TheWholeRangeOfVersionsIsTaken) {
  EXPECT_EQ(index("low", 0, "zero"), Outcomes{kWritten});
  EXPECT_EQ(index("high", (std::uint64_t{1} << 63) - 1, "last"), Outcomes{kWritten});
  EXPECT_EQ(world_->read(mirror_, "high")->version, (std::uint64_t{1} << 63) - 1);
}

TEST_P(DocumentSinkContract, IdsMayHoldAnyCharacterUpTo512Bytes) {
  std::string longest = R"(["a\"b","ü😀"] /?#%&\)";
  longest += std::string(512 - longest.size(), 'x');
  EXPECT_EQ(create(longest), Outcomes{kWritten});
  EXPECT_TRUE(world_->read(journal_, longest));
}

TEST_P(DocumentSinkContract, HasRoomUntilItIsFullAndAnswersEachTicketOnce) {
  pipeline::DocumentSink& sink = world_->sink();
  for (std::uint64_t ticket = 1; ticket <= 2; ++ticket) {
    ASSERT_TRUE(sink.has_room());
    pipeline::DocumentBatch batch;
    for (int i = 0; i < 100; ++i) add_create(batch, journal_, std::to_string(ticket) + "-" + std::to_string(i));
    ASSERT_TRUE(sink.submit(std::move(batch), ticket));
  }
  EXPECT_FALSE(sink.has_room());
  const auto outcomes = wait_for_outcomes(sink, 2);
  ASSERT_TRUE(outcomes);
  ASSERT_EQ(outcomes->size(), 2u);
  EXPECT_EQ((*outcomes)[0].ticket + (*outcomes)[1].ticket, 3u);
  for (const auto& outcome : *outcomes) EXPECT_EQ(outcomes_in(outcome), Outcomes(100, kWritten));
  EXPECT_TRUE(sink.has_room());
  EXPECT_TRUE(sink.outcomes()->empty());
}

TEST_P(DocumentSinkContract, ASweepSoftDeletesWhatIsOlderInItsPartitionAndNothingElse) {
  pipeline::DocumentBatch batch;
  for (int i = 0; i < 25; ++i) add_index(batch, mirror_, "old" + std::to_string(i), 49, mirror_body(49));
  add_index(batch, mirror_, "same", 50, mirror_body(50));
  add_index(batch, mirror_, "newer", 51, mirror_body(51));
  add_index(batch, mirror_, "elsewhere", 49, mirror_body(49, 1));
  outcome_of(std::move(batch));
  sweep(50);
  for (int i = 0; i < 25; ++i) EXPECT_TRUE(is_deleted("old" + std::to_string(i))) << i;
  for (const char* id : {"same", "newer", "elsewhere"}) EXPECT_EQ(name_of(id), "Ada") << id;
  const auto swept = world_->read(mirror_, "old0");
  EXPECT_EQ(swept->version, 50u);
  EXPECT_EQ(
      swept->body.dump(),
      nlohmann::json::parse(
          R"({"_sluice":{"v":50,"deleted":true,"partition":0,"epoch":1,"lsn":"0/50","ts":"2026-11-21T08:00:00Z"}})")
          .dump());
}

TEST_P(DocumentSinkContract, ASweepKeepsTheKeyOfARow) {
  const std::string row =
      R"({"id":7,"at":12345678901234567890123,"k*y":"\"ü\n","kxy":1,"part":{"a":[1.10]},"name":"Ada",)"
      R"("_sluice":{"v":49,"deleted":false,"partition":0,"epoch":1,"lsn":"0/49","ts":"2026-11-21T07:00:00Z",)"
      R"("key":"7"}})";
  pipeline::DocumentBatch batch;
  add_index(batch, mirror_, "1", 49, row);
  add_index(batch, mirror_, "2", 49, mirror_body(49));
  outcome_of(std::move(batch));
  pipeline::Sweep sweep{mirror_, 0, 50, false, 1, "0/50", "2026-11-21T08:00:00Z"};
  sweep.key_fields = {"id", "at", "k*y", "part", "gone"};
  ASSERT_TRUE(world_->sink().sweep(std::move(sweep), ++ticket_));
  EXPECT_TRUE(only_outcome().items.empty());
  const std::string sluice =
      R"("_sluice":{"v":50,"deleted":true,"partition":0,"epoch":1,"lsn":"0/50","ts":"2026-11-21T08:00:00Z")";
  EXPECT_EQ(world_->read(mirror_, "1")->body,
            nlohmann::json::parse(R"({"id":7,"at":12345678901234567890123,"k*y":"\"ü\n","part":{"a":[1.10]},)" +
                                  sluice + R"(,"key":"7"}})"));
  EXPECT_EQ(world_->read(mirror_, "2")->body, nlohmann::json::parse("{" + sluice + "}}"));
}

TEST_P(DocumentSinkContract, NothingOlderComesBackAfterASweep) {
  index("1", 40, "before");
  sweep(50);
  EXPECT_EQ(index("1", 45, "late"), Outcomes{kSuperseded});
  EXPECT_TRUE(is_deleted("1"));
  EXPECT_EQ(index("1", 51, "anew"), Outcomes{kWritten});
  EXPECT_EQ(name_of("1"), "anew");
}

TEST_P(DocumentSinkContract, ASweepAtOrBelowTakesWhatIsAsNewToo) {
  index("same", 50, "Ada");
  index("newer", 51, "Ada");
  sweep(50, true);
  EXPECT_TRUE(is_deleted("same"));
  EXPECT_EQ(name_of("newer"), "Ada");
}

TEST_P(DocumentSinkContract, ASweepOfNothingIsDoneAtOnceAndOnceMoreIsHarmless) {
  sweep(50);
  index("1", 40, "Ada");
  sweep(50);
  sweep(50);
  EXPECT_TRUE(is_deleted("1"));
}

TEST_P(DocumentSinkContract, AWriteToAMissingIndexStopsAndMakesNone) {
  pipeline::DocumentBatch batch;
  const std::string missing = world_->missing_index();
  add_create(batch, missing, "1");
  ASSERT_TRUE(world_->sink().submit(std::move(batch), 1));
  const auto outcomes = wait_for_outcomes(world_->sink(), 1);
  ASSERT_FALSE(outcomes);
  EXPECT_EQ(outcomes.error().id, "es.index_missing");
  EXPECT_EQ(outcomes.error().recovery, base::Recovery::Stop);
  EXPECT_FALSE(world_->read(missing, "1"));
}

}  // namespace sluice::testing
