#include "sluice/elastic/item_verdict.h"

#include <gtest/gtest.h>

namespace sluice::elastic {
namespace {

using pipeline::DocumentAction;
using pipeline::VersionType;

struct Row {
  int status;
  std::string_view type;
  Verdict journal;  ///< `create`
  Verdict mirror;   ///< `index` with an external version
  std::string_view stop_id = {};
};

constexpr Verdict kWritten = Verdict::Written;
constexpr Verdict kSuperseded = Verdict::Superseded;
constexpr Verdict kRetry = Verdict::Retry;
constexpr Verdict kRejected = Verdict::Rejected;
constexpr Verdict kStop = Verdict::Stop;

constexpr Row kTable[] = {
    {200, "", kWritten, kWritten},
    {201, "", kWritten, kWritten},
    {409, "version_conflict_engine_exception", kSuperseded, kSuperseded},
    {409, "something_else", kStop, kStop, "es.unexpected_item"},
    {429, "es_rejected_execution_exception", kRetry, kRetry},
    {429, "circuit_breaking_exception", kRetry, kRetry},
    {429, "cluster_block_exception", kRetry, kRetry},  // flood stage
    {503, "unavailable_shards_exception", kRetry, kRetry},
    {500, "node_closed_exception", kRetry, kRetry},
    {504, "timeout_exception", kRetry, kRetry},
    {599, "unheard_of", kRetry, kRetry},
    {400, "document_parsing_exception", kRejected, kRejected},
    {400, "mapper_parsing_exception", kRejected, kRejected},
    {400, "strict_dynamic_mapping_exception", kRejected, kRejected},
    {400, "illegal_argument_exception", kRejected, kRejected},
    {400, "index_closed_exception", kStop, kStop, "es.index_closed"},
    {400, "invalid_index_name_exception", kStop, kStop, "es.unexpected_item"},
    {400, "validation_exception", kStop, kStop, "es.unexpected_item"},  // shard limit of the cluster
    {401, "security_exception", kStop, kStop, "es.unauthorized"},
    {403, "security_exception", kStop, kStop, "es.forbidden"},
    {403, "cluster_block_exception", kRetry, kRetry},
    {403, "something_else", kStop, kStop, "es.unexpected_item"},
    {404, "index_not_found_exception", kStop, kStop, "es.index_missing"},
    {404, "", kStop, kStop, "es.unexpected_item"},
    {204, "", kStop, kStop, "es.unexpected_item"},
    {302, "", kStop, kStop, "es.unexpected_item"},
    {100, "", kStop, kStop, "es.unexpected_item"},
    {418, "teapot", kStop, kStop, "es.unexpected_item"},
};

TEST(ItemVerdict, IsWhatTheTableOfTheSpecificationSays) {
  for (const Row& row : kTable) {
    SCOPED_TRACE(std::to_string(row.status) + " " + std::string(row.type));
    EXPECT_EQ(classify(row.status, row.type, DocumentAction::Create, VersionType::None),
              (ItemVerdict{row.journal, row.stop_id}));
    for (const VersionType type : {VersionType::External, VersionType::ExternalGte})
      EXPECT_EQ(classify(row.status, row.type, DocumentAction::Index, type), (ItemVerdict{row.mirror, row.stop_id}));
  }
}

TEST(ItemVerdict, AConflictWithoutAVersionIsNothingThatWeKnow) {
  EXPECT_EQ(classify(409, "version_conflict_engine_exception", DocumentAction::Index, VersionType::None).verdict,
            Verdict::Stop);
}

TEST(ItemVerdict, EveryStopNamesARemedyOfItsOwn) {
  const std::string_view unknown = remedy("es.of_no_meaning");
  for (const Row& row : kTable)
    if (row.journal == kStop) {
      EXPECT_NE(remedy(row.stop_id), unknown) << row.stop_id;
    }
}

}  // namespace
}  // namespace sluice::elastic
