#include "http_client.h"

#include <curl/curl.h>
#include <fmt/core.h>
#include <poll.h>
#include <simdjson.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <vector>

#include "sluice/base/check.h"
#include "sluice/base/handle.h"

namespace sluice::elastic {
namespace {

using base::Clock;
using base::Error;
using base::Recovery;
using base::Result;

using Easy = base::Handle<CURL, &curl_easy_cleanup>;
using Multi = base::Handle<CURLM, &curl_multi_cleanup>;
using HeaderList = base::Handle<curl_slist, &curl_slist_free_all>;
using ParsedUrl = base::Handle<CURLU, &curl_url_cleanup>;

// Bulks of some megabytes: with the default of 64 KB libcurl copies and sends in small steps.
constexpr long kUploadBufferBytes = 512 << 10;
constexpr long kKeepAliveIdleSeconds = 30;

struct Address {
  std::string url;
  bool answered = false;         ///< at least once, whatever it said
  base::Deadline rests_until{};  ///< it failed; look at others first
};

/// One easy handle with what it works on. Kept and used again, like its connection.
struct Transfer {
  Easy easy;
  HttpCall* call = nullptr;
  std::size_t address = 0;
  std::size_t attempts = 0;  ///< addresses tried for this call
  std::size_t max_response_bytes = 0;
  std::array<char, CURL_ERROR_SIZE> detail{};
};

bool initialise_libcurl() {
  static const bool done = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return done;
}

std::string url_part(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

/// The address without a trailing slash. The address itself never stands in the message: it may hold a password.
Result<std::string> checked_address(const std::string& address) {
  const auto refused = [](std::string_view why) {
    return base::fail(
        Recovery::Stop, "es.bad_address",
        fmt::format("an address of Elasticsearch {}. Write it as http://host:9200 or https://host:9200.", why));
  };
  ParsedUrl url(curl_url());
  if (!url || curl_url_set(url.get(), CURLUPART_URL, address.c_str(), 0) != CURLUE_OK) return refused("is no URL");
  const std::string scheme = url_part(url.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") return refused("begins with neither http:// nor https://");
  if (!url_part(url.get(), CURLUPART_USER).empty() || !url_part(url.get(), CURLUPART_PASSWORD).empty())
    return refused("holds a user or password, which belong into `username` and `password`");
  if (!url_part(url.get(), CURLUPART_QUERY).empty()) return refused("holds a query");
  std::string text = address;
  while (text.ends_with('/')) text.pop_back();
  return text;
}

Result<void> check_ca_file(const std::string& path) {
  if (path.empty() || access(path.c_str(), R_OK) == 0) return {};
  return base::fail(
      Recovery::Stop, "es.bad_ca_file",
      fmt::format("the file of certificate authorities {} cannot be read. Check its path and rights.", path));
}

/// A line break, which a file's last line often brings along, would end the header and begin another.
Result<void> check_api_key(const base::Secret& key) {
  const auto printable = [](char character) { return character > 0x20 && character < 0x7F; };
  if (std::ranges::all_of(key.reveal(), printable)) return {};
  return base::fail(
      Recovery::Stop, "es.bad_credentials",
      "the API key holds a blank, a line break or a character that no API key has. Give it as Elasticsearch "
      "printed it under `encoded`.");
}

std::size_t take_reply(const char* bytes, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  std::string& reply = transfer.call->reply;
  if (reply.size() + size * count > transfer.max_response_bytes) return 0;
  reply.append(bytes, size * count);
  return size * count;
}

bool never_connected(CURLcode code, CURL* easy) {
  if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY)
    return true;
  double connected_after_s = 0;
  curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME, &connected_after_s);
  return code == CURLE_OPERATION_TIMEDOUT && connected_after_s == 0;
}

/// A node that wants TLS hangs up on plain HTTP without a word.
bool looks_like_tls(CURLcode code, const Address& address) {
  return (code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR) && !address.answered &&
         address.url.starts_with("http://");
}

Error unreachable(CURLcode code, const Transfer& transfer, const Address& address) {
  const char* detail = transfer.detail[0] != '\0' ? transfer.detail.data() : curl_easy_strerror(code);
  std::string_view advice = "Check that it runs and that the address is right; the program goes on trying.";
  if (looks_like_tls(code, address))
    advice = "It hung up without a word, which looks like TLS: write the address with https:// and name the ca_file.";
  if (code == CURLE_SSL_CONNECT_ERROR)
    advice = "If that port does not speak TLS, write the address with http://; else check both sides' TLS versions.";
  return {Recovery::Retry, "es.unreachable", fmt::format("Elasticsearch at {}: {}. {}", address.url, detail, advice)};
}

Error transfer_error(CURLcode code, const Transfer& transfer, const Address& address) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return {
          Recovery::Retry, "es.timeout",
          fmt::format("Elasticsearch at {} did not answer in time. Look at its load; a longer request time-out helps "
                      "when it is just slow.",
                      address.url)};
    case CURLE_PEER_FAILED_VERIFICATION:
      return {Recovery::Stop, "es.tls_untrusted",
              fmt::format(
                  "the certificate of {} is not to be trusted: {}. Name the authority that signed it as ca_file, and "
                  "the host as the certificate does.",
                  address.url, transfer.detail.data())};
    case CURLE_SSL_CACERT_BADFILE:
      return {Recovery::Stop, "es.bad_ca_file",
              "the ca_file holds no usable certificates. Give a PEM file of the authorities."};
    case CURLE_WRITE_ERROR:
      return {Recovery::Retry, "es.bad_response",
              fmt::format("the answer of {} was longer than max_response_bytes. Use smaller bulks.", address.url)};
    case CURLE_PARTIAL_FILE:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_CONTENT_ENCODING:
      return {Recovery::Retry, "es.bad_response",
              fmt::format(
                  "the answer of {} is no whole HTTP reply ({}). Look for a proxy in between, and at the node's log.",
                  address.url, curl_easy_strerror(code))};
    default: return unreachable(code, transfer, address);
  }
}

}  // namespace

