// The configuration, as each adapter wants it.
//
// Thread rule: pure functions.
#pragma once

#include <optional>

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
/// For questions that the pipeline's thread asks beside its work: it does not wait longer for a connection.
postgres::ConnectOptions connect_options_within(base::Milliseconds patience, const config::Settings& settings);
kafka::ClientOptions client_options(const config::Settings& settings);
kafka::ProducerOptions producer_options(const config::Settings& settings);
std::int32_t replication_factor(const config::Settings& settings);  ///< of topics that we make, as Kafka has it
codec::ValueOptions value_options(const config::Settings& settings);
pipeline::ReplicationLimits replication_limits(const config::Settings& settings);
pipeline::OnRewrite on_rewrite(const config::Settings& settings);
pipeline::SuperviseLimits supervise_limits(const config::Settings& settings);
/// `reading_since`: nothing when it did not come so far. To have read for longer than a back-off is to have worked.
pipeline::Attempt attempt_of(base::Result<void> result, std::optional<base::Deadline> reading_since,
                             const config::Settings& settings);
/// `program`: replicator or es_consumer.
admin::AdminOptions admin_options(const config::Settings& settings, const std::string& program);

}  // namespace sluice::connector
