// What the control topic has said so far: schemas by id, and the epochs of one pipeline with their snapshots.
//
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "sluice/base/error.h"
#include "sluice/codec/control_record.h"
#include "sluice/pipeline/control_log.h"

namespace sluice::documents {

class ControlCatalog {
 public:
  /// Epochs and snapshots of other pipelines are passed over; schemas are named by what they are, whoever wrote them.
  explicit ControlCatalog(std::string pipeline) : pipeline_(std::move(pipeline)) {}

  /// Takes one record of the control topic. Error: codec.bad_control_record (Stop).
  base::Result<void> apply(const pipeline::ControlEntry& entry);

  /// Null: not seen.
  const codec::SchemaRecord* schema(std::uint64_t id) const;
  const codec::SnapshotRecord* snapshot(std::uint32_t epoch) const;
  const codec::SnapshotRecord* newest_snapshot() const;

  /// The last epoch that began, with or without a snapshot; 0: not seen.
  std::uint32_t newest_epoch() const { return newest_epoch_; }

 private:
  std::string pipeline_;
  std::unordered_map<std::uint64_t, codec::SchemaRecord> schemas_;
  std::map<std::uint32_t, codec::SnapshotRecord> snapshots_;
  std::uint32_t newest_epoch_ = 0;
};

}  // namespace sluice::documents
