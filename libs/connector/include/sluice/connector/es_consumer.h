// The es_consumer, wired: Kafka → Elasticsearch, as a member of a consumer group.
//
// Thread rule: one thread calls it; StopSignal may be requested from anywhere.
#pragma once

#include "sluice/base/error.h"
#include "sluice/config/settings.h"
#include "sluice/pipeline/stop_signal.h"

namespace sluice::connector {

/// Runs until a stop is requested and everything is settled. Errors: any of its adapters' (Stop; Retry when a peer
/// stayed away longer than retry.max_outage), es_consumer.not_settled (Stop) when the grace ended first.
base::Result<void> run_es_consumer(const config::Settings& settings, pipeline::StopSignal& stop);

}  // namespace sluice::connector
