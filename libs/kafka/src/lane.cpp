#include "sluice/kafka/lane.h"

#include <utility>

namespace sluice::kafka {

bool Lane::is_open(const LaneLimits& limits, base::Deadline now) const {
  if (on_their_way_ == 0) return !gathers(limits) || now - waiting_since_ >= limits.patience;
  return now - batch_begun_ < limits.linger && batch_bytes_ < limits.max_bytes && batch_records_ < limits.max_records;
}

bool Lane::is_full(const LaneLimits& limits) const {
  return bytes_.size() >= limits.max_bytes || waiting_.size() >= limits.max_records;
}

bool Lane::gathers(const LaneLimits& limits) const {
  return bytes_.size() >= limits.slow_bytes && bytes_.size() < limits.worth_bytes &&
         waiting_.size() < limits.max_records;
}

std::optional<base::Deadline> Lane::opens_at(const LaneLimits& limits) const {
  if (on_their_way_ > 0 || !has_waiting()) return std::nullopt;
  return waiting_since_ + limits.patience;
}

void Lane::wait(const change::Record& record, pipeline::Ticket ticket, base::Deadline now) {
  if (waiting_.empty()) waiting_since_ = now;
  const std::string_view value = record.tombstone ? std::string_view() : record.value;
  waiting_.push_back({ticket, static_cast<std::uint32_t>(record.key.size()), static_cast<std::uint32_t>(value.size()),
                      static_cast<std::uint32_t>(record.header.size()), record.tombstone});
  bytes_.append(record.key).append(value).append(record.header);
}

void Lane::handed_over(std::size_t bytes, base::Deadline now) {
  if (on_their_way_++ == 0) {
    batch_begun_ = now;
    batch_bytes_ = 0;
    batch_records_ = 0;
  }
  batch_bytes_ += bytes;
  ++batch_records_;
}

void Lane::acknowledged() { --on_their_way_; }

std::pair<change::Record, pipeline::Ticket> Lane::front() const {
  const WaitingRecord& waiting = waiting_[next_];
  const std::string_view bytes = std::string_view(bytes_).substr(next_byte_);
  change::Record record;
  record.key = bytes.substr(0, waiting.key_bytes);
  record.value = bytes.substr(waiting.key_bytes, waiting.value_bytes);
  record.header = bytes.substr(waiting.key_bytes + waiting.value_bytes, waiting.header_bytes);
  record.tombstone = waiting.tombstone;
  return {record, waiting.ticket};
}

void Lane::pop() {
  const WaitingRecord& waiting = waiting_[next_++];
  next_byte_ += std::size_t{waiting.key_bytes} + waiting.value_bytes + waiting.header_bytes;
  if (has_waiting()) return;
  waiting_.clear();
  bytes_.clear();
  next_ = 0;
  next_byte_ = 0;
}

}  // namespace sluice::kafka
