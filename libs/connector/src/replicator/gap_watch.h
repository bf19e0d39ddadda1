// What lies between our own deliveries is read in the background, counted and reported (rule K-9).
//
// Thread rule: the pipeline's thread.
#pragma once

#include <memory>

#include "sluice/config/settings.h"
#include "sluice/kafka/delivery_watch.h"
#include "sluice/kafka/gap_reader.h"
#include "status_publisher.h"

namespace sluice::connector {

/// Outlives the producer whose gaps it reads: what a gap holds is worth knowing afterwards, too.
class GapWatch {
 public:
  GapWatch(const config::Settings& settings, ReplicatorStatusPublisher& status);

  /// Takes the gaps that `deliveries` has seen: before their producer goes.
  void collect(kafka::DeliveryWatch& deliveries);

  /// The same, and carries the reading on; never waits.
  /// Errors: kafka.topic_in_use, kafka.auth_failed, kafka.forbidden (Stop).
  base::Result<void> tick(base::Deadline now, kafka::DeliveryWatch& deliveries);

  /// The end: what was never read is told.
  void finish();

  pipeline::Wait waits_for() const { return reader_->waits_for(); }

 private:
  /// One row of gaps is one incident, however many records it has: it ends when nothing was found for a while.
  struct Incident {
    base::Deadline quiet_at{};
    bool begins(base::Deadline now);
  };
  void report(base::Deadline now, const kafka::GapContents& gap);
  void report_failure();
  void warn(std::string_view id, std::string message);

  ReplicatorStatusPublisher& status_;
  std::unique_ptr<kafka::GapReader> reader_;
  Incident late_appends_;
  Incident foreign_records_;
  bool is_failing_ = false;
};

}  // namespace sluice::connector
