#include "transaction_spool.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "sluice/base/check.h"

namespace sluice::pgoutput {
namespace {

/// What is in a file already is written on in pieces of this size.
constexpr std::size_t kWriteBytes = 1 << 20;
constexpr std::size_t kReadBytes = 256 << 10;

/// In front of each message.
struct Frame {
  std::uint64_t data_start = 0;
  std::uint64_t message_bytes = 0;
};

}  // namespace

base::Result<void> TransactionSpool::append(std::uint32_t subxid, change::Lsn data_start, char kind,
                                            std::string_view body) {
  if (subxid != xid_ && subxid != last_subxid_) remember(subxid);
  last_subxid_ = subxid;
  const Frame frame{data_start.value(), 1 + body.size()};
  memory_.append(reinterpret_cast<const char*>(&frame), sizeof(frame)).append(1, kind).append(body);
  if (file_ != nullptr && memory_.size() >= kWriteBytes) return flush();
  return {};
}

void TransactionSpool::remember(std::uint32_t subxid) {
  const std::uint32_t age = subxid - xid_;
  const auto place =
      std::lower_bound(subtransactions_.begin(), subtransactions_.end(), age,
                       [](const Subtransaction& known, std::uint32_t sought) { return known.age < sought; });
  if (place == subtransactions_.end() || place->age != age) subtransactions_.insert(place, {age, size()});
}

/// Whoever is younger than an open subtransaction began inside of it: xids are given in the order of nesting, and this
/// is told before the transaction's next message. So all from there on goes, as the server's own subscriber does it.
base::Result<void> TransactionSpool::abort(std::uint32_t subxid) {
  const std::uint32_t age = subxid - xid_;
  std::uint64_t begin = size();
  for (; !subtransactions_.empty() && subtransactions_.back().age >= age; subtransactions_.pop_back()) {
    begin = std::min(begin, subtransactions_.back().begin);
  }
  last_subxid_ = 0;
  return truncate(begin);
}

base::Result<void> TransactionSpool::truncate(std::uint64_t size) {
  if (size >= spilled_bytes_) {
    memory_.resize(static_cast<std::size_t>(size - spilled_bytes_));
    return {};
  }
  SLUICE_TRY(file_->truncate(size));
  spilled_bytes_ = size;
  memory_.clear();
  return {};
}

base::Result<void> TransactionSpool::spill(SpillArea& area) {
  if (file_ == nullptr) {
    SLUICE_ASSIGN(file_, area.make_file());
  }
  SLUICE_TRY(flush());
  memory_ = {};
  return {};
}

base::Result<void> TransactionSpool::flush() {
  SLUICE_TRY(file_->append(memory_));
  spilled_bytes_ += memory_.size();
  memory_.clear();
  return {};
}

base::Result<std::optional<SpooledMessage>> TransactionSpool::next() {
  if (file_ != nullptr && !memory_.empty()) SLUICE_TRY(flush());
  if (read_ == size()) return std::nullopt;
  Frame frame;
  SLUICE_ASSIGN(const std::string_view head, bytes_at(read_, sizeof(frame)));
  std::memcpy(&frame, head.data(), sizeof(frame));
  SLUICE_ASSIGN(const std::string_view message,
                bytes_at(read_ + sizeof(frame), static_cast<std::size_t>(frame.message_bytes)));
  read_ += sizeof(frame) + frame.message_bytes;
  return SpooledMessage{message, change::Lsn(frame.data_start)};
}

base::Result<std::string_view> TransactionSpool::bytes_at(std::uint64_t offset, std::size_t bytes) {
  SLUICE_CHECK(bytes <= size() - offset, "a spool is read as it was written");
  if (file_ == nullptr) return std::string_view(memory_).substr(static_cast<std::size_t>(offset), bytes);
  if (offset < window_begin_ || offset + bytes > window_begin_ + window_.size()) {
    const std::uint64_t wanted = std::max<std::uint64_t>(bytes, kReadBytes);
    window_.resize(static_cast<std::size_t>(std::min(wanted, spilled_bytes_ - offset)));
    window_begin_ = offset;
    SLUICE_TRY(file_->read(offset, window_));
  }
  return std::string_view(window_).substr(static_cast<std::size_t>(offset - window_begin_), bytes);
}

}  // namespace sluice::pgoutput
