// What a life of the replicator tells people beside its work: in the log, and where a warning is current in the status.
//
// Thread rule: the pipeline's thread.
#pragma once

#include <map>
#include <string>

#include "encoder_port.h"
#include "sluice/config/settings.h"
#include "sluice/kafka/producer.h"
#include "sluice/pipeline/replication.h"
#include "sluice/pipeline/source_facts.h"
#include "status_publisher.h"

namespace sluice::connector {

class ReplicatorReports {
 public:
  ReplicatorReports(const config::Settings& settings, ReplicatorStatusPublisher& status)
      : settings_(settings), status_(status) {}

  void warn(const base::Error& warning);

  void oddities(const pipeline::PublicationFacts& publication);
  void altered(const pipeline::PublicationIncarnation& before, const pipeline::PublicationIncarnation& now);

  // Call them as often as you like: each tells only what it has not told yet.
  void schema_changes(pipeline::Replication& replication);
  void halts(const pipeline::Replication& replication);
  void replacements(EncoderPort& encoder);
  void obstacles(const pipeline::Replication& replication, const kafka::Producer& producer);

 private:
  const config::Settings& settings_;
  ReplicatorStatusPublisher& status_;
  std::map<std::string, pipeline::TableHalt> told_halts_;  // by table
  bool store_is_failing_ = false;
  bool told_of_replacements_ = false;
  bool kafka_is_away_ = false;
};

}  // namespace sluice::connector
