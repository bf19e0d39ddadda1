#include "replication_channel.h"

#include <poll.h>
#include <sys/socket.h>

#include <string>
#include <utility>

#include <fmt/core.h>
#include <libpq-fe.h>

#include "peer.h"
#include "sluice/postgres/error_mapping.h"
#include "socket_wait.h"
#include "stream_failure.h"

namespace sluice::postgres {
namespace {

using base::Clock;
using base::Recovery;
using base::Result;

constexpr int kLocalReceiveBufferBytes = 65'536;
// One pull reads no more than this, so that decoding begins.
constexpr std::uint64_t kMaxPullBytes = 4'000'000;
// What came in during a read is worth another one from here on. Reading on for less keeps step with the walsender, one
// send of it at a time.
constexpr std::uint64_t kMinPullBytes = 16'384;
// A TLS record holds at most 16 KB and each PQconsumeInput takes at least 8 KB: so many calls empty it. FIONREAD does
// not see what waits inside of TLS.
constexpr int kReadsToEmptyTlsRecord = 3;

std::string doubled(std::string_view text, char quote) {
  std::string out;
  for (const char character : text) {
    if (character == quote) out.push_back(quote);
    out.push_back(character);
  }
  return out;
}

// Replication commands know no parameters and no E'' strings; the publication is an identifier inside a literal (S-6).
std::string start_command(const StreamOptions& options) {
  const std::string publication = fmt::format("\"{}\"", doubled(options.publication, '"'));
  return fmt::format("START_REPLICATION SLOT \"{}\" LOGICAL {} ({}, publication_names '{}', messages 'true')",
                     options.slot, change::to_string(options.start),
                     options.streaming ? "proto_version '2', streaming 'on'" : "proto_version '1'",
                     doubled(publication, '\''));
}

NapLimits naps_for(int fd, LocalPeer choice) {
  if (choice == LocalPeer::Never) return kNoNaps;
  const Peer peer = peer_of(fd);
  if (peer == Peer::UnixSocket) return kUnixNaps;
  return peer == Peer::ThisHost || choice == LocalPeer::Force ? kTcpNaps : kNoNaps;
}

// From 18 on the server only warns. Its words are in the server's language (lc_messages, which is not ours to set), and
// the SQLSTATE stands for other warnings of a walsender, too; so it is known by the function of pgoutput that raises
// it.
void note_skipped_publication(void* flag, const PGresult* notice) {
  const char* function = PQresultErrorField(notice, PG_DIAG_SOURCE_FUNCTION);
  if (function != nullptr && std::string_view(function) == "LoadPublications") *static_cast<bool*>(flag) = true;
}

}  // namespace

void ReplicationChannel::BufferDeleter::operator()(char* buffer) const noexcept { PQfreemem(buffer); }

ReplicationChannel::ReplicationChannel(Connection connection, const StreamOptions& options)
    : connection_(std::move(connection)),
      options_(options),
      gate_(naps_for(PQsocket(connection_.raw()), options.local_peer), Clock::now()),
      tls_(PQsslInUse(connection_.raw()) != 0) {
  PQsetNoticeReceiver(connection_.raw(), &note_skipped_publication, &publication_skipped_);
}

Result<std::unique_ptr<ReplicationChannel>> ReplicationChannel::start(Connection connection,
                                                                      const StreamOptions& options) {
  std::unique_ptr<ReplicationChannel> channel(new ReplicationChannel(std::move(connection), options));
  SLUICE_TRY(channel->begin());
  return channel;
}

Result<void> ReplicationChannel::begin() {
  pg_conn* const raw = connection_.raw();
  if (gate_.limits().nap == kTcpNaps.nap) {
    // Set after connecting, so that no larger window was promised. It only makes reading faster: failure is no error.
    (void)setsockopt(PQsocket(raw), SOL_SOCKET, SO_RCVBUF, &kLocalReceiveBufferBytes, sizeof(kLocalReceiveBufferBytes));
  }
  const base::Deadline deadline = Clock::now() + connection_.options().query_timeout;
  if (PQsendQuery(raw, start_command(options_).c_str()) == 0) return connection_lost();
  while (PQisBusy(raw) != 0) {
    if (!wait_for_socket(PQsocket(raw), POLLIN, deadline)) {
      return base::fail(
          Recovery::Retry, "pg.timeout",
          fmt::format("PostgreSQL did not start to stream the slot {} in time. It is tried again; look at "
                      "the server's log and load if it goes on",
                      options_.slot));
    }
    if (PQconsumeInput(raw) == 0) return connection_lost();
  }
  const ResultHandle answer(PQgetResult(raw));
  if (PQresultStatus(answer.get()) != PGRES_COPY_BOTH) return failure_of(answer.get());
  if (PQsetnonblocking(raw, 1) != 0) return connection_lost();
  return {};
}

Result<std::optional<std::string_view>> ReplicationChannel::receive() {
  if (gate_.asleep() && Clock::now() < gate_.nap_end()) return std::nullopt;
  message_.reset();
  for (;;) {
    char* buffer = nullptr;
    const int size = PQgetCopyData(connection_.raw(), &buffer, 1);
    message_.reset(buffer);
    // At once: what follows the warning is behind a gap.
    if (publication_skipped_) return publication_skipped();
    if (size > 0) {
      const auto bytes = static_cast<std::size_t>(size);
      gate_.received(bytes);
      return std::string_view(buffer, bytes);
    }
    if (size == -1) return ended();
    if (size < -1 || broken_) return connection_lost();
    if (pull() != ReadAdvice::Read) return std::nullopt;
  }
}

ReadAdvice ReplicationChannel::pull() {
  const std::uint64_t waiting = waiting_bytes(PQsocket(connection_.raw()));
  switch (gate_.advise(waiting, Clock::now())) {
    case ReadAdvice::Nap: ++naps_; return ReadAdvice::Nap;
    case ReadAdvice::Read:
      tls_emptied_ = false;
      consume_all(waiting);
      return ReadAdvice::Read;
    case ReadAdvice::Wait: break;
  }
  if (peer_hung_up()) {
    broken_ = PQconsumeInput(connection_.raw()) == 0;
    return ReadAdvice::Read;
  }
  if (!tls_ || tls_emptied_) return ReadAdvice::Wait;
  tls_emptied_ = true;
  for (int read = 0; read < kReadsToEmptyTlsRecord && !broken_; ++read) {
    broken_ = PQconsumeInput(connection_.raw()) == 0;
  }
  return ReadAdvice::Read;
}

/// With nothing to read, a connection that the other side has ended only looks readable, again and again.
bool ReplicationChannel::peer_hung_up() const {
  pollfd socket{PQsocket(connection_.raw()), POLLRDHUP, 0};
  return ::poll(&socket, 1, 0) > 0;
}

// A broken connection is noticed here and told when everything that had arrived was used up.
void ReplicationChannel::consume_all(std::uint64_t waiting) {
  std::uint64_t pulled = 0;
  do {
    pulled += waiting;
    if (PQconsumeInput(connection_.raw()) == 0) {
      broken_ = true;
      return;
    }
    waiting = waiting_bytes(PQsocket(connection_.raw()));
  } while (waiting >= kMinPullBytes && pulled < kMaxPullBytes);
}

Result<ReplicationChannel::Sent> ReplicationChannel::send(std::string_view bytes) {
  SLUICE_TRY(flush());
  if (flush_pending_) return Sent::Busy;
  const int put = PQputCopyData(connection_.raw(), bytes.data(), static_cast<int>(bytes.size()));
  if (put < 0) return connection_lost();
  SLUICE_TRY(flush());
  return put == 0 ? Sent::Busy : Sent::Queued;
}

Result<void> ReplicationChannel::flush() {
  const int left = PQflush(connection_.raw());
  if (left < 0) return connection_lost();
  flush_pending_ = left > 0;
  return {};
}

pipeline::Wait ReplicationChannel::waits_for() const {
  if (gate_.asleep()) return {-1, 0, gate_.nap_end()};
  const int events = flush_pending_ ? POLLIN | POLLOUT : POLLIN;
  return {PQsocket(connection_.raw()), static_cast<short>(events), std::nullopt};
}

void ReplicationChannel::finish(base::Deadline deadline) {
  pg_conn* const raw = connection_.raw();
  if (PQputCopyEnd(raw, nullptr) <= 0) return;
  while (!broken_ && PQflush(raw) == 1 && wait_for_socket(PQsocket(raw), POLLOUT, deadline)) {
  }
  // What is still under way is read and dropped: it is unconfirmed and will be sent again.
  for (int size = 0; size >= 0 && !broken_;) {
    char* buffer = nullptr;
    size = PQgetCopyData(raw, &buffer, 1);
    message_.reset(buffer);
    if (size != 0) continue;
    if (!wait_for_socket(PQsocket(raw), POLLIN, deadline)) return;
    broken_ = PQconsumeInput(raw) == 0;
  }
}

tl::unexpected<base::Error> ReplicationChannel::ended() {
  const ResultHandle result(PQgetResult(connection_.raw()));
  if (result != nullptr && PQresultStatus(result.get()) == PGRES_FATAL_ERROR) return failure_of(result.get());
  return base::fail(Recovery::Retry, "pg.connection_lost",
                    "PostgreSQL ended the replication stream, as it does when it shuts down. It is tried again");
}

tl::unexpected<base::Error> ReplicationChannel::failure_of(const pg_result* result) {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const std::string message =
      primary == nullptr ? connection_.last_message() : scrubbed(primary, connection_.options());
  return diagnosed(state == nullptr ? "" : state, message);
}

/// The versions before 18 end the stream here with an error; so do we, and then ask what is missing.
tl::unexpected<base::Error> ReplicationChannel::publication_skipped() {
  finish(Clock::now() + connection_.options().query_timeout);
  return diagnosed("42704", "it skipped the publication");
}

tl::unexpected<base::Error> ReplicationChannel::diagnosed(std::string_view sqlstate, std::string_view message) {
  (void)PQsetnonblocking(connection_.raw(), 0);
  while (const ResultHandle rest{PQgetResult(connection_.raw())}) {
    if (PQresultStatus(rest.get()) == PGRES_COPY_IN || PQresultStatus(rest.get()) == PGRES_COPY_BOTH) break;
  }
  return tl::make_unexpected(
      diagnose_stream_failure(connection_, options_.slot, options_.publication, sqlstate, message));
}

tl::unexpected<base::Error> ReplicationChannel::connection_lost() {
  return tl::make_unexpected(query_error("", connection_.last_message(), "reading the replication stream"));
}

}  // namespace sluice::postgres
