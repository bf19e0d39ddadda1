// The CopyBoth connection under a replication stream: bytes in without blocking, bytes out, and why it ended.
//
// Thread rule: one thread. Must not move: libpq's notices point into it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "sluice/base/clock.h"
#include "sluice/base/error.h"
#include "sluice/pipeline/waitable.h"
#include "sluice/postgres/connection.h"
#include "sluice/postgres/nap_gate.h"
#include "sluice/postgres/replication_stream.h"

namespace sluice::postgres {

class ReplicationChannel {
 public:
  static base::Result<std::unique_ptr<ReplicationChannel>> start(Connection connection, const StreamOptions& options);
  ReplicationChannel(const ReplicationChannel&) = delete;
  ReplicationChannel& operator=(const ReplicationChannel&) = delete;

  /// The next message, valid until the next call; nothing: see waits_for().
  base::Result<std::optional<std::string_view>> receive();

  enum class Sent { Queued, Busy /* earlier bytes are still unsent: nothing was taken */ };
  base::Result<Sent> send(std::string_view bytes);

  pipeline::Wait waits_for() const;

  /// Ends the copy in both directions; waits at most until `deadline` for the server to agree.
  void finish(base::Deadline deadline);

  std::uint64_t naps() const { return naps_; }

 private:
  struct BufferDeleter {
    void operator()(char* buffer) const noexcept;
  };

  ReplicationChannel(Connection connection, const StreamOptions& options);

  base::Result<void> begin();
  ReadAdvice pull();
  bool peer_hung_up() const;
  void consume_all(std::uint64_t waiting);
  base::Result<void> flush();
  tl::unexpected<base::Error> ended();
  tl::unexpected<base::Error> failure_of(const pg_result* result);
  tl::unexpected<base::Error> publication_skipped();
  tl::unexpected<base::Error> diagnosed(std::string_view sqlstate, std::string_view message);
  tl::unexpected<base::Error> connection_lost();

  Connection connection_;
  StreamOptions options_;
  NapGate gate_;
  bool tls_ = false;
  bool tls_emptied_ = false;
  bool broken_ = false;
  bool flush_pending_ = false;
  bool publication_skipped_ = false;  ///< the server warned so (18+, rule P-20)
  std::unique_ptr<char, BufferDeleter> message_;
  std::uint64_t naps_ = 0;
};

}  // namespace sluice::postgres
