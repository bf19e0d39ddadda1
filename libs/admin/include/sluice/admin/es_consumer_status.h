// What es_consumer says of itself.
//
// Thread rule: as Status.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sluice/admin/status.h"
#include "sluice/pipeline/document_maker.h"
#include "sluice/pipeline/indexing.h"
#include "sluice/pipeline/replication_status.h"

namespace sluice::admin {

enum class EsConsumerState {
  Starting,  ///< connecting; also between two attempts
  Running,   ///< a member of the group
  Stopping,  ///< asked to stop, finishing what is in flight
};
std::string_view to_string(EsConsumerState state);

struct EsConsumerStatus final : Status {
  /// Records that are no change of a row.
  struct Skipped {
    std::uint64_t tombstones = 0;
    std::uint64_t markers = 0;
    std::uint64_t messages = 0;
  };

  std::string pipeline;
  std::string group;
  std::string version;
  base::WallClock::time_point at;
  EsConsumerState state = EsConsumerState::Starting;

  pipeline::IndexingStatus indexing;                        ///< its counters: since the group was last joined
  std::map<std::string, pipeline::IndexedCounters> tables;  ///< "schema.table" → what became documents, since then too
  // Since then too.
  Skipped skipped;
  std::uint64_t retired_events = 0;                      ///< of an epoch that no mirror shows any more
  std::uint64_t incomplete_documents = 0;                ///< of a mirror, without a value that was not to be had
  std::map<pipeline::Partition, pipeline::Offset> ends;  ///< offset of the next record there, as the last fetch said
  std::optional<std::uint32_t> published_epoch;          ///< of the mirror's generation that users see; 0: none
  pipeline::BatchSizes bulk_sizes;                       ///< documents and bytes, since the program began
  pipeline::LatencyHistogram bulk_duration;              ///< from submit to outcome
  pipeline::LatencyHistogram record_to_bulk;  ///< Kafka's time stamp of a bulk's oldest record → its outcome
  double newest_lag_seconds = 0;              ///< of the newest bulk, as record_to_bulk

  ErrorTally errors;  ///< warnings with an id too
  std::vector<Reason> obstacles;

  /// Records that are in Kafka and not finished, of the partitions whose end is known.
  std::uint64_t lag_records() const;
  /// 0 when nothing is waiting.
  double lag_seconds() const { return lag_records() == 0 ? 0 : newest_lag_seconds; }

  std::vector<Reason> reasons() const override;
  std::string json() const override;
  void write_metrics(MetricsText& out) const override;
  std::string pipeline_name() const override { return pipeline; }
};

}  // namespace sluice::admin