class HttpClient::Engine {
 public:
  explicit Engine(ConnectionOptions options) : options_(std::move(options)) {}
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  Result<void> open();
  void start(HttpCall& call);
  std::span<HttpCall* const> advance();
  pipeline::Wait waits_for() const;
  std::size_t under_way() const { return under_way_; }

 private:
  static int on_socket(CURL* easy, curl_socket_t socket, int what, void* user, void* known);
  static int on_timer(CURLM* multi, long timeout_ms, void* user);

  Transfer* idle_transfer();
  void configure(CURL* easy);
  void prepare(Transfer& transfer);
  void launch(Transfer& transfer);
  void move_sockets();
  void collect();
  void finish(Transfer& transfer, CURLcode code);
  bool goes_to_another_address(Transfer& transfer, CURLcode code);
  void note_reply(Transfer& transfer);
  std::size_t next_address();

  ConnectionOptions options_;
  std::vector<Address> addresses_;
  std::size_t last_address_ = 0;
  std::string authorization_;
  HeaderList json_headers_;
  HeaderList ndjson_headers_;
  int epoll_ = -1;
  std::optional<base::Deadline> timer_;
  Multi multi_;
  std::vector<std::unique_ptr<Transfer>> transfers_;
  std::size_t under_way_ = 0;
  std::vector<HttpCall*> ended_;
  std::vector<HttpCall*> returned_;
};

HttpClient::Engine::~Engine() {
  for (auto& transfer : transfers_) {
    if (transfer->call != nullptr) curl_multi_remove_handle(multi_.get(), transfer->easy.get());
    transfer->easy.reset();
  }
  // libcurl takes its sockets out of epoll while it closes them.
  multi_.reset();
  if (epoll_ >= 0) close(epoll_);
}

Result<void> HttpClient::Engine::open() {
  SLUICE_CHECK(initialise_libcurl(), "libcurl can be initialised");
  if (options_.addresses.empty())
    return base::fail(Recovery::Stop, "es.bad_address",
                      "no address of Elasticsearch is given. Add one, such as http://localhost:9200.");
  for (const std::string& address : options_.addresses) {
    SLUICE_ASSIGN(std::string url, checked_address(address));
    addresses_.push_back({std::move(url)});
  }
  last_address_ = addresses_.size() - 1;
  SLUICE_TRY(check_ca_file(options_.ca_file));
  SLUICE_TRY(check_api_key(options_.api_key));

  // `Expect:` switched off: a body is sent at once, without asking first.
  for (const auto& [list, type] : {std::pair{&json_headers_, "Content-Type: application/json"},
                                   std::pair{&ndjson_headers_, "Content-Type: application/x-ndjson"}}) {
    curl_slist* head = curl_slist_append(curl_slist_append(nullptr, type), "Expect:");
    if (!options_.api_key.empty())
      head = curl_slist_append(head, ("Authorization: ApiKey " + options_.api_key.reveal()).c_str());
    list->reset(head);
  }
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  multi_.reset(curl_multi_init());
  SLUICE_CHECK(epoll_ >= 0 && multi_, "there are descriptors and memory at the start");
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION, &Engine::on_socket);
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_.get(), CURLMOPT_TIMERFUNCTION, &Engine::on_timer);
  curl_multi_setopt(multi_.get(), CURLMOPT_TIMERDATA, this);
  return {};
}

