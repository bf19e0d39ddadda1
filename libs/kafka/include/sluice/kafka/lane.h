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
// What waited is lent to librdkafka rather than copied for it: the lane keeps the bytes until they are acknowledged.
//
// Thread rule: one thread. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "sluice/base/clock.h"
#include "sluice/change/record.h"
#include "sluice/kafka/lane_bytes.h"
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

/// A record that waits. Its bytes stay where they are while it does, and its value until it is acknowledged.
struct WaitingRecord {
  pipeline::Ticket ticket;
  const char* bytes = nullptr;  ///< key, value and header, one behind the other
  std::uint32_t key_bytes = 0;
  std::uint32_t value_bytes = 0;
  std::uint32_t header_bytes = 0;
  bool tombstone = false;

  std::string_view key() const { return {bytes, key_bytes}; }
  std::string_view value() const { return {bytes + key_bytes, value_bytes}; }
  std::string_view header() const { return {bytes + key_bytes + value_bytes, header_bytes}; }
};

class Lane {
 public:
  /// `pool`: outlives this.
  explicit Lane(BlockPool& pool) : bytes_(pool) {}

  /// Whether a record may be handed over now; else it must wait(), if the lane is not full.
  bool is_open(const LaneLimits& limits, base::Deadline now) const;
  bool is_full(const LaneLimits& limits) const;
  void wait(const change::Record& record, pipeline::Ticket ticket, base::Deadline now);
  /// A record that did not wait was handed over to librdkafka, key and value in `bytes`.
  void handed_over(std::size_t bytes, base::Deadline now);
  /// `value`: where librdkafka has it, its own copy or what was lent; null of a tombstone.
  void acknowledged(const char* value);

  bool has_waiting() const { return next_ < waiting_.size(); }
  /// When the lane opens by itself; empty: an acknowledgement opens it.
  std::optional<base::Deadline> opens_at(const LaneLimits& limits) const;
  /// The oldest that wait and may be handed over in one call, at least one and at most `max_records`. Valid until
  /// wait() or lent().
  std::span<const WaitingRecord> front(const LaneLimits& limits, std::size_t max_records) const;
  /// So many of the front were handed over, their values lent, their keys and headers copied.
  void lent(std::size_t records, base::Deadline now);

 private:
  bool gathers(const LaneLimits& limits) const;

  std::uint64_t on_their_way_ = 0;
  std::uint64_t batch_bytes_ = 0;
  std::uint32_t batch_records_ = 0;
  base::Deadline batch_begun_{};
  LaneBytes bytes_;
  std::vector<WaitingRecord> waiting_;
  std::size_t next_ = 0;
  std::size_t waiting_bytes_ = 0;  ///< of all since nothing waited
  base::Deadline waiting_since_{};
};

}  // namespace sluice::kafka
