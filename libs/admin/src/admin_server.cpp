#include "sluice/admin/admin_server.h"

#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include <fmt/core.h>
#include <httplib.h>

#include "address.h"
#include "status_json.h"
#include "status_page.h"

namespace sluice::admin {
namespace {

using base::Recovery;

// Requests are a line and a few headers: whoever needs longer is stuck or means harm.
constexpr std::chrono::seconds kRequestTimeout{2};
constexpr std::size_t kMaxBodyBytes = 1'024;
constexpr std::size_t kThreads = 4;
constexpr const char* kJson = "application/json";
constexpr const char* kText = "text/plain; charset=utf-8";
constexpr const char* kPrometheus = "text/plain; version=0.0.4; charset=utf-8";
// By which a browser may log in, when there is a token: the password is the token.
constexpr const char* kUser = "sluice";

/// Takes as long for a near miss as for a far one.
bool equal_in_constant_time(std::string_view given, std::string_view expected) {
  unsigned difference = given.size() == expected.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const char other = expected.empty() ? '\0' : expected[i % expected.size()];
    difference |= static_cast<unsigned>(static_cast<unsigned char>(given[i] ^ other));
  }
  return difference == 0;
}

/// Without SO_REUSEPORT, which is the library's default and would let two programs share a port unseen.
void set_socket_options(int socket) {
  const int yes = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
}

std::vector<Reason> reasons_of(const StatusBoard::Sight& sight) {
  if (!sight.status) return {{"admin.starting", "the pipeline has not said anything yet"}};
  std::vector<Reason> reasons = sight.status->reasons();
  const auto now = base::Clock::now();
  if (now > sight.silent_from) {
    const auto silence = std::chrono::duration_cast<std::chrono::seconds>(now - sight.published);
    reasons.push_back({"admin.silent", fmt::format("the pipeline's thread has said nothing for {} s: it is stuck; "
                                                   "look at the log, then restart the program",
                                                   silence.count())});
  }
  return reasons;
}

}  // namespace

class AdminServer::Listener {
 public:
  Listener(AdminOptions options, const StatusBoard& board);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  base::Result<void> listen(const Address& address);
  int port() const { return port_; }

 private:
  using Request = httplib::Request;
  using Response = httplib::Response;

  void add_pages();
  /// Whether the request may be answered; fills in the refusal.
  bool may_pass(const Request& request, Response& response) const;
  bool names_this_host(const Request& request) const;
  void status(Response& response) const;
  void ready(Response& response) const;
  void health(Response& response) const;
  void metrics(Response& response) const;

  AdminOptions options_;
  const StatusBoard& board_;
  std::string bearer_;
  std::string basic_;
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
  std::atomic<bool> ended_ = false;
};

AdminServer::Listener::Listener(AdminOptions options, const StatusBoard& board)
    : options_(std::move(options)), board_(board) {
  if (!options_.token.empty()) {
    bearer_ = "Bearer " + options_.token.reveal();
    basic_ = httplib::make_basic_authentication_header(kUser, options_.token.reveal()).second;
  }
  server_.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
  server_.set_socket_options(set_socket_options);
  server_.set_read_timeout(kRequestTimeout);
  server_.set_write_timeout(kRequestTimeout);
  server_.set_payload_max_length(kMaxBodyBytes);
  server_.set_keep_alive_max_count(1);  // an idle connection would hold one of few threads
  server_.set_default_headers({{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}});
  add_pages();
}

AdminServer::Listener::~Listener() {
  if (!thread_.joinable()) return;
  server_.stop();
  thread_.join();
}

base::Result<void> AdminServer::Listener::listen(const Address& address) {
  errno = 0;
  port_ = address.port == 0 ? server_.bind_to_any_port(address.host) : address.port;
  const bool is_bound = address.port == 0 ? port_ > 0 : server_.bind_to_port(address.host, address.port);
  if (!is_bound && errno == EADDRINUSE) {
    return base::fail(Recovery::Stop, "admin.port_taken",
                      fmt::format("{} is in use by another program, perhaps a second {}. Set admin.{} to a free "
                                  "port, or admin.enabled to off",
                                  options_.address, options_.program, options_.program));
  }
  if (!is_bound) {
    return base::fail(Recovery::Stop, "admin.cannot_listen",
                      fmt::format("cannot listen on {} ({}). Set admin.{} to an address of this host and a port that "
                                  "the user may use, or admin.enabled to off",
                                  options_.address, std::strerror(errno), options_.program));
  }
  thread_ = std::thread([this] {
    server_.listen_after_bind();
    ended_ = true;
  });
  // Before it runs, stop() would do nothing.
  while (!server_.is_running() && !ended_) std::this_thread::yield();
  return {};
}

