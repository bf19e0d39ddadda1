// Asks in the background whether topics are still what they were: for the slow poll of a running pipeline (rule P-2.6).
//
// Thread rule: one thread. No call blocks for longer than a client's creation.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/kafka/client_options.h"
#include "sluice/pipeline/checkpoint.h"

namespace sluice::kafka {

/// One per name, in their order, without end offsets; nothing: the broker that answered knows no such topic.
using TopicAnswers = std::vector<std::optional<pipeline::TopicIncarnation>>;

class TopicPoll {
 public:
  virtual ~TopicPoll() = default;

  /// Connects with the first question. Errors: kafka.bad_property (Stop).
  static base::Result<std::unique_ptr<TopicPoll>> open(const ClientOptions& client);

  /// The answer to an earlier question is not given any more.
  virtual void ask(const std::vector<std::string>& names) = 0;

  /// The answer, once; nothing: it is not there yet. Errors: kafka.unreachable, kafka.admin_failed (Retry);
  /// kafka.auth_failed, kafka.forbidden (Stop). After an error, and after an answer, ask again.
  virtual base::Result<std::optional<TopicAnswers>> answer() = 0;
};

}  // namespace sluice::kafka
