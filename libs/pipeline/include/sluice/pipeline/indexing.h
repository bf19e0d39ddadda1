// The algorithm of es_consumer: records of a consumer group become documents, and an offset is committed only when
// everything below it is finished.
//
// The order that nothing may change, per partition (rules K-13 to K-15, E-12):
//   outcome of every document (written, superseded, or its dead letter acknowledged)
//   → finished offset: the lowest offset that is not finished
//   → stored in the search engine's index `sluice-checkpoints`
//   → committed to Kafka.
//
// Thread rule: made, used and destroyed by the pipeline's thread; so are all ports. step() is deterministic given its
// ports and its clock.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/backoff.h"
#include "sluice/base/clock.h"
#include "sluice/base/error.h"
#include "sluice/pipeline/dead_letters.h"
#include "sluice/pipeline/document_maker.h"
#include "sluice/pipeline/document_sink.h"
#include "sluice/pipeline/index_admin.h"
#include "sluice/pipeline/record_source.h"
#include "sluice/pipeline/replication_status.h"
#include "sluice/pipeline/stop_signal.h"

namespace sluice::pipeline {

struct IndexingOptions {
  std::string group;
  /// What is written, as in GroupCheckpoint::outputs. A group that gains an output reads its topics again from their
  /// begin.
  std::vector<std::string> outputs;

  std::size_t max_bulk_bytes = 4 << 20;  ///< larger: fewer requests, more memory and latency
  std::size_t max_bulk_actions = 5'000;
  base::Milliseconds max_bulk_age{50};            ///< how long the first document of a bulk waits for company
  std::size_t max_buffered_bytes = 14 << 20;      ///< records read and not finished; reading stops there
  std::uint32_t max_rejected_per_minute = 100;    ///< one more stops the program (rule E-12)
  base::Milliseconds checkpoint_interval{2'000};  ///< what a crash makes us read again
  base::Milliseconds revoke_grace{10'000};        ///< how long a revoked partition may finish what is in flight
  base::Milliseconds stop_grace{30'000};
  base::BackoffLimits backoff{};  ///< of refused items, and of a search engine that is away
  std::uint64_t backoff_seed = std::random_device{}();
};

/// What is told while it happens. The calls come from the pipeline's thread and must be cheap.
class IndexingObserver {
 public:
  struct Bulk {
    std::size_t documents = 0;
    std::size_t bytes = 0;
    base::Clock::duration duration{};             ///< from submit to outcome
    std::int64_t oldest_record_timestamp_ms = 0;  ///< Kafka's time stamp of its oldest record
  };
  virtual ~IndexingObserver() = default;
  /// Something that the operator should know and that stops nothing: es.checkpoint_behind, es.outputs_changed, es.away,
  /// …
  virtual void warned(std::string_view id, const std::string& message) = 0;
  virtual void bulk_written(const Bulk& bulk) = 0;
};

struct IndexingPorts {
  RecordSource& source;
  DocumentSink& sink;
  DeadLetters& dead_letters;
  IndexAdmin& admin;
  DocumentMaker& maker;
  IndexingObserver& observer;
  std::function<base::Clock::time_point()> now = base::Clock::now;
  /// What a commit's time is compared to.
  std::function<base::WallClock::time_point()> wall_now = base::WallClock::now;
};

/// All grow for ever. Ledger: documents_sent = written + superseded + retried + rejected documents + in flight.
struct IndexingCounters {
  std::uint64_t records_read = 0;
  std::uint64_t records_finished = 0;
  std::uint64_t records_dead_lettered = 0;
  std::uint64_t documents_sent = 0;
  std::uint64_t documents_written = 0;
  std::uint64_t documents_superseded = 0;
  // Of documents with a version that nobody can have sent before: of records that came after the partition was
  // assigned.
  std::uint64_t first_superseded = 0;
  std::uint64_t first_written = 0;
  std::uint64_t documents_retried = 0;
  std::uint64_t documents_rejected = 0;
  std::uint64_t sweeps = 0;
  std::uint64_t bulks = 0;
  std::uint64_t bulks_failed = 0;  ///< as a whole, outcome unknown
  std::uint64_t checkpoints = 0;
  std::uint64_t checkpoints_failed = 0;
  std::uint64_t commits = 0;
  std::uint64_t commits_failed = 0;
  std::uint64_t rewinds = 0;  ///< partitions begun below the committed offset (rule K-15)
  /// From the commit in the source to the answer to the last item of an event, an event each; not of snapshot rows,
  /// which were committed at no known time, nor of dead letters.
  LatencyHistogram commit_to_bulk;
};

struct PartitionStatus {
  Partition partition;
  Offset finished = 0;  ///< lowest offset that is not finished
  Offset stored = -1;   ///< of the last checkpoint; -1: none yet
  Offset read = 0;      ///< offset of the next record
  std::size_t held_bytes = 0;
  bool paused = false;
};

struct StaleDeliveries {
  std::uint64_t superseded = 0;
  std::uint64_t of = 0;
};

/// The search engine answers, and refuses documents for now.
struct Refusal {
  std::string_view id;  ///< es.blocked, es.overloaded, kafka.dlq_failed
  std::string message;  ///< with what to look at
};

struct IndexingStatus {
  IndexingCounters counters;
  std::vector<PartitionStatus> partitions;
  std::size_t held_bytes = 0;
  std::size_t bulks_in_flight = 0;
  bool away = false;  ///< the search engine does not take bulks at present
  /// es.stale_first_deliveries (rule E-10): more than half of the new documents of the last minute were superseded.
  std::optional<StaleDeliveries> stale;
  std::optional<Refusal> refusal;  ///< by which a partition has finished nothing for ten seconds and more
  std::optional<Refusal> letters;  ///< by which no dead letter could be written for as long
};

enum class StepOutcome {
  Busy,     ///< something moved: step again at once
  Idle,     ///< nothing to do until one of the waits() is over
  Stopped,  ///< after request_stop(): the end
};

/// What a stop left behind.
enum class Settlement {
  Settled,     ///< everything taken is finished, stored and committed
  Unfinished,  ///< the grace ended first; safe: the rest is read again
};

class Indexing {
 public:
  Indexing(IndexingOptions options, IndexingPorts ports);
  ~Indexing();
  Indexing(const Indexing&) = delete;
  Indexing& operator=(const Indexing&) = delete;

  /// One round: outcomes → dead letters → events of the source → bulks and sweeps → checkpoints. After an error destroy
  /// it: nothing unfinished was committed. Errors: es.too_many_rejected (Stop), kafka.retention_overrun (Stop),
  /// es.bad_checkpoint (Stop), and whatever the ports say.
  base::Result<StepOutcome> step();

  /// No more is read; what was taken is finished within the stop grace, stored and committed; then step() says Stopped.
  void request_stop();

  /// REQUIRES: step() said Stopped.
  Settlement settlement() const;

  /// What an idle pipeline waits for.
  std::vector<Wait> waits() const;

  /// step() for ever, waiting in one poll(), until a stop is requested; then to the end of the stop, or at once when it
  /// is forced. `each_second` is called about once a second, for whoever publishes the status.
  base::Result<Settlement> run(const StopSignal& stop, const std::function<void()>& each_second);

  IndexingStatus status() const;

 private:
  class Engine;
  std::unique_ptr<Engine> engine_;
};

}  // namespace sluice::pipeline
