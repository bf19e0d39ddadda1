// The window into a running program, read only: GET / (a page for people), /status (JSON), /healthz, /readyz, /metrics.
//
//   /status   200, or 503 with `reasons` when the work is not being done
//   /readyz   200 or 503, by the same reasons
//   /healthz  200 while the pipeline's thread publishes, 503 when it is silent for longer than it said
//   /metrics  200 always, Prometheus' text
//
// It touches nothing but the StatusBoard. Rule S-5: it listens on this host only, unless there is a token; with a token
// every request needs it ("Authorization: Bearer …", or as the password of Basic); without one a request must name this
// host in its Host header, so that no web page can read it under a name of its own. Requests have no body, few headers
// and little time; other methods than GET and HEAD get 405.
//
// Thread rule: start() and the destructor belong to one thread; the server has threads of its own.
#pragma once

#include <memory>
#include <string>

#include "sluice/admin/status_board.h"
#include "sluice/base/error.h"
#include "sluice/base/secret.h"

namespace sluice::admin {

struct AdminOptions {
  std::string program;  ///< "replicator"
  std::string version;
  std::string address;  ///< "127.0.0.1:8080", "[::1]:8080"; port 0: any that is free
  base::Secret token;   ///< empty: none is asked for
};

class AdminServer {
 public:
  /// REQUIRES: `board` outlives it. Errors (Stop): admin.unsafe_bind, admin.port_taken, admin.cannot_listen.
  static base::Result<std::unique_ptr<AdminServer>> start(AdminOptions options, const StatusBoard& board);
  ~AdminServer();
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  int port() const;

 private:
  class Listener;
  explicit AdminServer(std::unique_ptr<Listener> listener);
  std::unique_ptr<Listener> listener_;
};

}  // namespace sluice::admin
