// Messages of one partition as librdkafka handed them out: no byte is copied.
#pragma once

#include <librdkafka/rdkafka.h>

#include <vector>

#include "message_view.h"
#include "sluice/pipeline/record_source.h"

namespace sluice::kafka {

class MessageBatch final : public pipeline::ConsumedBatch {
 public:
  /// `live` counts the batches of a source; it must outlive them.
  MessageBatch(pipeline::Partition partition, std::size_t& live) : partition_(std::move(partition)), live_(live) {
    ++live_;
  }
  ~MessageBatch() override {
    for (rd_kafka_message_t* message : messages_) rd_kafka_message_destroy(message);
    --live_;
  }
  MessageBatch(const MessageBatch&) = delete;
  MessageBatch& operator=(const MessageBatch&) = delete;

  const pipeline::Partition& partition() const override { return partition_; }
  std::span<const pipeline::ConsumedRecord> records() const override { return records_; }

  void add(rd_kafka_message_t* message) {
    messages_.push_back(message);
    records_.push_back(view_of(*message));
    bytes += message->len + message->key_len + kRecordOverhead;
  }

 private:
  /// What librdkafka and we keep beside the bytes of a record: with narrow rows as much again.
  static constexpr std::size_t kRecordOverhead = 512;

  pipeline::Partition partition_;
  std::size_t& live_;
  std::vector<rd_kafka_message_t*> messages_;
  std::vector<pipeline::ConsumedRecord> records_;
};

}  // namespace sluice::kafka
