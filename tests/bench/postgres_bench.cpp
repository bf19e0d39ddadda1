// How fast changes are read and decoded, against a client that only counts them, on one backlog.
//
//   postgres_bench stream  "<connection string>" <slot> <publication> [count|plain|decode]
//   postgres_bench snapshot "<connection string>" <publication> [raw]
//
// `stream` drains a copy of the slot (pg_copy_logical_replication_slot), so that one backlog serves many runs: `decode`
// is ReplicationStream as the replicator uses it, `plain` the same without naps, `count` a loop of PQgetCopyData with
// the receive recipe and no decoding: the yardstick. `snapshot` reads all tables; `raw` counts the lines of plain COPY.
// link: sluice::postgres fmt::fmt PkgConfig::libpq
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <libpq-fe.h>

#include "sluice/postgres/catalog.h"
#include "sluice/postgres/connection.h"
#include "sluice/postgres/publication.h"
#include "sluice/postgres/replication_stream.h"
#include "sluice/postgres/server.h"
#include "sluice/postgres/slot.h"
#include "sluice/postgres/snapshot_source.h"

namespace {

using namespace sluice;
using base::Clock;

template <class T>
T must(base::Result<T> result) {
  if (result) return std::move(*result);
  fmt::print(stderr, "{}: {}\n", result.error().id, result.error().message);
  std::exit(1);
}

void must(base::Result<void> result) {
  if (result) return;
  fmt::print(stderr, "{}: {}\n", result.error().id, result.error().message);
  std::exit(1);
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void wait(const pipeline::Wait& wait) {
  pollfd entry{wait.fd, wait.events, 0};
  timespec timeout{1, 0};
  if (wait.deadline) {
    const auto left = std::max<std::chrono::nanoseconds>(*wait.deadline - Clock::now(), std::chrono::nanoseconds(0));
    timeout = {left.count() / 1'000'000'000, left.count() % 1'000'000'000};
  }
  (void)ppoll(&entry, wait.fd < 0 ? 0 : 1, &timeout, nullptr);
}

struct Report {
  std::string name;
  Clock::time_point begin = Clock::now();
  double cpu = cpu_seconds();
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;

  void print() const {
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    const auto count = static_cast<double>(rows);
    fmt::print("{:<10} {:>9} rows {:>7.0f} k rows/s  {:>5.2f} us CPU/row  {:>6.1f} MB/s\n", name, rows,
               count / seconds / 1e3, (cpu_seconds() - cpu) * 1e6 / count, static_cast<double>(bytes) / seconds / 1e6);
  }
};

postgres::ConnectOptions options_of(const char* conninfo) {
  postgres::ConnectOptions options;
  options.conninfo = base::Secret(conninfo);
  return options;
}

// The yardstick: the receive recipe of nap_gate.h written out, and nothing but counting.
void count_stream(PGconn* connection, change::Lsn until, Report& report) {
  const int fd = PQsocket(connection);
  sockaddr_storage peer{};
  socklen_t size = sizeof(peer);
  getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size);
  const bool tcp = peer.ss_family != AF_UNIX;
  const int small = 65'536;
  if (tcp) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
  const int threshold = tcp ? 8'192 : 16'384;
  const timespec nap{0, tcp ? 20'000'000 : 200'000};
  auto window = Clock::now();
  std::uint64_t in_window = 0;
  bool fast = false;
  for (;;) {
    char* buffer = nullptr;
    const int length = PQgetCopyData(connection, &buffer, 1);
    if (length > 0) {
      in_window += static_cast<std::uint64_t>(length);
      report.bytes += static_cast<std::uint64_t>(length);
      const char kind = length > 25 ? buffer[25] : ' ';
      if (buffer[0] == 'w' && (kind == 'I' || kind == 'U' || kind == 'D')) ++report.rows;
      std::uint64_t commit = 0;
      if (buffer[0] == 'w' && kind == 'C') {
        for (int i = 0; i < 8; ++i) commit = commit << 8 | static_cast<unsigned char>(buffer[27 + i]);
      }
      if (buffer[0] == 'k') {
        for (int i = 0; i < 8; ++i) commit = commit << 8 | static_cast<unsigned char>(buffer[1 + i]);
      }
      PQfreemem(buffer);
      if (commit >= until.value()) return;
      continue;
    }
    if (length < 0) return;
    int waiting = 0;
    ioctl(fd, FIONREAD, &waiting);
    if (waiting < threshold) {
      const auto now = Clock::now();
      const double seconds = std::chrono::duration<double>(now - window).count();
      if (seconds >= 0.005) {
        fast = static_cast<double>(in_window) / seconds >= 4e6;
        window = now;
        in_window = 0;
      }
      if (fast) {
        (void)ppoll(nullptr, 0, &nap, nullptr);
      } else if (waiting == 0) {
        pollfd entry{fd, POLLIN, 0};
        poll(&entry, 1, 1'000);
      }
    }
    ioctl(fd, FIONREAD, &waiting);
    while (waiting > 0) {
      if (PQconsumeInput(connection) == 0) return;
      ioctl(fd, FIONREAD, &waiting);
    }
  }
}

void decode_stream(postgres::Connection connection, const postgres::StreamOptions& options,
                   postgres::SqlCatalog& catalog, change::Lsn until, Report& report) {
  auto stream = must(postgres::ReplicationStream::start(std::move(connection), options, catalog));
  auto last_confirm = Clock::now();
  change::Position durable = change::position_of(options.start);
  for (bool done = false; !done;) {
    const auto item = must(stream->next());
    if (!item) {
      wait(stream->waits_for());
    } else if (std::holds_alternative<const change::ChangeEvent*>(*item)) {
      ++report.rows;
    } else if (const auto* end = std::get_if<change::TransactionEnd>(&*item)) {
      durable = end->end;
      done = durable >= change::position_of(until);
    } else if (const auto* heartbeat = std::get_if<change::Heartbeat>(&*item)) {
      durable = heartbeat->position;
      done = durable >= change::position_of(until);
    }
    if ((report.rows & 0xFF) != 0 && item) continue;
    if (const auto now = Clock::now(); now - last_confirm > base::Milliseconds(200)) {
      last_confirm = now;
      must(stream->confirm(durable));
    }
  }
  report.bytes = stream->counters().bytes;
  fmt::print("{} naps, {} status updates; ", stream->counters().naps, stream->counters().status_updates);
}

int run_stream(const char* conninfo, const std::string& slot, const std::string& publication, const std::string& mode) {
  auto sql = must(postgres::Connection::open(options_of(conninfo), postgres::ConnectionKind::Sql));
  const std::string copy = slot + "_copy";
  (void)postgres::drop_slot(sql, copy);
  (void)must(
      sql.query("copying the slot", fmt::format("select pg_copy_logical_replication_slot('{}', '{}')", slot, copy)));
  auto answer = must(sql.query("the end", "select pg_current_wal_lsn()"));
  const change::Lsn until = answer.row(0).lsn();
  auto replication = must(postgres::Connection::open(options_of(conninfo), postgres::ConnectionKind::Replication));
  postgres::SqlCatalog catalog(options_of(conninfo));
  postgres::StreamOptions options{copy, publication, must(postgres::fetch_slot(sql, copy))->confirmed_flush_lsn, 1};
  if (mode == "plain") options.local_peer = postgres::LocalPeer::Never;
  Report report{mode};
  if (mode == "count") {
    const auto begun =
        replication.query("starting", fmt::format("START_REPLICATION SLOT \"{}\" LOGICAL 0/0 (proto_version "
                                                  "'1', publication_names '\"{}\"', messages 'true')",
                                                  copy, publication));
    if (!begun) must(tl::make_unexpected(begun.error()));
    count_stream(replication.raw(), until, report);
  } else {
    decode_stream(std::move(replication), options, catalog, until, report);
  }
  report.print();
  return 0;
}

void count_copies(postgres::Connection& connection, const std::vector<pipeline::TableFacts>& tables, Report& report) {
  for (const pipeline::TableFacts& table : tables) {
    (void)must(connection.query("COPY", fmt::format("COPY \"{}\".\"{}\" TO STDOUT", table.schema, table.name)));
    char* buffer = nullptr;
    for (int length = 0; (length = PQgetCopyData(connection.raw(), &buffer, 0)) > 0; PQfreemem(buffer)) {
      ++report.rows;
      report.bytes += static_cast<std::uint64_t>(length);
    }
    while (PGresult* rest = PQgetResult(connection.raw())) PQclear(rest);
  }
}

int run_snapshot(const char* conninfo, const std::string& publication, bool raw) {
  auto exporter = must(postgres::Connection::open(options_of(conninfo), postgres::ConnectionKind::Sql));
  (void)must(exporter.query("begin", "begin isolation level repeatable read"));
  auto answer = must(exporter.query("export", "select pg_export_snapshot(), pg_current_wal_lsn()"));
  auto row = answer.row(0);
  const std::string name = row.string();
  const change::Lsn lsn = row.lsn();
  postgres::SqlCatalog catalog(options_of(conninfo));
  auto connection = must(postgres::Connection::open(options_of(conninfo), postgres::ConnectionKind::Sql));
  Report report{raw ? "raw COPY" : "snapshot"};
  if (raw) {
    count_copies(connection, must(postgres::fetch_publication(connection, publication))->tables, report);
    report.print();
    return 0;
  }
  auto source = must(postgres::SnapshotSource::open(std::move(connection), {publication, name, lsn, 1}, catalog));
  for (;;) {
    const auto item = must(source->next());
    if (!item) {
      wait(source->waits_for());
      continue;
    }
    if (std::holds_alternative<change::EndOfSource>(*item)) break;
    ++report.rows;
  }
  for (const auto& table : source->progress()) report.bytes += table.bytes;
  report.print();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "stream" && argc >= 5) return run_stream(argv[2], argv[3], argv[4], argc > 5 ? argv[5] : "decode");
  if (what == "snapshot" && argc >= 4) return run_snapshot(argv[2], argv[3], argc > 4);
  fmt::print(stderr,
             "usage: postgres_bench stream CONNINFO SLOT PUBLICATION [count|plain|decode]\n"
             "       postgres_bench snapshot CONNINFO PUBLICATION [raw]\n");
  return 2;
}
