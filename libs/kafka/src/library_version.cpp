#include "sluice/kafka/library_version.h"

#include <fmt/core.h>
#include <librdkafka/rdkafka.h>

namespace sluice::kafka {

std::string library_version() { return fmt::format("librdkafka {}", rd_kafka_version_str()); }

}  // namespace sluice::kafka
