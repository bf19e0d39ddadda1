#include "sluice/pgoutput/streamed_transactions.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "malformed.h"
#include "protocol_violation.h"
#include "sluice/base/byte_reader.h"
#include "sluice/base/check.h"
#include "transaction_spool.h"

namespace sluice::pgoutput {
namespace {

using base::Recovery;

/// The limits are looked at after so much.
constexpr std::uint64_t kCheckBytes = 64 << 10;

/// Where the parts of a Stream Commit lie.
constexpr std::size_t kXidAt = 1;
constexpr std::size_t kFlagsAt = kXidAt + 4;
constexpr std::size_t kCommitLsnAt = kFlagsAt + 1;
constexpr std::size_t kTimeAt = kCommitLsnAt + 16;

/// Kinds that carry the xid of their subtransaction while a stream is open.
constexpr std::string_view kKindsWithXid = "RYIUDTM";

}  // namespace

StreamedTransactions::StreamedTransactions(SpillArea& area, SpoolLimits limits) : area_(area), limits_(limits) {}

StreamedTransactions::~StreamedTransactions() = default;

base::Result<bool> StreamedTransactions::take(std::string_view message, change::Lsn data_start) {
  SLUICE_CHECK(committed_ == nullptr, "next() has given everything before the next message is taken");
  base::Result<void> taken;
  switch (stream_message_kind(message)) {
    case StreamMessageKind::Start: taken = start(message); break;
    case StreamMessageKind::Stop: taken = stop(message); break;
    case StreamMessageKind::Commit: taken = commit(message); break;
    case StreamMessageKind::Abort: taken = abort(message); break;
    case StreamMessageKind::None:
      if (open_ == nullptr) return false;
      taken = keep(message, data_start);
      break;
  }
  if (!taken) return tl::make_unexpected(std::move(taken.error()));
  return true;
}

base::Result<void> StreamedTransactions::start(std::string_view message) {
  SLUICE_ASSIGN(const StreamStart start, parse_stream_start(message));
  if (open_ != nullptr) return protocol_violation("a STREAM START came inside of a stream");
  const auto known = spools_.find(start.xid);
  if (start.first_segment != (known == spools_.end())) {
    return protocol_violation(fmt::format("a STREAM START of transaction {} says that it is {}", start.xid,
                                          start.first_segment ? "the first again" : "not the first, which never came"));
  }
  auto& spool = spools_[start.xid];
  if (spool == nullptr) spool = std::make_unique<TransactionSpool>(start.xid);
  open_ = spool.get();
  open_xid_ = start.xid;
  return {};
}

base::Result<void> StreamedTransactions::stop(std::string_view message) {
  SLUICE_TRY(parse_stream_stop(message));
  if (open_ == nullptr) return protocol_violation("a STREAM STOP came outside of a stream");
  open_ = nullptr;
  return {};
}

base::Result<void> StreamedTransactions::commit(std::string_view message) {
  SLUICE_ASSIGN(const std::uint32_t xid, parse_stream_commit(message));
  if (open_ != nullptr) return protocol_violation("a STREAM COMMIT came inside of a stream");
  const auto found = spools_.find(xid);
  if (found == spools_.end()) {
    return protocol_violation(fmt::format("a STREAM COMMIT of transaction {} came, of which nothing was sent", xid));
  }
  committed_ = std::move(found->second);
  spools_.erase(found);
  stage_ = Stage::Begin;
  begin_.assign(1, 'B').append(message.substr(kCommitLsnAt, 8)).append(message.substr(kTimeAt, 8));
  begin_.append(message.substr(kXidAt, 4));
  commit_.assign(1, 'C').append(message.substr(kFlagsAt));
  return {};
}

/// Of a transaction that is not known nothing was kept.
base::Result<void> StreamedTransactions::abort(std::string_view message) {
  SLUICE_ASSIGN(const StreamAbort abort, parse_stream_abort(message));
  if (open_ != nullptr) return protocol_violation("a STREAM ABORT came inside of a stream");
  const auto found = spools_.find(abort.xid);
  if (found == spools_.end()) return {};
  if (abort.subxid != abort.xid) return found->second->abort(abort.subxid);
  spools_.erase(found);
  return {};
}

base::Result<void> StreamedTransactions::keep(std::string_view message, change::Lsn data_start) {
  if (message.empty()) return protocol_violation("an empty message came inside of a stream");
  const char kind = message.front();
  if (kKindsWithXid.find(kind) == std::string_view::npos) {
    if (kind != 'O') {
      return protocol_violation(fmt::format("a message of kind {} came inside of a stream", printable_kind(kind)));
    }
    SLUICE_TRY(open_->append(open_xid_, data_start, kind, message.substr(1)));
  } else {
    base::ByteReader reader(message.substr(1));
    const std::uint32_t subxid = reader.u32();
    if (reader.failed()) return malformed(message, 1);
    SLUICE_TRY(open_->append(subxid, data_start, kind, message.substr(kFlagsAt)));
  }
  unchecked_bytes_ += message.size();
  return unchecked_bytes_ < kCheckBytes ? base::Result<void>() : keep_to_limits();
}

base::Result<void> StreamedTransactions::keep_to_limits() {
  unchecked_bytes_ = 0;
  const SpoolCounters held = counters();
  if (held.bytes > limits_.total_bytes) {
    return base::fail(Recovery::Stop, "pgoutput.spool_full",
                      fmt::format("transactions in progress take {} bytes, postgres.spool_limit is {}. Nothing of them "
                                  "was sent. Raise the limit, or set postgres.streaming: off, with which PostgreSQL "
                                  "keeps them on its own disk",
                                  held.bytes, limits_.total_bytes));
  }
  if (held.bytes - held.spilled_bytes <= limits_.memory_bytes) return {};
  const auto largest = std::max_element(spools_.begin(), spools_.end(), [](const auto& left, const auto& right) {
    return left.second->memory_bytes() < right.second->memory_bytes();
  });
  return largest->second->spill(area_);
}

base::Result<std::optional<SpooledMessage>> StreamedTransactions::next() {
  if (committed_ == nullptr) return std::nullopt;
  if (stage_ == Stage::Begin) {
    stage_ = Stage::Messages;
    return SpooledMessage{begin_, {}};
  }
  if (stage_ == Stage::Messages) {
    SLUICE_ASSIGN(const auto message, committed_->next());
    if (message) return message;
    stage_ = Stage::Commit;
    return SpooledMessage{commit_, {}};
  }
  committed_.reset();
  return std::nullopt;
}

SpoolCounters StreamedTransactions::counters() const {
  SpoolCounters counters;
  const auto count = [&counters](const TransactionSpool& spool) {
    ++counters.transactions;
    counters.bytes += spool.size();
    counters.spilled_bytes += spool.spilled_bytes();
  };
  for (const auto& [xid, spool] : spools_) count(*spool);
  if (committed_ != nullptr) count(*committed_);
  return counters;
}

}  // namespace sluice::pgoutput
