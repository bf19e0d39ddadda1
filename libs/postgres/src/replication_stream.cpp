#include "sluice/postgres/replication_stream.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>
#include <variant>

#include <fmt/core.h>

#include "replication_channel.h"
#include "sluice/base/check.h"
#include "sluice/postgres/slot.h"

namespace sluice::postgres {
namespace {

using base::Clock;
using base::Recovery;
using base::Result;
using change::SourceItem;

// next() comes back to its caller after so many messages without an item (rule P-7: keepalives may come in a flood).
constexpr int kMaxSilentMessages = 1'000;
// A server that shuts down answers every reply with the next request (rule P-7): not faster than this.
constexpr base::Milliseconds kMinReplyInterval{100};

std::int64_t wall_clock_us() {
  return std::chrono::duration_cast<base::Microseconds>(base::WallClock::now().time_since_epoch()).count();
}

}  // namespace

ReplicationStream::ReplicationStream(std::unique_ptr<ReplicationChannel> channel, StreamOptions options,
                                     pgoutput::Catalog& catalog)
    : channel_(std::move(channel)),
      options_(std::move(options)),
      assembler_(options_.epoch, catalog, options_.start),
      newest_(change::position_of(options_.start)),
      last_status_(Clock::now()) {
  if (!options_.streaming) return;
  spill_.emplace(options_.streaming->directory);
  streamed_.emplace(*spill_, options_.streaming->limits);
}

ReplicationStream::~ReplicationStream() = default;

Result<std::unique_ptr<ReplicationStream>> ReplicationStream::start(Connection connection, StreamOptions options,
                                                                    pgoutput::Catalog& catalog) {
  SLUICE_TRY(check_slot_name(options.slot));
  SLUICE_ASSIGN(auto channel, ReplicationChannel::start(std::move(connection), options));
  return std::unique_ptr<ReplicationStream>(new ReplicationStream(std::move(channel), std::move(options), catalog));
}

Result<std::optional<SourceItem>> ReplicationStream::next() {
  interrupted_ = false;
  if (auto pending = assembler_.next_pending()) return noted(pending);
  for (int silent = 0; silent < kMaxSilentMessages; ++silent) {
    SLUICE_ASSIGN(const auto spooled, next_spooled());
    std::optional<std::string_view> received;
    if (!spooled) {
      SLUICE_ASSIGN(received, channel_->receive());
      if (!received) {
        if (reply_due_) SLUICE_TRY(send_status_if_due(Clock::now()));
        return std::nullopt;
      }
    }
    Item item = spooled ? assembler_.apply(spooled->message, spooled->data_start) : apply(*received);
    if (!item || *item) return item ? noted(*item) : item;
  }
  interrupted_ = true;
  return std::nullopt;
}

/// Of the streamed transaction that committed last, while there is more of it.
Result<std::optional<pgoutput::SpooledMessage>> ReplicationStream::next_spooled() {
  if (!streamed_) return std::nullopt;
  return streamed_->next();
}

ReplicationStream::Item ReplicationStream::apply(std::string_view bytes) {
  if (bytes.size() > options_.max_message_bytes) {
    return base::fail(
        Recovery::Stop, "pg.message_too_large",
        fmt::format("PostgreSQL sent a message of {} bytes, the limit is {}. Raise the limit, or leave the "
                    "table's large column out of the publication",
                    bytes.size(), options_.max_message_bytes));
  }
  ++counters_.messages;
  counters_.bytes += bytes.size();
  SLUICE_ASSIGN(const auto message, pgoutput::parse_replication_message(bytes));
  return std::visit([this](const auto& content) { return apply(content); }, message);
}

ReplicationStream::Item ReplicationStream::noted(std::optional<SourceItem> item) {
  if (const auto* end = std::get_if<change::TransactionEnd>(&*item)) newest_ = std::max(newest_, end->end);
  if (const auto* heartbeat = std::get_if<change::Heartbeat>(&*item)) newest_ = heartbeat->position;
  return item;
}

ReplicationStream::Item ReplicationStream::apply(const pgoutput::XLogData& data) {
  counters_.server_wal_end = std::max(counters_.server_wal_end, data.wal_end);
  counters_.server_time_us = data.send_time_us;
  if (streamed_) {
    SLUICE_ASSIGN(const bool kept, streamed_->take(data.message, data.data_start));
    if (kept) return std::nullopt;
  }
  return assembler_.apply(data.message, data.data_start);
}

ReplicationStream::Item ReplicationStream::apply(const pgoutput::Keepalive& keepalive) {
  counters_.server_wal_end = std::max(counters_.server_wal_end, keepalive.wal_end);
  counters_.server_time_us = keepalive.send_time_us;
  if (keepalive.reply_requested) {
    reply_due_ = true;
    SLUICE_TRY(send_status_if_due(Clock::now()));
  }
  if (streamed_ && !streamed_->is_between_transactions()) return std::nullopt;
  const auto heartbeat = assembler_.keepalive(keepalive.wal_end);
  // At or behind what was given already: the first keepalive after a start is at confirmed_flush_lsn, behind us (P-6).
  if (!heartbeat || heartbeat->position <= newest_) return std::nullopt;
  return SourceItem(*heartbeat);
}

Result<void> ReplicationStream::confirm(change::Position durable) {
  SLUICE_CHECK(durable >= durable_, "a durable position never goes back");
  durable_ = durable;
  return send_status_if_due(Clock::now());
}

Result<void> ReplicationStream::send_status_if_due(Clock::time_point now) {
  const auto since_last = now - last_status_;
  const bool due = since_last >= options_.status_interval || (reply_due_ && since_last >= kMinReplyInterval);
  return due ? send_status(now) : Result<void>();
}

// Written, flushed and applied are one for us: what Kafka has and the checkpoint says (rule P-1). Never the server's
// own wal_end: what it has sent may still be under way.
Result<void> ReplicationStream::send_status(Clock::time_point now) {
  const change::Lsn lsn = change::lsn_of(durable_);
  status_bytes_.clear();
  pgoutput::append_status_update({lsn, lsn, lsn, wall_clock_us(), false}, status_bytes_);
  SLUICE_ASSIGN(const ReplicationChannel::Sent sent, channel_->send(status_bytes_));
  last_status_ = now;
  reply_due_ = sent == ReplicationChannel::Sent::Busy;  // then it is tried again, a little later
  if (!reply_due_) ++counters_.status_updates;
  return {};
}

pipeline::Wait ReplicationStream::waits_for() const {
  if (interrupted_) return {-1, 0, Clock::now()};
  pipeline::Wait wait = channel_->waits_for();
  if (reply_due_) {
    const base::Deadline reply = last_status_ + kMinReplyInterval;
    wait.deadline = wait.deadline ? std::min(*wait.deadline, reply) : reply;
  }
  return wait;
}

Result<void> ReplicationStream::finish(base::Milliseconds patience) {
  const base::Deadline deadline = Clock::now() + patience;
  SLUICE_TRY(send_status(Clock::now()));
  channel_->finish(deadline);
  return {};
}

StreamCounters ReplicationStream::counters() const {
  StreamCounters counters = counters_;
  counters.naps = channel_->naps();
  if (streamed_) counters.spool = streamed_->counters();
  return counters;
}

}  // namespace sluice::postgres