int HttpClient::Engine::on_socket(CURL*, curl_socket_t socket, int what, void* user, void* known) {
  auto& engine = *static_cast<Engine*>(user);
  if (what == CURL_POLL_REMOVE) {
    epoll_ctl(engine.epoll_, EPOLL_CTL_DEL, socket, nullptr);
    return 0;
  }
  epoll_event event{};
  event.data.fd = socket;
  if (what & CURL_POLL_IN) event.events |= EPOLLIN;
  if (what & CURL_POLL_OUT) event.events |= EPOLLOUT;
  epoll_ctl(engine.epoll_, known == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket, &event);
  curl_multi_assign(engine.multi_.get(), socket, &engine);  // any pointer: the socket is known from now on
  return 0;
}

int HttpClient::Engine::on_timer(CURLM*, long timeout_ms, void* user) {
  auto& timer = static_cast<Engine*>(user)->timer_;
  if (timeout_ms < 0) {
    timer.reset();
  } else {
    timer = Clock::now() + base::Milliseconds(timeout_ms);
  }
  return 0;
}

Transfer* HttpClient::Engine::idle_transfer() {
  const auto idle = std::ranges::find_if(transfers_, [](const auto& transfer) { return transfer->call == nullptr; });
  if (idle != transfers_.end()) return idle->get();
  auto transfer = std::make_unique<Transfer>();
  transfer->easy.reset(curl_easy_init());
  SLUICE_CHECK(transfer->easy, "an easy handle is made unless memory is exhausted");
  transfer->max_response_bytes = options_.max_response_bytes;
  CURL* easy = transfer->easy.get();
  configure(easy);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer.get());
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->detail.data());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &take_reply);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer.get());
  return transfers_.emplace_back(std::move(transfer)).get();
}

void HttpClient::Engine::configure(CURL* easy) {
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");  // never the environment's http_proxy: a proxy is a decision
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, kKeepAliveIdleSeconds);
  curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, kUploadBufferBytes);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(options_.request_timeout.count()));
  if (!options_.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, options_.ca_file.c_str());
  if (options_.api_key.empty() && !options_.username.empty()) {
    curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(easy, CURLOPT_USERNAME, options_.username.c_str());
    curl_easy_setopt(easy, CURLOPT_PASSWORD, options_.password.reveal().c_str());
  }
}

void HttpClient::Engine::prepare(Transfer& transfer) {
  CURL* easy = transfer.easy.get();
  const HttpCall& call = *transfer.call;
  curl_easy_setopt(easy, CURLOPT_URL, (addresses_[transfer.address].url + call.path).c_str());
  const bool ndjson = call.body.ends_with('\n');
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, (ndjson ? ndjson_headers_ : json_headers_).get());
  if (call.method == Method::Get && call.body.empty()) {
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, nullptr);
    return;
  }
  static constexpr std::array<const char*, 3> kVerbs = {"GET", "PUT", "POST"};
  curl_easy_setopt(easy, CURLOPT_POST, 1L);
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, kVerbs[static_cast<std::size_t>(call.method)]);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call.body.empty() ? "" : call.body.data());
}

/// Round robin among those that are not resting; when all rest, the one that has rested longest.
std::size_t HttpClient::Engine::next_address() {
  const auto now = Clock::now();
  std::size_t best = (last_address_ + 1) % addresses_.size();
  for (std::size_t step = 1; step <= addresses_.size(); ++step) {
    const std::size_t candidate = (last_address_ + step) % addresses_.size();
    if (addresses_[candidate].rests_until <= now) return candidate;
    if (addresses_[candidate].rests_until < addresses_[best].rests_until) best = candidate;
  }
  return best;
}

void HttpClient::Engine::start(HttpCall& call) {
  Transfer* transfer = idle_transfer();
  transfer->call = &call;
  transfer->attempts = 0;
  ++under_way_;
  launch(*transfer);
}

