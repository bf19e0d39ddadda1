#include "sluice/kafka/lane.h"

#include <utility>

namespace sluice::kafka {
namespace {

std::size_t bytes_of(const WaitingRecord& waiting) {
  return std::size_t{waiting.key_bytes} + waiting.value_bytes + waiting.header_bytes;
}

/// The call for several records has no place for headers.
bool goes_alone(const WaitingRecord& waiting, const LaneLimits& limits) {
  return waiting.header_bytes > 0 || bytes_of(waiting) > limits.company_bytes;
}

}  // namespace

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

void Lane::front(const LaneLimits& limits, std::size_t max_records,
                 std::vector<std::pair<change::Record, pipeline::Ticket>>& out) const {
  out.clear();
  std::string_view bytes = std::string_view(bytes_).substr(next_byte_);
  const auto taken = [&bytes](std::size_t size) {
    const std::string_view front = bytes.substr(0, size);
    bytes.remove_prefix(size);
    return front;
  };
  for (std::size_t index = next_; index < waiting_.size() && out.size() < max_records; ++index) {
    const WaitingRecord& waiting = waiting_[index];
    const bool alone = goes_alone(waiting, limits);
    if (alone && !out.empty()) return;
    change::Record record;
    record.key = taken(waiting.key_bytes);
    record.value = taken(waiting.value_bytes);
    record.header = taken(waiting.header_bytes);
    record.tombstone = waiting.tombstone;
    out.emplace_back(record, waiting.ticket);
    if (alone) return;
  }
}

void Lane::pop(std::size_t records) {
  for (const std::size_t end = next_ + records; next_ < end; ++next_) next_byte_ += bytes_of(waiting_[next_]);
  if (has_waiting()) return;
  waiting_.clear();
  bytes_.clear();
  next_ = 0;
  next_byte_ = 0;
}

}  // namespace sluice::kafka
