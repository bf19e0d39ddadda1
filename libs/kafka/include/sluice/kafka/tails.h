// Tail recovery (rule K-9): the last stream record of each partition says exactly what the partition has.
//
// Thread rule: pure classes and blocking functions, called by the pipeline's thread before the stream runs; what comes
// between our records later is gap_reader.h's. Protocol fact: what is durable before an acknowledged record of a new
// producer cannot grow any more, while a log end read without one can (an old batch above the high watermark).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/clock.h"
#include "sluice/base/error.h"
#include "sluice/change/record.h"
#include "sluice/kafka/client_options.h"
#include "sluice/pipeline/checkpoint.h"
#include "sluice/pipeline/record_sink.h"
#include "sluice/pipeline/record_source.h"

namespace sluice::kafka {

/// What a record tells about the stream.
struct RecordClue {
  enum class Kind {
    Stream,    ///< an event of the stream; `id` is its own
    Follower,  ///< no event of the stream; its header names, in `id`, the last one before it (epoch 0: there is none)
    Marker,    ///< a resume marker; says nothing of the stream
    Foreign,   ///< none of ours
  };
  Kind kind = Kind::Foreign;
  change::EventId id;
  std::string pipeline;  ///< that wrote it; empty: the record does not say
};

/// Reads a record; the formats are the caller's. Its error ends the recovery and is returned.
using ReadClue = std::function<base::Result<RecordClue>(const pipeline::ConsumedRecord&)>;

/// One partition's walk back, window by window; within a window records come in order. Pure.
class TailScan {
 public:
  explicit TailScan(std::string pipeline) : pipeline_(std::move(pipeline)) {}

  void add(const RecordClue& clue);
  /// Error: kafka.topic_in_use (Stop) when another pipeline wrote after our previous marker. True: the walk is over.
  base::Result<bool> end_window(std::string_view topic, std::int32_t partition);
  /// Nothing (epoch 0) unless the walk came upon it.
  change::EventId last() const { return last_.value_or(change::EventId{}); }

 private:
  std::string pipeline_;
  std::optional<change::EventId> last_;
  std::optional<std::string> stranger_;  ///< since our newest marker in this window
  bool strangers_matter_ = true;         ///< false from our newest marker backwards
  bool own_marker_in_window_ = false;
};

struct TailTopic {
  change::TopicIndex index = 0;
  std::string name;
  std::int32_t partitions = 0;
};

/// Writes `marker` (its topic and partition are filled in) to every partition, waits until all are acknowledged, and
/// reads back from each to the last stream record before it. The result has an entry per partition: the offset behind
/// the marker and the last id (epoch 0: retention has emptied the partition, or nothing was ever written). REQUIRES:
/// `sink` is a new producer that has sent nothing yet. Errors: those of the sink and of `read`; kafka.topic_in_use
/// (Stop), kafka.unreachable (Retry), kafka.read_failed (Retry).
base::Result<std::vector<pipeline::PartitionTail>> recover_tails(
    const ClientOptions& client, pipeline::RecordSink& sink, const std::vector<TailTopic>& topics,
    const change::Record& marker, const std::string& pipeline, const ReadClue& read, base::Deadline deadline);

/// What the last thousand records of each partition say, for one that has yet to decide whether it may write: nothing
/// is written, so a batch of an older producer may still come behind them. Result and errors as of recover_tails().
base::Result<std::vector<pipeline::PartitionTail>> peek_tails(const ClientOptions& client,
                                                              const std::vector<TailTopic>& topics,
                                                              const std::string& pipeline, const ReadClue& read,
                                                              base::Deadline deadline);

/// What stops a pipeline that meets records of another one in its topic: kafka.topic_in_use.
base::Error topic_in_use(std::string_view topic, std::int32_t partition, std::string_view stranger);

}  // namespace sluice::kafka
