// HTTP over libcurl's multi interface: several calls under way at a time, kept-alive connections, fail-over among the
// addresses, and one descriptor to wait on.
//
// Thread rule: one thread. Nothing here blocks but run().
//
// A kept-alive connection that the server has closed meanwhile is opened again by libcurl, and the request sent once
// more: every request of ours may arrive twice, so each is idempotent.
//
// Errors of a call (no reply came): es.unreachable, es.timeout, es.bad_response (Retry); es.tls_untrusted,
// es.bad_ca_file (Stop). A reply of any status is no error here: reply_error.h judges it.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sluice/base/error.h"
#include "sluice/elastic/connection.h"
#include "sluice/pipeline/waitable.h"

namespace sluice::elastic {

enum class Method { Get, Put, Post };

/// One request and its reply. Reused from call to call, so that the buffers are. Must stay where it is, with `body`
/// unchanged, from start() until advance() returns it.
struct HttpCall {
  Method method = Method::Get;
  std::string path;       ///< with the query; begins with /
  std::string_view body;  ///< NDJSON for _bulk, else one JSON object; empty: none

  int status = 0;
  std::string reply;                 ///< has room for the padding that the JSON parser wants
  std::optional<base::Error> error;  ///< no (whole) reply came; whether the request had an effect is unknown
};

class HttpClient {
 public:
  /// Errors: es.bad_address, es.bad_ca_file, es.bad_credentials (Stop).
  static base::Result<std::unique_ptr<HttpClient>> open(ConnectionOptions options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  void start(HttpCall& call);

  /// Moves bytes as far as they go now, and returns the calls that ended; valid until the next call of a method.
  std::span<HttpCall* const> advance();

  /// One epoll descriptor that stands for all sockets, and libcurl's own timer.
  pipeline::Wait waits_for() const;

  /// Starts the call and waits for its end, which the time-outs bound. REQUIRES: no other call is under way.
  void run(HttpCall& call);

 private:
  class Engine;
  explicit HttpClient(std::unique_ptr<Engine> engine);
  std::unique_ptr<Engine> engine_;
};

/// `text` as one segment of a path: everything but unreserved characters percent-encoded.
std::string path_segment(std::string_view text);

}  // namespace sluice::elastic
