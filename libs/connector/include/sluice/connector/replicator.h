// The replicator, wired: PostgreSQL → Kafka, its position in LMDB. src/replicator/replicator_run.cpp reads as the
// story of one life.
//
// Thread rule: one thread calls run(); StopSignal may be requested from anywhere.
#pragma once

#include "sluice/base/error.h"
#include "sluice/config/settings.h"
#include "sluice/pipeline/stop_signal.h"

namespace sluice::connector {

struct ReplicatorFlags {
  bool accept_routing_change = false;  ///< duplicates are accepted (rule P-5)
};

/// Runs until a stop is requested and everything is settled. Errors: any of its adapters' (Stop; Retry when a peer
/// stayed away longer than retry.max_outage), replicator.not_settled (Stop) when the grace ended first.
base::Result<void> run_replicator(const config::Settings& settings, const ReplicatorFlags& flags,
                                  pipeline::StopSignal& stop);

}  // namespace sluice::connector
