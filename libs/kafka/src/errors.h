// librdkafka's error codes as errors of the house.
#pragma once

#include <librdkafka/rdkafka.h>

#include <string>
#include <string_view>

#include "sluice/base/error.h"

namespace sluice::kafka {

/// What `code` means wherever it turns up; `subject` names what was being done to what ("topic cdc-events").
/// Codes that have no meaning of their own become `fallback_id`, Retry.
base::Error error_of(rd_kafka_resp_err_t code, std::string_view subject, std::string_view fallback_id);

/// True for errors of a connection: librdkafka goes on trying by itself.
bool is_transport(rd_kafka_resp_err_t code);

/// The same for who reads: a topic that does not exist may yet be made by who writes it, so that is Retry.
base::Error error_of_reading(rd_kafka_resp_err_t code, std::string_view subject);

/// Of reading: what librdkafka mends by itself. It is noted for the status, and reading goes on.
bool passes_by_itself(rd_kafka_resp_err_t code);

/// A commit refused because the group moved on without us: the partitions will be taken away, nothing was claimed.
bool group_moved_on(rd_kafka_resp_err_t code);

}  // namespace sluice::kafka
