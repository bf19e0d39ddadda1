// What was sent to one partition while librdkafka still has records of it on their way.
//
// An idempotent producer of librdkafka keeps one request of a partition in flight, and while it waits for the answer
// its thread looks without a pause whether what is due may go (rd_kafka_toppar_producer_serve() counts messages where
// it means requests). That costs a core under load, and its lock is the one that every send needs. So a lane hands over
// no more than one batch at a time: what comes within the linger joins it, one more batch waits here until it is
// acknowledged, and then the lane is full.
//
// A request costs the broker as much as some hundred records do. Of a fast stream a little has come together when the
// batch before is acknowledged: it goes on gathering until it is worth a request or has waited long enough. Of a slow
// stream next to nothing has, and that goes at once.
//
// Thread rule: one thread. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/base/clock.h"
#include "sluice/change/record.h"
#include "sluice/pipeline/record_sink.h"

namespace sluice::kafka {

struct LaneLimits {
  base::Microseconds linger{2'000};    ///< a batch that was begun takes more for so long
  std::size_t max_bytes = 131'072;     ///< of a batch
  std::uint32_t max_records = 10'000;  ///< of a batch
  std::size_t slow_bytes = 8'192;      ///< less waits: the stream is slow
  std::size_t worth_bytes = 65'536;    ///< so much is worth a request
  /// Of several records in one call librdkafka takes what is behind one that it refuses for its size: a larger one than
  /// this, which is far below what could be refused, goes alone.
  std::size_t company_bytes = 4'096;
  base::Microseconds patience{10'000};  ///< the oldest that waits is kept no longer for others to join it
};

/// A record that waits, its bytes in the lane's buffer.
struct WaitingRecord {
  pipeline::Ticket ticket;
  std::uint32_t key_bytes = 0;
  std::uint32_t value_bytes = 0;
  std::uint32_t header_bytes = 0;
  bool tombstone = false;
};

class Lane {
 public:
  /// Whether a record may be handed over now; else it must wait(), if the lane is not full.
  bool is_open(const LaneLimits& limits, base::Deadline now) const;
  bool is_full(const LaneLimits& limits) const;
  void wait(const change::Record& record, pipeline::Ticket ticket, base::Deadline now);
  /// A record was handed over to librdkafka.
  void handed_over(std::size_t bytes, base::Deadline now);
  void acknowledged();

  bool has_waiting() const { return next_ < waiting_.size(); }
  /// When the lane opens by itself; empty: an acknowledgement opens it.
  std::optional<base::Deadline> opens_at(const LaneLimits& limits) const;
  /// The oldest that wait and may be handed over in one call, at least one and at most `max_records`, into `out`: key,
  /// value, header, tombstone and ticket are filled in. Valid until wait() or pop().
  void front(const LaneLimits& limits, std::size_t max_records,
             std::vector<std::pair<change::Record, pipeline::Ticket>>& out) const;
  void pop(std::size_t records);

 private:
  bool gathers(const LaneLimits& limits) const;

  std::uint64_t on_their_way_ = 0;
  std::uint64_t batch_bytes_ = 0;
  std::uint32_t batch_records_ = 0;
  base::Deadline batch_begun_{};
  std::string bytes_;
  std::size_t next_byte_ = 0;
  std::vector<WaitingRecord> waiting_;
  std::size_t next_ = 0;
  base::Deadline waiting_since_{};
};

}  // namespace sluice::kafka
