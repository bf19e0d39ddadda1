// DeadLetters into a topic of their own (rule E-12).
//
// Thread rule: made, used and destroyed by the pipeline's thread. put() blocks, bounded by the time-out.
// A letter is the original record: key, value, header `sluice`, and beside it the headers
//   sluice.topic  sluice.partition  sluice.offset  sluice.timestamp_ms  where it came from
//   sluice.id                                      event id, as far as it could be read
//   sluice.error_type  sluice.error_reason         why; the reason is truncated
//   sluice.attempts                                how often it was tried
// numbers as decimal text. All letters go to partition 0, so that they can be replayed in order.
//
// Error of put(): kafka.dlq_failed (Retry): not acknowledged in time or refused; it may arrive yet, a second letter of
// the same record does no harm; kafka.dead_letter_too_large (Stop): the topic will never take it. Also
// kafka.topic_missing (Stop) when it may not be created, kafka.forbidden, kafka.auth_failed.
#pragma once

#include <memory>
#include <string>

#include "sluice/base/clock.h"
#include "sluice/base/error.h"
#include "sluice/kafka/client_options.h"
#include "sluice/pipeline/dead_letters.h"

namespace sluice::kafka {

enum class MissingTopic { Create, Refuse };

struct DeadLetterOptions {
  std::string topic;  ///< empty: `<topic of the record>.dlq`
  MissingTopic missing_topic = MissingTopic::Create;
  std::int32_t replication_factor = -1;  ///< of a topic that is created; -1: the broker's default
  base::Milliseconds timeout{10'000};
  std::uint32_t max_message_bytes = 1'000'000;  ///< of the records read; a letter may be 64 KiB larger
  std::size_t max_reason_bytes = 2'048;
};

class DeadLetterTopic : public pipeline::DeadLetters {
 public:
  /// Call it now and then, letters or not: what librdkafka has to say of its connections would pile up.
  virtual void tend() = 0;
};

/// Errors: kafka.bad_property (Stop).
base::Result<std::unique_ptr<DeadLetterTopic>> open_dead_letters(const ClientOptions& client,
                                                                 const DeadLetterOptions& options);

}  // namespace sluice::kafka
