// The sink against an imposter in this process that misbehaves as told (fault matrix, row 45).
#include "sluice/elastic/bulk_sink.h"

#include <gtest/gtest.h>

#include <chrono>

#include "sluice/testing/documents.h"
#include "sluice/testing/elasticsearch_imposter.h"

namespace sluice::elastic {
namespace {

using namespace std::chrono_literals;
using pipeline::BatchOutcome;
using pipeline::DocumentBatch;
using pipeline::ItemOutcome;
using pipeline::ItemResult;
using testing::ElasticsearchImposter;
using testing::ImposterReply;
using testing::ImposterRequest;
using testing::StoredDocument;
using Effect = ImposterReply::Effect;
using Manner = ImposterReply::Manner;

constexpr std::string_view kJournal = "cdc_public_users";
constexpr std::string_view kMirror = "current_public_users-g1";

ImposterReply reply(int status, std::string body = {}, Effect effect = Effect::NotApplied,
                    Manner manner = Manner::Whole) {
  return {status, std::move(body), effect, manner, {}};
}

ImposterReply edited(std::function<std::string(std::string)> edit, Manner manner = Manner::Whole) {
  return {200, {}, Effect::Applied, manner, std::move(edit)};
}

std::string error_body(int status, std::string_view type, std::string_view reason = "because") {
  return R"({"error":{"type":")" + std::string(type) + R"(","reason":")" + std::string(reason) + R"("},"status":)" +
         std::to_string(status) + "}";
}

DocumentBatch journal_batch(std::size_t count, std::string_view first_letter = "e") {
  DocumentBatch batch;
  for (std::size_t i = 0; i < count; ++i)
    testing::add_create(batch, kJournal, std::string(first_letter) + std::to_string(i));
  return batch;
}

class BulkSinkTest : public ::testing::Test {
 protected:
  BulkSinkTest() {
    imposter_.with_engine([](auto& engine) {
      engine.create_index(kJournal);
      engine.create_index(kMirror);
    });
    connect();
  }

  void connect() {
    if (connection_.addresses.empty()) connection_.addresses = {imposter_.address()};
    auto sink = BulkSink::open(connection_, options_);
    ASSERT_TRUE(sink) << sink.error().message;
    sink_ = std::move(*sink);
  }

  void script_bulk(ImposterReply scripted) { imposter_.script(std::move(scripted)); }

  BatchOutcome outcome_of(DocumentBatch batch) {
    EXPECT_TRUE(sink_->submit(std::move(batch), ++ticket_));
    return only_outcome();
  }

  BatchOutcome only_outcome() {
    auto outcomes = testing::wait_for_outcomes(*sink_, 1);
    if (!outcomes) {
      ADD_FAILURE() << outcomes.error().message;
      return {};
    }
    EXPECT_EQ(outcomes->size(), 1u);
    if (outcomes->empty()) return {};
    EXPECT_EQ(outcomes->front().ticket, ticket_);
    return std::move(outcomes->front());
  }

  /// The sink has stopped with this.
  base::Error stop_of(DocumentBatch batch) {
    EXPECT_TRUE(sink_->submit(std::move(batch), ++ticket_));
    auto outcomes = testing::wait_for_outcomes(*sink_, 1);
    if (outcomes) {
      ADD_FAILURE() << "no stop, but "
                    << (outcomes->empty() || !outcomes->front().error ? "items" : outcomes->front().error->message);
      return {base::Recovery::Retry, "", ""};
    }
    EXPECT_EQ(outcomes.error().recovery, base::Recovery::Stop);
    return outcomes.error();
  }

  /// The whole batch is unknown, for this reason, and the caller may send it again.
  void expect_unknown(const BatchOutcome& outcome, std::string_view id) {
    ASSERT_TRUE(outcome.error);
    EXPECT_EQ(outcome.error->id, id) << outcome.error->message;
    EXPECT_EQ(outcome.error->recovery, base::Recovery::Retry);
    EXPECT_TRUE(outcome.items.empty());
  }

  std::size_t stored(std::string_view index) {
    std::size_t count = 0;
    imposter_.with_engine([&](auto& engine) { count = engine.documents(index).size(); });
    return count;
  }

  std::vector<std::size_t> items_by_request() {
    std::vector<std::size_t> counts;
    for (const ImposterRequest& request : imposter_.requests()) counts.push_back(request.items());
    return counts;
  }

