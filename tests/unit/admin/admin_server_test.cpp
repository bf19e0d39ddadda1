// Over the loopback interface, on a port that the kernel chooses.
#include "sluice/admin/admin_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sluice/admin/fetch.h"

using namespace sluice;
using admin::AdminServer;
using nlohmann::json;
using std::chrono::milliseconds;

namespace {

struct PlainStatus final : admin::Status {
  std::vector<admin::Reason> why;
  std::vector<admin::Reason> reasons() const override { return why; }
  std::string json() const override { return R"({"state":"streaming"})"; }
  void write_metrics(admin::MetricsText& out) const override {
    out.single("sluice_x_total", admin::MetricType::Counter, "X.", 5);
  }
  std::string pipeline_name() const override { return "p"; }
};

std::shared_ptr<PlainStatus> working() { return std::make_shared<PlainStatus>(); }

/// Writes bytes as they are and reads until the other side closes.
std::string talk(int port, const std::string& request) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
      send(fd, request.data(), request.size(), MSG_NOSIGNAL) >= 0) {
    char buffer[4'096];
    for (ssize_t got = 0; (got = recv(fd, buffer, sizeof(buffer), 0)) > 0;) {
      answer.append(buffer, static_cast<std::size_t>(got));
    }
  }
  close(fd);
  return answer;
}

std::string request(const std::string& method, const std::string& path, const std::string& headers = "") {
  const bool has_host = headers.find("Host:") != std::string::npos;
  return method + " " + path + " HTTP/1.1\r\n" + (has_host ? "" : "Host: localhost\r\n") + headers +
         "Connection: close\r\n\r\n";
}

bool is_answered_with(const std::string& answer, int code) {
  return answer.starts_with("HTTP/1.1 " + std::to_string(code) + " ");
}

class AdminServerTest : public testing::Test {
 protected:
  void listen(base::Secret token = {}) {
    auto started = AdminServer::start({"replicator", "1.2.3", "127.0.0.1:0", std::move(token)}, board);
    ASSERT_TRUE(started) << started.error().message;
    server = std::move(*started);
  }
  admin::Reply get(const std::string& path, const base::Secret& token = {}) {
    auto reply = admin::fetch("127.0.0.1:" + std::to_string(server->port()), path, token);
    EXPECT_TRUE(reply) << path;
    return reply ? *reply : admin::Reply{};
  }

  admin::StatusBoard board;
  std::unique_ptr<AdminServer> server;
};

}  // namespace

TEST_F(AdminServerTest, BeforeThePipelineHasSpokenItIsAliveButNotReady) {
  listen();
  EXPECT_EQ(get("/healthz").code, 200);
  EXPECT_EQ(get("/readyz").code, 503);
  const admin::Reply status = get("/status");
  EXPECT_EQ(status.code, 503);
  EXPECT_EQ(json::parse(status.body)["reasons"][0]["id"], "admin.starting");
}

