#include "sluice/kafka/tails.h"

#include <fmt/core.h>

#include <algorithm>

#include "log_reader.h"
#include "sluice/base/check.h"
#include "sluice/kafka/producer.h"

namespace sluice::kafka {
namespace {

using base::Recovery;
using base::Result;
using pipeline::ConsumedRecord;
using pipeline::Offset;
using pipeline::Partition;

/// First window of the walk back; it grows tenfold each time: most tails are the record right before the marker.
constexpr Offset kFirstWindow = 100;
constexpr Offset kMaxWindow = 1'000'000;
/// Of a topic that may be full of somebody else's records no more is looked at before the first of ours.
constexpr Offset kPeekWindow = 1'000;

/// A partition on its way back from the marker.
struct Walk {
  Partition partition;
  Offset marker = 0;  ///< of the marker; -1: the broker did not say
  Offset begin = 0;   ///< of the log
  Offset low = 0;     ///< everything from here to the marker has been read
  TailScan scan;
  bool over = false;
};

std::vector<change::Record> markers_for(const std::vector<TailTopic>& topics, const change::Record& marker) {
  std::vector<change::Record> markers;
  for (const TailTopic& topic : topics)
    for (std::int32_t partition = 0; partition < topic.partitions; ++partition) {
      change::Record record = marker;
      record.topic = topic.index;
      record.partition = partition;
      markers.push_back(record);
    }
  return markers;
}

std::vector<Walk> walks_over(const std::vector<TailTopic>& topics, const std::string& pipeline) {
  std::vector<Walk> walks;
  for (const TailTopic& topic : topics)
    for (std::int32_t partition = 0; partition < topic.partitions; ++partition)
      walks.push_back({{topic.name, partition}, -1, 0, 0, TailScan(pipeline), false});
  return walks;
}

/// False: no walk goes on.
Result<bool> walk_window(LogReader& reader, std::vector<Walk>& walks, Offset window, const ReadClue& read,
                         base::Deadline deadline) {
  std::vector<LogStretch> stretches;
  std::map<Partition, TailScan*> scans;
  for (Walk& walk : walks) {
    if (walk.over) continue;
    const Offset high = walk.low;
    walk.low = std::max(walk.begin, high - window);
    stretches.push_back({walk.partition, walk.low, high});
    scans[walk.partition] = &walk.scan;
  }
  if (stretches.empty()) return false;
  const auto visit = [&](const Partition& partition, const ConsumedRecord& record) -> Result<void> {
    SLUICE_ASSIGN(const RecordClue clue, read(record));
    scans.at(partition)->add(clue);
    return {};
  };
  SLUICE_TRY(reader.read(stretches, visit, deadline));
  for (Walk& walk : walks) {
    if (walk.over) continue;
    SLUICE_ASSIGN(walk.over, walk.scan.end_window(walk.partition.topic, walk.partition.number));
    if (walk.low <= walk.begin) walk.over = true;
  }
  return true;
}

Result<void> walk_back(LogReader& reader, std::vector<Walk>& walks, const ReadClue& read, base::Deadline deadline) {
  for (Offset window = kFirstWindow;; window = std::min(window * 10, kMaxWindow)) {
    SLUICE_ASSIGN(const bool walked, walk_window(reader, walks, window, read, deadline));
    if (!walked) return {};
  }
}

Result<void> find_bounds(LogReader& reader, std::vector<Walk>& walks, base::Deadline deadline) {
  std::vector<Partition> partitions;
  for (const Walk& walk : walks) partitions.push_back(walk.partition);
  SLUICE_ASSIGN(const OffsetMap begins, reader.offsets(partitions, RD_KAFKA_OFFSET_SPEC_EARLIEST, deadline));
  SLUICE_ASSIGN(const OffsetMap ends, reader.offsets(partitions, RD_KAFKA_OFFSET_SPEC_LATEST, deadline));
  for (Walk& walk : walks) {
    walk.begin = begins.at(walk.partition);
    // Without its offset the marker is somewhere below the end; read as one of ours it says nothing and does no harm.
    if (walk.marker < 0) walk.marker = ends.at(walk.partition) - 1;
    walk.low = walk.marker;
  }
  return {};
}

std::vector<pipeline::PartitionTail> tails_of(const std::vector<Walk>& walks) {
  std::vector<pipeline::PartitionTail> tails;
  for (const Walk& walk : walks)
    tails.push_back({walk.partition.topic, walk.partition.number, walk.marker + 1, walk.scan.last()});
  return tails;
}

}  // namespace

base::Error topic_in_use(std::string_view topic, std::int32_t partition, std::string_view stranger) {
  return {
      Recovery::Stop, "kafka.topic_in_use",
      fmt::format("Topic {} partition {} holds records of another pipeline, \"{}\". Give each pipeline topics of its "
                  "own; if this pipeline was renamed, give it its old name back",
                  topic, partition, stranger)};
}

void TailScan::add(const RecordClue& clue) {
  if (clue.kind == RecordClue::Kind::Stream || clue.kind == RecordClue::Kind::Follower) last_ = clue.id;
  if (!clue.pipeline.empty() && clue.pipeline != pipeline_) {
    stranger_ = clue.pipeline;
  } else if (clue.kind == RecordClue::Kind::Marker) {
    own_marker_in_window_ = true;
    stranger_.reset();
  }
}

Result<bool> TailScan::end_window(std::string_view topic, std::int32_t partition) {
  if (strangers_matter_ && stranger_) return tl::make_unexpected(topic_in_use(topic, partition, *stranger_));
  if (own_marker_in_window_) strangers_matter_ = false;
  stranger_.reset();
  own_marker_in_window_ = false;
  return last_.has_value();
}

Result<std::vector<pipeline::PartitionTail>> recover_tails(const ClientOptions& client, pipeline::RecordSink& sink,
                                                           const std::vector<TailTopic>& topics,
                                                           const change::Record& marker, const std::string& pipeline,
                                                           const ReadClue& read, base::Deadline deadline) {
  const std::vector<change::Record> markers = markers_for(topics, marker);
  if (markers.empty()) return std::vector<pipeline::PartitionTail>{};
  SLUICE_ASSIGN(const auto deliveries, send_and_wait(sink, markers, deadline, client.interrupted));
  std::vector<Walk> walks = walks_over(topics, pipeline);
  for (std::size_t i = 0; i < walks.size(); ++i) walks[i].marker = deliveries[i].offset;
  LogReader reader(client);
  SLUICE_TRY(reader.start(client));
  SLUICE_TRY(find_bounds(reader, walks, deadline));
  SLUICE_TRY(walk_back(reader, walks, read, deadline));
  return tails_of(walks);
}

Result<std::vector<pipeline::PartitionTail>> peek_tails(const ClientOptions& client,
                                                        const std::vector<TailTopic>& topics,
                                                        const std::string& pipeline, const ReadClue& read,
                                                        base::Deadline deadline) {
  std::vector<Walk> walks = walks_over(topics, pipeline);
  LogReader reader(client);
  SLUICE_TRY(reader.start(client));
  SLUICE_TRY(find_bounds(reader, walks, deadline));
  for (Walk& walk : walks) walk.low = walk.marker + 1;  // no marker: the last record itself is one to look at
  SLUICE_TRY(walk_window(reader, walks, kPeekWindow, read, deadline));
  return tails_of(walks);
}

}  // namespace sluice::kafka