  ElasticsearchImposter imposter_;
  ConnectionOptions connection_;
  BulkSinkOptions options_;
  std::unique_ptr<BulkSink> sink_;
  std::uint64_t ticket_ = 100;
};

std::vector<ItemOutcome> outcomes_in(const BatchOutcome& outcome) {
  std::vector<ItemOutcome> list;
  for (const ItemResult& item : outcome.items) list.push_back(item.outcome);
  return list;
}

TEST_F(BulkSinkTest, SendsNdjsonWithTheFilterThatKeepsPositions) {
  outcome_of(journal_batch(1));
  const ImposterRequest request = imposter_.requests().front();
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/_bulk?filter_path=items.*.status,items.*.error.type,items.*.error.reason");
  EXPECT_EQ(request.content_type, "application/x-ndjson");
  EXPECT_EQ(request.authorization, "");
}

TEST_F(BulkSinkTest, OneBadItemHurtsNoOther) {
  DocumentBatch batch;
  testing::add_create(batch, kJournal, "1");
  testing::add_create(batch, kJournal, "2", "{broken");
  testing::add_create(batch, kJournal, "1");
  const BatchOutcome outcome = outcome_of(std::move(batch));
  ASSERT_FALSE(outcome.error);
  EXPECT_EQ(outcomes_in(outcome), (std::vector{ItemOutcome::Written, ItemOutcome::Rejected, ItemOutcome::Superseded}));
  EXPECT_EQ(outcome.items[1].error_type, "document_parsing_exception");
  EXPECT_EQ(outcome.items[1].error_reason, "scripted");
  EXPECT_EQ(outcome.items[2].error_type, "");
}

TEST_F(BulkSinkTest, AnItemThatIsPutOffIsRetryAndTheOthersAreFinished) {
  script_bulk(edited([](std::string) -> std::string {
    return R"({"items":[{"create":{"status":201}},)"
           R"({"create":{"status":429,"error":{"type":"es_rejected_execution_exception","reason":"full"}}}]})";
  }));
  const BatchOutcome outcome = outcome_of(journal_batch(2));
  EXPECT_EQ(outcomes_in(outcome), (std::vector{ItemOutcome::Written, ItemOutcome::Retry}));
  EXPECT_EQ(outcome.items[1].error_type, "es_rejected_execution_exception");
}

TEST_F(BulkSinkTest, GivesTheDocumentsBack) {
  const BatchOutcome outcome = outcome_of(journal_batch(3));
  ASSERT_EQ(outcome.documents.size(), 3u);
  EXPECT_EQ(outcome.documents[2].id, "e2");
}

TEST_F(BulkSinkTest, AChunkedAnswerIsReadLikeAnyOther) {
  script_bulk(edited([](std::string honest) { return honest; }, Manner::Chunked));
  EXPECT_EQ(outcomes_in(outcome_of(journal_batch(5))), std::vector(5, ItemOutcome::Written));
}

TEST_F(BulkSinkTest, ALostConnectionLeavesTheBatchUnknownAndSendingItAgainIsHarmless) {
  script_bulk(reply(200, {}, Effect::Applied, Manner::HangUp));
  BatchOutcome outcome = outcome_of(journal_batch(3));
  expect_unknown(outcome, "es.unreachable");
  EXPECT_EQ(stored(kJournal), 3u);
  outcome = outcome_of(std::move(outcome.documents));
  EXPECT_EQ(outcomes_in(outcome), std::vector(3, ItemOutcome::Superseded));
}

TEST_F(BulkSinkTest, AnAnswerCutShortIsUnknown) {
  script_bulk(edited([](std::string honest) { return honest; }, Manner::CutConnection));
  expect_unknown(outcome_of(journal_batch(3)), "es.bad_response");
}

TEST_F(BulkSinkTest, WhatIsNoBulkAnswerIsUnknown) {
  const std::vector<std::function<std::string(std::string)>> edits = {
      [](std::string honest) { return honest.substr(0, honest.size() - 1); },
      [](const std::string&) { return std::string("<html>gateway</html>"); },
      [](const std::string&) { return std::string(); },
      [](const std::string&) { return std::string(R"({"items":[{"create":{"status":201}}]})"); },  // one is missing
      [](const std::string&) {
        return std::string(R"({"items":[{"create":{"status":201}},{"index":{"status":201}}]})");
      },  // mixed up
      [](const std::string&) { return std::string(100'000, '\0'); },
  };
  for (const auto& edit : edits) {
    script_bulk(edited(edit));
    expect_unknown(outcome_of(journal_batch(2)), "es.bad_response");
  }
}

TEST_F(BulkSinkTest, AnAnswerLongerThanTheBoundIsNotTaken) {
  connection_.max_response_bytes = 1'000;
  connect();
  script_bulk(reply(200, std::string(2'000, ' ')));
  expect_unknown(outcome_of(journal_batch(1)), "es.bad_response");
}

TEST_F(BulkSinkTest, ASlowServerTimesOut) {
  connection_.request_timeout = 1s;
  connect();
  script_bulk(reply(200, {}, Effect::Applied, Manner::Silence));
  expect_unknown(outcome_of(journal_batch(1)), "es.timeout");
  connection_.request_timeout = 30s;
  connect();
  EXPECT_EQ(outcomes_in(outcome_of(journal_batch(1))), std::vector{ItemOutcome::Superseded});
}

TEST_F(BulkSinkTest, OverloadAsAWholeIsForTheCallerToBackOff) {
  for (const int status : {429, 502, 503, 504}) {
    script_bulk(reply(status, error_body(status, "circuit_breaking_exception")));
    expect_unknown(outcome_of(journal_batch(2)), "es.overloaded");
  }
  script_bulk(reply(500, error_body(500, "null_pointer_exception")));
  expect_unknown(outcome_of(journal_batch(2)), "es.server_error");
  script_bulk(reply(403, error_body(403, "cluster_block_exception")));
  expect_unknown(outcome_of(journal_batch(2)), "es.blocked");
}

TEST_F(BulkSinkTest, ATooLargeRequestIsHalvedUntilItFits) {
  imposter_.answer_by([](const ImposterRequest& request) -> std::optional<ImposterReply> {
    if (request.items() <= 2) return std::nullopt;
    return reply(413);
  });
  const BatchOutcome outcome = outcome_of(journal_batch(7));
  EXPECT_EQ(outcomes_in(outcome), std::vector(7, ItemOutcome::Written));
  EXPECT_EQ(items_by_request(), (std::vector<std::size_t>{7, 3, 1, 2, 4, 2, 2}));
  EXPECT_EQ(stored(kJournal), 7u);
}

TEST_F(BulkSinkTest, ADocumentTooLargeAloneIsRejectedAndTheOthersAreWritten) {
  imposter_.answer_by([](const ImposterRequest& request) -> std::optional<ImposterReply> {
    if (request.body.find("\"e4\"") == std::string::npos) return std::nullopt;
    return reply(413);
  });
  const BatchOutcome outcome = outcome_of(journal_batch(6));
  ASSERT_EQ(outcome.items.size(), 6u);
  EXPECT_EQ(outcome.items[4].outcome, ItemOutcome::Rejected);
  EXPECT_EQ(outcome.items[4].error_type, "request_too_large");
  EXPECT_EQ(stored(kJournal), 5u);
}

TEST_F(BulkSinkTest, TheOneThatMakesTheWholeRequestBadIsFoundAndSaidToBeOurBug) {
  imposter_.answer_by([](const ImposterRequest& request) -> std::optional<ImposterReply> {
    if (request.body.find("\"e2\"") == std::string::npos) return std::nullopt;
    return reply(400, error_body(400, "illegal_argument_exception", "Malformed action/metadata line [5]"));
  });
  const BatchOutcome outcome = outcome_of(journal_batch(5));
  using enum ItemOutcome;
  EXPECT_EQ(outcomes_in(outcome), (std::vector{Written, Written, Rejected, Written, Written}));
  EXPECT_EQ(outcome.items[2].error_type, "illegal_argument_exception");
  EXPECT_NE(outcome.items[2].error_reason.find("bug"), std::string::npos);
}

TEST_F(BulkSinkTest, WhatASplitHasLearntIsKeptWhenTheRestIsPutOff) {
  imposter_.answer_by([](const ImposterRequest& request) -> std::optional<ImposterReply> {
    if (request.items() == 4) return reply(413);
    if (request.body.find("\"e3\"") != std::string::npos)
      return reply(503, error_body(503, "unavailable_shards_exception"));
    return std::nullopt;
  });
  const BatchOutcome outcome = outcome_of(journal_batch(4));
  using enum ItemOutcome;
  EXPECT_FALSE(outcome.error);
  EXPECT_EQ(outcomes_in(outcome), (std::vector{Written, Written, Retry, Retry}));
  EXPECT_EQ(outcome.items[3].error_type, "es.overloaded");
}

TEST_F(BulkSinkTest, MissingRightsStopAndNothingIsADeadLetter) {
  struct {
    ImposterReply scripted;
    std::string_view id;
  } const cases[] = {
      {reply(401, "Unauthorized"), "es.unauthorized"},
      {reply(401, error_body(401, "security_exception")), "es.unauthorized"},
      {reply(403, error_body(403, "security_exception")), "es.forbidden"},
      {edited([](std::string) -> std::string {
         return R"({"items":[{"create":{"status":403,"error":{"type":"security_exception","reason":"r"}}}]})";
       }),
       "es.forbidden"},
      {edited([](std::string) -> std::string {
         return R"({"items":[{"create":{"status":418,"error":{"type":"teapot","reason":"secret value"}}}]})";
       }),
       "es.unexpected_item"},
      {reply(404, "not here"), "es.unexpected_reply"},
      {reply(302), "es.unexpected_reply"},
  };
  for (const auto& one : cases) {
    connect();
    script_bulk(one.scripted);
    const base::Error stop = stop_of(journal_batch(1));
    EXPECT_EQ(stop.id, one.id) << stop.message;
    EXPECT_EQ(stop.message.find("secret value"), std::string::npos);
    EXPECT_FALSE(sink_->outcomes());  // and stays stopped
  }
}

TEST_F(BulkSinkTest, AReasonMayHoldValuesAndStandsInNoErrorMessage) {
  script_bulk(reply(503, error_body(503, "some_exception", "value [4711] of the row")));
  const BatchOutcome outcome = outcome_of(journal_batch(1));
  EXPECT_NE(outcome.error->message.find("some_exception"), std::string::npos);
  EXPECT_EQ(outcome.error->message.find("4711"), std::string::npos);
}

TEST_F(BulkSinkTest, ALongReasonIsCutAtACharacter) {
  script_bulk(edited([](std::string) -> std::string {
    std::string reason = "x";
    for (int i = 0; i < 1'000; ++i) reason += "é";
    return R"({"items":[{"create":{"status":400,"error":{"type":"document_parsing_exception","reason":")" + reason +
           R"("}}}]})";
  }));
  const BatchOutcome outcome = outcome_of(journal_batch(1));
  const std::string& reason = outcome.items[0].error_reason;
  EXPECT_LE(reason.size(), 310u);
  EXPECT_TRUE(reason.ends_with("é…")) << reason;
}

TEST_F(BulkSinkTest, SeveralBatchesAreUnderWayAtATime) {
  options_.max_in_flight = 3;
  connect();
  imposter_.script(reply(200, {}, Effect::NotApplied, Manner::Silence));
  ASSERT_TRUE(sink_->submit(journal_batch(1, "a"), 1));
  // The first stays silent; only what runs beside it can come back.
  while (imposter_.requests().empty()) ASSERT_TRUE(testing::wait_for_outcomes(*sink_, 1, 1ms));
  ASSERT_TRUE(sink_->submit(journal_batch(1, "b"), 2));
  EXPECT_TRUE(sink_->has_room());
  ASSERT_TRUE(sink_->submit(journal_batch(1, "c"), 3));
  EXPECT_FALSE(sink_->has_room());
  const auto outcomes = testing::wait_for_outcomes(*sink_, 2);
  ASSERT_TRUE(outcomes);
  ASSERT_EQ(outcomes->size(), 2u);
  EXPECT_EQ((*outcomes)[0].ticket + (*outcomes)[1].ticket, 5u);
  EXPECT_TRUE(sink_->has_room());
}

TEST_F(BulkSinkTest, ConnectionsAreKeptAndBuffersUsedAgain) {
  for (int round = 0; round < 50; ++round) EXPECT_EQ(outcome_of(journal_batch(3)).items.size(), 3u);
}

TEST_F(BulkSinkTest, WithNothingUnderWayThereIsNothingToWaitFor) {
  EXPECT_GE(sink_->waits_for().fd, 0);
  outcome_of(journal_batch(1));
  EXPECT_FALSE(sink_->waits_for().deadline);
  pollfd descriptor{sink_->waits_for().fd, POLLIN, 0};
  EXPECT_EQ(poll(&descriptor, 1, 0), 0);
}

TEST_F(BulkSinkTest, AnAddressThatNobodyAnswersIsPassedOver) {
  connection_.addresses = {"http://127.0.0.1:1", imposter_.address()};
  connect();
  for (int round = 0; round < 4; ++round) EXPECT_EQ(outcomes_in(outcome_of(journal_batch(1))).size(), 1u);
}

TEST_F(BulkSinkTest, WhenNobodyAnswersItSaysSoAndGoesOn) {
  connection_.addresses = {"http://127.0.0.1:1", "http://127.0.0.1:2"};
  connect();
  for (int round = 0; round < 2; ++round) expect_unknown(outcome_of(journal_batch(1)), "es.unreachable");
}

TEST_F(BulkSinkTest, AServerThatHangsUpOnPlainHttpLooksLikeTls) {
  script_bulk(reply(200, {}, Effect::NotApplied, Manner::HangUp));
  const BatchOutcome outcome = outcome_of(journal_batch(1));
  expect_unknown(outcome, "es.unreachable");
  EXPECT_NE(outcome.error->message.find("https://"), std::string::npos) << outcome.error->message;
}

TEST_F(BulkSinkTest, TlsTowardsAServerWithoutItSaysSo) {
  connection_.addresses = {"https" + imposter_.address().substr(4)};
  imposter_.answer_by([](const ImposterRequest&) { return reply(400); });
  connect();
  const BatchOutcome outcome = outcome_of(journal_batch(1));
  expect_unknown(outcome, "es.unreachable");
  EXPECT_NE(outcome.error->message.find("http://"), std::string::npos) << outcome.error->message;
}

TEST_F(BulkSinkTest, CredentialsGoIntoTheHeader) {
  connection_.username = "ada";
  connection_.password = base::Secret("lovelace");
  connect();
  outcome_of(journal_batch(1));
  EXPECT_EQ(imposter_.requests().back().authorization, "Basic YWRhOmxvdmVsYWNl");
  connection_.api_key = base::Secret("a2V5OnNlY3JldA==");
  connect();
  outcome_of(journal_batch(1));
  EXPECT_EQ(imposter_.requests().back().authorization, "ApiKey a2V5OnNlY3JldA==");
}

TEST_F(BulkSinkTest, BadAddressesAreRefusedWithoutBeingRepeated) {
  for (const char* address :
       {"", "ftp://host", "http://ada:lovelace@host:9200", "http://host:9200?x=1", "http://:99999", "host name"}) {
    connection_.addresses = {address};
    const auto sink = BulkSink::open(connection_, options_);
    ASSERT_FALSE(sink) << address;
    EXPECT_EQ(sink.error().id, "es.bad_address");
    EXPECT_EQ(sink.error().message.find("lovelace"), std::string::npos);
  }
  connection_.addresses.clear();
  EXPECT_EQ(BulkSink::open(connection_, options_).error().id, "es.bad_address");
  connection_.addresses = {"https://host:9200"};
  connection_.api_key = base::Secret("c2VjcmV0\n");
  EXPECT_EQ(BulkSink::open(connection_, options_).error().id, "es.bad_credentials");
  connection_.ca_file = "/nowhere/ca.pem";
  EXPECT_EQ(BulkSink::open(connection_, options_).error().id, "es.bad_ca_file");
}

TEST_F(BulkSinkTest, ASinkMayEndWhileBatchesAreUnderWay) {
  imposter_.script(reply(200, {}, Effect::NotApplied, Manner::Silence));
  ASSERT_TRUE(sink_->submit(journal_batch(1), 1));
  while (imposter_.requests().empty()) ASSERT_TRUE(testing::wait_for_outcomes(*sink_, 1, 1ms));
  sink_.reset();
}

class SweepTest : public BulkSinkTest {
 protected:
  SweepTest() {
    options_.sweep_page_documents = 3;
    connect();
    DocumentBatch batch;
    for (int i = 0; i < 10; ++i)
      testing::add_index(batch, kMirror, "old" + std::to_string(i), 40, testing::mirror_body(40));
    testing::add_index(batch, kMirror, "same", 50, testing::mirror_body(50));
    testing::add_index(batch, kMirror, "newer", 51, testing::mirror_body(51));
    testing::add_index(batch, kMirror, "other", 40, testing::mirror_body(40, 1));
    testing::add_index(batch, kMirror, "gone", 40, testing::mirror_body(40, 0, "Ada", true));
    outcome_of(std::move(batch));
  }