void HttpClient::Engine::launch(Transfer& transfer) {
  transfer.address = last_address_ = next_address();
  ++transfer.attempts;
  transfer.detail[0] = '\0';
  transfer.call->status = 0;
  transfer.call->reply.clear();
  transfer.call->error.reset();
  prepare(transfer);
  // Adding sets the timer to now: the next advance() sends.
  const CURLMcode added = curl_multi_add_handle(multi_.get(), transfer.easy.get());
  SLUICE_CHECK(added == CURLM_OK, "an idle easy handle can be added");
}

std::span<HttpCall* const> HttpClient::Engine::advance() {
  move_sockets();
  collect();
  returned_.clear();
  returned_.swap(ended_);
  return returned_;
}

void HttpClient::Engine::move_sockets() {
  int running = 0;
  if (timer_ && *timer_ <= Clock::now()) {
    timer_.reset();
    curl_multi_socket_action(multi_.get(), CURL_SOCKET_TIMEOUT, 0, &running);
  }
  std::array<epoll_event, 16> events;
  const int ready = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < ready; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    int mask = 0;
    if (event.events & EPOLLIN) mask |= CURL_CSELECT_IN;
    if (event.events & EPOLLOUT) mask |= CURL_CSELECT_OUT;
    if (event.events & (EPOLLERR | EPOLLHUP)) mask |= CURL_CSELECT_ERR;
    curl_multi_socket_action(multi_.get(), event.data.fd, mask, &running);
  }
}

void HttpClient::Engine::collect() {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    Transfer* transfer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    curl_multi_remove_handle(multi_.get(), message->easy_handle);
    finish(*transfer, code);
  }
}

void HttpClient::Engine::finish(Transfer& transfer, CURLcode code) {
  if (code == CURLE_OK) {
    note_reply(transfer);
  } else {
    addresses_[transfer.address].rests_until = Clock::now() + options_.address_rest;
    if (goes_to_another_address(transfer, code)) return launch(transfer);
    transfer.call->error = transfer_error(code, transfer, addresses_[transfer.address]);
  }
  ended_.push_back(transfer.call);
  transfer.call = nullptr;
  --under_way_;
}

/// Only while nothing was sent: what was sent may have been applied, and that is for the caller to judge.
bool HttpClient::Engine::goes_to_another_address(Transfer& transfer, CURLcode code) {
  return transfer.attempts < addresses_.size() && never_connected(code, transfer.easy.get());
}

void HttpClient::Engine::note_reply(Transfer& transfer) {
  long status = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
  HttpCall& call = *transfer.call;
  call.status = static_cast<int>(status);
  call.reply.reserve(call.reply.size() + simdjson::SIMDJSON_PADDING);
  Address& address = addresses_[transfer.address];
  address.answered = true;
  // A gateway's word, or a node that is leaving: its neighbours may do better.
  const bool weak = status == 502 || status == 503 || status == 504;
  address.rests_until = weak ? Clock::now() + options_.address_rest : base::Deadline{};
}

pipeline::Wait HttpClient::Engine::waits_for() const { return {epoll_, POLLIN, timer_}; }

HttpClient::HttpClient(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
HttpClient::~HttpClient() = default;

Result<std::unique_ptr<HttpClient>> HttpClient::open(ConnectionOptions options) {
  auto engine = std::make_unique<Engine>(std::move(options));
  SLUICE_TRY(engine->open());
  return std::unique_ptr<HttpClient>(new HttpClient(std::move(engine)));
}

void HttpClient::start(HttpCall& call) { engine_->start(call); }
std::span<HttpCall* const> HttpClient::advance() { return engine_->advance(); }
pipeline::Wait HttpClient::waits_for() const { return engine_->waits_for(); }

void HttpClient::run(HttpCall& call) {
  SLUICE_CHECK(engine_->under_way() == 0, "run() is alone on its client");
  engine_->start(call);
  while (engine_->advance().empty()) {
    const pipeline::Wait wait = engine_->waits_for();
    int timeout_ms = -1;
    if (wait.deadline)
      timeout_ms = static_cast<int>(
          std::max<std::int64_t>(0, std::chrono::ceil<base::Milliseconds>(*wait.deadline - Clock::now()).count()));
    pollfd descriptor{wait.fd, wait.events, 0};
    poll(&descriptor, 1, timeout_ms);
  }
}

std::string path_segment(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
                       byte == '-' || byte == '_' || byte == '.' || byte == '~';
    if (plain) {
      out += character;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

}  // namespace sluice::elastic
