#include "sluice/elastic/bulk_response.h"

#include <gtest/gtest.h>

namespace sluice::elastic {
namespace {

// As Elasticsearch 9.4.3 answers with our filter_path.
constexpr std::string_view kRecorded =
    R"({"items":[{"create":{"status":201}},)"
    R"({"index":{"status":409,"error":{"type":"version_conflict_engine_exception",)"
    R"("reason":"[k]: version conflict, current version [9] is higher or equal to the one provided [3]"}}},)"
    R"({"create":{"status":400,"error":{"type":"document_parsing_exception",)"
    R"("reason":"[1:6] failed to parse field [a]"}}}]})";

// The same without a filter_path.
constexpr std::string_view kUnfiltered =
    R"({"errors":true,"took":30,"items":[{"create":{"_index":"j","_id":"1","_version":1,"result":"created",)"
    R"("_shards":{"total":2,"successful":1,"failed":0},"_seq_no":0,"_primary_term":1,"status":201}}]})";

class BulkResponse : public ::testing::Test {
 protected:
  bool is_bad(std::string json, std::size_t items) {
    const auto replies = parser_.parse(json, items);
    if (replies) return false;
    EXPECT_EQ(replies.error().id, "es.bad_response");
    EXPECT_EQ(replies.error().recovery, base::Recovery::Retry);
    return true;
  }
  BulkResponseParser parser_;
};

TEST_F(BulkResponse, GivesStatusTypeAndReasonInOrder) {
  std::string json(kRecorded);
  const auto replies = parser_.parse(json, 3);
  ASSERT_TRUE(replies) << replies.error().message;
  EXPECT_EQ((*replies)[0].action, "create");
  EXPECT_EQ((*replies)[0].status, 201);
  EXPECT_EQ((*replies)[0].error_type, "");
  EXPECT_EQ((*replies)[1].action, "index");
  EXPECT_EQ((*replies)[1].status, 409);
  EXPECT_EQ((*replies)[1].error_type, "version_conflict_engine_exception");
  EXPECT_TRUE((*replies)[2].error_reason.ends_with("field [a]"));
}

TEST_F(BulkResponse, ReadsTheUnfilteredForm) {
  std::string json(kUnfiltered);
  const auto replies = parser_.parse(json, 1);
  ASSERT_TRUE(replies) << replies.error().message;
  EXPECT_EQ((*replies)[0].status, 201);
}

TEST_F(BulkResponse, OfEveryTruncationNothingIsBelieved) {
  for (std::size_t size = 0; size < kRecorded.size(); ++size)
    EXPECT_TRUE(is_bad(std::string(kRecorded.substr(0, size)), 3)) << size;
}

TEST_F(BulkResponse, AnotherNumberOfItemsThanSentIsBad) {
  for (const std::size_t sent : {0u, 1u, 2u, 4u, 1'000u}) EXPECT_TRUE(is_bad(std::string(kRecorded), sent)) << sent;
}

TEST_F(BulkResponse, WrongTypesAndShapesAreBad) {
  for (const std::string_view json : {"null",
                                      "[]",
                                      "7",
                                      "\"items\"",
                                      "{}",
                                      R"({"items":null})",
                                      R"({"items":{}})",
                                      R"({"items":[null]})",
                                      R"({"items":[[]]})",
                                      R"({"items":[{}]})",
                                      R"({"items":[{"create":null}]})",
                                      R"({"items":[{"create":201}]})",
                                      R"({"items":[{"create":{}}]})",
                                      R"({"items":[{"create":{"status":"201"}}]})",
                                      R"({"items":[{"create":{"status":201.5}}]})",
                                      R"({"items":[{"create":{"status":-201}}]})",
                                      R"({"items":[{"create":{"status":99999999999999999999}}]})",
                                      R"({"items":[{"create":{"status":0}}]})",
                                      R"({"items":[{"create":{"status":201},"index":{"status":201}}]})",
                                      R"({"items":[{"create":{"status":409,"error":null}}]})",
                                      R"({"items":[{"create":{"status":409,"error":"text"}}]})",
                                      R"({"items":[{"create":{"status":409,"error":{"type":7}}}]})",
                                      R"({"items":[{"create":{"status":409,"error":{"type":null}}}]})",
                                      R"({"items":[{"create":{"status":409,"error":{"type":"t","reason":{}}}}]})",
                                      R"({"items":[{"create":{"status":201}}]} trailing)",
                                      R"({"items":[{"create":{"status":201}},]})",
                                      "{\"items\":[{\"create\":{\"status\":400,\"error\":{\"type\":\"\xff\xfe\"}}}]}"})
    EXPECT_TRUE(is_bad(std::string(json), 1)) << json;
}

TEST_F(BulkResponse, AStatusThatItsErrorContradictsIsBad) {
  EXPECT_TRUE(is_bad(R"({"items":[{"create":{"status":201,"error":{"type":"t","reason":"r"}}}]})", 1));
  EXPECT_TRUE(is_bad(R"({"items":[{"create":{"status":409}}]})", 1));
  EXPECT_TRUE(is_bad(R"({"items":[{"create":{"status":409,"error":{"reason":"no type"}}}]})", 1));
}

TEST_F(BulkResponse, DeepNestingIsRefusedAndNotFollowed) {
  const std::string deep = R"({"items":)" + std::string(200'000, '[') + std::string(200'000, ']') + "}";
  EXPECT_TRUE(is_bad(deep, 1));
}

TEST_F(BulkResponse, OfADuplicateKeyTheFirstCounts) {
  std::string json = R"({"items":[{"create":{"status":429,"error":{"type":"t","reason":"r"},"status":201}}]})";
  const auto replies = parser_.parse(json, 1);
  ASSERT_TRUE(replies);
  EXPECT_EQ((*replies)[0].status, 429);
}

TEST_F(BulkResponse, AnEmptyListAnswersAnEmptyRequest) {
  std::string json = R"({"items":[]})";
  EXPECT_TRUE(parser_.parse(json, 0));
}

}  // namespace
}  // namespace sluice::elastic