void AdminServer::Listener::add_pages() {
  using Handled = httplib::Server::HandlerResponse;
  server_.set_pre_routing_handler([this](const Request& request, Response& response) {
    return may_pass(request, response) ? Handled::Unhandled : Handled::Handled;
  });
  server_.Get("/", [](const Request&, Response& response) {
    response.set_header("Content-Security-Policy",
                        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src "
                        "'self'; img-src data:; frame-ancestors 'none'");
    response.set_content(kStatusPage.data(), kStatusPage.size(), "text/html; charset=utf-8");
  });
  server_.Get("/status", [this](const Request&, Response& response) { status(response); });
  server_.Get("/readyz", [this](const Request&, Response& response) { ready(response); });
  server_.Get("/healthz", [this](const Request&, Response& response) { health(response); });
  server_.Get("/metrics", [this](const Request&, Response& response) { metrics(response); });
}

bool AdminServer::Listener::may_pass(const Request& request, Response& response) const {
  const auto refuse = [&response](int code, const char* why) {
    response.status = code;
    response.set_content(why, kText);
    return false;
  };
  if (request.method != "GET" && request.method != "HEAD") {
    response.set_header("Allow", "GET, HEAD");
    return refuse(405, "this can only be read\n");
  }
  if (options_.token.empty()) {
    return names_this_host(request) || refuse(403, "without a token, ask for localhost or 127.0.0.1\n");
  }
  const std::string given = request.get_header_value("Authorization");
  if (equal_in_constant_time(given, bearer_) || equal_in_constant_time(given, basic_)) return true;
  response.set_header("WWW-Authenticate", "Basic realm=\"sluice: the password is admin.token\"");
  return refuse(401, "a token is needed\n");
}

bool AdminServer::Listener::names_this_host(const Request& request) const {
  const std::string host = request.get_header_value("Host");
  const auto with_port = parse_address(host);
  return is_loopback(with_port ? with_port->host : host) || host == "[::1]";
}

void AdminServer::Listener::status(Response& response) const {
  const StatusBoard::Sight sight = board_.look();
  const std::vector<Reason> reasons = reasons_of(sight);
  Json head;
  head["healthy"] = reasons.empty();
  head["reasons"] = Json::array();
  for (const Reason& reason : reasons) head["reasons"].push_back({{"id", reason.id}, {"message", reason.message}});
  std::string text = dump(head);
  if (sight.status) {
    // Both are objects that are not empty: one behind the other they are one.
    text.back() = ',';
    text += std::string_view(sight.status->json()).substr(1);
  }
  response.status = reasons.empty() ? 200 : 503;
  response.set_content(text + "\n", kJson);
}

void AdminServer::Listener::ready(Response& response) const {
  const std::vector<Reason> reasons = reasons_of(board_.look());
  std::string text = reasons.empty() ? "ready\n" : "";
  for (const Reason& reason : reasons) text += fmt::format("{}: {}\n", reason.id, reason.message);
  response.status = reasons.empty() ? 200 : 503;
  response.set_content(text, kText);
}

void AdminServer::Listener::health(Response& response) const {
  const bool is_alive = base::Clock::now() <= board_.look().silent_from;
  response.status = is_alive ? 200 : 503;
  response.set_content(is_alive ? "alive\n" : "admin.silent: the pipeline's thread is stuck\n", kText);
}

void AdminServer::Listener::metrics(Response& response) const {
  const StatusBoard::Sight sight = board_.look();
  std::vector<std::pair<std::string, std::string>> common;
  if (sight.status) common.emplace_back("pipeline", sight.status->pipeline_name());
  MetricsText out(std::move(common));
  out.family("sluice_build_info", MetricType::Gauge, "1; the labels say what runs.");
  out.sample(1, {{"program", options_.program}, {"version", options_.version}});
  out.single("sluice_alive", MetricType::Gauge, "1 while the pipeline's thread publishes, as /healthz.",
             base::Clock::now() <= sight.silent_from ? 1 : 0);
  out.single("sluice_ready", MetricType::Gauge, "1 while the work is being done, as /readyz.",
             reasons_of(sight).empty() ? 1 : 0);
  if (sight.status) sight.status->write_metrics(out);
  response.set_content(out.text(), kPrometheus);
}

AdminServer::AdminServer(std::unique_ptr<Listener> listener) : listener_(std::move(listener)) {}
AdminServer::~AdminServer() = default;
int AdminServer::port() const { return listener_->port(); }

base::Result<std::unique_ptr<AdminServer>> AdminServer::start(AdminOptions options, const StatusBoard& board) {
  const auto address = parse_address(options.address);
  if (!address) {
    return base::fail(Recovery::Stop, "admin.cannot_listen",
                      fmt::format("{} is no address: write host:port, such as 127.0.0.1:8080", options.address));
  }
  if (options.token.empty() && !is_loopback(address->host)) {
    return base::fail(Recovery::Stop, "admin.unsafe_bind",
                      fmt::format("{} can be reached from other hosts and no token is set. Set admin.token or "
                                  "admin.token_file, or listen on 127.0.0.1",
                                  options.address));
  }
  auto listener = std::make_unique<Listener>(std::move(options), board);
  SLUICE_TRY(listener->listen(*address));
  return std::unique_ptr<AdminServer>(new AdminServer(std::move(listener)));
}

}  // namespace sluice::admin
