#include "sluice/elastic/bulk_request.h"

#include <gtest/gtest.h>

#include "sluice/testing/documents.h"

namespace sluice::elastic {
namespace {

using pipeline::DocumentBatch;
using pipeline::VersionType;

std::string rendered(const DocumentBatch& batch) {
  std::string out;
  append_bulk(batch, 0, batch.size(), out);
  return out;
}

TEST(BulkRequest, HasAnActionLineAndALineForEachDocument) {
  DocumentBatch batch;
  testing::add_create(batch, "cdc-public_users", "0001-0000000001693e28-00000001", R"({"op":"c"})");
  testing::add_index(batch, "current_public_users-g1", "1", 42, R"({"id":1})");
  testing::add_index(batch, "current_public_users-g1", "2", kMaxVersion, R"({"id":2})", VersionType::ExternalGte);
  EXPECT_EQ(rendered(batch),
            "{\"create\":{\"_index\":\"cdc-public_users\",\"_id\":\"0001-0000000001693e28-00000001\"}}\n"
            "{\"op\":\"c\"}\n"
            "{\"index\":{\"_index\":\"current_public_users-g1\",\"_id\":\"1\",\"version\":42,\"version_type\":"
            "\"external\"}}\n"
            "{\"id\":1}\n"
            "{\"index\":{\"_index\":\"current_public_users-g1\",\"_id\":\"2\",\"version\":9223372036854775807,"
            "\"version_type\":\"external_gte\"}}\n"
            "{\"id\":2}\n");
}

TEST(BulkRequest, EscapesWhatJsonDemandsInIdsAndNothingElse) {
  DocumentBatch batch;
  testing::add_create(batch, "i", "[\"a\\b\",\"\n\x01\x7f\",\"é😀/\"]", "{}");
  EXPECT_EQ(
      rendered(batch),
      "{\"create\":{\"_index\":\"i\",\"_id\":\"[\\\"a\\\\b\\\",\\\"\\u000a\\u0001\x7f\\\",\\\"é😀/\\\"]\"}}\n{}\n");
}

TEST(BulkRequest, ChangesOfIndexAndActionAreSeen) {
  DocumentBatch batch;
  testing::add_create(batch, "a", "1", "{}");
  testing::add_index(batch, "a", "1", 0, "{}");
  testing::add_create(batch, "b", "1", "{}");
  testing::add_create(batch, "a", "1", "{}");
  EXPECT_EQ(rendered(batch),
            "{\"create\":{\"_index\":\"a\",\"_id\":\"1\"}}\n{}\n"
            "{\"index\":{\"_index\":\"a\",\"_id\":\"1\",\"version\":0,\"version_type\":\"external\"}}\n{}\n"
            "{\"create\":{\"_index\":\"b\",\"_id\":\"1\"}}\n{}\n"
            "{\"create\":{\"_index\":\"a\",\"_id\":\"1\"}}\n{}\n");
}

TEST(BulkRequest, ARangeRendersItsDocumentsOnly) {
  DocumentBatch batch;
  for (const char* id : {"0", "1", "2", "3"}) testing::add_create(batch, "i", id, "{}");
  std::string out;
  append_bulk(batch, 1, 3, out);
  EXPECT_EQ(out,
            "{\"create\":{\"_index\":\"i\",\"_id\":\"1\"}}\n{}\n{\"create\":{\"_index\":\"i\",\"_id\":\"2\"}}\n{}\n");
}

TEST(BulkRequest, AnIdMayHave512Bytes) {
  DocumentBatch batch;
  testing::add_create(batch, "i", std::string(kMaxIdBytes, 'x'), "{}");
  EXPECT_NE(rendered(batch).find(std::string(kMaxIdBytes, 'x')), std::string::npos);
}

TEST(BulkRequestDeathTest, WhatTheServerWouldRefuseWholeIsOurBug) {
  const auto render = [](auto add) {
    DocumentBatch batch;
    add(batch);
    (void)rendered(batch);
  };
  EXPECT_DEATH(render([](auto& batch) { testing::add_create(batch, "i", "", "{}"); }), "512 bytes");
  EXPECT_DEATH(render([](auto& batch) { testing::add_create(batch, "i", std::string(513, 'x'), "{}"); }), "512 bytes");
  EXPECT_DEATH(render([](auto& batch) { testing::add_create(batch, "", "1", "{}"); }), "index");
  EXPECT_DEATH(render([](auto& batch) { testing::add_create(batch, "i", "1", "{\n}"); }), "line");
  EXPECT_DEATH(render([](auto& batch) { testing::add_create(batch, "i", "1", ""); }), "line");
  EXPECT_DEATH(render([](auto& batch) { testing::add_index(batch, "i", "1", kMaxVersion + 1, "{}"); }), "63 bits");
  EXPECT_DEATH(render([](auto& batch) { testing::add_index(batch, "i", "1", 1, "{}", VersionType::None); }), "E-2");
}

}  // namespace
}  // namespace sluice::elastic