  BatchOutcome swept(bool at_or_below = false) {
    EXPECT_TRUE(sink_->sweep({std::string(kMirror), 0, 50, at_or_below, 1, "0/50", "2026-11-21T08:00:00Z"}, ++ticket_));
    return only_outcome();
  }

  std::optional<StoredDocument> read(std::string_view id) {
    std::optional<StoredDocument> copy;
    imposter_.with_engine([&](auto& engine) {
      if (const StoredDocument* found = engine.find(kMirror, id)) copy = *found;
    });
    return copy;
  }
};

TEST_F(SweepTest, SoftDeletesPageByPageWhatIsOlderInItsPartition) {
  const BatchOutcome outcome = swept();
  EXPECT_FALSE(outcome.error);
  EXPECT_TRUE(outcome.items.empty());
  for (int i = 0; i < 10; ++i) {
    const auto document = read("old" + std::to_string(i));
    EXPECT_EQ(document->version, 50u);
    EXPECT_EQ(
        document->body,
        R"({"_sluice":{"v":50,"deleted":true,"partition":0,"epoch":1,"lsn":"0/50","ts":"2026-11-21T08:00:00Z"}})");
  }
  for (const auto& [id, version] : {std::pair{"same", 50u}, {"newer", 51u}, {"other", 40u}, {"gone", 40u}})
    EXPECT_EQ(read(id)->version, version) << id;
  EXPECT_NE(read("same")->body.find("Ada"), std::string::npos);
}

TEST_F(SweepTest, WithASaturatedSeqWhatIsAsNewGoesToo) {
  EXPECT_FALSE(swept(true).error);
  EXPECT_EQ(read("same")->body.find("Ada"), std::string::npos);
  EXPECT_NE(read("newer")->body.find("Ada"), std::string::npos);
}

TEST_F(SweepTest, RefreshesBeforeItSearches) {
  swept();
  const auto requests = imposter_.requests();
  EXPECT_EQ(requests[1].path, "/current_public_users-g1/_refresh");
  EXPECT_TRUE(requests[2].path.starts_with("/current_public_users-g1/_search?allow_partial_search_results=false"));
}

TEST_F(SweepTest, AnyMishapIsForTheCallerToBeginAgain) {
  const ImposterReply mishaps[] = {
      reply(503),
      edited([](std::string honest) { return honest; }, Manner::CutConnection),
  };
  for (const ImposterReply& mishap : mishaps)
    for (int step = 0; step < 3; ++step) {
      for (int before = 0; before < step; ++before) imposter_.script(edited([](std::string honest) { return honest; }));
      imposter_.script(mishap);
      EXPECT_TRUE(swept().error) << step;
    }
  EXPECT_FALSE(swept().error);
  EXPECT_EQ(read("old9")->version, 50u);
}

TEST_F(SweepTest, ASearchThatIsNotWholeIsNotBelieved) {
  for (const char* page : {"", "{}", R"({"timed_out":true,"hits":{"total":{"value":0},"hits":[]}})",
                           R"({"timed_out":false})", R"({"timed_out":false,"hits":{"total":{"value":3}}})",
                           R"({"timed_out":false,"hits":{"total":{"value":3},"hits":[]}})",
                           R"({"timed_out":false,"hits":{"total":{"value":1},"hits":[{"_id":7}]}})",
                           R"({"timed_out":false,"hits":{"total":{"value":1},"hits":[{"_id":"7","_source":[]}]}})",
                           R"({"timed_out":false,"hits":{"total":{"value":1},"hits":[{"_id":"7"})"}) {
    imposter_.script(reply(200, "{}"));  // refresh
    imposter_.script(reply(200, page));
    expect_unknown(swept(), "es.bad_response");
  }
}

TEST_F(SweepTest, StopsWhenVersionsDoNotAgreeWithTheirDocuments) {
  imposter_.with_engine([](auto& engine) {
    for (int i = 0; i < 10; ++i)
      engine.write({pipeline::DocumentAction::Index, pipeline::VersionType::External, 99, kMirror,
                    "old" + std::to_string(i), testing::mirror_body(40)});
  });
  EXPECT_TRUE(sink_->sweep({std::string(kMirror), 0, 50, false, 1, "0/50", "2026-11-21T08:00:00Z"}, 1));
  const auto outcomes = testing::wait_for_outcomes(*sink_, 1);
  ASSERT_FALSE(outcomes);
  EXPECT_EQ(outcomes.error().id, "es.sweep_stuck");
}

TEST_F(SweepTest, OfAMissingIndexStops) {
  imposter_.script(reply(404, error_body(404, "index_not_found_exception")));
  EXPECT_TRUE(sink_->sweep({std::string(kMirror), 0, 50, false, 1, "0/50", "t"}, 1));
  const auto outcomes = testing::wait_for_outcomes(*sink_, 1);
  ASSERT_FALSE(outcomes);
  EXPECT_EQ(outcomes.error().id, "es.index_missing");
}

}  // namespace
}  // namespace sluice::elastic
