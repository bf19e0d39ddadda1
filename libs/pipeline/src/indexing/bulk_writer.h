// Turns waiting records into bulks and sweeps, several in flight, and their outcomes into finished, refused or rejected
// records (rules E-3, E-4, E-9, K-14).
//
// Documents are not kept for a second attempt: a refused record is made again, and only its items that have no final
// outcome are sent. So memory holds records once, and documents only while they are in flight.
//
// Thread rule: the pipeline's thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <unordered_set>
#include <vector>

#include "letters.h"
#include "outage.h"
#include "saturated_keys.h"
#include "sluice/pipeline/indexing.h"
#include "works.h"

namespace sluice::pipeline {

class BulkWriter {
 public:
  BulkWriter(const IndexingOptions& options, IndexingPorts& ports, IndexingCounters& counters, Works& works,
             Letters& letters, Outage& outage);

  /// Takes what has come back. True: something moved.
  base::Result<bool> collect(base::Clock::time_point now);

  /// Makes documents of waiting records, and submits bulks that are full or old enough. True: something moved.
  base::Result<bool> feed(base::Clock::time_point now);

  /// The open bulk goes out at the next chance, however young (a stop, a partition that is going away).
  void hurry() { hurry_ = true; }

  /// The last one, as words for people. REQUIRES: there was one.
  Refusal refusal() const;

  std::size_t in_flight() const { return in_flight_.size(); }
  /// Nothing is open, waiting or in flight.
  bool is_empty() const { return in_flight_.empty() && documents_.empty() && sweeps_.empty(); }
  /// When the open bulk is old enough; nothing: it is empty.
  std::optional<base::Deadline> deadline() const;

 private:
  struct Item {
    RecordRef record;
    std::uint32_t ordinal = 0;  ///< among the items of its record
    std::uint64_t saturated = 0;
    bool first = false;  ///< has a version, and nobody can have sent it before
  };
  struct Bulk {
    std::uint64_t ticket = 0;
    std::vector<Item> items;
    std::size_t bytes = 0;
    bool sweep = false;
    base::Clock::time_point begun;  ///< open: of its first document; in flight: submitted
    std::int64_t oldest_timestamp_ms = 0;
  };
  struct PendingSweep {
    Sweep sweep;
    Item item;
  };
  enum class Fed { Taken, Blocked };

  base::Result<Fed> feed_one(PartitionWork& work, base::Clock::time_point now);
  base::Result<MakeStatus> make(PartitionWork& work, RecordKey key, DocumentBatch& documents);
  bool is_blocked(const PartitionWork& work, RecordKey key, const DocumentBatch& documents, std::size_t first) const;
  base::Result<void> adopt(PartitionWork& work, RecordKey key, const DocumentBatch& documents, std::size_t first,
                           base::Clock::time_point now);
  void add_sweeps(PartitionWork& work, RecordKey key, std::size_t first_ordinal);
  base::Result<void> close_record(PartitionWork& work, RecordKey key, base::Clock::time_point now);
  base::Result<Fed> reject(PartitionWork& work, RecordKey key, base::Error error, base::Clock::time_point now);

  bool is_full() const;
  bool is_due(base::Clock::time_point now) const;
  bool may_submit(base::Clock::time_point now) const;
  base::Result<void> submit(base::Clock::time_point now);
  base::Result<bool> submit_sweeps(base::Clock::time_point now);
  base::Result<void> not_taken(const Bulk& bulk, base::Error error, base::Clock::time_point now);

  base::Result<void> settle(const Bulk& bulk, std::span<const ItemResult> results, base::Clock::time_point now);
  base::Result<void> settle_unknown(const Bulk& bulk, base::Clock::time_point now);
  base::Result<void> close_item(const Item& item, const ItemResult& result, base::Clock::time_point now);
  void count(ItemOutcome outcome, bool first);
  void back_off(base::Clock::time_point now);
  void tell_refusals(std::span<const ItemResult> items, base::Clock::time_point now);
  void tell_refusal(std::string_view refused_as, base::Clock::time_point now);

  const IndexingOptions& options_;
  IndexingPorts& ports_;
  IndexingCounters& counters_;
  Works& works_;
  Letters& letters_;
  Outage& outage_;

  DocumentBatch documents_;  ///< of the open bulk
  DocumentBatch spare_;      ///< given back by the sink: its buffers have grown already
  Bulk open_;
  DocumentBatch again_documents_;  ///< of one record that is made again
  std::vector<Sweep> made_sweeps_;
  std::deque<PendingSweep> sweeps_;
  std::map<std::uint64_t, Bulk> in_flight_;  ///< by ticket
  SaturatedKeys saturated_;
  std::unordered_set<std::uint64_t> refused_saturated_;  ///< within the outcome at hand
  std::map<WorkId, bool> touched_;                       ///< within the outcome at hand: true when an item was refused
  std::uint64_t next_ticket_ = 1;
  WorkId first_fed_ = 0;  ///< the partition that was fed first the last time
  bool hurry_ = false;
  std::string refused_as_;  ///< the search engine's own word for the last refusal
  std::optional<base::Clock::time_point> refusals_told_;
  std::int64_t answered_us_ = 0;  ///< when the outcomes at hand came, by the wall clock
};

}  // namespace sluice::pipeline
