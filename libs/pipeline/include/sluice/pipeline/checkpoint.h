// What a pipeline remembers over a restart, and the port that stores it (rule P-2.7: one transaction, before anything
// is confirmed).
//
// Thread rule: the pipeline's thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/change/change_event.h"
#include "sluice/change/event_id.h"
#include "sluice/change/schema_change.h"

namespace sluice::pipeline {

/// What a partition ended with at a clean stop (rule K-9).
struct PartitionTail {
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t end_offset = 0;  ///< offset of the next record
  change::EventId last;         ///< of the last stream record; epoch 0: none
  friend bool operator==(const PartitionTail&, const PartitionTail&) = default;
};

/// Tells a slot made again under the same name from ours (rule P-2.6).
struct SlotIncarnation {
  std::string name;
  std::uint64_t system_id = 0;
  std::uint32_t timeline = 0;
  std::string database;
  change::Lsn consistent_point;
  friend bool operator==(const SlotIncarnation&, const SlotIncarnation&) = default;
};

/// pg_publication.oid and xmin, and those of its members (rule P-2.6).
struct PublicationIncarnation {
  std::string name;
  std::uint32_t oid = 0;
  std::uint32_t xmin = 0;
  struct Member {
    std::string table;  ///< schema.name, or the schema for pg_publication_namespace
    std::uint32_t oid = 0;
    std::uint32_t xmin = 0;
    bool is_schema = false;
    friend bool operator==(const Member&, const Member&) = default;
  };
  std::vector<Member> members;
  friend bool operator==(const PublicationIncarnation&, const PublicationIncarnation&) = default;
};

struct TopicIncarnation {
  std::string topic;
  std::string topic_id;  ///< Kafka's UUID of the topic, as text; empty where the broker does not say
  std::int32_t partitions = 0;
  std::vector<std::int64_t> end_offsets;
  friend bool operator==(const TopicIncarnation&, const TopicIncarnation&) = default;
};

enum class SnapshotPhase {
  None,      ///< nothing to read
  Intended,  ///< the slot is about to be made; it may or may not exist, nothing was produced
  Running,   ///< rows have been produced
  Done,
};

/// Why and since when the events of a table are not sent (rule P-33).
struct TableHalt {
  std::string reason;  ///< "another type of column b"
  change::Lsn since;   ///< of the first transaction whose events may be missing
  friend bool operator==(const TableHalt&, const TableHalt&) = default;
};

struct TableState {
  change::TableForm form;  ///< as its last event had it; oid 0: no table has this name any more, as far as known
  std::optional<TableHalt> halt;
  friend bool operator==(const TableState&, const TableState&) = default;
};

/// By "schema.table"; of each table that had an event in this epoch.
using TableStates = std::map<std::string, TableState>;

struct Checkpoint {
  std::string pipeline;
  std::uint32_t epoch = 0;
  change::Position position;       ///< durable: everything before it is in Kafka
  change::Position last_data_end;  ///< end of the last durable transaction that had records
  std::uint64_t highest_xid = 0;
  std::string fingerprint;          ///< of everything that decides id, topic and partition (rule P-5)
  bool settled = false;             ///< true only by a clean stop
  bool kafka_lost_records = false;  ///< a life of this pipeline saw that what Kafka had acknowledged is gone
  SnapshotPhase snapshot = SnapshotPhase::None;
  SlotIncarnation slot;
  PublicationIncarnation publication;
  std::vector<TopicIncarnation> topics;
  std::vector<PartitionTail> tails;  ///< of the clean stop; empty when not settled
  TableStates tables;                ///< as of `position`
  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

class OffsetStore {
 public:
  virtual ~OffsetStore() = default;
  /// Nothing: there never was a checkpoint. Errors: offsets.corrupt (Stop), offsets.unreadable (Stop).
  virtual base::Result<std::optional<Checkpoint>> load() = 0;
  /// Returns only when the checkpoint is on disk. Errors: offsets.disk_full, offsets.write_failed (Retry).
  virtual base::Result<void> save(const Checkpoint& checkpoint) = 0;
};

}  // namespace sluice::pipeline
