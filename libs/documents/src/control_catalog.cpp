#include "sluice/documents/control_catalog.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace sluice::documents {

base::Result<void> ControlCatalog::apply(const pipeline::ControlEntry& entry) {
  if (entry.tombstone) return {};
  SLUICE_ASSIGN(std::optional<codec::ControlRecord> record, codec::parse_control_record(entry.key, entry.value));
  if (!record) return {};
  if (auto* schema = std::get_if<codec::SchemaRecord>(&*record)) {
    const std::uint64_t id = schema->id;
    schemas_.insert_or_assign(id, std::move(*schema));
  } else if (const auto* began = std::get_if<codec::EpochRecord>(&*record); began && began->pipeline == pipeline_) {
    newest_epoch_ = std::max(newest_epoch_, began->epoch);
  } else if (auto* snapshot = std::get_if<codec::SnapshotRecord>(&*record);
             snapshot && snapshot->pipeline == pipeline_) {
    const std::uint32_t epoch = snapshot->epoch;
    snapshots_.insert_or_assign(epoch, std::move(*snapshot));
  }
  return {};
}

const codec::SchemaRecord* ControlCatalog::schema(std::uint64_t id) const {
  const auto found = schemas_.find(id);
  return found == schemas_.end() ? nullptr : &found->second;
}

const codec::SnapshotRecord* ControlCatalog::snapshot(std::uint32_t epoch) const {
  const auto found = snapshots_.find(epoch);
  return found == snapshots_.end() ? nullptr : &found->second;
}

const codec::SnapshotRecord* ControlCatalog::newest_snapshot() const {
  return snapshots_.empty() ? nullptr : &snapshots_.rbegin()->second;
}

}  // namespace sluice::documents
