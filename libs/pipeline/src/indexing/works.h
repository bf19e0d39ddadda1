// The partitions that this member has at present.
//
// Thread rule: the pipeline's thread.
#pragma once

#include <map>

#include "partition_work.h"

namespace sluice::pipeline {

class Works {
 public:
  using Map = std::map<WorkId, PartitionWork>;

  PartitionWork& add(const GroupCheckpoint& start, std::optional<Offset> stored, Offset end, base::Backoff backoff) {
    const WorkId id = next_id_++;
    return works_.try_emplace(id, id, start, stored, end, backoff).first->second;
  }
  /// Null: it is no longer ours.
  PartitionWork* find(WorkId id) {
    const auto found = works_.find(id);
    return found == works_.end() ? nullptr : &found->second;
  }
  PartitionWork* find(const Partition& partition) {
    for (auto& [id, work] : works_) {
      if (work.partition() == partition) return &work;
    }
    return nullptr;
  }
  void remove(const Partition& partition) {
    std::erase_if(works_, [&](const auto& entry) { return entry.second.partition() == partition; });
  }

  Map& all() { return works_; }
  const Map& all() const { return works_; }
  std::size_t held_bytes() const {
    std::size_t bytes = 0;
    for (const auto& [id, work] : works_) bytes += work.held_bytes();
    return bytes;
  }

 private:
  Map works_;
  WorkId next_id_ = 1;
};

}  // namespace sluice::pipeline