TEST_F(AdminServerTest, AWorkingPipelineIsReadyAndItsStatusIsOneObject) {
  listen();
  board.publish(working(), milliseconds(60'000));
  EXPECT_EQ(get("/readyz").body, "ready\n");
  const admin::Reply status = get("/status");
  EXPECT_EQ(status.code, 200);
  EXPECT_EQ(json::parse(status.body), json::parse(R"({"healthy":true,"reasons":[],"state":"streaming"})"));
}

TEST_F(AdminServerTest, AReasonMakesStatusAndReadinessFailButNotLiveness) {
  listen();
  auto status = working();
  status->why = {{"kafka.parked", "Kafka takes nothing"}};
  board.publish(status, milliseconds(60'000));
  EXPECT_EQ(get("/status").code, 503);
  EXPECT_EQ(json::parse(get("/status").body)["reasons"][0]["id"], "kafka.parked");
  EXPECT_EQ(get("/readyz").body, "kafka.parked: Kafka takes nothing\n");
  EXPECT_EQ(get("/healthz").code, 200);
}

TEST_F(AdminServerTest, APipelineThatIsSilentForTooLongIsDead) {
  listen();
  board.publish(working(), milliseconds(-1));
  EXPECT_EQ(get("/healthz").code, 503);
  EXPECT_EQ(json::parse(get("/status").body)["reasons"][0]["id"], "admin.silent");
  EXPECT_NE(get("/metrics").body.find("sluice_alive{pipeline=\"p\"} 0\n"), std::string::npos);
}

TEST_F(AdminServerTest, TheMetricsCarryThePipelineAndTheBuild) {
  listen();
  board.publish(working(), milliseconds(60'000));
  const std::string text = get("/metrics").body;
  EXPECT_NE(text.find("sluice_x_total{pipeline=\"p\"} 5\n"), std::string::npos) << text;
  EXPECT_NE(text.find("sluice_build_info{pipeline=\"p\",program=\"replicator\",version=\"1.2.3\"} 1\n"),
            std::string::npos)
      << text;
  EXPECT_NE(talk(server->port(), request("GET", "/metrics")).find("text/plain; version=0.0.4"), std::string::npos);
}

TEST_F(AdminServerTest, ThePageLoadsNothingFromElsewhere) {
  listen();
  const std::string page = get("/").body;
  EXPECT_NE(page.find("<svg"), std::string::npos);
  for (const char* foreign : {"http://", "https://", "src=", "@import", "url("}) {
    EXPECT_EQ(page.find(foreign), std::string::npos) << foreign;
  }
}

TEST_F(AdminServerTest, ThePageIsWhole) {
  listen();
  const std::string page = get("/").body;
  EXPECT_TRUE(page.starts_with("<!doctype html>"));
  EXPECT_TRUE(page.ends_with("</html>\n"));
  for (const char* begun : {"<main>", "<style>", "<script>", "<template "}) {
    std::string ended = begun;
    ended.insert(1, "/");
    ended.back() = '>';
    EXPECT_LT(page.find(begun), page.find(ended)) << begun;
    EXPECT_NE(page.find(ended), std::string::npos) << ended;
  }
}

TEST_F(AdminServerTest, OnlyReadingIsAllowed) {
  listen();
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
    const std::string answer = talk(server->port(), request(method, "/status", "Content-Length: 0\r\n"));
    EXPECT_TRUE(is_answered_with(answer, 405)) << method << answer;
  }
  EXPECT_TRUE(is_answered_with(talk(server->port(), request("HEAD", "/healthz")), 200));
  EXPECT_TRUE(is_answered_with(talk(server->port(), request("GET", "/etc/passwd")), 404));
}

TEST_F(AdminServerTest, AWebPageCannotReadItUnderANameOfItsOwn) {
  listen();
  const auto as = [&](const std::string& host) {
    return talk(server->port(), request("GET", "/status", "Host: " + host + "\r\n"));
  };
  EXPECT_TRUE(is_answered_with(as("evil.example"), 403));
  EXPECT_TRUE(is_answered_with(as("127.evil.example:8080"), 403));
  EXPECT_TRUE(is_answered_with(as("localhost:8080"), 503));
  EXPECT_TRUE(is_answered_with(as("[::1]:8080"), 503));
}

TEST_F(AdminServerTest, WithATokenNothingIsToldWithoutIt) {
  listen(base::Secret("s3cret"));
  for (const char* path : {"/", "/status", "/metrics", "/healthz", "/readyz", "/nowhere"}) {
    EXPECT_EQ(get(path).code, 401) << path;
    EXPECT_EQ(get(path, base::Secret("s3creT")).code, 401) << path;
    EXPECT_EQ(get(path, base::Secret("s3cret1")).code, 401) << path;
  }
  EXPECT_EQ(get("/healthz", base::Secret("s3cret")).code, 200);
  // As a browser sends it: the password of Basic, "sluice:s3cret".
  const auto basic = request("GET", "/healthz", "Authorization: Basic c2x1aWNlOnMzY3JldA==\r\n");
  EXPECT_TRUE(is_answered_with(talk(server->port(), basic), 200));
}

TEST_F(AdminServerTest, AnEndlessHeaderIsRefusedAndTheServerLives) {
  listen();
  const std::string huge = "X-Long: " + std::string(100'000, 'x') + "\r\n";
  EXPECT_FALSE(is_answered_with(talk(server->port(), request("GET", "/status", huge)), 200));
  EXPECT_EQ(get("/healthz").code, 200);
}

TEST_F(AdminServerTest, APortInUseIsToldAndNotShared) {
  listen();
  const std::string address = "127.0.0.1:" + std::to_string(server->port());
  const auto second = AdminServer::start({"replicator", "1.2.3", address, {}}, board);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().id, "admin.port_taken");
  EXPECT_EQ(second.error().recovery, base::Recovery::Stop);
}

TEST_F(AdminServerTest, OtherHostsMayOnlyAskWithAToken) {
  for (const char* address : {"0.0.0.0:0", "[::]:0", "192.0.2.1:0", "127.evil.example:0"}) {
    const auto started = AdminServer::start({"replicator", "1.2.3", address, {}}, board);
    ASSERT_FALSE(started) << address;
    EXPECT_EQ(started.error().id, "admin.unsafe_bind") << address;
  }
  const auto with_token = AdminServer::start({"replicator", "1.2.3", "0.0.0.0:0", base::Secret("t")}, board);
  EXPECT_TRUE(with_token);
}

TEST_F(AdminServerTest, AnAddressThatIsNotOfThisHostIsNoTakenPort) {
  const auto started = AdminServer::start({"replicator", "1.2.3", "192.0.2.1:0", base::Secret("t")}, board);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().id, "admin.cannot_listen");
}

TEST(AdminFetch, NobodyThereIsAnErrorWithinItsPatience) {
  const auto reply = admin::fetch("127.0.0.1:1", "/status", {});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().id, "admin.no_answer");
}
