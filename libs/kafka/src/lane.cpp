#include "sluice/kafka/lane.h"

#include <algorithm>

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
  return waiting_bytes_ >= limits.max_bytes || waiting_.size() >= limits.max_records;
}

bool Lane::gathers(const LaneLimits& limits) const {
  return waiting_bytes_ >= limits.slow_bytes && waiting_bytes_ < limits.worth_bytes &&
         waiting_.size() < limits.max_records;
}

std::optional<base::Deadline> Lane::opens_at(const LaneLimits& limits) const {
  if (on_their_way_ > 0 || !has_waiting()) return std::nullopt;
  return waiting_since_ + limits.patience;
}

void Lane::wait(const change::Record& record, pipeline::Ticket ticket, base::Deadline now) {
  if (waiting_.empty()) waiting_since_ = now;
  const std::string_view value = record.tombstone ? std::string_view() : record.value;
  waiting_.push_back({ticket, bytes_.keep(record.key, value, record.header),
                      static_cast<std::uint32_t>(record.key.size()), static_cast<std::uint32_t>(value.size()),
                      static_cast<std::uint32_t>(record.header.size()), record.tombstone});
  waiting_bytes_ += bytes_of(waiting_.back());
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

void Lane::acknowledged(const char* value) {
  --on_their_way_;
  if (value != nullptr) bytes_.release(value);
}

std::span<const WaitingRecord> Lane::front(const LaneLimits& limits, std::size_t max_records) const {
  const auto waiting = std::span(waiting_).subspan(next_);
  const auto company = waiting.first(std::min(max_records, waiting.size()));
  const auto alone = std::ranges::find_if(company, [&](const auto& record) { return goes_alone(record, limits); });
  const auto in_company = static_cast<std::size_t>(alone - company.begin());
  return company.first(std::max<std::size_t>(in_company, 1));
}

void Lane::lent(std::size_t records, base::Deadline now) {
  for (const std::size_t end = next_ + records; next_ < end; ++next_) {
    const WaitingRecord& record = waiting_[next_];
    handed_over(record.key_bytes + std::size_t{record.value_bytes}, now);
    if (record.tombstone) bytes_.release(record.bytes);
  }
  if (has_waiting()) return;
  waiting_.clear();
  next_ = 0;
  waiting_bytes_ = 0;
}

}  // namespace sluice::kafka
