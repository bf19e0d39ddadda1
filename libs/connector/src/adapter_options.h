// The configuration, as each adapter wants it.
//
// Thread rule: pure functions.
#pragma once

#include "sluice/admin/admin_server.h"
#include "sluice/codec/value_options.h"
#include "sluice/config/settings.h"
#include "sluice/kafka/client_options.h"
#include "sluice/kafka/producer.h"
#include "sluice/pipeline/replication.h"
#include "sluice/pipeline/supervise.h"
#include "sluice/postgres/connect_options.h"

namespace sluice::connector {

postgres::ConnectOptions connect_options(const config::Settings& settings);
kafka::ClientOptions client_options(const config::Settings& settings);
kafka::ProducerOptions producer_options(const config::Settings& settings);
std::int32_t replication_factor(const config::Settings& settings);  ///< of topics that we make, as Kafka has it
codec::ValueOptions value_options(const config::Settings& settings);
pipeline::ReplicationLimits replication_limits(const config::Settings& settings);
pipeline::OnRewrite on_rewrite(const config::Settings& settings);
pipeline::SuperviseLimits supervise_limits(const config::Settings& settings);
/// `program`: replicator or es_consumer.
admin::AdminOptions admin_options(const config::Settings& settings, const std::string& program);

}  // namespace sluice::connector
