#include "sluice/testing/elasticsearch_imposter.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "sluice/base/check.h"

namespace sluice::testing {
namespace {

using nlohmann::json;
using Manner = ImposterReply::Manner;

std::string header_of(const std::string& head, std::string_view name) {
  std::istringstream lines(head);
  for (std::string line; std::getline(lines, line);) {
    const auto colon = line.find(':');
    if (colon == std::string::npos || colon != name.size()) continue;
    if (!std::equal(name.begin(), name.end(), line.begin(),
                    [](char a, char b) { return std::tolower(a) == std::tolower(b); }))
      continue;
    std::string value = line.substr(colon + 1);
    value.erase(0, value.find_first_not_of(' '));
    value.erase(value.find_last_not_of("\r ") + 1);
    return value;
  }
  return {};
}

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string chunked(std::string_view body) {
  std::ostringstream out;
  for (; !body.empty(); body.remove_prefix(std::min<std::size_t>(7, body.size()))) {
    const std::string_view piece = body.substr(0, 7);
    out << std::hex << piece.size() << "\r\n" << piece << "\r\n";
  }
  out << "0\r\n\r\n";
  return out.str();
}

struct BulkItem {
  pipeline::Document document;
  std::string index, id, body, action;
};

std::vector<BulkItem> items_of(const std::string& body) {
  std::vector<BulkItem> items;
  std::istringstream lines(body);
  for (std::string line; std::getline(lines, line);) {
    BulkItem& item = items.emplace_back();
    const json action = json::parse(line);
    item.action = action.begin().key();
    const json& target = action.begin().value();
    item.index = target["_index"];
    item.id = target["_id"];
    item.document.action = item.action == "create" ? pipeline::DocumentAction::Create : pipeline::DocumentAction::Index;
    item.document.version = target.value("version", std::uint64_t{0});
    const std::string type = target.value("version_type", "");
    if (type == "external") item.document.version_type = pipeline::VersionType::External;
    if (type == "external_gte") item.document.version_type = pipeline::VersionType::ExternalGte;
    std::getline(lines, item.body);
  }
  for (BulkItem& item : items) {
    item.document.index = item.index;
    item.document.id = item.id;
    item.document.body = item.body;
  }
  return items;
}

}  // namespace

std::size_t ImposterRequest::items() const {
  return static_cast<std::size_t>(std::count(body.begin(), body.end(), '\n')) / 2;
}

class ElasticsearchImposter::Server {
 public:
  Server() {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    const bool listening = bind(listener_, generic, size) == 0 && listen(listener_, 16) == 0 &&
                           getsockname(listener_, generic, &size) == 0;
    SLUICE_CHECK(listening, "a loopback port is free");
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }

  ~Server() {
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    close(listener_);
    {
      const std::lock_guard guard(mutex_);
      for (const int connection : connections_) shutdown(connection, SHUT_RDWR);
    }
    for (std::thread& thread : threads_) thread.join();
    for (const int connection : connections_) close(connection);
  }

  int port() const { return port_; }

  std::mutex mutex_;
  std::deque<ImposterReply> script_;
  std::function<std::optional<ImposterReply>(const ImposterRequest&)> rule_;
  std::vector<ImposterRequest> requests_;
  MemorySearchEngine engine_;

 private:
  void accept_all() {
    for (int connection; (connection = accept(listener_, nullptr, nullptr)) >= 0;) {
      const std::lock_guard guard(mutex_);
      connections_.push_back(connection);
      threads_.emplace_back([this, connection] { serve(connection); });
    }
  }

  void serve(int connection) {
    std::string bytes;
    while (auto request = read_request(connection, bytes))
      if (!answer(connection, *request)) break;
    shutdown(connection, SHUT_RDWR);
  }

  static std::optional<ImposterRequest> read_request(int connection, std::string& bytes) {
    const auto more = [&] {
      char buffer[65536];
      const ssize_t got = recv(connection, buffer, sizeof buffer, 0);
      if (got > 0) bytes.append(buffer, static_cast<std::size_t>(got));
      return got > 0;
    };
    std::size_t head_end = 0;
    constexpr char kTlsHandshake = 0x16;
    while ((head_end = bytes.find("\r\n\r\n")) == std::string::npos) {
      if (!more()) return std::nullopt;
      if (bytes.front() != kTlsHandshake) continue;
      (void)send_all(connection, "HTTP/1.1 400 Bad Request\r\n\r\n");
      return std::nullopt;
    }
    const std::string head = bytes.substr(0, head_end);
    const std::string length = header_of(head, "Content-Length");
    const std::size_t end = head_end + 4 + (length.empty() ? 0 : std::stoul(length));
    while (bytes.size() < end)
      if (!more()) return std::nullopt;
    ImposterRequest request;
    std::istringstream(head) >> request.method >> request.path;
    request.authorization = header_of(head, "Authorization");
    request.content_type = header_of(head, "Content-Type");
    request.body = bytes.substr(head_end + 4, end - head_end - 4);
    bytes.erase(0, end);
    return request;
  }

