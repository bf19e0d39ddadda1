// Turns the messages of protocol 2 with `streaming` on into those that protocol 1 would have sent (rule P-40): what
// belongs to a transaction in progress is kept until the transaction commits, and then comes as Begin, its messages
// without those of subtransactions that were rolled back, and Commit. So ids, events and positions are the same in both
// protocols. Nothing of a transaction that rolls back is ever given out.
//
// Memory: all transactions in progress together hold no more than SpoolLimits::memory_bytes, then the largest goes on
// in a file; a subtransaction of one costs 16 bytes. One per connection: the server sends everything again on a new
// one.
//
// Thread rule: one thread.
// Errors: pgoutput.malformed, pgoutput.protocol_violation, pgoutput.spool_full (all Stop), and those of the SpillArea.
// After an error it is finished: destroy it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sluice/base/error.h"
#include "sluice/change/lsn.h"
#include "sluice/pgoutput/spill.h"
#include "sluice/pgoutput/stream_messages.h"

namespace sluice::pgoutput {

class TransactionSpool;

struct SpoolLimits {
  std::uint64_t memory_bytes = 16 << 20;
  std::uint64_t total_bytes = std::uint64_t{64} << 30;  ///< in memory and in files
};

struct SpoolCounters {
  std::uint64_t transactions = 0;  ///< in progress, and the one that is being given out
  std::uint64_t bytes = 0;
  std::uint64_t spilled_bytes = 0;  ///< of these, in files
};

struct SpooledMessage {
  std::string_view message;
  change::Lsn data_start;
};

class StreamedTransactions {
 public:
  /// REQUIRES: `area` outlives it.
  StreamedTransactions(SpillArea& area, SpoolLimits limits);
  ~StreamedTransactions();
  StreamedTransactions(const StreamedTransactions&) = delete;
  StreamedTransactions& operator=(const StreamedTransactions&) = delete;

  /// Keeps a message of a streamed transaction. False: it is none, to be applied as one of protocol 1.
  /// REQUIRES: next() has given everything.
  base::Result<bool> take(std::string_view message, change::Lsn data_start);

  /// The transaction whose Stream Commit was taken last, a message a call, then nothing. Valid until the next call.
  base::Result<std::optional<SpooledMessage>> next();

  /// A position may be taken: neither between a Stream Start and its Stop, nor while a transaction is given out.
  bool is_between_transactions() const { return open_ == nullptr && committed_ == nullptr; }

  SpoolCounters counters() const;

 private:
  using Spools = std::map<std::uint32_t, std::unique_ptr<TransactionSpool>>;
  enum class Stage { Begin, Messages, Commit };

  base::Result<void> start(std::string_view message);
  base::Result<void> stop(std::string_view message);
  base::Result<void> commit(std::string_view message);
  base::Result<void> abort(std::string_view message);
  base::Result<void> keep(std::string_view message, change::Lsn data_start);
  base::Result<void> keep_to_limits();

  SpillArea& area_;
  SpoolLimits limits_;
  Spools spools_;                     ///< by xid
  TransactionSpool* open_ = nullptr;  ///< between Stream Start and Stop
  std::uint32_t open_xid_ = 0;
  std::uint64_t unchecked_bytes_ = 0;  ///< taken since the limits were last looked at
  std::unique_ptr<TransactionSpool> committed_;
  Stage stage_ = Stage::Begin;  ///< of what next() gives
  std::string begin_;
  std::string commit_;
};

}  // namespace sluice::pgoutput
