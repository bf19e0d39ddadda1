// Reads the gaps between our own deliveries and says what lies in them (rule K-9): a late append of a dead process,
// somebody else's records, another pipeline. In the background: no call blocks for longer than a client's creation.
//
// Thread rule: made, used and destroyed by the pipeline's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sluice/base/clock.h"
#include "sluice/base/error.h"
#include "sluice/kafka/client_options.h"
#include "sluice/kafka/delivery_contiguity.h"
#include "sluice/kafka/tails.h"
#include "sluice/pipeline/waitable.h"

namespace sluice::kafka {

struct GapReaderOptions {
  std::vector<std::string> topics;        ///< what TopicIndex counts
  std::string pipeline;                   ///< whose records are ours
  base::Milliseconds timeout{15'000};     ///< of one attempt to read a gap
  base::Milliseconds retry_after{5'000};  ///< between two attempts: no gap is given up
  /// More waiting gaps than so many in all are joined with what is ours between them, which costs reading, not memory.
  std::size_t max_waiting = 1'000;
};

struct GapContents {
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t begin = 0;             ///< first offset that was not ours
  std::uint64_t late_appends = 0;     ///< our own records, of a dead process; consumers tell them by id
  std::uint64_t foreign_records = 0;  ///< somebody else typed into the topic
};

class GapReader : public pipeline::Waitable {
 public:
  /// Connects with the first gap. A record that `read` cannot make sense of is foreign.
  static std::unique_ptr<GapReader> make(ClientOptions client, GapReaderOptions options, ReadClue read);

  virtual void add(const DeliveryGap& gap) = 0;

  /// Carries the reading on; what it finished with. Errors: kafka.topic_in_use (Stop): a gap holds a record of another
  /// pipeline; kafka.auth_failed, kafka.forbidden (Stop).
  virtual base::Result<std::vector<GapContents>> poll(base::Deadline now) = 0;

  /// Offsets that are still to be read.
  virtual std::uint64_t unread() const = 0;
  /// Why the last attempt failed; nothing: it did not, or a later one succeeded.
  virtual const std::optional<base::Error>& failure() const = 0;
};

}  // namespace sluice::kafka
