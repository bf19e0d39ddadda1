// Rule K-9: the stream records of a partition are written in stream order and without gaps, so the id of the last one
// says exactly what the partition has. What comes again with an id that is not higher is dropped.
//
// Thread rule: the pipeline's thread.
#pragma once

#include <vector>

#include "sluice/change/record.h"

namespace sluice::pipeline {

class TailFilter {
 public:
  /// tails[topic][partition]: id of the last stream record there; epoch 0: none.
  explicit TailFilter(std::vector<std::vector<change::EventId>> tails) : tails_(std::move(tails)) {}

  /// The partition has this record already. Only stream records are ever known.
  bool knows(const change::Record& record) const {
    return record.kind == change::RecordKind::Stream && record.id <= last(record.topic, record.partition);
  }

  /// The sink took the record.
  void handed_over(const change::Record& record) {
    if (record.kind == change::RecordKind::Stream) {
      tails_[record.topic][static_cast<std::size_t>(record.partition)] = record.id;
    }
  }

  const change::EventId& last(change::TopicIndex topic, std::int32_t partition) const {
    return tails_[topic][static_cast<std::size_t>(partition)];
  }
  const std::vector<std::vector<change::EventId>>& tails() const { return tails_; }

 private:
  std::vector<std::vector<change::EventId>> tails_;
};

}  // namespace sluice::pipeline