  /// False: the connection ends.
  bool answer(int connection, const ImposterRequest& request) {
    ImposterReply reply;
    {
      const std::lock_guard guard(mutex_);
      requests_.push_back(request);
      reply = reply_to(request);
    }
    return deliver(connection, reply);
  }

  ImposterReply reply_to(const ImposterRequest& request) {
    std::optional<ImposterReply> chosen;
    if (!script_.empty()) {
      chosen = script_.front();
      script_.pop_front();
    } else if (rule_) {
      chosen = rule_(request);
    }
    if (!chosen) return {200, by_engine(request), {}, Manner::Whole, {}};
    if (chosen->effect == ImposterReply::Effect::Applied || chosen->edit) {
      std::string honest = by_engine(request);
      if (chosen->edit) chosen->body = chosen->edit(std::move(honest));
    }
    return *chosen;
  }

  static bool deliver(int connection, const ImposterReply& reply) {
    if (reply.manner == Manner::HangUp) return false;
    if (reply.manner == Manner::Silence) {
      char byte;
      while (recv(connection, &byte, 1, 0) > 0) continue;  // until the client or the imposter ends it
      return false;
    }
    std::string head = "HTTP/1.1 " + std::to_string(reply.status) + " Scripted\r\nContent-Type: application/json\r\n";
    if (reply.manner == Manner::Chunked)
      return send_all(connection, head + "Transfer-Encoding: chunked\r\n\r\n" + chunked(reply.body));
    head += "Content-Length: " + std::to_string(reply.body.size()) + "\r\n\r\n";
    if (reply.manner == Manner::CutConnection) {
      (void)send_all(connection, head + reply.body.substr(0, reply.body.size() / 2));
      return false;
    }
    return send_all(connection, head + reply.body);
  }

  std::string by_engine(const ImposterRequest& request) {
    if (request.path.starts_with("/_bulk")) return apply_bulk(request.body);
    if (request.path.find("/_search") != std::string::npos) return search(request);
    return R"({"_shards":{"total":1,"successful":1,"failed":0}})";
  }

  std::string apply_bulk(const std::string& body) {
    json answers = json::array();
    for (const BulkItem& item : items_of(body)) {
      const MemorySearchEngine::Answer answer = engine_.write(item.document);
      json outcome = {{"status", answer.status}};
      if (!answer.error_type.empty()) outcome["error"] = {{"type", answer.error_type}, {"reason", "scripted"}};
      answers.push_back({{item.action, std::move(outcome)}});
    }
    return json{{"items", std::move(answers)}}.dump();
  }

  /// Of a document, what `_source` of a search asks for.
  static json chosen(const json& document, const json& names) {
    json source = json::object();
    for (const std::string name : names) {
      const json::json_pointer path(name.starts_with("_sluice.") ? "/_sluice/" + name.substr(8) : "/" + name);
      if (document.contains(path)) source[path] = document[path];
    }
    return source;
  }

  std::string search(const ImposterRequest& request) {
    const json query = json::parse(request.body);
    pipeline::Sweep sweep;
    sweep.index = request.path.substr(1, request.path.find("/_search") - 1);
    for (const json& filter : query["query"]["bool"]["filter"]) {
      if (filter.contains("term") && filter["term"].contains("_sluice.partition"))
        sweep.partition = filter["term"]["_sluice.partition"];
      if (!filter.contains("range")) continue;
      const json& bound = filter["range"]["_sluice.v"];
      sweep.at_or_below = bound.contains("lte");
      sweep.version = bound.begin().value();
    }
    json hits = json::array();
    for (const std::string& id : engine_.swept_ids(sweep, query["size"])) {
      const json source = chosen(json::parse(engine_.find(sweep.index, id)->body), query["_source"]);
      hits.push_back({{"_id", id}});
      if (!source.empty()) hits.back()["_source"] = source;  // filter_path leaves an empty object off
    }
    const std::size_t total = engine_.swept_ids(sweep, SIZE_MAX).size();
    return json{{"timed_out", false}, {"hits", {{"total", {{"value", total}}}, {"hits", std::move(hits)}}}}.dump();
  }

  int listener_ = -1;
  int port_ = 0;
  std::vector<int> connections_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

ElasticsearchImposter::ElasticsearchImposter() : server_(std::make_unique<Server>()) {}
ElasticsearchImposter::~ElasticsearchImposter() = default;

std::string ElasticsearchImposter::address() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }

void ElasticsearchImposter::script(ImposterReply reply) {
  const std::lock_guard guard(server_->mutex_);
  server_->script_.push_back(std::move(reply));
}

void ElasticsearchImposter::answer_by(std::function<std::optional<ImposterReply>(const ImposterRequest&)> rule) {
  const std::lock_guard guard(server_->mutex_);
  server_->rule_ = std::move(rule);
}

std::vector<ImposterRequest> ElasticsearchImposter::requests() const {
  const std::lock_guard guard(server_->mutex_);
  return server_->requests_;
}

void ElasticsearchImposter::with_engine(const std::function<void(MemorySearchEngine&)>& look) {
  const std::lock_guard guard(server_->mutex_);
  look(server_->engine_);
}

}  // namespace sluice::testing
