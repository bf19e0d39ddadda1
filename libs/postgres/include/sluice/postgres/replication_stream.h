// The replication stream of a slot as a ChangeSource: START_REPLICATION with pgoutput, protocol 1, or on request
// protocol 2 with `streaming`: the same items either way (rule P-40).
//
// next() reads and decodes without ever blocking; confirm() tells the server what it may forget. A keepalive becomes a
// Heartbeat when it stands outside of a transaction and is news (rule P-6).
//
// Reading naps when the server is on this host (nap_gate.h): then waits_for() names no descriptor but a time, of as
// little as 200 µs, so wait with a clock finer than milliseconds. Called earlier, next() gives nothing and reads
// nothing.
//
// Thread rule: one thread. Source of the protocol: PostgreSQL 15 manual, "Streaming Replication Protocol".
// Errors of next() and confirm(): pg.connection_lost (Retry), pg.slot_active (Retry), pg.slot_missing, pg.slot_lost,
// pg.slot_wrong_plugin, pg.slot_wrong_database, pg.publication_missing, pg.publication_newer_than_slot,
// pg.bad_encoding, pg.decoding_failed, pg.message_too_large (all Stop), and those of pgoutput::Assembler; with
// streaming also those of pgoutput::StreamedTransactions and SpillDirectory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/clock.h"
#include "sluice/base/error.h"
#include "sluice/change/change_event.h"
#include "sluice/pgoutput/assembler.h"
#include "sluice/pgoutput/catalog.h"
#include "sluice/pgoutput/replication_message.h"
#include "sluice/pgoutput/streamed_transactions.h"
#include "sluice/pipeline/change_source.h"
#include "sluice/postgres/connection.h"
#include "sluice/postgres/nap_gate.h"
#include "sluice/postgres/spill_directory.h"

namespace sluice::postgres {

/// Whether to read in the way that is right when the server runs on this host.
enum class LocalPeer {
  Detect,
  Force,  ///< for a server in a container of this host, whose address does not tell
  Never,
};

/// Where transactions in progress are kept until they commit.
struct SpoolOptions {
  std::string directory;  ///< of what outgrows memory
  pgoutput::SpoolLimits limits;
};

struct StreamOptions {
  std::string slot;
  std::string publication;
  change::Lsn start;  ///< our durable position (rule P-2.5)
  std::uint32_t epoch = 0;
  LocalPeer local_peer = LocalPeer::Detect;
  std::optional<SpoolOptions> streaming;            ///< absent: the server sends a transaction when it is committed
  base::Milliseconds status_interval{1'000};        ///< at most wal_sender_timeout / 3
  std::uint64_t max_message_bytes = 1'100'000'000;  ///< PostgreSQL's field limit and what stands around it (rule P-42)
};

struct StreamCounters {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::uint64_t naps = 0;
  std::uint64_t status_updates = 0;
  change::Lsn server_wal_end;       ///< as the last message said
  std::int64_t server_time_us = 0;  ///< when that was sent; microseconds since 1970-01-01 UTC
  pgoutput::SpoolCounters spool;
};

class ReplicationChannel;

class ReplicationStream : public pipeline::ChangeSource {
 public:
  /// Takes over a replication connection and starts. REQUIRES: `catalog` outlives the stream.
  static base::Result<std::unique_ptr<ReplicationStream>> start(Connection connection, StreamOptions options,
                                                                pgoutput::Catalog& catalog);
  ~ReplicationStream() override;

  base::Result<std::optional<change::SourceItem>> next() override;
  base::Result<void> confirm(change::Position durable) override;
  pipeline::Wait waits_for() const override;

  /// Tells the server the last confirmed position and ends the stream, so that the slot is free at once. Waits at most
  /// `patience`. Afterwards only destruction is allowed.
  base::Result<void> finish(base::Milliseconds patience);

  StreamCounters counters() const;

 private:
  using Item = base::Result<std::optional<change::SourceItem>>;

  ReplicationStream(std::unique_ptr<ReplicationChannel> channel, StreamOptions options, pgoutput::Catalog& catalog);

  base::Result<std::optional<pgoutput::SpooledMessage>> next_spooled();
  Item apply(std::string_view bytes);
  Item apply(const pgoutput::XLogData& data);
  Item apply(const pgoutput::Keepalive& keepalive);
  Item noted(std::optional<change::SourceItem> item);
  base::Result<void> send_status_if_due(base::Clock::time_point now);
  base::Result<void> send_status(base::Clock::time_point now);

  std::unique_ptr<ReplicationChannel> channel_;
  StreamOptions options_;
  std::optional<SpillDirectory> spill_;
  std::optional<pgoutput::StreamedTransactions> streamed_;  ///< empty: protocol 1
  pgoutput::Assembler assembler_;
  change::Position durable_{};  ///< 0: nothing was confirmed yet. Not the start, which may be ahead of it (rule K-9).
  change::Position newest_;     ///< of the last TransactionEnd or Heartbeat given
  base::Clock::time_point last_status_;
  bool reply_due_ = false;
  bool interrupted_ = false;  ///< next() gave nothing although more may be buffered
  std::string status_bytes_;
  StreamCounters counters_;
};

}  // namespace sluice::postgres
