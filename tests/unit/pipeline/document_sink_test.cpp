#include <gtest/gtest.h>

#include "sluice/pipeline/document_sink.h"
#include "sluice/testing/documents.h"

using namespace sluice::pipeline;
using sluice::testing::add_create;
using sluice::testing::add_index;

TEST(DocumentBatch, CutsBackToAMark) {
  DocumentBatch batch;
  add_create(batch, "journal", "1", "{}");
  const DocumentBatch::Mark mark = batch.mark();
  add_create(batch, "journal", "2", "{}");
  add_index(batch, "mirror", "k", 7, "{}");
  batch.cut(mark);
  ASSERT_EQ(batch.size(), 1u);
  EXPECT_EQ(batch.byte_size(), std::string_view("journal1{}").size());
  EXPECT_EQ(batch[0].id, "1");
}

TEST(DocumentBatch, AppendsCopiesOfAnotherBatchsDocuments) {
  DocumentBatch from;
  add_index(from, "mirror", "k", 7, R"({"a":1})");
  DocumentBatch to;
  add_create(to, "journal", "1", "{}");
  to.append(from[0]);
  from.clear();
  ASSERT_EQ(to.size(), 2u);
  EXPECT_EQ(to[1].index, "mirror");
  EXPECT_EQ(to[1].id, "k");
  EXPECT_EQ(to[1].body, R"({"a":1})");
  EXPECT_EQ(to[1].version, 7u);
  EXPECT_EQ(to[1].action, DocumentAction::Index);
  EXPECT_EQ(to[1].version_type, VersionType::External);
}
