// A message of librdkafka as the pipeline sees it.
#pragma once

#include <librdkafka/rdkafka.h>

#include "sluice/pipeline/record_source.h"

namespace sluice::kafka {

/// Views into the message; valid as long as it is.
inline pipeline::ConsumedRecord view_of(const rd_kafka_message_t& message) {
  pipeline::ConsumedRecord record;
  record.offset = message.offset;
  record.timestamp_ms = rd_kafka_message_timestamp(&message, nullptr);
  record.key = {static_cast<const char*>(message.key), message.key_len};
  record.tombstone = message.payload == nullptr;
  record.value = {static_cast<const char*>(message.payload), message.len};
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return record;
  const void* value = nullptr;
  std::size_t size = 0;
  if (rd_kafka_header_get_last(headers, "sluice", &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR && value != nullptr)
    record.header = {static_cast<const char*>(value), size};
  return record;
}

}  // namespace sluice::kafka
