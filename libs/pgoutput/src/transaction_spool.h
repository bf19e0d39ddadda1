// The messages of one streamed transaction in their order, in memory or, from the first spill on, in a file.
//
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/change/lsn.h"
#include "sluice/pgoutput/spill.h"
#include "sluice/pgoutput/streamed_transactions.h"

namespace sluice::pgoutput {

class TransactionSpool {
 public:
  explicit TransactionSpool(std::uint32_t xid) : xid_(xid) {}

  /// A message of the subtransaction `subxid` (or of the transaction itself), its kind and what stands behind the xid.
  base::Result<void> append(std::uint32_t subxid, change::Lsn data_start, char kind, std::string_view body);

  /// Forgets the messages of a subtransaction and of those inside of it.
  base::Result<void> abort(std::uint32_t subxid);

  base::Result<void> spill(SpillArea& area);

  /// After the last append(): the messages again, oldest first, then nothing. Valid until the next call.
  base::Result<std::optional<SpooledMessage>> next();

  std::uint64_t size() const { return spilled_bytes_ + memory_.size(); }
  std::uint64_t spilled_bytes() const { return spilled_bytes_; }
  std::size_t memory_bytes() const { return memory_.size(); }

 private:
  struct Subtransaction {
    std::uint32_t age;    ///< how far its xid is behind the transaction's: they wrap
    std::uint64_t begin;  ///< of its first message
  };

  void remember(std::uint32_t subxid);
  base::Result<void> truncate(std::uint64_t size);
  base::Result<void> flush();
  base::Result<std::string_view> bytes_at(std::uint64_t offset, std::size_t size);

  std::uint32_t xid_;
  std::string memory_;  ///< behind what is in the file
  std::unique_ptr<SpillFile> file_;
  std::uint64_t spilled_bytes_ = 0;
  std::uint32_t last_subxid_ = 0;                ///< of the message before
  std::vector<Subtransaction> subtransactions_;  ///< by age
  std::uint64_t read_ = 0;
  std::string window_;  ///< of the file, from window_begin_ on
  std::uint64_t window_begin_ = 0;
};

}  // namespace sluice::pgoutput
